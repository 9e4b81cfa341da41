//! Real servers, when the environment names them; `tests/servers/conformance.sh` starts some.
//!
//! `CORSO_TEST_STORAGES` holds locations, separated by spaces, that must pass the suite, and
//! `CORSO_TEST_STORAGES_REFUSED` those that the probe must refuse. Credentials come from the
//! variables that the command line reads, too.

use repo_format::storage::{Credentials, Location, Property, Storage, StorageError, StorageOptions, testing};

fn storages(variable: &str) -> Vec<Storage> {
    let named = std::env::var(variable).unwrap_or_default();
    if named.is_empty() {
        eprintln!("skipped: {variable} names no server");
    }
    named.split_whitespace().map(|text| open(&text.parse().unwrap())).collect()
}

fn open(location: &Location) -> Storage {
    let env = |name: &str| std::env::var(name).ok();
    let credentials = Credentials::from_environment(location, &env).unwrap();
    Storage::open(location, &StorageOptions { credentials, ..Default::default() }).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn servers_conform() {
    for storage in storages("CORSO_TEST_STORAGES") {
        eprintln!("{}", storage.location());
        testing::conformance(&storage).await;
        testing::counters_count(&storage).await;
    }
}

#[tokio::test]
async fn servers_that_overwrite_are_refused() {
    for storage in storages("CORSO_TEST_STORAGES_REFUSED") {
        let refused = storage.probe().await.unwrap_err();
        eprintln!("{}: {refused}", storage.location());
        let property = Property::CreateIfAbsent;
        assert!(
            matches!(&refused, StorageError::MissingProperty { property: found, .. } if *found == property),
            "{refused:?}"
        );
    }
}

/// A bucket that is not there. Some servers create it with the first blob, others say so.
#[tokio::test]
async fn a_missing_bucket_is_not_a_missing_blob() {
    for storage in storages("CORSO_TEST_STORAGES") {
        let mut location = storage.location().clone();
        match &mut location {
            Location::S3 { bucket, .. } => *bucket = "no-such-bucket".to_string(),
            Location::Azure { container, .. } => *container = "no-such-container".to_string(),
            _ => continue,
        }
        let storage = open(&location);
        let missing = storage.list("").await.unwrap_err();
        assert!(matches!(missing, StorageError::LocationMissing { .. }), "{missing:?}");
        if let Err(missing) = storage.probe().await {
            assert!(matches!(missing, StorageError::LocationMissing { .. }), "{missing:?}");
        }
    }
}

/// Wrong keys are refused at once, not repeated. (moto looks at no keys.)
#[tokio::test]
async fn wrong_keys_are_denied() {
    for storage in storages("CORSO_TEST_STORAGES") {
        let wrong = |name: &str| match name {
            "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("wrong".to_string()),
            "AZURE_STORAGE_KEY" => Some("d3Jvbmc=".to_string()),
            _ => None,
        };
        let credentials = Credentials::from_environment(storage.location(), &wrong).unwrap();
        let options = StorageOptions { credentials, ..Default::default() };
        let storage = Storage::open(storage.location(), &options).unwrap();
        if let Err(denied) = storage.list("").await {
            eprintln!("{}: {denied}", storage.location());
            assert!(matches!(denied, StorageError::Denied { .. }), "{denied:?}");
        }
    }
}

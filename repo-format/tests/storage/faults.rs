//! Lost replies, failures before and after the effect, and stores that only pretend.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use object_store::ObjectStore;
use object_store::memory::InMemory;
use repo_format::storage::testing::{self, Fault, FaultyStore, OverwritingStore};
use repo_format::storage::{Location, Property, Put, Storage, StorageError, StorageOptions};

use crate::name;

fn over(store: impl ObjectStore) -> Storage {
    Storage::from_object_store(Arc::new(store), Location::Memory, testing::impatient())
}

fn scripted(inner: &Arc<InMemory>, script: &[Fault]) -> Storage {
    over(FaultyStore::scripted(inner.clone(), script.iter().copied()))
}

#[tokio::test]
async fn a_create_whose_reply_was_lost_is_mine() {
    let inner = Arc::new(InMemory::new());
    let storage = scripted(&inner, &[Fault::After]);
    let put = storage.put_new(&name("log/1"), Bytes::from("ours")).await.unwrap();
    assert_eq!(put, Put::Mine);
    assert_eq!(storage.counters().puts, 1, "it was read back, not written again");
}

#[tokio::test]
async fn a_create_that_never_arrived_is_repeated() {
    let inner = Arc::new(InMemory::new());
    let storage = scripted(&inner, &[Fault::Before]);
    let put = storage.put_new(&name("log/1"), Bytes::from("ours")).await.unwrap();
    assert_eq!(put, Put::Mine);
    assert_eq!(storage.counters().puts, 2);
}

#[tokio::test]
async fn a_lost_race_is_theirs_through_any_fault() {
    for fault in [Fault::None, Fault::Before, Fault::After] {
        let inner = Arc::new(InMemory::new());
        scripted(&inner, &[]).put_new(&name("log/1"), Bytes::from("theirs")).await.unwrap();
        let storage = scripted(&inner, &[fault]);
        let put = storage.put_new(&name("log/1"), Bytes::from("ours")).await.unwrap();
        assert_eq!(put, Put::Theirs("theirs".into()), "{fault:?}");
    }
}

#[tokio::test]
async fn a_read_back_that_fails_is_repeated_too() {
    let inner = Arc::new(InMemory::new());
    let storage = scripted(&inner, &[Fault::After, Fault::Before, Fault::After]);
    let put = storage.put_new(&name("log/1"), Bytes::from("ours")).await.unwrap();
    assert_eq!(put, Put::Mine);
}

#[tokio::test]
async fn without_patience_the_failure_is_reported() {
    let options = StorageOptions { retries_max: 0, ..testing::impatient() };
    let store = FaultyStore::scripted(Arc::new(InMemory::new()), [Fault::Before]);
    let storage = Storage::from_object_store(Arc::new(store), Location::Memory, options);
    let error = storage.put_new(&name("log/1"), Bytes::from("ours")).await.unwrap_err();
    assert!(matches!(error, StorageError::Unreachable { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_writer_wins_each_name_whatever_the_faults() {
    for seed in 0..20 {
        let inner: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let writers = (0..4u64).map(|writer| {
            let storage = over(FaultyStore::seeded(inner.clone(), seed * 100 + writer, 300));
            async move {
                let mut won = Vec::new();
                for number in 0..25 {
                    let bytes = Bytes::from(format!("{writer}"));
                    let blob = name(&format!("log/{number}"));
                    if storage.put_new(&blob, bytes).await.unwrap() == Put::Mine {
                        won.push(number);
                    }
                }
                won
            }
        });
        let mut won: Vec<u32> = join_all(writers).await.into_iter().flatten().collect();
        won.sort_unstable();
        assert!(won.into_iter().eq(0..25), "seed {seed}");
    }
}

#[tokio::test]
async fn the_suite_passes_through_faults() {
    let folder = tempfile::tempdir().unwrap();
    for (seed, inner) in
        [(1, Arc::new(InMemory::new()) as Arc<dyn ObjectStore>), (2, testing::folder_store(folder.path()))]
    {
        let storage = over(FaultyStore::seeded(inner, seed, 100));
        testing::conformance(&storage).await;
    }
}

#[tokio::test]
async fn a_store_that_overwrites_is_refused() {
    let storage = over(OverwritingStore(Arc::new(InMemory::new())));
    let refused = storage.probe().await.unwrap_err();
    let property = Property::CreateIfAbsent;
    assert!(
        matches!(&refused, StorageError::MissingProperty { property: found, .. } if *found == property),
        "{refused:?}"
    );
    assert!(refused.to_string().contains("create-if-absent"));
    assert!(storage.list("").await.unwrap().is_empty(), "the probe cleans up");
}

#[tokio::test(start_paused = true)]
async fn silence_is_a_time_out() {
    let slow = object_store::throttle::ThrottledStore::new(
        InMemory::new(),
        object_store::throttle::ThrottleConfig {
            wait_get_per_call: Duration::from_secs(3600),
            ..Default::default()
        },
    );
    let storage = Storage::from_object_store(Arc::new(slow), Location::Memory, StorageOptions::default());
    let error = storage.get(&name("blob")).await.unwrap_err();
    assert!(matches!(error, StorageError::TimedOut { .. }), "{error:?}");
    assert!(storage.counters().gets > 3, "it was tried more than once");
}

//! Every storage against the one suite, and storages that fail.

mod faults;
mod folder;
mod servers;

use repo_format::storage::{BlobName, Storage, testing};

/// A blob name that the tests know to be good.
fn name(text: &str) -> BlobName {
    BlobName::new(text).unwrap()
}

#[tokio::test]
async fn memory_conforms() {
    testing::conformance(&Storage::memory()).await;
    testing::counters_count(&Storage::memory()).await;
}

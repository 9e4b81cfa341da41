//! Every storage against the one suite, and storages that fail.

mod faults;
mod folder;
mod http;
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

#[tokio::test]
async fn every_request_can_run_in_a_task_of_its_own() {
    let storage = Storage::memory();
    let clone = storage.clone();
    let task = tokio::spawn(async move {
        clone.probe().await?;
        clone.put_new(&name("blob"), "bytes".into()).await?;
        clone.get_range(&name("blob"), 0..2).await?;
        clone.sweep_staging().await?;
        clone.list_after("", "", 1).await
    });
    assert_eq!(task.await.unwrap().unwrap().len(), 1);
    assert_eq!(storage.get(&name("blob")).await.unwrap(), "bytes", "clones share their blobs");
}

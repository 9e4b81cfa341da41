//! What tests of storages are made of: the suite that every storage passes, and stores that fail.
//!
//! Other crates use it through the feature `testing`.

mod faulty;
mod lagging;
mod locking;
mod overwriting;
mod suite;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use object_store::ObjectStore;

use super::folder::FolderStore;
use super::network::ServerFailure;
use super::options::StorageOptions;
pub use crate::system::Random;

pub use faulty::{Fault, FaultyStore};
pub use lagging::LaggingStore;
pub use locking::LockingStore;
pub use overwriting::OverwritingStore;
pub use suite::{conformance, counters_count};

/// The folder storage as an object store, to put faults in front of it.
///
/// # Panics
///
/// If `root` is no folder.
pub fn folder_store(root: &Path) -> Arc<dyn ObjectStore> {
    Arc::new(FolderStore::open(root).expect("the folder is there"))
}

/// What a store behind a network says when its server answers with this status.
pub fn server_answer(status: u16) -> object_store::Error {
    let source = Box::new(ServerFailure::new(status, None, ""));
    object_store::Error::Generic { store: "faulty", source }
}

/// Options that repeat at once, for stores that fail by plan and not by load.
pub fn impatient() -> StorageOptions {
    StorageOptions {
        retry_delay: Duration::from_millis(1),
        retry_delay_max: Duration::from_millis(4),
        ..StorageOptions::default()
    }
}

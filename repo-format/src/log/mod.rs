//! The log: how anything becomes true.
//!
//! Owns records and their chain, catalogs, the state they fold to, commits, and the memory of what
//! was seen. Safe without clocks, leases or locks: create-if-absent decides who commits. Knows
//! nothing of what packs, index segments and manifests hold. All calls block.
//!
//! ```
//! # use repo_format::{codec::*, format::slot::SlotKind, log::*, storage::*};
//! # use std::{convert::Infallible, sync::Arc};
//! # let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
//! let blobs = Blobs::new(Storage::memory(), runtime.handle().clone());
//! let keys = Arc::new(MasterKey::random()?.subkeys());
//! let slot = SlotInfo { id: SlotId::random()?, kind: SlotKind::Passphrase, label: "mine".into() };
//! let genesis = Genesis { splitter: SplitterSizes::DEFAULT, slots: vec![slot], parameters: vec![] };
//! let log = Log::create(blobs, keys, RepoId::random()?, LogOptions::default(), &genesis)?;
//!
//! let policy = Action::PutPolicy { name: "keep".into(), value: Some(vec![0x05]) };
//! let committed = log.commit::<Infallible>(|_state| Ok(vec![policy.clone()]))?;
//! assert_eq!(committed.revision, 2);
//! assert_eq!(log.state().policies["keep"], [0x05]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod action;
pub mod catalog;
mod commit;
mod create;
mod doubt;
mod error;
mod features;
mod fold;
mod handle;
mod hold;
mod listed;
pub mod manifests;
mod memory;
mod mend;
mod parts;
mod promotion;
mod read;
pub mod record;
mod row;
mod sealed;
mod snapshot_state;
mod source;
mod state;
mod survey;
pub(crate) mod tags;
mod trim;
mod validate;
mod write_catalog;

#[cfg(test)]
mod tests;

pub use action::Action;
pub use commit::Committed;
pub use create::Genesis;
pub use error::{CommitError, LogError, Warning};
pub use handle::{Log, LogOptions};
pub use hold::Hold;
pub(crate) use listed::{catalogs, records_from};
pub use manifests::RowsError;
pub use memory::{Memory, Seen};
pub use parts::{BlobRef, FeatureScope, ManifestSegmentRef, SlotInfo};
pub(crate) use promotion::is_promoted;
pub use record::{Record, WriterInfo};
pub use row::ManifestRow;
pub use sealed::BlobError;
pub use snapshot_state::SnapshotState;
pub use source::SourceInfo;
pub use state::{Floor, SPLITTER, SegmentRows, State, encode_splitter};
pub(crate) use survey::is_far_above;
pub use survey::{Lost, Survey};
pub(crate) use trim::CATALOGS_KEPT;
pub use trim::{Locked, Trimmed};
pub use validate::Invalid;

//! Copies: a repository carried to a second storage, blob by blob, without its keys.
//!
//! Owns what a copy is made of and in which order, how it is kept up with its source, what leaves it
//! again, and how it becomes a repository of its own (spec chapter 11). Knows nothing of what is sealed
//! in the blobs; only removing and promoting, which must know what a state needs, take an open repository.
//!
//! 1. `place`: whose repository it is, and that the copy may be written to.
//! 2. `look`: what the source holds, of which nothing is gone that it needs.
//! 3. `transfer`: slots, packs and segments; each is hashed before it is written.
//! 4. `publish`: records and catalogs, so that a reader finds a whole state at every moment.
//! 5. What vanished from the source meanwhile: look again.
//!
//! # Memory
//!
//! One blob for each thread, and about 200 bytes for each blob of either side.

mod error;
mod look;
mod options;
mod place;
mod promote;
mod publish;
mod report;
mod run;
mod stale;
mod transfer;

pub use error::SyncError;
pub use options::SyncOptions;
pub use promote::{Gap, gaps, promote};
pub use report::{Damage, Removed, SyncReport};
pub use run::sync;
pub use stale::remove_stale;

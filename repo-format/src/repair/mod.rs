//! Repair: what is damaged or lost is put right as far as redundancy goes.
//!
//! Owns four repairs, each of which looks first and says what it would do, and only ever adds:
//!
//! - [`log()`]: records that are lost count as empty, a log that is lost begins anew, and the snapshots that
//!   they told of are found again in packs. Nothing is reclaimed until [`settle()`] has a verification.
//! - [`index()`]: segments that are lost or damaged are made again from the packs' own footers, and so
//!   is every row that no segment has.
//! - [`packs()`]: packs that a verification found wanting are quarantined for all clients, so that the
//!   next backup stores again what they held; what can still be read of them is copied; those that turn
//!   out whole are trusted again.
//! - [`snapshots()`]: snapshots that need what is nowhere any more get a successor without it. The old
//!   one stays until somebody forgets it.
//!
//! Run in this order, after each other, they leave a repository that verifies clean and that
//! maintenance can work on, once the snapshots that were replaced are forgotten.

mod error;
mod index;
mod leaves;
mod log;
mod packs;
mod salvage;
mod snapshots;
mod tree;

/// So often it is looked again because somebody else wrote to the log meanwhile.
const TRIES: usize = 5;

pub use error::RepairError;
use error::unless_lost;
pub use index::{IndexRepair, index};
pub use log::{Left, LogRepair, LogRepairOptions, REVIVED, Revived, log, settle};
pub use packs::{PackRepair, packs};
pub use snapshots::{REPAIRED_FROM, Repaired, SnapshotRepair, snapshots};

//! Ledgers: what a service knows of its items and where their contents are, in layers (SNAP-8).
//!
//! Owns layers: maps from an item's key to an entry, of which the later one hides the earlier. A
//! checkpoint adds a small layer instead of writing the whole map anew; small layers are merged now
//! and then, and a finished run folds all into one. Knows nothing of what a service writes into its
//! entries, nor of how its keys are made.
//!
//! [`Ledger`] reads; [`WorkingLedger`] also takes changes, keeps them in memory, and stores them as
//! layers. Contents that were stored can be read only once a commit names their packs. So a working
//! ledger goes on reading what it had until it is told that the commit is done
//! ([`WorkingLedger::settle`]).

mod aside;
mod edit;
mod entry;
mod merge;
mod read;
mod size;
mod working;

pub use aside::{Aside, AsidePart};
pub use edit::LedgerEdit;
pub use entry::LedgerEntry;
pub use merge::{Change, Changes};
pub use read::{Entries, Ledger};
pub use working::WorkingLedger;

/// Most layers of a ledger (SNAP-8).
pub const LAYERS_MAX: usize = 16;

#[cfg(test)]
mod tests;

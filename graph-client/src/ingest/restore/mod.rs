//! Putting a snapshot of a drive back into a drive.
//!
//! Owns the order of things: the tree is walked on the caller's thread, folders are made or merged as
//! they are needed, and files are handed to threads that upload them. Knows nothing of byte layouts
//! nor of how calls are tried again. All waits for the network happen on the runtime whose handle it
//! is given.
//!
//! What makes it safe to kill at any moment and to run again:
//!
//! - the final name of a file is in the journal before the call that makes it;
//! - that call says `fail`, so it can overwrite nothing, and a name that turns out to be taken is
//!   looked at: with our size and hash it is ours, from a call whose answer was lost;
//! - `replace` uploads under a name of its own first, and swaps when all is there.
//!
//! A file with bytes goes by an upload session even if it is small: the session sets its times, where
//! a PUT and a PATCH would cost as many calls and leave a second version. Empty files cannot.
//!
//! | memory | for |
//! |---|---|
//! | a fragment of 10 MiB and a window of 8 MiB | each thread |
//! | the children that were there before | each folder on the way to the one at hand, if it was there |
//! | 32 bytes and a hash of its name | each file that an earlier run restored |

mod bytes;
mod decide;
mod destination;
mod error;
mod file;
mod folder;
mod give;
mod grants;
mod journal;
mod key;
mod meta;
mod names;
mod place;
mod report;
mod run;
mod select;
mod send;
mod settle;
mod tally;
mod target;
mod upload;
mod verify;
mod walk;

pub use error::DriveRestoreError;
pub use journal::JournalError;
pub use report::{DriveRestoreReport, RestoredItem};
pub use run::{RestoreFrom, restore_drive};
pub use select::{Candidate, Choice};
pub use target::{Collisions, RestoreTarget};

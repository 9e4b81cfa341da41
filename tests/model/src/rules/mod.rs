//! What the log's records mean and when one may be appended (LOG-7, FOLD-1), in abstract form.
//!
//! Bytes, hashes and keys are left out: an ID is a number, a segment is the set of places it names.
//! Both the checked model and the acceptance of traces go by these rules and no others.

mod action;
mod fold;
mod rule;
mod validate;

pub use action::{Action, Blob, Blobs, Id, Ids, Location, Locations, Record, Revision, Segment};
pub use fold::{Snapshot, State};
pub use rule::{Refusal, Rule};

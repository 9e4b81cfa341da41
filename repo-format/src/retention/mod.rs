//! Retention of what is there: which blobs have to be locked, and how that goes on for as long as they are needed.
//!
//! Owns the set of blobs that the state needs, and the extension of their locks. A put locks a blob by itself
//! ([`Repository::retention`](crate::repository::Repository::retention)); maintenance extends
//! ([`extend()`]), verification compares. No lock keeps maintenance from anything but deleting, and nothing in the
//! repository is safe or unsafe because of one: they are for whoever holds the keys of the storage and means harm.

mod extend;
mod needed;

pub use extend::{Extended, extend};
pub(crate) use needed::needed;

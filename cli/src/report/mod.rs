//! Results, as text for people and as JSON lines for programs.
//!
//! Every message is one type that serialises by the documented schema (`docs/json.md`) and shows
//! itself as text. Knows nothing of where results come from.

pub mod backup;
pub mod create;
pub mod demo;
pub mod doctor;
pub mod entry;
pub mod export;
pub mod health;
pub mod maintenance;
pub mod message;
mod name;
mod output;
pub mod pack;
pub mod policy;
pub mod repair;
pub mod repository;
pub mod restore;
pub mod retention;
pub mod snapshot;
pub mod summary;
pub mod sync;
#[cfg(test)]
mod tests;
mod time;
pub mod verify;

pub use entry::Item;
pub use message::Message;
pub use name::{Escaped, PathText};
pub use output::Output;
pub use time::Time;

use std::fmt;

/// A number of bytes as people read it.
pub struct Size(pub u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Through `pad`, so that columns can be aligned.
        f.pad(&indicatif::BinaryBytes(self.0).to_string())
    }
}

/// `1 file`, `2 files`.
pub struct Count(pub u64, pub &'static str);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Count(number, noun) = self;
        let plural = if *number == 1 { "" } else { "s" };
        write!(f, "{} {noun}{plural}", indicatif::HumanCount(*number))
    }
}

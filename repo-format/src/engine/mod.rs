//! The engine: turns a [`source::Source`] into a snapshot and a snapshot into a [`sink::Sink`].

pub mod progress;
pub mod restore;
pub mod sink;
pub mod source;
mod upload;

pub use restore::{RestoreError, RestoreOptions, RestoreReport, cat, restore};
pub use upload::{BackupError, BackupOptions, BackupReport, backup};

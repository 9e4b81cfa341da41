//! The engine: turns a [`source::Source`] or a [`feed`] into a snapshot and a snapshot into a
//! [`sink::Sink`].

mod again;
mod cutting;
mod each;
pub mod feed;
mod parts;
pub mod progress;
mod publish;
pub mod restore;
pub mod select;
pub mod sink;
pub mod source;
pub mod steps;
mod store;
mod upload;

pub use again::again_if_outdated;
pub(crate) use each::each;
pub use restore::{
    Broken, InOrder, RestoreError, RestoreOptions, RestoreReport, cat, restore, restore_selected,
};
pub use upload::{BackupError, BackupOptions, BackupReport, backup};

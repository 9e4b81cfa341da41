//! A local folder as [`Source`](repo_format::engine::source::Source) and
//! [`Sink`](repo_format::engine::sink::Sink) of the engine, a comparison of two trees; exports, which
//! go to any system under names that it takes; and the selection of what is meant.
//!
//! Knows file systems: descriptors, metadata, links, holes, ignore files. Never hears of Graph,
//! the terminal or the bytes of a repository. Everything is addressed relative to an open folder
//! and never through a symbolic link below it, so a tree that changes under the walk cannot lead
//! it astray, and a path may be longer than the system takes in one piece.
//!
//! What is particular to Unix (Linux, to be exact: `statx`, `openat2`, `/proc/self/fd`) lives in
//! `unix`; the rest is written in its terms.

#![forbid(unsafe_code)]

#[cfg(not(target_os = "linux"))]
compile_error!("local folders are read and written with system calls of Linux so far");

mod compare;
mod error;
pub mod export;
mod fold;
mod select;
mod sink;
mod source;
mod unix;

pub use compare::{Aspect, CompareOptions, Difference, compare};
pub use error::FolderError;
pub use fold::fold;
pub use select::{Meant, Scope, SelectError, Selector, Terms};
pub use sink::{FolderSink, Overwrite, OwnerPolicy, SinkFile, SinkOptions};
pub use source::{FolderHandle, FolderSource, SourceOptions, check_patterns};

//! Corso's repository: a deduplicating, encrypted, versioned store on any object storage.
//!
//! Knows bytes, keys, blobs, and the engine between a source and a snapshot, a snapshot and a
//! sink. Never hears of Graph, HTTP APIs, the terminal or the environment. The bytes are fixed by
//! the project's `spec/`; doc comments cite its clauses.
//!
//! Each module uses those above it in this list, never those below.

pub mod system;

pub mod storage;

pub mod codec;

pub mod cbor;

pub mod format;

pub mod pack;

pub mod log;

pub mod index;

pub mod content;

pub mod object;

pub mod map;

pub mod tree;

pub mod ledger;

pub mod coverage;

pub mod snapshot;

pub mod reach;

pub mod policy;

pub mod repository;

pub mod engine;

pub mod retention;

pub mod verify;

pub mod maintenance;

pub mod repair;

pub mod sync;

//! Corso's repository: storage, keys, packs, contents, index, log, snapshots, and the engine.

pub mod storage;

//! What is fuzzed: one function for each decoder of bytes from outside.
//!
//! A target takes any bytes and must neither panic nor allocate what they ask for. It also checks
//! what must hold when the bytes are accepted. Sealed forms are reached by sealing the fuzzer's bytes
//! with a fixed key, as a writer gone wrong would. The fuzzer (`fuzz/run.sh`) and the ordinary test
//! run (`tests/tests/fuzz_corpus.rs`) both take their targets from [`TARGETS`]; a new one is a module
//! and a line there.

mod body;
mod boxed_value;
mod copy_marker;
mod export_name;
mod fold;
mod forge;
mod forged_contents;
mod format_blob;
mod frame;
mod graph;
mod index_table;
mod ingest;
mod log;
mod manifest_segment;
mod map;
mod map_node;
mod names;
mod object;
mod pack_footer;
mod recovery_key;
mod segment;
mod selector;
mod slot;
mod splitter;

/// A decoder under test.
pub struct Target {
    /// The name of its corpus folder.
    pub name: &'static str,
    /// Feeds it; `true` if the bytes were accepted.
    pub run: fn(&[u8]) -> bool,
    /// Inputs to start from; it accepts at least one.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target { name: "blob_name", run: names::blob, seeds: names::blob_seeds },
    Target { name: "boxed_value", run: boxed_value::run, seeds: boxed_value::seeds },
    Target { name: "catalog", run: log::catalog, seeds: log::catalog_seeds },
    Target { name: "copy_marker", run: copy_marker::run, seeds: copy_marker::seeds },
    Target { name: "coverage_entry", run: body::coverage_entry, seeds: body::coverage_entry_seeds },
    Target { name: "delta_page", run: graph::delta_page, seeds: graph::delta_page_seeds },
    Target { name: "drive_cursor", run: ingest::cursor, seeds: ingest::cursor_seeds },
    Target { name: "drive_item", run: ingest::known, seeds: ingest::known_seeds },
    Target { name: "error_body", run: graph::error_body, seeds: graph::error_body_seeds },
    Target { name: "export_name", run: export_name::run, seeds: export_name::seeds },
    Target { name: "failure", run: body::failure, seeds: body::failure_seeds },
    Target { name: "fold", run: fold::run, seeds: fold::seeds },
    Target { name: "format_blob", run: format_blob::run, seeds: format_blob::seeds },
    Target { name: "frame", run: frame::run, seeds: frame::seeds },
    Target { name: "index_table", run: index_table::run, seeds: index_table::seeds },
    Target { name: "ledger_entry", run: body::ledger_entry, seeds: body::ledger_entry_seeds },
    Target { name: "location", run: names::location, seeds: names::location_seeds },
    Target { name: "manifest", run: body::manifest, seeds: body::manifest_seeds },
    Target { name: "manifest_segment", run: manifest_segment::run, seeds: manifest_segment::seeds },
    Target { name: "map", run: map::run, seeds: map::seeds },
    Target { name: "map_node", run: map_node::run, seeds: map_node::seeds },
    Target { name: "object", run: object::run, seeds: object::seeds },
    Target { name: "object_ref", run: body::object_ref, seeds: body::object_ref_seeds },
    Target { name: "pack_footer", run: pack_footer::run, seeds: pack_footer::seeds },
    Target { name: "part", run: body::part, seeds: body::part_seeds },
    Target { name: "policy", run: body::policy, seeds: body::policy_seeds },
    Target { name: "record", run: log::record, seeds: log::record_seeds },
    Target { name: "recovery_key", run: recovery_key::run, seeds: recovery_key::seeds },
    Target { name: "retention", run: body::retention, seeds: body::retention_seeds },
    Target { name: "retry_after", run: graph::wait, seeds: graph::wait_seeds },
    Target { name: "segment", run: segment::run, seeds: segment::seeds },
    Target { name: "selector", run: selector::run, seeds: selector::seeds },
    Target { name: "slot", run: slot::run, seeds: slot::seeds },
    Target { name: "splitter", run: splitter::run, seeds: splitter::seeds },
    Target { name: "tree_entry", run: body::entry, seeds: body::entry_seeds },
    Target { name: "tree_key", run: names::tree_key, seeds: names::tree_key_seeds },
];

/// The target with this name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

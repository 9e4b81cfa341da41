//! What may not be there: one short test for each rule of the corridor (ARCHITECTURE.md).
//!
//! A failing test prints `file:line: the line` of each offence.

mod modules;
mod sources;

use sources::{Line, code, dependencies, every_line, none};

/// The crates below the command line.
const LIBRARIES: [&str; 2] = ["repo-format", "folder"];
/// The client of Microsoft Graph, which is a library, too.
const CLIENT: &str = "graph-client";
/// Where the client meets the repository: nowhere else.
const INGEST: &str = "graph-client/src/ingest";
/// All crates whose code ships.
const CRATES: [&str; 4] = ["repo-format", "folder", CLIENT, "cli"];

/// Words of Microsoft 365, of HTTP clients, and of the terminal.
const GRAPH: &[&str] = &["graph", "m365", "onedrive", "sharepoint"];
const HTTP: &[&str] = &["reqwest", "hyper"];
const TERMINAL: &[&str] = &["clap", "indicatif", "comfy", "rpassword", "isatty", "terminal"];

#[test]
fn repo_format_never_hears_of_graph_or_the_terminal() {
    none(code("repo-format").filter(|line| line.has_word(GRAPH) || line.has_word(TERMINAL)));
}

#[test]
fn repo_format_depends_on_no_graph_terminal_or_later_crate() {
    let later = ["folder", "corso", "graph-client", "reqwest", "anyhow", "clap", "indicatif"];
    none(dependencies("repo-format").filter(|line| later.contains(&line.dependency())));
}

#[test]
fn threads_locks_time_and_randomness_come_from_one_place() {
    let ways = [
        ("parking_lot", "crossbeam"),
        ("thread::scope", "thread::spawn"),
        ("Instant::now", "SystemTime::now"),
        ("getrandom::fill", "getrandom::u"),
        ("time::sleep", "runtime.spawn"),
    ];
    let elsewhere = code("repo-format").filter(|line| !line.path.starts_with("repo-format/src/system"));
    none(elsewhere.filter(|line| ways.iter().any(|(one, other)| line.has(one) || line.has(other))));
}

#[test]
fn no_crate_that_ships_is_built_with_simulated_processes() {
    let simulated = CRATES.into_iter().flat_map(code).filter(|line| line.has("system::simulated"));
    none(simulated.filter(|line| !line.path.starts_with("repo-format/src/system")));
}

#[test]
fn repo_format_never_reads_the_environment() {
    none(code("repo-format").filter(|line| line.has("std::env") || line.has("env::var")));
}

#[test]
fn only_storages_on_a_network_hear_of_http() {
    let network = "repo-format/src/storage/network";
    let lines = LIBRARIES.into_iter().flat_map(code);
    none(lines.filter(|line| line.has_word(HTTP) && !line.path.starts_with(network)));
}

#[test]
fn folder_never_hears_of_graph_or_the_terminal() {
    none(code("folder").filter(|line| line.has_word(GRAPH) || line.has_word(TERMINAL)));
}

#[test]
fn folder_and_cli_know_no_byte_layouts() {
    let layouts = ["repo_format::cbor", "repo_format::pack"];
    let above = code("folder").chain(code("cli"));
    none(above.filter(|line| layouts.iter().any(|layout| line.has(layout))));
}

#[test]
fn graph_client_never_hears_of_the_terminal_or_the_environment() {
    let environment = ["std::env", "env::var"];
    let reads = |line: &Line| environment.iter().any(|name| line.has(name));
    none(code(CLIENT).filter(|line| line.has_word(TERMINAL) || reads(line)));
    let above = ["clap", "indicatif", "comfy-table", "rpassword", "anyhow", "folder", "corso", "graph-sim"];
    none(dependencies(CLIENT).filter(|line| above.contains(&line.dependency())));
}

#[test]
fn only_ingestion_knows_the_repository() {
    let outside = code(CLIENT).filter(|line| !line.path.starts_with(INGEST));
    none(outside.filter(|line| line.has("repo_format") || line.has("crate::ingest")));
}

#[test]
fn graph_client_knows_no_byte_layouts() {
    let layouts = ["repo_format::pack", "repo_format::log"];
    none(code(CLIENT).filter(|line| layouts.iter().any(|layout| line.has(layout))));
}

#[test]
fn every_request_takes_the_one_way_out() {
    let way = ["graph-client/src/http/pools.rs", "graph-client/src/http/attempt.rs"];
    let sends = [".execute(", "Client::builder", "Client::new", ".send()"];
    let outside = code(CLIENT).filter(|line| way.iter().all(|file| !line.path.starts_with(file)));
    none(outside.filter(|line| sends.iter().any(|send| line.has(send))));
}

#[test]
fn only_cli_prints() {
    let prints = ["println!", "eprintln!", "print!", "eprint!", "dbg!", "io::stdout", "io::stderr"];
    let lines = LIBRARIES.into_iter().chain([CLIENT]).flat_map(code);
    none(lines.filter(|line| prints.iter().any(|print| line.has(print))));
}

#[test]
fn a_module_uses_only_what_stands_left_of_it() {
    none(modules::uses("repo-format").filter(modules::Use::is_offence));
}

#[test]
fn imports_name_their_module_so_that_the_order_can_be_checked() {
    none(code("repo-format").filter(|line| line.has("crate::{") || line.has("crate::*")));
}

#[test]
fn every_module_has_its_place_in_the_order() {
    assert_eq!(modules::unplaced("repo-format"), Vec::<String>::new());
}

#[test]
fn nothing_is_silenced_or_left_open() {
    let open = ["allow(dead_code)", "allow(unused", "todo!", "unimplemented!"];
    let lines = CRATES.into_iter().flat_map(every_line);
    none(lines.filter(|line: &Line| open.iter().any(|mark| line.has(mark))));
}

#[test]
fn unwrap_is_for_tests() {
    none(CRATES.into_iter().flat_map(code).filter(|line| line.has(".unwrap()")));
}

//! `corso`: flags to calls, results to text or JSON, errors to exit codes and hints.
//!
//! The only crate that prints and the only one that reads the environment. Never hears of byte
//! layouts. Start reading at [`app::run`]; `args` is what may be typed, `cmd` what it does,
//! `report` what comes out.

#![forbid(unsafe_code)]

mod app;
mod args;
mod cmd;
mod config;
mod exit;
mod logging;
mod progress;
mod report;
mod secret;

/// A block of this size comes and goes, untouched: glibc takes that for a sign that others like it will, and
/// from then on keeps twice as much free memory for the next ones. Otherwise every frame that is compressed,
/// sealed or opened is written to fresh pages, and the system spends as long on these as the cipher does on
/// its bytes.
const COMES_AND_GOES: usize = 4 << 20;

fn main() -> std::process::ExitCode {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(COMES_AND_GOES)));
    app::run(std::env::args_os().collect()).into()
}

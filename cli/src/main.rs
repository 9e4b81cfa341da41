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

fn main() -> std::process::ExitCode {
    app::run(std::env::args_os().collect()).into()
}

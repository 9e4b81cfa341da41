//! Signals: the first to stop asks the run to end in order, the second ends it.

use anyhow::Context;
use repo_format::engine::progress::Stop;
use rustix::process::Signal;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use crate::exit::Code;
use crate::report::Output;

/// Listens for SIGINT and SIGTERM as long as the runtime lives.
///
/// # Errors
/// If the system refuses a handler.
pub fn listen(runtime: &Runtime, stop: Stop, output: Output) -> anyhow::Result<()> {
    let _inside = runtime.enter();
    let handler = |kind| signal(kind).context("cannot listen for signals");
    // Its default is death; with a handler a file that grows past its limit is an error like any other.
    drop(handler(SignalKind::from_raw(Signal::XFSZ.as_raw()))?);
    let (mut interrupt, mut terminate) =
        (handler(SignalKind::interrupt())?, handler(SignalKind::terminate())?);
    runtime.spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if stop.is_requested() {
                std::process::exit(Code::Interrupted as i32);
            }
            stop.request();
            output.note("Stopping; what is done so far is being saved. Once more ends at once.");
        }
    });
    Ok(())
}

//! How far a long command has come: bars on a terminal, a line now and then elsewhere, JSON events.

mod bars;
mod estimate;

use std::io::IsTerminal;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::args::GlobalArgs;
use crate::report::Output;
use crate::report::message::{ItemFailure, Message, Status};

use bars::Bars;

/// Something whose progress can be asked for while it works.
pub trait Watched: Sync {
    /// How far it is. Times are filled in by the watcher.
    fn status(&self) -> Status;

    /// Items that failed or were skipped since the last call.
    fn take_failures(&self) -> Vec<ItemFailure>;
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Bars,
    Lines,
    Json,
    None,
}

impl Style {
    fn choose(global: &GlobalArgs) -> Style {
        match () {
            () if global.no_progress || global.quiet => Style::None,
            () if global.json => Style::Json,
            () if std::io::stderr().is_terminal() => Style::Bars,
            () => Style::Lines,
        }
    }

    /// How often to look.
    fn interval(self) -> Duration {
        match self {
            Style::Bars => Duration::from_millis(125),
            Style::Json | Style::None => Duration::from_secs(1),
            Style::Lines => Duration::from_secs(5),
        }
    }
}

/// Does `work`, and shows how far `watched` is and what fails while it lasts.
pub fn watch<T>(global: &GlobalArgs, output: &Output, watched: &dyn Watched, work: impl FnOnce() -> T) -> T {
    let style = Style::choose(global);
    let (done, ended) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || show(style, output, watched, &ended));
        let result = work();
        drop(done);
        result
    })
}

fn show(style: Style, output: &Output, watched: &dyn Watched, ended: &mpsc::Receiver<()>) {
    let start = Instant::now();
    let mut bars = (style == Style::Bars).then(|| Bars::new(output.bars()));
    loop {
        let is_over = ended.recv_timeout(style.interval()) != Err(RecvTimeoutError::Timeout);
        watched.take_failures().into_iter().for_each(|failure| output.item_failure(failure));
        if is_over {
            break;
        }
        let status = estimate::with_times(watched.status(), start.elapsed());
        match style {
            Style::Json => drop(output.json_only(&Message::Status(status))),
            Style::Lines => output.note(&status),
            Style::Bars => bars.iter_mut().for_each(|bars| bars.update(&status)),
            Style::None => {}
        }
    }
    bars.iter_mut().for_each(Bars::clear);
}

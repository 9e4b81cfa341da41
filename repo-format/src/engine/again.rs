//! Beginning anew what maintenance overtook.

use super::progress::{Progress, Stop};

/// A run that is overtaken more often than this is told so.
const TRIES: usize = 5;

/// Runs `attempt` again while its error `is_outdated`: what it relied on was reclaimed before its
/// commit. What it stored stays known, so that the next attempt uploads only what is gone.
pub fn again_if_outdated<T, E: std::error::Error>(
    progress: &Progress,
    stop: &Stop,
    is_outdated: impl Fn(&E) -> bool,
    mut attempt: impl FnMut() -> Result<T, E>,
) -> Result<T, E> {
    for _ in 1..TRIES {
        match attempt() {
            Err(error) if is_outdated(&error) && !stop.is_requested() => {
                tracing::warn!(%error, "the run begins anew with what the repository holds now");
                progress.begin_anew();
            }
            ended => return ended,
        }
    }
    attempt()
}

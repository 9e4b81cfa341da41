//! One file being restored: created at its first piece, finished after its last.

use std::sync::Arc;

use super::report::Restored;
use super::{Run, slices};
use crate::engine::sink::{Created, Sink};
use crate::engine::source::ItemError;
use crate::object::ObjectRef;
use crate::system::Mutex;
use crate::tree::Entry;

/// A file, and how far it is. Shared between threads and batches.
pub(super) struct FileJob<F> {
    /// Names below the target.
    pub path: Vec<Vec<u8>>,
    pub entry: Entry,
    pub object: ObjectRef,
    state: Mutex<State<F>>,
}

enum State<F> {
    /// Nothing was written yet.
    Waiting,
    Open {
        /// Whoever writes holds a clone, taken and given back under the lock.
        file: Arc<F>,
        /// Bytes of pieces that were not written yet, those being written included.
        left: u64,
        /// Failed while others were still writing; the last of them gives the file up.
        failed: bool,
    },
    Ended(Outcome),
}

/// How a file ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Restored,
    /// The sink left what was there.
    Skipped,
    Failed,
}

impl<F> FileJob<F> {
    pub fn new(path: Vec<Vec<u8>>, entry: Entry, object: ObjectRef) -> FileJob<F> {
        FileJob { path, entry, object, state: Mutex::new(State::Waiting) }
    }

    /// How it ended, if it did.
    pub fn outcome(&self) -> Option<Outcome> {
        match *self.state.lock() {
            State::Ended(outcome) => Some(outcome),
            _ => None,
        }
    }

    /// Writes one piece, creating the file if it is the first and finishing it if it is the last.
    pub fn take_piece<K: Sink<File = F>>(
        &self,
        run: &Run<'_, K>,
        offset: u64,
        length: u64,
        piece: Result<&[u8], ItemError>,
    ) {
        match piece {
            Ok(bytes) => {
                if let Some(file) = self.open(run) {
                    let written = run.sink.write(&file, offset, bytes);
                    self.written(run, file, length, written);
                }
            }
            Err(error) => self.fail(run, error),
        }
        run.progress.done(0, length);
    }

    /// Creates a file that has no bytes.
    pub fn make_empty<K: Sink<File = F>>(&self, run: &Run<'_, K>) {
        if let Some(file) = self.open(run) {
            self.written(run, file, 0, Ok(()));
        }
    }

    /// The file, created if it was not yet; nothing if its bytes are not wanted (any more).
    fn open<K: Sink<File = F>>(&self, run: &Run<'_, K>) -> Option<Arc<F>> {
        let mut state = self.state.lock();
        match &*state {
            State::Open { file, failed: false, .. } => return Some(file.clone()),
            State::Open { .. } | State::Ended(_) => return None,
            State::Waiting => {}
        }
        run.progress.begin(&self.path.join(&b'/'));
        match run.sink.create(&slices(&self.path), &self.entry) {
            Ok(Created::Take(file)) => {
                let file = Arc::new(file);
                *state = State::Open { file: file.clone(), left: self.object.size, failed: false };
                Some(file)
            }
            Ok(Created::Skip) => {
                run.tally.skipped(1, 0);
                *state = State::Ended(Outcome::Skipped);
                None
            }
            Ok(Created::Done(warnings)) => {
                run.tally.restored(Restored::File { bytes: self.object.size }, &self.path, warnings);
                *state = State::Ended(Outcome::Restored);
                None
            }
            Err(error) => {
                run.tally.failed(&self.path, error, 1);
                *state = State::Ended(Outcome::Failed);
                None
            }
        }
    }

    fn written<K: Sink<File = F>>(
        &self,
        run: &Run<'_, K>,
        mine: Arc<F>,
        length: u64,
        written: Result<(), ItemError>,
    ) {
        let mut state = self.state.lock();
        drop(mine);
        let State::Open { left, failed, .. } = &mut *state else { return };
        *left = left.saturating_sub(length);
        match written {
            Err(error) if !*failed => {
                *failed = true;
                run.tally.failed(&self.path, error, 1);
            }
            _ => {}
        }
        match (*failed, *left) {
            (true, _) => self.give_up(run, &mut state),
            (false, 0) => self.finish(run, &mut state),
            _ => {}
        }
    }

    /// Fails the file. Only the first failure is told.
    pub fn fail<K: Sink<File = F>>(&self, run: &Run<'_, K>, error: ItemError) {
        let mut state = self.state.lock();
        match &mut *state {
            State::Waiting => *state = State::Ended(Outcome::Failed),
            State::Open { failed: failed @ false, .. } => {
                *failed = true;
                self.give_up(run, &mut state);
            }
            State::Open { .. } | State::Ended(_) => return,
        }
        run.tally.failed(&self.path, error, 1);
    }

    /// Gives the file up without counting it, because the run ends here. Nobody writes any more.
    pub fn abandon<K: Sink<File = F>>(&self, run: &Run<'_, K>) {
        let mut state = self.state.lock();
        if let State::Open { .. } = &*state {
            self.give_up(run, &mut state);
        }
    }

    /// Marks the file as another name of one that is there.
    pub fn set_linked(&self, outcome: Outcome) {
        *self.state.lock() = State::Ended(outcome);
    }

    fn give_up<K: Sink<File = F>>(&self, run: &Run<'_, K>, state: &mut State<F>) {
        if let State::Open { file, .. } = state
            && Arc::strong_count(file) > 1
        {
            // Somebody is still writing, and comes here next.
            return;
        }
        if let Some(file) = close(state, Outcome::Failed) {
            run.sink.abandon(file, &slices(&self.path));
        }
    }

    fn finish<K: Sink<File = F>>(&self, run: &Run<'_, K>, state: &mut State<F>) {
        let Some(file) = close(state, Outcome::Restored) else { return };
        match run.sink.finish(file, &slices(&self.path), &self.entry) {
            Ok(warnings) => {
                run.tally.restored(Restored::File { bytes: self.object.size }, &self.path, warnings);
            }
            Err(error) => {
                *state = State::Ended(Outcome::Failed);
                run.tally.failed(&self.path, error, 1);
            }
        }
    }
}

/// Takes the file, which nobody else holds, out of an open state.
fn close<F>(state: &mut State<F>, outcome: Outcome) -> Option<F> {
    match std::mem::replace(state, State::Ended(outcome)) {
        State::Open { file, .. } => Arc::into_inner(file),
        _ => None,
    }
}

//! Large files in the making, so that a checkpoint can name what is stored of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::content::ContentError;
use crate::object::ObjectWriter;
use crate::snapshot::Part;
use crate::system::Mutex;
use crate::tree::Entry;

/// A large file that is being stored (SNAP-6).
pub(super) struct InTheMaking<'run> {
    pub path: Vec<u8>,
    pub entry: Entry,
    pub so_far: Mutex<SoFar<'run>>,
}

/// What of it is stored, and how its source goes on from there.
pub(super) struct SoFar<'run> {
    pub object: ObjectWriter<'run>,
    pub state: Option<Vec<u8>>,
}

/// The parts of this moment.
#[derive(Default)]
pub(super) struct Parts<'run> {
    running: Mutex<Vec<Arc<InTheMaking<'run>>>>,
    /// What an earlier run left, by path, until its file is entered: each checkpoint names it again.
    inherited: Mutex<BTreeMap<Vec<u8>, Part>>,
    /// Whether a file has more than the last checkpoint knows.
    grown: AtomicBool,
}

impl<'run> Parts<'run> {
    /// Enters a file; it leaves when the guard is dropped, unless it is to stay.
    pub fn register(&self, file: Arc<InTheMaking<'run>>) -> Registered<'_, 'run> {
        self.running.lock().push(file.clone());
        self.inherited.lock().remove(&file.path);
        Registered { parts: self, file, stays: false }
    }

    /// Takes over what an earlier run left.
    pub fn inherit(&self, parts: impl IntoIterator<Item = (Vec<u8>, Part)>) {
        self.inherited.lock().extend(parts);
    }

    /// What an earlier run left of the file at `path`, which was not entered yet.
    pub fn inherited(&self, path: &[u8]) -> Option<Part> {
        self.inherited.lock().get(path).cloned()
    }

    /// Says that a file has more now.
    pub fn grow(&self) {
        self.grown.store(true, Ordering::Relaxed);
    }

    /// Whether a file has more than [`Self::so_far`] last told.
    pub fn have_grown(&self) -> bool {
        self.grown.load(Ordering::Relaxed)
    }

    /// The parts there are, by path, without those of no bytes.
    ///
    /// # Errors
    /// [`ContentError`] if a list of contents cannot be stored.
    pub fn so_far(&self) -> Result<BTreeMap<Vec<u8>, Part>, ContentError> {
        self.grown.store(false, Ordering::Relaxed);
        let mut parts = self.inherited.lock().clone();
        let running = self.running.lock().clone();
        for file in running {
            let so_far = file.so_far.lock();
            let object = so_far.object.so_far()?;
            if object.size > 0 {
                let (entry, state) = (file.entry.clone(), so_far.state.clone());
                parts.insert(file.path.clone(), Part { object, covered: object.size, entry, state });
            }
        }
        Ok(parts)
    }
}

/// Takes its file out again when dropped.
pub(super) struct Registered<'p, 'run> {
    parts: &'p Parts<'run>,
    file: Arc<InTheMaking<'run>>,
    stays: bool,
}

impl Registered<'_, '_> {
    /// The run stops before the file's end: its last checkpoint names what is stored of it.
    pub fn stay(mut self) {
        self.stays = true;
    }
}

impl Drop for Registered<'_, '_> {
    fn drop(&mut self) {
        if !self.stays {
            self.parts.running.lock().retain(|file| !Arc::ptr_eq(file, &self.file));
        }
    }
}

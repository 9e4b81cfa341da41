//! Large files in the making, so that a checkpoint can name what is stored of them.

use std::sync::Arc;

use crate::object::ObjectWriter;
use crate::system::Mutex;
use crate::tree::Entry;

/// A large file in the making (SNAP-6).
pub(super) struct Part<'run> {
    pub path: Vec<u8>,
    pub entry: Entry,
    pub object: Mutex<ObjectWriter<'run>>,
}

/// The parts of this moment.
#[derive(Default)]
pub(super) struct Parts<'run>(Mutex<Vec<Arc<Part<'run>>>>);

impl<'run> Parts<'run> {
    /// Enters a part; it leaves when the guard is dropped, unless it is to stay.
    pub fn register(&self, part: Arc<Part<'run>>) -> Registered<'_, 'run> {
        self.0.lock().push(part.clone());
        Registered { parts: self, part, stays: false }
    }

    /// The parts there are, by path.
    pub fn sorted(&self) -> Vec<Arc<Part<'run>>> {
        let mut parts = self.0.lock().clone();
        parts.sort_by(|a, b| a.path.cmp(&b.path));
        parts
    }
}

/// Takes its part out again when dropped.
pub(super) struct Registered<'p, 'run> {
    parts: &'p Parts<'run>,
    part: Arc<Part<'run>>,
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
            self.parts.0.lock().retain(|part| !Arc::ptr_eq(part, &self.part));
        }
    }
}

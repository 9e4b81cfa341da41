//! Large files in the making (SNAP-6).

use super::PathValue;
use crate::cbor::{Cbor, CborError, Reader, Writer};
use crate::object::ObjectRef;
use crate::tree::{Entry, EntryKind};

/// What a checkpoint holds of a file that was not read to its end.
///
/// It keeps the contents alive; the next run names them again instead of storing them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The contents so far.
    pub object: ObjectRef,
    /// Bytes of the file that they cover.
    pub covered: u64,
    /// The file as it was when reading began.
    pub entry: Entry,
    /// What the source needs to go on reading behind these bytes; its own affair.
    pub state: Option<Vec<u8>>,
}

/// Most bytes of a source's state.
const STATE_SIZE_MAX: usize = 1024;
/// Releases that do not know a state read the file from its start.
const KEY_STATE: u64 = 1000;

impl PathValue for Part {
    const CLAUSE: &'static str = "SNAP-6";
}

impl Cbor for Part {
    fn write(&self, w: &mut Writer) {
        w.map(|m| {
            m.put(0, &self.object);
            m.put(1, &self.covered);
            m.put(2, &self.entry);
            m.put_some(KEY_STATE, &self.state);
        });
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        let broken = r.error(
            "a part is of a file, covers what its object has, and has a state of at most 1024 bytes (SNAP-6)",
        );
        let part = r.map(|m| {
            let (object, covered, entry) = (m.get(0)?, m.get(1)?, m.get(2)?);
            Ok(Part { object, covered, entry, state: m.get_some(KEY_STATE)? })
        })?;
        let is_file = matches!(part.entry.kind, EntryKind::File(_));
        let fits = part.state.as_ref().is_none_or(|state| state.len() <= STATE_SIZE_MAX);
        if is_file && fits && part.covered == part.object.size { Ok(part) } else { Err(broken) }
    }
}

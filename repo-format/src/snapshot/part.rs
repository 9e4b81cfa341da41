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
}

impl PathValue for Part {
    const CLAUSE: &'static str = "SNAP-6";
}

impl Cbor for Part {
    fn write(&self, w: &mut Writer) {
        w.map(|m| {
            m.put(0, &self.object);
            m.put(1, &self.covered);
            m.put(2, &self.entry);
        });
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        let broken = r.error("a part is of a file, and covers what its object has (SNAP-6)");
        let part = r.map(|m| Ok(Part { object: m.get(0)?, covered: m.get(1)?, entry: m.get(2)? }))?;
        let is_file = matches!(part.entry.kind, EntryKind::File(_));
        if is_file && part.covered == part.object.size { Ok(part) } else { Err(broken) }
    }
}

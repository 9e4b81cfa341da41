//! How whole a snapshot is (SNAP-2).

use crate::cbor::{Cbor, CborError, Reader, Writer};

/// How whole a snapshot is (SNAP-2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum SnapshotState {
    /// All that the source offered is in it, skips apart.
    Complete = 0,
    /// Some items failed; the failures map lists them.
    Partial = 1,
    /// The run was not finished.
    Checkpoint = 2,
}

impl Cbor for SnapshotState {
    fn write(&self, w: &mut Writer) {
        w.u64(*self as u64);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        let unknown = r.error("unknown snapshot state");
        match r.u64()? {
            0 => Ok(SnapshotState::Complete),
            1 => Ok(SnapshotState::Partial),
            2 => Ok(SnapshotState::Checkpoint),
            _ => Err(unknown),
        }
    }
}

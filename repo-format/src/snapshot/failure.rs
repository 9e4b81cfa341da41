//! Items that are not in the tree, and why (SNAP-4).

use super::PathValue;
use crate::cbor::{Cbor, CborError, Reader, Writer};

/// What happened to one item. The failures map holds it under the item's path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// A short name that programs can compare: `io`, `denied`, `vanished` and so on.
    pub cause: String,
    /// For people: what the system or service said.
    pub message: String,
    pub attempts: u32,
    /// Counts as failed; else it was skipped.
    pub is_failure: bool,
}

impl PathValue for Failure {
    const CLAUSE: &'static str = "SNAP-4";
}

impl Cbor for Failure {
    fn write(&self, w: &mut Writer) {
        w.map(|m| {
            m.put(0, &self.cause);
            m.put(1, &self.message);
            m.put(2, &self.attempts);
            m.put(3, &self.is_failure);
        });
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        r.map(|m| {
            Ok(Failure { cause: m.get(0)?, message: m.get(1)?, attempts: m.get(2)?, is_failure: m.get(3)? })
        })
    }
}

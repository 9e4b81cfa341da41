//! Contents in packs that stay (INV-9).

use bytes::Bytes;

use super::Repository;
use crate::codec::{ContentId, PackId};
use crate::content::{ContentError, ContentKind, ReadContent};

/// Reads contents as the newest state has them. One that is in doomed packs alone counts as missing: whoever maintains
/// may delete these at any time. No live snapshot needs one, unless it was forgotten by a record that is lost.
pub(crate) struct Lasting<'r>(pub &'r Repository);

impl Lasting<'_> {
    /// Whether nobody may delete the pack.
    pub fn keeps(&self, pack: &PackId) -> bool {
        !self.0.state().is_lost(pack)
    }

    /// Whether a content is in packs, and all of them are doomed.
    ///
    /// # Errors
    /// A failure to read the index.
    pub fn is_going(&self, id: &ContentId) -> Result<bool, ContentError> {
        let state = self.0.state();
        if state.doomed.is_empty() {
            return Ok(false);
        }
        match self.0.reader().locate(id) {
            Ok(places) => Ok(places.iter().all(|at| state.is_lost(&at.pack))),
            Err(ContentError::Missing { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl ReadContent for Lasting<'_> {
    fn get(&self, kind: ContentKind, id: &ContentId) -> Result<Bytes, ContentError> {
        if self.is_going(id)? {
            return Err(ContentError::Missing { id: *id });
        }
        self.0.reader().get(kind, id)
    }
}

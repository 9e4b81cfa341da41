//! Whether what has a name is what we sent.

use super::bytes::FileBytes;
use super::error::Trouble;
use super::meta::has_times;
use super::names::may_be_rewritten;
use super::upload::Upload;
use crate::error::GraphError;
use crate::files::NewFile;
use crate::model::{DriveItem, ItemKind};

/// What has the name.
pub(super) enum Look {
    /// What a call of ours made.
    Ours(Box<DriveItem>),
    Theirs(Box<DriveItem>),
    Nothing,
}

impl Upload<'_, '_> {
    /// Looks at what has the name. It can be ours only if a call that makes it was `sent`.
    pub(super) fn look(&self, sent: bool, bytes: &mut FileBytes<'_>) -> Result<Look, Trouble> {
        let run = self.run;
        let item = match run.wait(run.graph.item_by_path(&run.target.drive, self.folder, &[self.name])) {
            Err(Trouble::Graph(GraphError::NotFound { .. })) => return Ok(Look::Nothing),
            item => Box::new(item?),
        };
        if !sent || item.kind() != ItemKind::File {
            return Ok(Look::Theirs(item));
        }
        let is_same = item.size_bytes() == Some(bytes.size())
            && (bytes.size() == 0 || item.quick_xor() == Some(bytes.hash()?));
        // What the service rewrote has neither our size nor our hash, but it has our times.
        let has_ours = *self.times != NewFile::default() && has_times(&item, self.times);
        let is_rewritten = has_ours && may_be_rewritten(self.name);
        // A listing without a hash tells by size and times.
        let is_unhashed = has_ours && item.quick_xor().is_none() && item.size_bytes() == Some(bytes.size());
        Ok(if is_same || is_rewritten || is_unhashed { Look::Ours(item) } else { Look::Theirs(item) })
    }
}

//! Reading back: what is there has the size and hash of what was sent.

use repo_format::engine::source::ItemCause;

use super::bytes::FileBytes;
use super::error::Trouble;
use super::names::may_be_rewritten;
use super::upload::Upload;
use crate::files::DownloadOf;
use crate::model::DriveItem;
use crate::quickxor::QuickXor;

/// An item that is as it should be, and what is to be said of it; or why it is not.
pub(super) type Verified = Result<(Box<DriveItem>, Vec<String>), Trouble>;

impl Upload<'_, '_> {
    /// Compares what the drive lists with what was sent.
    ///
    /// A listing can be wrong: before a difference is believed, the content is read back. What then
    /// differs is deleted, as nobody can have use for it, and told as the inner failure; the service may
    /// rewrite documents of some kinds, which is a warning.
    pub(super) fn verify(
        &self,
        item: Box<DriveItem>,
        bytes: &mut FileBytes<'_>,
    ) -> Result<Verified, Trouble> {
        let size = bytes.size();
        if size == 0 && item.size_bytes() == Some(0) {
            return Ok(Ok((item, Vec::new())));
        }
        let hash = bytes.hash()?;
        let item = match item.quick_xor() {
            Some(_) => item,
            // Some answers to an upload leave it out.
            None => Box::new(self.run.wait(self.run.graph.item(&self.run.target.drive, &item.id))?),
        };
        if item.quick_xor() == Some(hash) && item.size_bytes() == Some(size) {
            return Ok(Ok((item, Vec::new())));
        }
        if may_be_rewritten(self.name) {
            return Ok(Ok((item, vec!["the service has rewritten the document as it took it".into()])));
        }
        if self.read_back(&item)? == (size, Some(hash)) {
            return Ok(Ok((item, vec!["the drive lists another size or hash than its content has".into()])));
        }
        self.run.wait(self.run.graph.delete_item(&self.run.target.drive, &item.id))?;
        Ok(Err(Trouble::item(ItemCause::Io, "what was uploaded did not arrive as it was sent")))
    }

    /// Length and hash of the content as the drive serves it.
    fn read_back(&self, item: &DriveItem) -> Result<(u64, Option<QuickXor>), Trouble> {
        let run = self.run;
        let of = DownloadOf { size: None, hash: None, ..DownloadOf::item(&run.target.drive, item) };
        let mut download = run.wait(run.graph.download(of, 0))?;
        while run.wait(download.next())?.is_some() {}
        Ok(download.received().map_or((0, None), |received| (received.length, received.hash)))
    }
}

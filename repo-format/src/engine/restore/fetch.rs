//! Carrying out one read of a plan: fetch, unseal, re-hash; and look elsewhere for what is damaged.

use bytes::Bytes;

use super::errors::{is_outage, lost};
use super::plan::{ContentRead, FrameRead, PackRead};
use crate::content::{ContentError, ContentKind, ContentReader, Usable};
use crate::engine::source::ItemError;
use crate::format::names::BlobId;
use crate::index::Location;
use crate::repository::Repository;
use crate::storage::Blobs;

/// Fetches what plans ask for. Shared between threads.
pub(super) struct Fetch<'r> {
    pub reader: &'r ContentReader,
    repository: &'r Repository,
    blobs: &'r Blobs,
    usable: &'r Usable,
}

impl<'r> Fetch<'r> {
    pub fn new(repository: &'r Repository) -> Fetch<'r> {
        Fetch {
            reader: repository.reader(),
            repository,
            blobs: repository.blobs(),
            usable: repository.usable(),
        }
    }

    /// Hands every content of `read` to `take`, or why it cannot be had from any pack.
    ///
    /// # Errors
    /// If the storage cannot be reached: nothing is said of the contents that are left then.
    pub fn read(
        &self,
        read: &PackRead,
        mut take: impl FnMut(&ContentRead, Result<Bytes, ItemError>),
    ) -> Result<(), ContentError> {
        let Some(first) = read.frames.first() else { return Ok(()) };
        let name = BlobId::Pack(first.at.pack_kind, first.at.pack).name();
        let range = read.range();
        let fetched = self.blobs.get_range(&name, range.clone());
        if let Err(error) = &fetched
            && error.is_transient()
        {
            return fetched.map(drop).map_err(|error| ContentError::Storage(Box::new(error)));
        }
        for frame in &read.frames {
            let id = frame.contents[0].id;
            let raw = match &fetched {
                Ok(bytes) => {
                    let place = frame.range();
                    let sealed = (place.start - range.start) as usize..(place.end - range.start) as usize;
                    self.reader.open_frame(&id, &frame.at, &bytes[sealed])
                }
                Err(error) if error.is_not_found() || read.frames.len() == 1 => {
                    Err(ContentError::Damaged { id, pack: frame.at.pack, what: error.to_string() })
                }
                // A pack that ends early still has the frames in front of its end.
                Err(_) => self.reader.frame(&id, &frame.at),
            };
            self.split(frame, raw, &mut take)?;
        }
        Ok(())
    }

    fn split(
        &self,
        frame: &FrameRead,
        raw: Result<Bytes, ContentError>,
        take: &mut impl FnMut(&ContentRead, Result<Bytes, ItemError>),
    ) -> Result<(), ContentError> {
        if let Err(error) = &raw
            && is_outage(error)
        {
            return raw.map(drop);
        }
        for content in &frame.contents {
            let found = match &raw {
                Ok(raw) => self
                    .reader
                    .take(ContentKind::Data, &content.id, &content.at, raw)
                    .map_err(|error| lost(&error)),
                Err(error) => Err(lost(error)),
            };
            let found = match found {
                Ok(bytes) => Ok(bytes),
                Err(error) => self.elsewhere(content)?.ok_or_else(|| self.explained(error, content)),
            };
            take(content, found);
        }
        Ok(())
    }

    /// The content from another place than the one that turned out damaged, if there is one.
    fn elsewhere(&self, content: &ContentRead) -> Result<Option<Bytes>, ContentError> {
        self.usable.add_lost([content.at.pack]);
        loop {
            let seen = self.reader.revision();
            let found = self.try_others(content)?;
            // Maintenance may have moved it since this process read the log (DESIGN 3.8).
            if found.is_some() || !self.reader.is_newer_than(seen, Some(content.at.pack)) {
                return Ok(found);
            }
        }
    }

    fn try_others(&self, content: &ContentRead) -> Result<Option<Bytes>, ContentError> {
        let (id, damaged) = (&content.id, &content.at);
        let place = |at: &Location| (at.pack, at.frame.index, at.content_offset);
        let locations = match self.reader.locate(id) {
            Err(error) if is_outage(&error) => return Err(error),
            locations => locations.unwrap_or_default(),
        };
        for at in locations {
            if place(&at) == place(damaged) {
                continue;
            }
            let found =
                self.reader.frame(id, &at).and_then(|raw| self.reader.take(ContentKind::Data, id, &at, &raw));
            match found {
                Ok(bytes) => return Ok(Some(bytes)),
                Err(error) if is_outage(&error) => return Err(error),
                Err(_) => self.usable.add_lost([at.pack]),
            }
        }
        Ok(None)
    }

    /// Tells what was reclaimed from what was damaged.
    fn explained(&self, mut error: ItemError, content: &ContentRead) -> ItemError {
        if self.repository.state().is_lost(&content.at.pack) {
            error.message.push_str("; maintenance reclaimed the pack after the snapshot was forgotten");
        }
        error
    }
}

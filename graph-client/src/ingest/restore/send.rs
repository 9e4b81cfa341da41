//! Sending a content: in one piece, or by a session.

use bytes::Bytes;

use super::bytes::FileBytes;
use super::error::Trouble;
use super::journal::Record;
use super::upload::Upload;
use crate::error::{GraphError, Place};
use crate::files::{Conflict, FRAGMENT_SIZE, NewFile, SMALL_FILE_MAX, UploadSession, UploadStep, UploadTo};
use crate::model::DriveItem;
use crate::secret::Secret;

/// Fragments in a row after which the service asks for bytes that it was sent before.
const STALLS_MAX: u32 = 3;

impl Upload<'_, '_> {
    /// Sends it. `sent` is set before a call goes out that makes the item.
    pub(super) fn send(
        &self,
        session: Option<Secret>,
        bytes: &mut FileBytes<'_>,
        sent: &mut bool,
    ) -> Result<Box<DriveItem>, Trouble> {
        let no_times = *self.times == NewFile::default();
        let total = bytes.size();
        if total == 0 || (no_times && total <= SMALL_FILE_MAX as u64) {
            let content = match total {
                0 => Bytes::new(),
                _ => bytes.fragment(0, SMALL_FILE_MAX)?,
            };
            *sent = true;
            let to = self.to();
            let put = self.run.graph.put_small(&self.run.target.drive, &to, content);
            return self.run.wait(put).map(Box::new);
        }
        let mut session = self.session(session, total)?;
        let ended = self.fragments(&mut session, bytes, sent);
        if let Err(Trouble::Graph(error)) = &ended
            && !matches!(error, GraphError::SessionGone { .. } | GraphError::Exhausted { .. })
        {
            // Best effort: it expires by itself.
            match self.run.wait(session.cancel()) {
                Ok(()) => {}
                Err(trouble) => tracing::debug!(?trouble, "an upload session cannot be cancelled"),
            }
        }
        ended
    }

    fn to(&self) -> UploadTo {
        UploadTo::New { parent: self.folder.clone(), name: self.name.to_owned(), conflict: Conflict::Fail }
    }

    /// Goes on with a session, or begins one. Only one of several fragments is worth going on with.
    fn session(&self, url: Option<Secret>, total: u64) -> Result<UploadSession, Trouble> {
        let (run, drive) = (self.run, &self.run.target.drive);
        if let Some(url) = url {
            return run.wait(run.graph.resume_upload(drive, self.folder, url, total));
        }
        let to = self.to();
        let session = run.wait(run.graph.create_upload_session(drive, &to, self.times, total))?;
        if total > FRAGMENT_SIZE as u64 {
            run.note(&Record::Session { of: self.key, url: session.url().expose().to_owned() })?;
        }
        Ok(session)
    }

    fn fragments(
        &self,
        session: &mut UploadSession,
        bytes: &mut FileBytes<'_>,
        sent: &mut bool,
    ) -> Result<Box<DriveItem>, Trouble> {
        let total = session.total();
        let (mut best, mut stalls) = (session.next(), 0);
        while stalls < STALLS_MAX {
            let from = session.next();
            let fragment = bytes.fragment(from, FRAGMENT_SIZE)?;
            *sent = *sent || from + fragment.len() as u64 >= total;
            if fragment.is_empty() {
                break;
            }
            match self.run.wait(session.put(fragment))? {
                UploadStep::Done(item) => return Ok(item),
                UploadStep::More if session.next() > best => (best, stalls) = (session.next(), 0),
                UploadStep::More => stalls += 1,
            }
        }
        // It has all, or loses what it gets: whether the file is there decides.
        let place = Place::of(format!("PUT upload to {}", self.folder));
        Err(Trouble::Graph(GraphError::SessionGone { place }))
    }
}

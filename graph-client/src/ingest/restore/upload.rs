//! One content under one name, made once, whatever answers are lost.

use super::bytes::FileBytes;
use super::error::Trouble;
use super::key::Key;
use super::run::Run;
use super::settle::Look;
use crate::error::GraphError;
use crate::files::NewFile;
use crate::model::{DriveItem, ItemId};
use crate::secret::Secret;

/// How often an upload begins anew: sessions vanish, bytes arrive broken.
const ROUNDS_MAX: u32 = 4;

/// An upload of one content under one name.
pub(super) struct Upload<'u, 'r> {
    pub run: &'u Run<'r>,
    pub key: Key,
    pub folder: &'u ItemId,
    pub name: &'u str,
    pub times: &'u NewFile,
    /// An earlier run may have made it.
    pub begun_before: bool,
    /// Something of this name was seen, or a session may have ended: look before sending.
    pub look_first: bool,
}

/// What came of it.
pub(super) enum Stored {
    /// It is there, and what is to be said of it.
    Ours(Box<DriveItem>, Vec<String>),
    /// Something else has the name.
    Taken(Box<DriveItem>),
}

impl Upload<'_, '_> {
    /// Uploads, and sees to it that what is there is what was sent.
    ///
    /// Each time an answer is lost, or a name turns out to be taken though a call of ours may have
    /// taken it, the item is looked at, and counts as ours by its size and hash.
    pub fn store(&self, session: Option<Secret>, bytes: &mut FileBytes<'_>) -> Result<Stored, Trouble> {
        let mut session = session;
        // Whether a call that makes the item has gone out, in this run or before.
        let mut sent = self.begun_before;
        let mut look = self.look_first && session.is_none();
        let mut last = None;
        for _ in 0..ROUNDS_MAX {
            if look {
                match self.look(sent, bytes)? {
                    Look::Ours(item) => return self.seen(item, bytes),
                    Look::Theirs(other) => return Ok(Stored::Taken(other)),
                    Look::Nothing => {}
                }
            }
            let error = match self.send(session.take(), bytes, &mut sent) {
                Ok(item) => match self.verify(item, bytes)? {
                    Ok((item, warnings)) => return Ok(Stored::Ours(item, warnings)),
                    Err(broken) => {
                        (last, look) = (Some(broken), false);
                        continue;
                    }
                },
                Err(Trouble::Graph(error)) => error,
                Err(trouble) => return Err(trouble),
            };
            match error {
                GraphError::NameTaken { .. }
                | GraphError::SessionGone { .. }
                | GraphError::Ambiguous { .. } => {
                    look = true;
                }
                // The last answer may be what was lost.
                GraphError::Exhausted { .. } | GraphError::Protocol { .. } if sent => {
                    return match self.look(sent, bytes)? {
                        Look::Ours(item) => self.seen(item, bytes),
                        _ => Err(Trouble::Graph(error)),
                    };
                }
                error => return Err(Trouble::Graph(error)),
            }
            last = Some(Trouble::Graph(error));
        }
        Err(last.unwrap_or(Trouble::Stopped))
    }

    /// An item that was looked at and has our size and hash, or is ours by its times.
    fn seen(&self, item: Box<DriveItem>, bytes: &mut FileBytes<'_>) -> Result<Stored, Trouble> {
        match self.verify(item, bytes)? {
            Ok((item, warnings)) => Ok(Stored::Ours(item, warnings)),
            Err(trouble) => Err(trouble),
        }
    }
}

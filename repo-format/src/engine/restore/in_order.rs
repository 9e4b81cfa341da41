//! An object's bytes in order, fetched in windows that are planned by pack.

use std::collections::VecDeque;

use bytes::Bytes;

use super::errors::{is_outage, lost};
use super::fetch::Fetch;
use super::plan::Want;
use super::stream::{WINDOW_BYTES, fetch_wants};
use crate::content::{ContentError, ContentKind, ReadContent};
use crate::engine::source::ItemError;
use crate::object::{ObjectReader, ObjectRef, Rows};
use crate::repository::Repository;
use crate::tree::TreeError;

/// Why bytes cannot be had.
#[derive(Debug)]
pub enum Broken {
    /// The repository cannot give them any more, wherever it looks; other objects may be whole.
    Item(ItemError),
    /// The storage cannot be reached: nothing else can be had either.
    Outage(ContentError),
}

impl From<ContentError> for Broken {
    fn from(error: ContentError) -> Broken {
        match is_outage(&error) {
            true => Broken::Outage(error),
            false => Broken::Item(lost(&error)),
        }
    }
}

impl From<TreeError> for Broken {
    fn from(error: TreeError) -> Broken {
        match error {
            TreeError::Content(error) => error.into(),
            other => Broken::Item(lost(&other)),
        }
    }
}

/// Gives an object's bytes from front to back, as a sink needs them that cannot take them in any
/// other order. One window is in memory, 8 MiB or a single content.
///
/// What is damaged in one pack is taken from another that has it, as [`super::restore`] does. A last
/// content alone comes from the reader's cache of frames, so that small objects one after the other
/// decode the frame that they share once.
pub struct InOrder<'r> {
    fetch: Fetch<'r>,
    rows: Rows<'r>,
    window: VecDeque<Bytes>,
}

impl<'r> InOrder<'r> {
    /// Takes a reference; reads nothing yet.
    ///
    /// # Errors
    /// [`Broken::Item`] for a reference that can name no object.
    pub fn open(repository: &'r Repository, object: ObjectRef) -> Result<InOrder<'r>, Broken> {
        let fetch = Fetch::new(repository);
        let rows = ObjectReader::open(fetch.reader, object)?.all_rows();
        Ok(InOrder { fetch, rows, window: VecDeque::new() })
    }

    /// The next bytes, some hundred KiB mostly; `None` at the end.
    ///
    /// # Errors
    /// [`Broken`]; what was given before is right.
    pub fn next_piece(&mut self) -> Result<Option<Bytes>, Broken> {
        if self.window.is_empty() {
            self.window = self.next_window()?.into();
        }
        Ok(self.window.pop_front())
    }

    /// The pieces of the next window; none at the end.
    fn next_window(&mut self) -> Result<Vec<Bytes>, Broken> {
        let (mut wants, mut bytes) = (Vec::new(), 0);
        while bytes < WINDOW_BYTES {
            let Some(row) = self.rows.next() else { break };
            let row = row?;
            wants.push(Want { content: row.content, length: row.length });
            bytes += u64::from(row.length);
        }
        match wants.as_slice() {
            [] => Ok(Vec::new()),
            [only] => match self.cached(only)? {
                Some(bytes) => Ok(vec![bytes]),
                None => self.fetch_all(&wants),
            },
            _ => self.fetch_all(&wants),
        }
    }

    /// A content by way of the reader's cache; `None` if it has to be looked for.
    fn cached(&self, want: &Want) -> Result<Option<Bytes>, Broken> {
        match self.fetch.reader.get(ContentKind::Data, &want.content) {
            Ok(bytes) if bytes.len() == want.length as usize => Ok(Some(bytes)),
            Err(error) if is_outage(&error) => Err(Broken::Outage(error)),
            _ => Ok(None),
        }
    }

    fn fetch_all(&self, wants: &[Want]) -> Result<Vec<Bytes>, Broken> {
        let pieces = fetch_wants(&self.fetch, wants).map_err(Broken::Outage)?;
        pieces.into_iter().collect::<Result<_, _>>().map_err(Broken::Item)
    }
}

//! Layers side by side, in order of keys: of equal keys the newest layer's entry stays.

use bytes::Bytes;

use super::LedgerEntry;
use super::edit::LedgerEdit;
use super::entry::{REMOVAL, decode};
use super::read::Layer;
use crate::cbor;
use crate::codec::ContentId;
use crate::content::{ContentError, ReadContent};
use crate::map::{Entries, MapError, MapStore, box_value};

/// A value on its way through a merge.
pub(super) enum Value<'a> {
    /// As it stands in a layer, whose root is for messages.
    Stored(ContentId, Bytes),
    /// Not stored yet.
    Held(&'a LedgerEntry),
}

impl Value<'_> {
    /// The entry itself.
    pub fn decode(&self, contents: &dyn ReadContent) -> Result<LedgerEntry, ContentError> {
        match self {
            Value::Stored(root, value) => decode(contents, root, value),
            Value::Held(entry) => Ok((*entry).clone()),
        }
    }

    /// The value for a map, or nothing if it removes.
    pub fn encode(&self, store: MapStore<'_>) -> Result<Option<Vec<u8>>, MapError> {
        match self {
            Value::Stored(_, value) if value == REMOVAL => Ok(None),
            Value::Stored(_, value) => Ok(Some(value.to_vec())),
            Value::Held(entry) if entry.is_removal() => Ok(None),
            Value::Held(entry) => box_value(store, &cbor::encode(*entry)).map(Some),
        }
    }
}

/// One layer's entries, or the changes in memory, looked at one ahead.
struct Stream<'a> {
    rest: Rest<'a>,
    next: Option<(Bytes, Value<'a>)>,
}

enum Rest<'a> {
    Layer(ContentId, Box<Entries<'a>>),
    Edit(Box<dyn Iterator<Item = (&'a Vec<u8>, &'a LedgerEntry)> + 'a>),
}

impl Stream<'_> {
    fn advance(&mut self) -> Result<(), ContentError> {
        self.next = match &mut self.rest {
            Rest::Layer(root, entries) => {
                entries.next().transpose()?.map(|(key, value)| (key, Value::Stored(*root, value)))
            }
            Rest::Edit(entries) => {
                entries.next().map(|(key, entry)| (Bytes::copy_from_slice(key), Value::Held(entry)))
            }
        };
        Ok(())
    }
}

/// All keys of some layers in order, removals included. Ends after the first error.
pub(super) struct Merge<'a> {
    /// The oldest first.
    streams: Vec<Stream<'a>>,
    begun: bool,
    done: bool,
}

impl<'a> Merge<'a> {
    /// Merges `layers`, the oldest first, and the changes above them, from key `from` on.
    pub fn new(layers: &[Layer<'a>], edit: Option<&'a LedgerEdit>, from: &[u8]) -> Merge<'a> {
        let stored = layers.iter().map(|layer| Rest::Layer(layer.root, Box::new(layer.map.range(from))));
        let held = edit.map(|edit| Rest::Edit(Box::new(edit.range(from))));
        let streams = stored.chain(held).map(|rest| Stream { rest, next: None }).collect();
        Merge { streams, begun: false, done: false }
    }

    fn advance(&mut self) -> Result<Option<(Bytes, Value<'a>)>, ContentError> {
        if !self.begun {
            self.begun = true;
            self.streams.iter_mut().try_for_each(Stream::advance)?;
        }
        let least = self.streams.iter().filter_map(|stream| stream.next.as_ref()).map(|(key, _)| key).min();
        let Some(least) = least.cloned() else { return Ok(None) };
        let mut newest = None;
        for stream in &mut self.streams {
            if stream.next.as_ref().is_some_and(|(key, _)| *key == least) {
                newest = stream.next.take();
                stream.advance()?;
            }
        }
        Ok(newest)
    }
}

impl<'a> Iterator for Merge<'a> {
    type Item = Result<(Bytes, Value<'a>), ContentError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let next = self.advance().transpose();
        self.done = !matches!(next, Some(Ok(_)));
        next
    }
}

/// What changed, key by key: an entry, or that it was removed. Ends after the first error.
pub struct Changes<'a> {
    pub(super) contents: &'a dyn ReadContent,
    pub(super) merge: Merge<'a>,
}

/// A change that is not decoded, to be set aside.
pub struct Change<'a> {
    pub(super) key: Bytes,
    pub(super) value: Value<'a>,
}

impl<'a> Changes<'a> {
    /// The next change, not decoded.
    ///
    /// # Errors
    /// [`ContentError`] if a layer cannot be read.
    pub fn next_undecoded(&mut self) -> Result<Option<Change<'a>>, ContentError> {
        Ok(self.merge.next().transpose()?.map(|(key, value)| Change { key, value }))
    }
}

impl Iterator for Changes<'_> {
    /// `None`: the key was removed.
    type Item = Result<(Bytes, Option<LedgerEntry>), ContentError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.merge.next()?;
        Some(next.and_then(|(key, value)| {
            let entry = value.decode(self.contents)?;
            Ok((key, (!entry.is_removal()).then_some(entry)))
        }))
    }
}

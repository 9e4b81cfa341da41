//! Writing: shortest heads, definite lengths, ascending keys.

use std::convert::Infallible;

use minicbor::Encoder;
use minicbor::encode::Error;

use super::Cbor;

/// Appends items to a buffer.
#[derive(Debug)]
pub struct Writer {
    encoder: Encoder<Vec<u8>>,
}

impl Default for Writer {
    fn default() -> Self {
        Self::new()
    }
}

impl Writer {
    /// A writer with nothing in it.
    pub fn new() -> Self {
        Writer { encoder: Encoder::new(Vec::new()) }
    }

    /// A writer with room for so many bytes before it has to move.
    pub fn with_capacity(bytes: usize) -> Self {
        Writer { encoder: Encoder::new(Vec::with_capacity(bytes)) }
    }

    /// What was written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.encoder.into_writer()
    }

    /// Appends any value.
    pub fn put<T: Cbor>(&mut self, value: &T) -> &mut Self {
        value.write(self);
        self
    }

    /// Appends an unsigned integer.
    pub fn u64(&mut self, value: u64) -> &mut Self {
        written(self.encoder.u64(value));
        self
    }

    /// Appends an integer.
    pub fn i64(&mut self, value: i64) -> &mut Self {
        written(self.encoder.i64(value));
        self
    }

    /// Appends a byte string.
    pub fn bytes(&mut self, value: &[u8]) -> &mut Self {
        written(self.encoder.bytes(value));
        self
    }

    /// Appends a text string.
    pub fn text(&mut self, value: &str) -> &mut Self {
        written(self.encoder.str(value));
        self
    }

    /// Appends true or false.
    pub fn bool(&mut self, value: bool) -> &mut Self {
        written(self.encoder.bool(value));
        self
    }

    /// Appends null.
    pub fn null(&mut self) -> &mut Self {
        written(self.encoder.null());
        self
    }

    /// Appends the head of an array; its `count` items must follow.
    pub fn array(&mut self, count: usize) -> &mut Self {
        written(self.encoder.array(count as u64));
        self
    }

    /// Appends a map whose entries `fill` puts, in ascending order of keys.
    pub fn map(&mut self, fill: impl FnOnce(&mut MapWriter<'_>)) -> &mut Self {
        let start = self.encoder.writer().len();
        written(self.encoder.map(0));
        let mut map = MapWriter { entries: self, count: 0, last_key: None };
        fill(&mut map);
        match map.count {
            // The head of an empty map has room for a count as small as this.
            count @ 0..24 => self.encoder.writer_mut()[start] |= count as u8,
            count => {
                let mut head = Encoder::new(Vec::new());
                written(head.map(count));
                self.encoder.writer_mut().splice(start..=start, head.into_writer());
            }
        }
        self
    }
}

/// Gathers the entries of a map.
#[derive(Debug)]
pub struct MapWriter<'w> {
    entries: &'w mut Writer,
    count: u64,
    last_key: Option<u64>,
}

impl MapWriter<'_> {
    /// Puts an entry.
    ///
    /// # Panics
    /// If keys do not ascend: the caller's code is wrong, whatever the data.
    pub fn put<T: Cbor>(&mut self, key: u64, value: &T) {
        self.put_with(key, |w| value.write(w));
    }

    /// Puts an entry if there is a value.
    pub fn put_some<T: Cbor>(&mut self, key: u64, value: &Option<T>) {
        if let Some(value) = value {
            self.put(key, value);
        }
    }

    /// Puts an entry unless it has the default, which is never written (CONV-4, *omit*).
    pub fn put_unless<T: Cbor + PartialEq>(&mut self, key: u64, value: &T, default: &T) {
        if value != default {
            self.put(key, value);
        }
    }

    /// Puts an entry whose one item `write` appends.
    pub fn put_with(&mut self, key: u64, write: impl FnOnce(&mut Writer)) {
        assert!(self.last_key < Some(key), "map keys are put in ascending order");
        self.last_key = Some(key);
        self.count += 1;
        self.entries.u64(key);
        write(self.entries);
    }
}

/// Drops the result of writing to a vector, which cannot fail.
fn written<T>(result: Result<T, Error<Infallible>>) {
    debug_assert!(result.is_ok(), "a vector takes every byte");
}

//! Taking arrays and maps apart.

use super::{Cbor, CborError, KEY_OPTIONAL, Reader};

/// Takes the items of an array, front to back.
#[derive(Debug)]
pub struct TupleReader<'r, 'b> {
    reader: &'r mut Reader<'b>,
    left: u64,
}

impl<'r, 'b> TupleReader<'r, 'b> {
    pub(super) fn new(reader: &'r mut Reader<'b>, left: u64) -> Self {
        TupleReader { reader, left }
    }

    /// Items not yet taken.
    pub fn left(&self) -> u64 {
        self.left
    }

    /// Takes the next item.
    pub fn get<T: Cbor>(&mut self) -> Result<T, CborError> {
        self.get_with(T::read)
    }

    /// Takes the next item as `read` has it.
    pub fn get_with<T>(
        &mut self,
        read: impl FnOnce(&mut Reader<'b>) -> Result<T, CborError>,
    ) -> Result<T, CborError> {
        if self.left == 0 {
            return Err(self.reader.error("array shorter than expected"));
        }
        self.left -= 1;
        read(self.reader)
    }

    /// Checks and passes over all further items.
    pub fn skip_all(&mut self) -> Result<(), CborError> {
        while self.left > 0 {
            self.get_with(Reader::skip)?;
        }
        Ok(())
    }

    /// An error at the next item.
    pub fn error(&self, what: &'static str) -> CborError {
        self.reader.error(what)
    }
}

/// Takes the entries of a map, in ascending order of keys.
#[derive(Debug)]
pub struct MapReader<'r, 'b> {
    reader: &'r mut Reader<'b>,
    /// Entries behind `key`'s.
    left: u64,
    /// Key whose value comes next.
    key: Option<u64>,
}

impl<'r, 'b> MapReader<'r, 'b> {
    pub(super) fn new(reader: &'r mut Reader<'b>, left: u64) -> Result<Self, CborError> {
        let mut map = MapReader { reader, left, key: None };
        map.advance()?;
        Ok(map)
    }

    /// Takes the entry with `key`, which must be there.
    pub fn get<T: Cbor>(&mut self, key: u64) -> Result<T, CborError> {
        let missing = self.reader.error("a required key is missing");
        self.get_some(key)?.ok_or(missing)
    }

    /// Takes the entry with `key`, if it is there.
    pub fn get_some<T: Cbor>(&mut self, key: u64) -> Result<Option<T>, CborError> {
        self.get_with(key, T::read)
    }

    /// Takes the entry with `key`, or `default`, which itself must not have been written.
    pub fn get_or<T: Cbor + PartialEq>(&mut self, key: u64, default: T) -> Result<T, CborError> {
        let here = self.reader.error("a default is written out");
        match self.get_some(key)? {
            None => Ok(default),
            Some(value) if value == default => Err(here),
            Some(value) => Ok(value),
        }
    }

    /// Takes the entry with `key` as `read` has it, if it is there.
    pub fn get_with<T>(
        &mut self,
        key: u64,
        read: impl FnOnce(&mut Reader<'b>) -> Result<T, CborError>,
    ) -> Result<Option<T>, CborError> {
        if self.key != Some(key) {
            return Ok(None);
        }
        let value = read(self.reader)?;
        self.advance()?;
        Ok(Some(value))
    }

    /// Takes the entry with `key`, which must be there, as `read` has it.
    pub fn require_with<T>(
        &mut self,
        key: u64,
        read: impl FnOnce(&mut Reader<'b>) -> Result<T, CborError>,
    ) -> Result<T, CborError> {
        let missing = self.reader.error("a required key is missing");
        self.get_with(key, read)?.ok_or(missing)
    }

    /// An error at the next item.
    pub fn error(&self, what: &'static str) -> CborError {
        self.reader.error(what)
    }

    /// Reads the next entry's key.
    fn advance(&mut self) -> Result<(), CborError> {
        let last = self.key.take();
        if self.left > 0 {
            self.left -= 1;
            let order = self.reader.error("map keys do not ascend");
            let key = self.reader.u64()?;
            if last.is_some_and(|last| key <= last) {
                return Err(order);
            }
            self.key = Some(key);
        }
        Ok(())
    }

    /// Passes over what readers may not know, and refuses what they must.
    pub(super) fn skip_optional(&mut self) -> Result<(), CborError> {
        match self.key {
            Some(key) if key < KEY_OPTIONAL => Err(self.reader.error("unknown map key")),
            _ => self.skip_all(),
        }
    }

    pub(super) fn skip_all(&mut self) -> Result<(), CborError> {
        while self.key.is_some() {
            self.reader.skip()?;
            self.advance()?;
        }
        Ok(())
    }
}

//! Reading: refuses whatever a writer would not have written.

use minicbor::Decoder;
use minicbor::decode::Error;

use super::parts::{MapReader, TupleReader};
use super::{Cbor, CborError, DEPTH_MAX};

/// Reads items from the front of a body.
#[derive(Debug)]
pub struct Reader<'b> {
    decoder: Decoder<'b>,
    depth: usize,
}

impl<'b> Reader<'b> {
    /// A reader at the start of `bytes`.
    pub fn new(bytes: &'b [u8]) -> Self {
        Reader { decoder: Decoder::new(bytes), depth: 0 }
    }

    /// Where the next item begins.
    pub fn offset(&self) -> usize {
        self.decoder.position()
    }

    /// An error at the next item: for rules of the caller's own.
    pub fn error(&self, what: &'static str) -> CborError {
        CborError { offset: self.offset(), what }
    }

    /// Reads any value.
    pub fn get<T: Cbor>(&mut self) -> Result<T, CborError> {
        T::read(self)
    }

    /// Reads an unsigned integer.
    pub fn u64(&mut self) -> Result<u64, CborError> {
        self.integer()
    }

    /// Reads an integer.
    pub fn i64(&mut self) -> Result<i64, CborError> {
        self.integer()
    }

    fn integer<T: TryFrom<minicbor::data::Int>>(&mut self) -> Result<T, CborError> {
        let start = self.offset();
        let number = self.decoder.int().map_err(|e| at(start, &e))?;
        let plain = i128::from(number);
        // A negative number n is written as the argument −1 − n, which is its complement.
        let argument = if plain < 0 { !plain } else { plain };
        self.shortest(start, self.offset(), argument as u64)?;
        T::try_from(number).map_err(|_| CborError { offset: start, what: "number out of range" })
    }

    /// Reads a byte string.
    pub fn bytes(&mut self) -> Result<&'b [u8], CborError> {
        let start = self.offset();
        let bytes = self.decoder.bytes().map_err(|e| at(start, &e))?;
        self.shortest(start, self.offset() - bytes.len(), bytes.len() as u64)?;
        Ok(bytes)
    }

    /// Reads a byte string of exactly `N` bytes.
    pub fn array_of<const N: usize>(&mut self) -> Result<[u8; N], CborError> {
        let start = self.offset();
        let wrong = CborError { offset: start, what: "byte string of another length" };
        self.bytes()?.try_into().map_err(|_| wrong)
    }

    /// Reads a text string.
    pub fn text(&mut self) -> Result<&'b str, CborError> {
        let start = self.offset();
        let text = self.decoder.str().map_err(|e| at(start, &e))?;
        self.shortest(start, self.offset() - text.len(), text.len() as u64)?;
        Ok(text)
    }

    /// Reads true or false.
    pub fn bool(&mut self) -> Result<bool, CborError> {
        let start = self.offset();
        self.decoder.bool().map_err(|e| at(start, &e))
    }

    /// Reads null, if the next item is null.
    pub fn null(&mut self) -> bool {
        let next = self.decoder.clone().null().is_ok();
        if next {
            self.decoder.set_position(self.offset() + 1);
        }
        next
    }

    /// Reads an array whose items `read` takes apart; all must be taken.
    pub fn tuple<T>(
        &mut self,
        read: impl FnOnce(&mut TupleReader<'_, 'b>) -> Result<T, CborError>,
    ) -> Result<T, CborError> {
        let start = self.offset();
        let count = self.decoder.array().map_err(|e| at(start, &e))?;
        let left = self.enter(start, count, 1)?;
        let mut tuple = TupleReader::new(self, left);
        let value = read(&mut tuple)?;
        if tuple.left() != 0 {
            return Err(self.error("array longer than expected"));
        }
        self.depth -= 1;
        Ok(value)
    }

    /// Reads an array of equal items.
    pub fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Reader<'b>) -> Result<T, CborError>,
    ) -> Result<Vec<T>, CborError> {
        self.tuple(|tuple| {
            // Grows as items are read: a count alone reserves nothing.
            let mut items = Vec::new();
            while tuple.left() > 0 {
                items.push(tuple.get_with(&mut item)?);
            }
            Ok(items)
        })
    }

    /// Reads a map whose entries `read` takes in ascending order of keys.
    ///
    /// What it does not take is skipped from key 1000 up and refused below.
    pub fn map<T>(
        &mut self,
        read: impl FnOnce(&mut MapReader<'_, 'b>) -> Result<T, CborError>,
    ) -> Result<T, CborError> {
        let start = self.offset();
        let count = self.decoder.map().map_err(|e| at(start, &e))?;
        let left = self.enter(start, count, 2)?;
        let mut map = MapReader::new(self, left)?;
        let value = read(&mut map)?;
        map.skip_optional()?;
        self.depth -= 1;
        Ok(value)
    }

    /// Checks and passes over one item of any type.
    pub fn skip(&mut self) -> Result<(), CborError> {
        let start = self.offset();
        let Some(head) = self.decoder.input().get(start) else {
            return Err(self.error(TRUNCATED));
        };
        match head >> 5 {
            0 | 1 => self.integer::<minicbor::data::Int>().map(drop),
            2 => self.bytes().map(drop),
            3 => self.text().map(drop),
            4 => self.tuple(|tuple| tuple.skip_all()),
            5 => self.map(|map| map.skip_all()),
            _ if self.null() => Ok(()),
            _ => self.bool().map(drop),
        }
    }

    /// Checks that nothing is left.
    pub fn end(&self) -> Result<(), CborError> {
        match self.rest() {
            [] => Ok(()),
            _ => Err(self.error("bytes behind the end")),
        }
    }

    /// Checks that nothing but zeros is left (CONV-5).
    pub fn end_padded(&self) -> Result<(), CborError> {
        match self.rest().iter().position(|byte| *byte != 0) {
            None => Ok(()),
            Some(place) => Err(CborError { offset: self.offset() + place, what: "padding that is not zero" }),
        }
    }

    fn rest(&self) -> &'b [u8] {
        self.decoder.input().get(self.offset()..).unwrap_or_default()
    }

    /// Goes one level down into `count` entries of at least `width` bytes each.
    fn enter(&mut self, start: usize, count: Option<u64>, width: u64) -> Result<u64, CborError> {
        let refuse = |what| Err(CborError { offset: start, what });
        let Some(count) = count else {
            return refuse("indefinite length");
        };
        self.shortest(start, self.offset(), count)?;
        if count > self.rest().len() as u64 / width {
            return refuse("count exceeds the bytes left");
        }
        if self.depth == DEPTH_MAX {
            return refuse("nested too deeply");
        }
        self.depth += 1;
        Ok(count)
    }

    /// Checks that the head in `start..end` is the shortest for its argument.
    fn shortest(&self, start: usize, end: usize, argument: u64) -> Result<(), CborError> {
        if end - start == minicbor::len(argument) {
            Ok(())
        } else {
            Err(CborError { offset: start, what: "not the shortest encoding" })
        }
    }
}

const TRUNCATED: &str = "ends too early";

fn at(offset: usize, error: &Error) -> CborError {
    let what = if error.is_end_of_input() {
        TRUNCATED
    } else if error.is_type_mismatch() {
        "another type was expected"
    } else {
        "not CBOR"
    };
    CborError { offset, what }
}

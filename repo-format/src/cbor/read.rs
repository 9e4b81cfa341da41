//! Reading: refuses whatever a writer would not have written.

use super::parts::{MapReader, TupleReader};
use super::{Cbor, CborError, DEPTH_MAX};

/// Major types (RFC 8949, 3.1).
const UNSIGNED: u8 = 0;
const NEGATIVE: u8 = 1;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
/// Items of major type 7 that a writer makes.
const FALSE: u8 = 0xf4;
const TRUE: u8 = 0xf5;
const NULL: u8 = 0xf6;

const TRUNCATED: &str = "ends too early";
const OTHER_TYPE: &str = "another type was expected";
const OUT_OF_RANGE: &str = "number out of range";

/// Reads items from the front of a body.
///
/// Trees are made of heads, and most of what a decoder does is to take them apart: this one does nothing else.
#[derive(Debug)]
pub struct Reader<'b> {
    bytes: &'b [u8],
    offset: usize,
    depth: usize,
}

impl<'b> Reader<'b> {
    /// A reader at the start of `bytes`.
    pub fn new(bytes: &'b [u8]) -> Self {
        Reader { bytes, offset: 0, depth: 0 }
    }

    /// Where the next item begins.
    pub fn offset(&self) -> usize {
        self.offset
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
        let out_of_range = self.error(OUT_OF_RANGE);
        match self.major()? {
            NEGATIVE => Err(self.head(NEGATIVE).map_or_else(|error| error, |_| out_of_range)),
            _ => self.head(UNSIGNED),
        }
    }

    /// Reads an integer.
    pub fn i64(&mut self) -> Result<i64, CborError> {
        let out_of_range = self.error(OUT_OF_RANGE);
        let is_negative = self.major()? == NEGATIVE;
        let argument = self.head(if is_negative { NEGATIVE } else { UNSIGNED })?;
        let number = i64::try_from(argument).map_err(|_| out_of_range)?;
        // A negative number n is written as −1 − n, which is its complement.
        Ok(if is_negative { !number } else { number })
    }

    /// Reads a byte string.
    pub fn bytes(&mut self) -> Result<&'b [u8], CborError> {
        self.string(BYTES)
    }

    /// Reads a byte string of exactly `N` bytes.
    pub fn array_of<const N: usize>(&mut self) -> Result<[u8; N], CborError> {
        let start = self.offset();
        let wrong = CborError { offset: start, what: "byte string of another length" };
        self.bytes()?.try_into().map_err(|_| wrong)
    }

    /// Reads a text string.
    pub fn text(&mut self) -> Result<&'b str, CborError> {
        let not_text = self.error("text that is not UTF-8");
        str::from_utf8(self.string(TEXT)?).map_err(|_| not_text)
    }

    /// Reads true or false.
    pub fn bool(&mut self) -> Result<bool, CborError> {
        match self.rest().first() {
            Some(&head @ (FALSE | TRUE)) => {
                self.offset += 1;
                Ok(head == TRUE)
            }
            Some(_) => Err(self.error(OTHER_TYPE)),
            None => Err(self.error(TRUNCATED)),
        }
    }

    /// Reads null, if the next item is null.
    pub fn null(&mut self) -> bool {
        let next = self.rest().first() == Some(&NULL);
        self.offset += usize::from(next);
        next
    }

    /// Reads an array whose items `read` takes apart; all must be taken.
    pub fn tuple<T>(
        &mut self,
        read: impl FnOnce(&mut TupleReader<'_, 'b>) -> Result<T, CborError>,
    ) -> Result<T, CborError> {
        let left = self.enter(ARRAY, 1)?;
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
        let left = self.enter(MAP, 2)?;
        let mut map = MapReader::new(self, left)?;
        let value = read(&mut map)?;
        map.skip_optional()?;
        self.depth -= 1;
        Ok(value)
    }

    /// Checks and passes over one item of any type.
    pub fn skip(&mut self) -> Result<(), CborError> {
        match self.major()? {
            major @ (UNSIGNED | NEGATIVE) => self.head(major).map(drop),
            BYTES => self.bytes().map(drop),
            TEXT => self.text().map(drop),
            ARRAY => self.tuple(|tuple| tuple.skip_all()),
            MAP => self.map(|map| map.skip_all()),
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
        self.bytes.get(self.offset..).unwrap_or_default()
    }

    /// The major type of the next item.
    fn major(&self) -> Result<u8, CborError> {
        self.rest().first().map(|head| head >> 5).ok_or(self.error(TRUNCATED))
    }

    /// Reads the head of an item of this major type, which must be the shortest there is for its argument.
    fn head(&mut self, major: u8) -> Result<u64, CborError> {
        let refuse = |what| Err(self.error(what));
        let Some((first, rest)) = self.rest().split_first() else { return refuse(TRUNCATED) };
        if first >> 5 != major {
            return refuse(OTHER_TYPE);
        }
        /// The argument in the bytes behind, how many these are, and the least that is written so.
        fn wide<const N: usize>(rest: &[u8], least: u64) -> Option<(u64, usize, u64)> {
            let bytes: &[u8; N] = rest.first_chunk()?;
            Some((bytes.iter().fold(0, |argument, byte| argument << 8 | u64::from(*byte)), N, least))
        }
        let read = match first & 0x1f {
            small @ 0..24 => Some((u64::from(small), 0, 0)),
            24 => wide::<1>(rest, 24),
            25 => wide::<2>(rest, 1 << 8),
            26 => wide::<4>(rest, 1 << 16),
            27 => wide::<8>(rest, 1 << 32),
            31 if major > NEGATIVE => return refuse("indefinite length"),
            _ => return refuse("not CBOR"),
        };
        match read {
            None => refuse(TRUNCATED),
            Some((argument, _, least)) if argument < least => refuse("not the shortest encoding"),
            Some((argument, length, _)) => {
                self.offset += 1 + length;
                Ok(argument)
            }
        }
    }

    /// Reads a string of this major type.
    fn string(&mut self, major: u8) -> Result<&'b [u8], CborError> {
        let truncated = self.error(TRUNCATED);
        let length = self.head(major)?;
        let length = usize::try_from(length).map_err(|_| truncated)?;
        let string = self.rest().get(..length).ok_or(truncated)?;
        self.offset += length;
        Ok(string)
    }

    /// Goes one level down into the entries of an array or a map, of at least `width` bytes each.
    fn enter(&mut self, major: u8, width: u64) -> Result<u64, CborError> {
        let start = self.offset;
        let refuse = |what| Err(CborError { offset: start, what });
        let count = self.head(major)?;
        if count > self.rest().len() as u64 / width {
            return refuse("count exceeds the bytes left");
        }
        if self.depth == DEPTH_MAX {
            return refuse("nested too deeply");
        }
        self.depth += 1;
        Ok(count)
    }
}

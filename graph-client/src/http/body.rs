//! What becomes of a body while it comes.

use bytes::{Bytes, BytesMut};
use serde::de::DeserializeOwned;

use crate::error::Fault;
use crate::model::{Page, PageReader};

/// No body of an answer of Graph has more bytes; contents are another thing.
pub const BODY_SIZE_MAX: usize = 64 << 20;

/// Takes a body piece by piece.
pub trait Body {
    /// What it comes to.
    type Read;

    /// Takes the next bytes.
    ///
    /// # Errors
    ///
    /// Why they cannot belong to it.
    fn push(&mut self, bytes: &[u8]) -> Result<(), Fault>;

    /// Nothing more comes.
    ///
    /// # Errors
    ///
    /// Why what came is not all, or not what it should be.
    fn finish(self) -> Result<Self::Read, Fault>;
}

/// An answer with its body.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub body: Bytes,
}

/// Keeps a body until it is all there.
pub struct Whole<'f, F> {
    pub status: u16,
    pub body: BytesMut,
    pub read: &'f F,
}

impl<T, F: Fn(Reply) -> Result<T, Fault>> Body for Whole<'_, F> {
    type Read = T;

    fn push(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.body.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(self) -> Result<T, Fault> {
        (self.read)(Reply { status: self.status, body: self.body.freeze() })
    }
}

impl<T: DeserializeOwned> Body for PageReader<T> {
    type Read = Page<T>;

    fn push(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        Ok(PageReader::push(self, bytes)?)
    }

    fn finish(self) -> Result<Page<T>, Fault> {
        Ok(PageReader::finish(self)?)
    }
}

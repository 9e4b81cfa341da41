//! Bytes that clients uploaded, in one unnamed temporary file.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use bytes::Bytes;
use parking_lot::Mutex;

/// Space for uploaded bytes: it only grows, and is gone with the process.
#[derive(Default)]
pub struct Uploads {
    space: Mutex<Space>,
}

#[derive(Default)]
struct Space {
    file: Option<File>,
    used: u64,
}

impl Uploads {
    /// Sets room aside; answers where it begins.
    pub fn reserve(&self, length: u64) -> u64 {
        let mut space = self.space.lock();
        let at = space.used;
        space.used += length;
        at
    }

    /// Writes bytes at a place that was reserved.
    ///
    /// # Errors
    ///
    /// What the temporary folder answers: no room, mostly.
    pub fn write(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let mut space = self.space.lock();
        if space.file.is_none() {
            space.file = Some(tempfile::tempfile()?);
        }
        match &space.file {
            Some(file) => file.write_all_at(bytes, at),
            None => Ok(()),
        }
    }

    /// Reads what was written.
    ///
    /// # Errors
    ///
    /// As the file system answers; `NotFound` if nothing was ever written.
    pub fn read(&self, at: u64, length: usize) -> io::Result<Bytes> {
        let space = self.space.lock();
        let file = space.file.as_ref().ok_or(io::ErrorKind::NotFound)?;
        let mut bytes = vec![0; length];
        file.read_exact_at(&mut bytes, at)?;
        Ok(bytes.into())
    }
}

/// One uploaded content.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stored {
    pub at: u64,
    pub size: u64,
    pub hash: super::quickxor::Register,
}

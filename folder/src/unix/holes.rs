//! Where a file's data and holes are.

use std::os::fd::AsFd;

use rustix::fs::{SeekFrom, seek};
use rustix::io::{self, Errno};

/// A run of one kind at some offset of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Run {
    /// Bytes up to this offset must be read.
    Data { end: u64 },
    /// Bytes up to this offset are zeros.
    Hole { end: u64 },
}

/// Finds the run that starts at `offset` in a file of `size` bytes.
///
/// Moves the descriptor's own offset. File systems that know of no holes have one run of data.
pub(crate) fn run_at(file: impl AsFd, offset: u64, size: u64) -> io::Result<Run> {
    let data = match seek(&file, SeekFrom::Data(offset)) {
        Ok(data) => data.min(size),
        Err(Errno::NXIO) => size,
        Err(Errno::INVAL | Errno::OPNOTSUPP) => return Ok(Run::Data { end: size }),
        Err(error) => return Err(error),
    };
    if data > offset {
        return Ok(Run::Hole { end: data });
    }
    match seek(&file, SeekFrom::Hole(offset)) {
        Ok(hole) if hole > offset => Ok(Run::Data { end: hole.min(size) }),
        Ok(_) | Err(Errno::NXIO) => Ok(Run::Data { end: size }),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::FileExt;

    #[test]
    fn runs_cover_the_file_in_order() {
        let file = tempfile::tempfile().unwrap();
        let size = 3 << 20;
        file.set_len(size).unwrap();
        file.write_all_at(b"data", 1 << 20).unwrap();
        let (mut offset, mut runs) = (0, Vec::new());
        while offset < size {
            let run = run_at(&file, offset, size).unwrap();
            let (Run::Data { end } | Run::Hole { end }) = run;
            assert!(end > offset);
            runs.push(run);
            offset = end;
        }
        assert_eq!(offset, size);
        // A file system without holes answers with one run of data.
        assert!(runs.len() == 3 || runs == [Run::Data { end: size }]);
    }
}

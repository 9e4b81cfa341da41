//! A file in the making: a temporary name, bytes at any offset, holes where zeros are.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::{self, pwrite};

use crate::unix::pool::PooledFd;

/// What file systems keep as a hole.
const HOLE_BYTES: usize = 4096;
static ZEROS: [u8; HOLE_BYTES] = [0; HOLE_BYTES];
/// Smaller files are laid out well without being announced.
const PREALLOCATE_BYTES_MIN: u64 = 1 << 20;

/// A file being restored, which does not have its name yet.
#[derive(Debug)]
pub struct SinkFile {
    /// Names of its folder, below the target.
    pub(super) folder: Vec<Vec<u8>>,
    pub(super) place: FilePlace,
    /// Leaves runs of zeros as holes.
    pub(super) sparse: bool,
}

/// Where the bytes of a file in the making lie.
#[derive(Debug)]
pub(super) enum FilePlace {
    /// In a file without any name, gone once it is closed: half the work of a temporary name, and a crash
    /// leaves nothing behind. It stays open, so it is for files that are written in one piece.
    Nameless(Arc<OwnedFd>),
    /// Under a temporary name. The descriptor may be closed between writes.
    Temporary { name: Vec<u8>, fd: PooledFd },
}

/// Asks for room in one piece, so that a full disk shows at once. Not every file system can.
pub(super) fn preallocate(file: &OwnedFd, size: u64, sparse: bool) -> io::Result<()> {
    if sparse || size < PREALLOCATE_BYTES_MIN {
        return Ok(());
    }
    match fallocate(file, FallocateFlags::KEEP_SIZE, 0, size) {
        Err(io::Errno::NOSPC) => Err(io::Errno::NOSPC),
        _ => Ok(()),
    }
}

/// Writes `bytes` at `offset`; with `sparse`, not those blocks that are all zeros.
pub(super) fn write_at(file: &OwnedFd, bytes: &[u8], offset: u64, sparse: bool) -> io::Result<()> {
    if !sparse {
        return write_all(file, bytes, offset);
    }
    data_runs(bytes, offset)
        .into_iter()
        .try_for_each(|(start, end)| write_all(file, &bytes[start..end], offset + start as u64))
}

fn write_all(file: &OwnedFd, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let count = io::retry_on_intr(|| pwrite(file, bytes, offset))?;
        if count == 0 {
            return Err(io::Errno::IO);
        }
        bytes = &bytes[count..];
        offset += count as u64;
    }
    Ok(())
}

/// The runs of `bytes` that are not whole blocks of zeros, as places in `bytes`.
fn data_runs(bytes: &[u8], offset: u64) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    let mut start = 0;
    while start < bytes.len() {
        // Blocks count from the start of the file.
        let into = ((offset + start as u64) % HOLE_BYTES as u64) as usize;
        let end = bytes.len().min(start + HOLE_BYTES - into);
        let is_data = bytes[start..end] != ZEROS[..end - start];
        match runs.last_mut() {
            Some(run) if is_data && run.1 == start => run.1 = end,
            _ if is_data => runs.push((start, end)),
            _ => {}
        }
        start = end;
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn blocks_of_zeros_are_left_out_wherever_a_piece_begins() {
        let mut bytes = vec![0; 5 * HOLE_BYTES];
        bytes[2 * HOLE_BYTES] = 1;
        assert_eq!(data_runs(&bytes, 0), [(2 * HOLE_BYTES, 3 * HOLE_BYTES)]);
        assert_eq!(data_runs(&bytes, 1), [(2 * HOLE_BYTES - 1, 3 * HOLE_BYTES - 1)]);
        assert_eq!(data_runs(&[0; 10], 77), []);
    }

    proptest! {
        #[test]
        fn what_is_left_out_is_zero(
            blocks in prop::collection::vec(0u8..3, 1..8),
            cut in 0usize..4096,
            offset in 0u64..10_000,
        ) {
            let bytes: Vec<u8> = blocks.iter().flat_map(|b| [*b; HOLE_BYTES]).skip(cut).collect();
            let mut rebuilt = vec![0; bytes.len()];
            for (start, end) in data_runs(&bytes, offset) {
                rebuilt[start..end].copy_from_slice(&bytes[start..end]);
            }
            prop_assert_eq!(rebuilt, bytes);
        }
    }
}

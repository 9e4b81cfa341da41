//! Large blobs go to the disk past the kernel's cache of pages, where the file system can.
//!
//! A blob is written once, synced at once, and rarely read soon: filling pages with it costs more than all else
//! that writing does, and pushes out what others need.

use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Smaller blobs are worth their pages: they are read again.
const BYTES_MIN: usize = 128 << 10;
/// What every disk takes: a multiple of its sectors, at a place that is one, from memory that is.
const BLOCK: usize = 4096;
/// How much goes to the disk at a time.
const PIECE: usize = 2 << 20;

thread_local! {
    /// Memory that the disk can reach: [`PIECE`] bytes of it from a multiple of [`BLOCK`] on.
    static PIECES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Writes all of `bytes` into an empty file. Nothing is promised before it is synced.
///
/// # Errors
/// What the system says; that the disk is full before anything is written, where the file system can tell.
pub(super) fn write(file: &File, bytes: &[u8]) -> io::Result<()> {
    let mut done = 0;
    if bytes.len() >= BYTES_MIN && set_direct(file, true) {
        // In one piece on the disk, though several blobs are being written.
        let written = allocate(file, bytes.len()).and_then(|()| write_blocks(file, bytes));
        set_direct(file, false);
        done = written?;
    }
    file.write_all_at(&bytes[done..], done as u64)
}

/// Writes the whole blocks of `bytes`. Gives how many bytes were written: fewer where the disk took less, or the
/// file system took the flag and then refuses what it asks for.
fn write_blocks(file: &File, bytes: &[u8]) -> io::Result<usize> {
    let whole = bytes.len() / BLOCK * BLOCK;
    let mut done = 0;
    PIECES.with_borrow_mut(|memory| {
        memory.resize(PIECE + BLOCK, 0);
        let start = memory.as_ptr().align_offset(BLOCK).min(BLOCK);
        let piece = &mut memory[start..start + PIECE];
        while done < whole {
            let part = &bytes[done..whole.min(done + PIECE)];
            piece[..part.len()].copy_from_slice(part);
            match file.write_at(&piece[..part.len()], done as u64) {
                Ok(written) if written == part.len() => done += written,
                // The rest is told to the cache.
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if is_refused(&error) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    })
}

fn is_refused(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported)
}

/// Whether writes to the file go past the cache from now on.
#[cfg(target_os = "linux")]
fn set_direct(file: &File, direct: bool) -> bool {
    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
    let set = |flags| fcntl_setfl(file, if direct { flags | OFlags::DIRECT } else { flags - OFlags::DIRECT });
    fcntl_getfl(file).and_then(set).is_ok() && direct
}

#[cfg(not(target_os = "linux"))]
fn set_direct(_: &File, _: bool) -> bool {
    false
}

#[cfg(target_os = "linux")]
fn allocate(file: &File, length: usize) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    match fallocate(file, FallocateFlags::KEEP_SIZE, 0, length as u64) {
        Err(rustix::io::Errno::NOSPC) => Err(io::ErrorKind::StorageFull.into()),
        // Not every file system can.
        _ => Ok(()),
    }
}

#[cfg(not(target_os = "linux"))]
fn allocate(_: &File, _: usize) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_any_length_are_written() {
        for length in [0, 1, BYTES_MIN - 1, BYTES_MIN, PIECE - 1, PIECE + BLOCK, 2 * PIECE + BLOCK + 1] {
            let number = |n: u64| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8;
            let bytes: Vec<u8> = (0..length as u64).map(number).collect();
            let file = tempfile::tempfile().unwrap();
            write(&file, &bytes).unwrap();
            assert_eq!(file.metadata().unwrap().len(), length as u64);
            let mut read = vec![0; length];
            file.read_exact_at(&mut read, 0).unwrap();
            assert!(read == bytes, "{length} bytes");
        }
    }
}

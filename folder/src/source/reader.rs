//! The bytes of one file, holes included, and whether it kept still meanwhile.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;

use repo_format::engine::source::{Finished, ItemCause, ItemError, ItemReader};
use repo_format::tree::Entry;
use rustix::fs::OFlags;
use rustix::io::Errno;

use super::describe::Describer;
use crate::error::{caused, errno_of, item_error};
use crate::unix::facts::Facts;
use crate::unix::holes::{Run, run_at};
use crate::unix::open::open_child_quietly;

/// Reads a file from front to back; its holes cost no reading.
pub(super) struct FileReader {
    file: File,
    opened: Facts,
    offset: u64,
    run: Run,
    describer: Arc<Describer>,
}

impl FileReader {
    pub fn open(folder: BorrowedFd<'_>, name: &[u8], describer: &Arc<Describer>) -> Result<Self, ItemError> {
        let fd = open_file(folder, name)?;
        let opened = Facts::of_open(&fd).map_err(|errno| item_error("cannot look at it", errno))?;
        if !opened.is_file() {
            return Err(no_longer_a_file());
        }
        // A sparse file starts with an empty run, so that the first read looks for the next one.
        // What has no size may still have bytes (`/proc`): it is read to its end.
        let end = match opened.size {
            _ if opened.is_sparse() => 0,
            0 => u64::MAX,
            size => size,
        };
        Ok(FileReader {
            file: File::from(fd),
            opened,
            offset: 0,
            run: Run::Data { end },
            describer: Arc::clone(describer),
        })
    }

    /// Moves to the next run of a sparse file, once the last one is used up.
    fn next_run(&mut self) -> Result<(), ItemError> {
        let (Run::Data { end } | Run::Hole { end }) = self.run;
        if self.offset < end || self.offset >= self.opened.size {
            return Ok(());
        }
        self.run = run_at(&self.file, self.offset, self.opened.size).map_err(read_failed)?;
        if matches!(self.run, Run::Data { .. }) {
            let found = self.file.seek(SeekFrom::Start(self.offset));
            found.map_err(|error| read_failed(errno_of(&error)))?;
        }
        Ok(())
    }
}

impl ItemReader for FileReader {
    fn read(&mut self, buf: &mut Vec<u8>, limit: usize) -> Result<usize, ItemError> {
        self.next_run()?;
        let (Run::Data { end } | Run::Hole { end }) = self.run;
        let wanted = (end - self.offset.min(end)).min(limit as u64);
        let count = match self.run {
            Run::Hole { .. } => {
                // No more than `limit`, so it fits.
                buf.resize(buf.len() + wanted as usize, 0);
                wanted as usize
            }
            Run::Data { .. } => {
                if self.opened.size > 0 {
                    // Else the standard library feels its way with small reads.
                    buf.reserve(wanted as usize);
                }
                let read = (&self.file).take(wanted).read_to_end(buf);
                read.map_err(|error| read_failed(errno_of(&error)))?
            }
        };
        self.offset += count as u64;
        Ok(count)
    }

    fn finish(self: Box<Self>, listed: &Entry) -> Result<Finished, ItemError> {
        let now = Facts::of_open(&self.file).map_err(read_failed)?;
        let entry = self.describer.open_file(&self.file, &now);
        if now.same_content_as(&self.opened) {
            return Ok(Finished { entry: Entry { size: self.offset, ..entry }, changed: false });
        }
        let mut kept = listed.clone();
        kept.meta.xattrs = entry.meta.xattrs;
        Ok(Finished { entry: kept, changed: true })
    }
}

fn open_file(folder: BorrowedFd<'_>, name: &[u8]) -> Result<OwnedFd, ItemError> {
    // Should it have become a FIFO or a device meanwhile, opening must not wait.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
    open_child_quietly(folder, name, flags).map_err(|errno| match errno {
        Errno::LOOP | Errno::NXIO => no_longer_a_file(),
        errno => item_error("cannot open it", errno),
    })
}

fn no_longer_a_file() -> ItemError {
    caused(ItemCause::Vanished, "it is no longer a regular file")
}

fn read_failed(errno: Errno) -> ItemError {
    item_error("cannot read it", errno)
}

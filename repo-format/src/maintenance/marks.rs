//! A byte for each row of the index: what is known of the content in that place.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering};

use memmap2::MmapMut;

/// A table of flags that many threads set at once. Lies in a nameless file of `folder`, so that
/// the system may write it out, or in memory if there is none.
pub(super) struct Marks {
    map: Option<MmapMut>,
    rows: usize,
}

impl Marks {
    /// A table of `rows` zeros.
    ///
    /// # Errors
    /// If there is no room for it.
    pub fn new(rows: u64, folder: Option<&Path>) -> io::Result<Marks> {
        let rows = usize::try_from(rows).map_err(io::Error::other)?;
        if rows == 0 {
            // Nothing cannot be mapped.
            return Ok(Marks { map: None, rows });
        }
        let map = match folder {
            Some(folder) => {
                std::fs::create_dir_all(folder)?;
                let file = tempfile::tempfile_in(folder)?;
                file.set_len(rows as u64)?;
                // SAFETY: The file has no name, so nobody else opens, changes or shortens it while it
                // is mapped.
                unsafe { MmapMut::map_mut(&file)? }
            }
            None => MmapMut::map_anon(rows)?,
        };
        Ok(Marks { map: Some(map), rows })
    }

    /// Sets flags of a row, and gives those that were set before.
    pub fn set(&self, row: u64, flags: u8) -> u8 {
        self.cell(row).map_or(0, |cell| cell.fetch_or(flags, Ordering::Relaxed))
    }

    /// The flags of a row.
    pub fn get(&self, row: u64) -> u8 {
        self.cell(row).map_or(0, |cell| cell.load(Ordering::Relaxed))
    }

    fn cell(&self, row: u64) -> Option<&AtomicU8> {
        let (map, row) = (self.map.as_ref()?, usize::try_from(row).ok()?);
        // SAFETY: The row is inside the map, which lives as long as the reference; an `AtomicU8` has
        // size and alignment of a byte, and all access to the map goes through such cells.
        (row < self.rows).then(|| unsafe { AtomicU8::from_ptr(map.as_ptr().add(row).cast_mut()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_add_up_in_a_file_and_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        // Whole pages, too, behind which nothing is mapped.
        for (folder, rows) in [(Some(folder.path()), 10_000), (None, 10_000), (None, 8_192)] {
            let marks = Marks::new(rows, folder).unwrap();
            assert_eq!((marks.set(rows - 1, 1), marks.set(rows - 1, 4), marks.get(rows - 1)), (0, 1, 5));
            assert_eq!((marks.get(0), marks.set(rows, 1), marks.get(rows)), (0, 0, 0));
        }
        assert_eq!(Marks::new(0, None).unwrap().get(0), 0);
    }
}

//! The local cache: a private folder with one file for each index segment.
//!
//! It may be deleted at any time, and several processes may use it at once: a file gets its name
//! when it is complete and is never changed, only unlinked. What it says is believed only as far as
//! its checksums go. A folder that is missing, full or read-only costs memory, never the run.

use std::collections::HashSet;
use std::fs::{self, DirBuilder, File};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::mapped::{self, MappedTable};
use super::{CacheWarning, IndexTable};
use crate::codec::{SegmentId, Subkeys};
use crate::system::{self, Mutex};

const TAG_NAME: &str = "CACHEDIR.TAG";
const TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55\n\
    # Corso's copy of a repository's index. It may be deleted at any time.\n";
const SUFFIX: &str = ".idx";
const TEMPORARY: &str = ".new-";

/// Files younger than this are left alone when pruning: another process, which knows a newer state,
/// may just have written them.
const PRUNE_AGE: Duration = Duration::from_secs(60 * 60);

/// The cache of one repository, or none.
pub(super) struct Cache {
    folder: Option<PathBuf>,
    warning: Mutex<Option<CacheWarning>>,
}

impl Cache {
    /// Uses `folder`, which is made at the first write.
    pub fn new(folder: Option<PathBuf>) -> Cache {
        Cache { folder, warning: Mutex::new(None) }
    }

    /// The table of `segment`, if a whole file is there. One that is not whole is removed.
    pub fn open(&self, keys: &Arc<Subkeys>, segment: &SegmentId) -> Option<MappedTable> {
        let file = File::open(self.path(segment)?).ok()?;
        match MappedTable::open(keys, segment, &file) {
            Ok(Some(table)) => Some(table),
            Ok(None) => {
                self.remove(segment);
                None
            }
            Err(_) => None,
        }
    }

    /// Stores the table of `segment` and opens it; gives it back in memory if that fails.
    ///
    /// The first failure becomes the warning, unless there is no cache by choice.
    pub fn store(
        &self,
        keys: &Arc<Subkeys>,
        segment: &SegmentId,
        table: IndexTable,
    ) -> Result<MappedTable, IndexTable> {
        let Some(folder) = &self.folder else { return Err(table) };
        match self.write(folder, keys, segment, &table) {
            Ok(Some(mapped)) => Ok(mapped),
            // Written, and already not what was written: another look is left to the next run.
            Ok(None) => Err(table),
            Err(source) => {
                let warning = CacheWarning { folder: folder.clone(), source };
                self.warning.lock().get_or_insert(warning);
                Err(table)
            }
        }
    }

    fn write(
        &self,
        folder: &Path,
        keys: &Arc<Subkeys>,
        segment: &SegmentId,
        table: &IndexTable,
    ) -> io::Result<Option<MappedTable>> {
        prepare(folder)?;
        // `tempfile` makes files of mode 0600, and removes what is not persisted.
        let mut file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(folder)?;
        let mut writer = BufWriter::with_capacity(1 << 18, file.as_file_mut());
        mapped::write(keys, segment, table, &mut writer)?;
        writer.flush()?;
        drop(writer);
        // No fsync: after a power cut the checksums tell, and the segment is fetched again.
        let file = file.persist(folder.join(file_name(segment))).map_err(|error| error.error)?;
        // Mapped by the handle that wrote it, so no other process can take it away in between.
        MappedTable::open(keys, segment, &file)
    }

    /// Removes the file of `segment`. If another process just wrote a better one, that is only
    /// fetched once more.
    pub fn remove(&self, segment: &SegmentId) {
        if let Some(path) = self.path(segment) {
            // What cannot be removed fails its checksums the next time, too.
            let _ = fs::remove_file(path);
        }
    }

    /// Removes the files of all segments but `needed`, and what killed processes left behind.
    ///
    /// Safe beside other processes: maps outlive their file's name, and what was still needed is
    /// fetched again. Files of the last hour stay.
    pub fn retain(&self, needed: &HashSet<SegmentId>) {
        let Some(entries) = self.folder.as_ref().and_then(|folder| fs::read_dir(folder).ok()) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            let stray = match name.strip_suffix(SUFFIX).and_then(|id| id.parse::<SegmentId>().ok()) {
                Some(id) => !needed.contains(&id),
                None => name.starts_with(TEMPORARY),
            };
            let old = || entry.metadata().and_then(|data| data.modified()).is_ok_and(is_old);
            if stray && old() {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// What went wrong first, once.
    pub fn take_warning(&self) -> Option<CacheWarning> {
        self.warning.lock().take()
    }

    fn path(&self, segment: &SegmentId) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join(file_name(segment)))
    }
}

fn file_name(segment: &SegmentId) -> String {
    format!("{segment}{SUFFIX}")
}

fn is_old(modified: SystemTime) -> bool {
    let now = SystemTime::UNIX_EPOCH + Duration::from_nanos(system::time_ns().try_into().unwrap_or_default());
    now.duration_since(modified).is_ok_and(|age| age > PRUNE_AGE)
}

/// Makes the folder, private, and marks it as a cache for backup programs.
fn prepare(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    fs::write(folder.join(TAG_NAME), TAG)
}

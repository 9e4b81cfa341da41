//! What this client has seen of a log, so that an older or another history is noticed (LOG-6).

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::{LogError, Warning};
use super::state::State;
use crate::codec::{RecordHash, RepoId};

/// The newest record and the newest catalog that were seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    pub revision: u64,
    pub hash: RecordHash,
    /// The catalog's revision; 0 if none was seen.
    pub catalog: u64,
}

impl Seen {
    /// What a state shows, read with `catalog` as the newest one.
    pub fn of(state: &State, catalog: u64) -> Seen {
        Seen { revision: state.revision, hash: state.hash, catalog }
    }

    /// The newer of each.
    fn max(self, other: &Seen) -> Seen {
        let newer = if self.revision >= other.revision { self } else { *other };
        Seen { catalog: self.catalog.max(other.catalog), ..newer }
    }

    /// Refuses a state that does not continue what was seen.
    ///
    /// A state that has moved on by more than the recent hashes it carries is believed.
    pub(super) fn check(&self, state: &State) -> Result<(), LogError> {
        if state.revision < self.revision {
            return Err(LogError::RolledBack { seen: self.revision, head: state.revision });
        }
        // The copy that is in the place of this log now may have lacked what was seen, or have had something else.
        if let Some(before) = state.promotion().filter(|before| self.revision < before.begins) {
            if self.revision > before.revision {
                return Err(LogError::RolledBack { seen: self.revision, head: before.revision });
            }
            if self.revision == before.revision && self.hash != before.hash {
                let (revision, seen, found) = (self.revision, self.hash, before.hash);
                return Err(LogError::Forked { revision, seen, found });
            }
        }
        match state.hash_of(self.revision) {
            Some(found) if found != self.hash => {
                Err(LogError::Forked { revision: self.revision, seen: self.hash, found })
            }
            _ => Ok(()),
        }
    }
}

/// A file that keeps [`Seen`] for one repository at one location. Processes share it under a lock.
#[derive(Debug, Clone)]
pub struct Memory {
    file: PathBuf,
    lock: PathBuf,
}

impl Memory {
    /// The memory in `folder`, which is made when something is to be kept.
    pub fn new(folder: &Path, repo: &RepoId, location: &str) -> Memory {
        let place = &blake3::hash(location.as_bytes()).to_hex()[..16];
        let file = folder.join(format!("{repo}-{place}.seen"));
        Memory { lock: file.with_extension("lock"), file }
    }

    /// What was seen last, if anything.
    ///
    /// # Errors
    /// If the file is there and cannot be read, or is not such a file.
    pub fn read(&self) -> io::Result<Option<Seen>> {
        match fs::read_to_string(&self.file) {
            Ok(text) => parse(&text).map(Some).ok_or_else(|| io::ErrorKind::InvalidData.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Keeps `seen`, or what is newer of what is kept already.
    ///
    /// # Errors
    /// If the folder cannot be written to.
    pub fn raise(&self, seen: &Seen) -> io::Result<()> {
        let _lock = self.lock()?;
        // A file that says nothing sensible is made anew; others cannot be replaced either.
        let kept = self.read().ok().flatten();
        let newest = kept.map_or(*seen, |kept| kept.max(seen));
        if kept == Some(newest) { Ok(()) } else { self.write(&newest) }
    }

    /// Keeps `seen` whatever was kept before: the user says that it is the history to go on with.
    ///
    /// # Errors
    /// If the folder cannot be written to.
    pub fn replace(&self, seen: &Seen) -> io::Result<()> {
        let _lock = self.lock()?;
        self.write(seen)
    }

    /// Says that the memory failed.
    pub(super) fn warning(&self, error: io::Error) -> Warning {
        Warning::NotRemembered { file: self.file.clone(), source: Arc::new(error) }
    }

    fn lock(&self) -> io::Result<File> {
        if let Some(folder) = self.lock.parent() {
            fs::create_dir_all(folder)?;
        }
        let file = File::options().create(true).truncate(false).write(true).open(&self.lock)?;
        file.lock()?;
        Ok(file)
    }

    fn write(&self, seen: &Seen) -> io::Result<()> {
        let folder = self.file.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        writeln!(file, "{} {} {}", seen.revision, seen.hash, seen.catalog)?;
        file.as_file().sync_all()?;
        file.persist(&self.file).map_err(|error| error.error)?;
        Ok(())
    }
}

fn parse(text: &str) -> Option<Seen> {
    let mut words = text.strip_suffix('\n')?.split(' ');
    let (revision, hash) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    // Earlier releases did not write the catalog down.
    let catalog = words.next().map_or(Some(0), |word| word.parse().ok())?;
    words.next().is_none().then_some(Seen { revision, hash, catalog })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(revision: u64) -> Seen {
        Seen { revision, hash: RecordHash([revision as u8; 32]), catalog: 0 }
    }

    #[test]
    fn memory_is_raised_and_never_lowered() {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory::new(&folder.path().join("new"), &RepoId([1; 16]), "here");
        assert_eq!(memory.read().unwrap(), None);
        for (raised, kept) in [(5, 5), (3, 5), (5, 5), (9, 9)] {
            memory.raise(&seen(raised)).unwrap();
            assert_eq!(memory.read().unwrap(), Some(seen(kept)));
        }
        memory.replace(&seen(2)).unwrap();
        assert_eq!(memory.read().unwrap(), Some(seen(2)));
        let with_catalog = |revision, catalog| Seen { catalog, ..seen(revision) };
        memory.raise(&with_catalog(1, 64)).unwrap();
        assert_eq!(memory.read().unwrap(), Some(with_catalog(2, 64)));
        memory.raise(&seen(3)).unwrap();
        assert_eq!(memory.read().unwrap(), Some(with_catalog(3, 64)));
        let elsewhere = Memory::new(&folder.path().join("new"), &RepoId([1; 16]), "there");
        assert_eq!(elsewhere.read().unwrap(), None);
    }

    #[test]
    fn a_memory_without_a_catalog_is_read() {
        let hash = RecordHash([5; 32]);
        assert_eq!(parse(&format!("5 {hash}\n")), Some(seen(5)));
        assert_eq!(parse(&format!("5 {hash} 64\n")), Some(Seen { catalog: 64, ..seen(5) }));
        assert_eq!(parse(&format!("5 {hash} 64 1\n")), None);
    }

    #[test]
    fn an_unreadable_memory_is_said_and_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory::new(folder.path(), &RepoId([1; 16]), "here");
        fs::write(&memory.file, "7 ab").unwrap();
        assert_eq!(memory.read().unwrap_err().kind(), io::ErrorKind::InvalidData);
        memory.raise(&seen(4)).unwrap();
        assert_eq!(memory.read().unwrap(), Some(seen(4)));
    }
}

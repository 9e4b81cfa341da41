//! What a restore has begun and done: one file, a JSON object a line, only ever appended to.
//!
//! A line is written before the call that it announces, and on disk before that call if losing it
//! could lead to a duplicate. Threads that wait for the disk share its turns. The file is the state
//! of one restore and is locked while one runs; it names items, and upload sessions that let their
//! bearer in, so only its owner may read it. It goes when all is restored.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use parking_lot::{Condvar, Mutex};
use serde::{Deserialize, Serialize};

use super::key::Key;
use replay::{Past, Unreadable};

pub(super) mod replay;

/// Version of the records.
const VERSION: u32 = 1;

/// Why the journal of a restore cannot be kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The file system refused.
    #[error("cannot keep the restore's journal {path:?}")]
    Io { path: PathBuf, source: io::Error },
    /// The same restore is running already.
    #[error("another process runs this restore: it holds {path:?}")]
    Busy { path: PathBuf },
    /// A line is none of ours, or of a newer release. Without the file the restore begins anew, and
    /// restores once more what it has restored.
    #[error("line {line} of the restore's journal {path:?} cannot be read")]
    Malformed { path: PathBuf, line: u64 },
}

/// A line. It may hold an address that lets its bearer in: no `Debug`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Record {
    /// The first line. `folder` is where it goes.
    Begin { version: u32, restore: Key, folder: String },
    /// The item is about to be made in a folder under this name; or under its temporary name, to
    /// then take the place of item `over`.
    Name {
        of: Key,
        folder: String,
        name: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        over: Option<String>,
    },
    /// Its upload session.
    Session { of: Key, url: String },
    /// All of it is there under its temporary name, as this item.
    Stored { of: Key, item: String },
    /// It is there, as this item if there are permissions to come.
    Done {
        of: Key,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<String>,
    },
    /// Its permissions are given.
    Granted { of: Key },
}

/// An open journal. Shared between threads.
pub(super) struct Journal {
    file: File,
    path: PathBuf,
    state: Mutex<State>,
    synced: Condvar,
}

#[derive(Default)]
struct State {
    /// Lines written, and those of them that are on disk.
    written: u64,
    durable: u64,
    syncing: bool,
    /// A failed sync is final: what came before it may be lost.
    broken: bool,
}

impl Journal {
    /// Opens the journal of a restore, and reads what earlier runs of it did. `resume` false forgets
    /// them.
    ///
    /// A last line that was cut off is dropped: its call was not made.
    pub fn open(folder: &Path, restore: Key, resume: bool) -> Result<(Journal, Past), JournalError> {
        let path = folder.join(format!("{restore}.jsonl"));
        let failed = |source| JournalError::Io { path: path.clone(), source };
        std::fs::create_dir_all(folder).map_err(failed)?;
        let mut file = options().open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::Busy { path }),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        if !resume {
            file.set_len(0).map_err(failed)?;
        }
        let (past, length) = replay::read(BufReader::new(&file), restore).map_err(|why| match why {
            Unreadable::Io(source) => failed(source),
            Unreadable::Line(line) => JournalError::Malformed { path: path.clone(), line },
        })?;
        file.set_len(length).map_err(failed)?;
        file.seek(SeekFrom::Start(length)).map_err(failed)?;
        Ok((Journal { file, path, state: Mutex::default(), synced: Condvar::new() }, past))
    }

    /// The first line of a journal that has none.
    pub fn begin(&self, restore: Key, folder: &str) -> Result<(), JournalError> {
        self.write_durably(&Record::Begin { version: VERSION, restore, folder: folder.to_owned() })?;
        // The file's own entry has to survive, too.
        let above = self.path.parent().unwrap_or(&self.path);
        let synced = File::open(above).and_then(|folder| folder.sync_all());
        if let Err(error) = synced {
            tracing::debug!(%error, "the folder of a restore's journal cannot be synced");
        }
        Ok(())
    }

    /// Forgets what earlier runs did, and writes the first line again.
    pub fn restart(&self, restore: Key, folder: &str) -> Result<(), JournalError> {
        let emptied = self.file.set_len(0).and_then(|()| (&self.file).seek(SeekFrom::Start(0)));
        emptied.map_err(|source| self.failed(source))?;
        self.begin(restore, folder)
    }

    /// Writes a line that may be lost with the machine's power: what it says can be found out again.
    pub fn write(&self, record: &Record) -> Result<(), JournalError> {
        self.append(record).map(drop)
    }

    /// Writes a line, and returns when it is on disk.
    pub fn write_durably(&self, record: &Record) -> Result<(), JournalError> {
        let mine = self.append(record)?;
        let mut state = self.state.lock();
        while state.durable < mine {
            if state.broken {
                return Err(self.failed(io::Error::other("an earlier write did not reach the disk")));
            }
            if state.syncing {
                self.synced.wait(&mut state);
                continue;
            }
            state.syncing = true;
            let reached = state.written;
            drop(state);
            let synced = self.file.sync_data();
            state = self.state.lock();
            state.syncing = false;
            match synced {
                Ok(()) => state.durable = reached,
                Err(error) => {
                    state.broken = true;
                    self.synced.notify_all();
                    return Err(self.failed(error));
                }
            }
            self.synced.notify_all();
        }
        Ok(())
    }

    /// All is restored: the journal goes.
    pub fn finish(self) -> Result<(), JournalError> {
        std::fs::remove_file(&self.path).map_err(|source| self.failed(source))
    }

    /// Writes a line; its number among those of this run.
    fn append(&self, record: &Record) -> Result<u64, JournalError> {
        let mut line = serde_json::to_vec(record).map_err(|error| self.failed(error.into()))?;
        line.push(b'\n');
        let mut state = self.state.lock();
        (&self.file).write_all(&line).map_err(|source| self.failed(source))?;
        state.written += 1;
        Ok(state.written)
    }

    fn failed(&self, source: io::Error) -> JournalError {
        JournalError::Io { path: self.path.clone(), source }
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u8) -> Key {
        Key::of(&[&[n]])
    }

    #[test]
    fn what_was_written_is_read_again_and_a_cut_line_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let (journal, past) = Journal::open(folder.path(), key(0), true).unwrap();
        assert!(past.folder.is_none());
        journal.begin(key(0), "Corso_Restore").unwrap();
        let name = |of, name: &str| Record::Name { of, folder: "01F".into(), name: name.into(), over: None };
        journal.write_durably(&name(key(1), "a.txt")).unwrap();
        journal.write(&Record::Session { of: key(1), url: "https://x/?hush".into() }).unwrap();
        journal.write_durably(&name(key(2), "b.txt")).unwrap();
        journal.write(&Record::Done { of: key(2), item: Some("01B".into()) }).unwrap();
        let busy = Journal::open(folder.path(), key(0), true);
        assert!(matches!(busy, Err(JournalError::Busy { .. })));
        let path = journal.path.clone();
        drop(journal);
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"do\":\"done\",\"of\"").unwrap();

        let (journal, past) = Journal::open(folder.path(), key(0), true).unwrap();
        assert_eq!(past.folder.as_deref(), Some("Corso_Restore"));
        assert_eq!(past.open[&key(1)].name, "a.txt");
        assert!(past.open[&key(1)].session.is_some());
        assert!(past.done.contains_key(&key(2)) && past.grants.contains_key(&key(2)));
        journal.write_durably(&Record::Granted { of: key(2) }).unwrap();
        drop(journal);
        let (journal, past) = Journal::open(folder.path(), key(0), true).unwrap();
        assert!(past.grants.is_empty(), "the cut line is gone, and the next one stands by itself");
        journal.finish().unwrap();
        assert!(!path.exists());
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_may_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (journal, _) = Journal::open(folder.path(), key(0), true).unwrap();
        assert_eq!(journal.file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_line_of_something_else_is_an_error_and_not_a_new_restore() {
        let folder = tempfile::tempdir().unwrap();
        let (journal, _) = Journal::open(folder.path(), key(0), true).unwrap();
        journal.begin(key(0), "").unwrap();
        let path = journal.path.clone();
        drop(journal);
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"do\":\"dance\"}\n{}\n").unwrap();
        let read = Journal::open(folder.path(), key(0), true).map(drop);
        assert!(matches!(read, Err(JournalError::Malformed { line: 2, .. })), "{read:?}");
        let (_, past) = Journal::open(folder.path(), key(0), false).unwrap();
        assert!(past.folder.is_none(), "who does not want to resume begins anew");
    }
}

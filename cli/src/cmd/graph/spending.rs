//! What an application spent today in a tenant, kept between runs.
//!
//! One small file for each application and tenant, in the state folder. Every run adds to it what it
//! spent since it did so last, under a lock, so that runs beside each other lose nothing; and learns
//! what the others spent. A file that is not there or not to be read counts as nothing spent: it is an
//! estimate, and the service refuses what is too much in any case.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use graph_client::Graph;
use graph_client::budget::DaySpent;
use serde::{Deserialize, Serialize};

/// How often it is kept.
const INTERVAL: Duration = Duration::from_secs(60);

/// Keeps what a client spends, until it is dropped.
pub struct Spending {
    /// Dropped to end the thread.
    alive: Option<Sender<()>>,
    keeper: Option<JoinHandle<()>>,
}

impl Spending {
    /// Tells the client what is spent already, and keeps what it spends from now on in `folder`. `whose`
    /// are the names of application and tenant.
    pub fn keep(graph: &Graph, folder: &Path, whose: &[&str]) -> Spending {
        let mut keeper =
            Keeper { graph: graph.clone(), file: file(folder, whose), kept: DaySpent::default() };
        keeper.try_keep();
        let (alive, ended) = channel();
        let keep = move || {
            while ended.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                keeper.try_keep();
            }
            keeper.try_keep();
        };
        let keeper = thread::Builder::new().name("spending".into()).spawn(keep);
        Spending { alive: Some(alive), keeper: keeper.ok() }
    }
}

impl Drop for Spending {
    fn drop(&mut self) {
        self.alive = None;
        if let Some(keeper) = self.keeper.take()
            && keeper.join().is_err()
        {
            tracing::warn!("the units spent today were not kept");
        }
    }
}

/// Where it is kept. The name tells nobody whose it is.
fn file(folder: &Path, whose: &[&str]) -> PathBuf {
    let mut hash = blake3::Hasher::new();
    for name in whose {
        // Each ends somewhere: no two lists read the same.
        hash.update(name.to_lowercase().as_bytes()).update(&[0]);
    }
    folder.join(format!("{}.json", &hash.finalize().to_hex()[..32]))
}

/// The file's content.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Kept {
    /// Days since 1970-01-01, UTC.
    day: u64,
    /// Resource units spent on files by all runs of that day.
    units: u64,
}

struct Keeper {
    graph: Graph,
    file: PathBuf,
    /// What of ours is in the file.
    kept: DaySpent,
}

impl Keeper {
    fn try_keep(&mut self) {
        if let Err(error) = self.keep() {
            tracing::warn!(%error, file = %self.file.display(), "the units spent today cannot be kept");
        }
    }

    fn keep(&mut self) -> io::Result<()> {
        fs::create_dir_all(self.file.parent().unwrap_or(Path::new(".")))?;
        let _lock = lock(&self.file.with_extension("lock"))?;
        let ours = self.graph.spent_today();
        let before = read(&self.file)?;
        let all = sum(&before, self.kept, ours);
        if all != before {
            replace(&self.file, &all)?;
        }
        self.kept = ours;
        self.graph.spent_elsewhere(DaySpent { day: all.day, units: all.units - ours.units });
        Ok(())
    }
}

/// What the file is to have, if it has `before` and of `ours` already `kept`; never less than ours.
fn sum(before: &Kept, kept: DaySpent, ours: DaySpent) -> Kept {
    let units_of = |day, units| if day == ours.day { units } else { 0 };
    let new = ours.units.saturating_sub(units_of(kept.day, kept.units));
    let units = units_of(before.day, before.units).saturating_add(new);
    Kept { day: ours.day, units: units.max(ours.units) }
}

fn lock(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
    file.lock()?;
    Ok(file)
}

fn read(path: &Path) -> io::Result<Kept> {
    match fs::read(path) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).unwrap_or_default()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Kept::default()),
        Err(error) => Err(error),
    }
}

/// A reader sees the old file or the new one.
fn replace(path: &Path, kept: &Kept) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
    file.write_all(&serde_json::to_vec(kept)?)?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use graph_client::GraphConfig;
    use graph_client::auth::Credential;

    use super::*;

    fn graph() -> Graph {
        Graph::new(GraphConfig::new("t", "c", Credential::Secret("s".into()))).unwrap()
    }

    fn spent(day: u64, units: u64) -> DaySpent {
        DaySpent { day, units }
    }

    #[test]
    fn runs_beside_each_other_lose_nothing() {
        // One spent 5 and then 7, another 100 in between.
        let first = sum(&Kept::default(), DaySpent::default(), spent(3, 5));
        let second = sum(&first, DaySpent::default(), spent(3, 100));
        let third = sum(&second, spent(3, 5), spent(3, 7));
        assert_eq!(third, Kept { day: 3, units: 107 });
        assert_eq!(sum(&third, spent(3, 7), spent(4, 2)), Kept { day: 4, units: 2 }, "another day");
        assert_eq!(sum(&Kept::default(), spent(3, 7), spent(3, 8)), Kept { day: 3, units: 8 }, "it was lost");
    }

    #[test]
    fn what_is_kept_is_told_and_what_cannot_be_read_counts_as_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path(), &["cloud", "Tenant", "app"]);
        assert_eq!(path, file(folder.path(), &["cloud", "tenant", "APP"]));
        assert_ne!(path, file(folder.path(), &["cloud", "tenanta", "pp"]));
        let graph = graph();
        let today = graph.spent_today().day;
        for (text, wanted) in [
            (Some(format!(r#"{{"day":{today},"units":1234,"new":[]}}"#)), 1234),
            (Some(format!(r#"{{"day":{},"units":1234}}"#, today - 1)), 0),
            (Some("{\"day\":".to_owned()), 0),
            (None, 0),
        ] {
            match &text {
                Some(text) => fs::write(&path, text).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
            let spending = Spending::keep(&graph, folder.path(), &["cloud", "tenant", "app"]);
            assert_eq!(graph.standing().spent_today, wanted, "{text:?}");
            drop(spending);
            assert_eq!(read(&path).unwrap(), Kept { day: today, units: wanted });
        }
    }

    #[test]
    fn a_folder_that_cannot_be_written_stops_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        drop(Spending::keep(&graph(), &file, &["cloud"]));
    }
}

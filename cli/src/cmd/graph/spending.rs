//! What an application spent today in a tenant, and how long the service asked it to wait, kept between runs.
//!
//! One small file for each application and tenant, in the state folder. Every run adds to it what it
//! spent since it did so last, under a lock, so that runs beside each other lose nothing; and learns
//! what the others spent, and until when they were told to be quiet. A file that is not there or not to be
//! read counts as nothing spent: it is an estimate, and the service refuses what is too much in any case.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use graph_client::Graph;
use graph_client::budget::{DaySpent, Workload};
use serde::{Deserialize, Serialize};

/// How often it is kept.
const INTERVAL: Duration = Duration::from_secs(60);
/// How often it is looked whether the service asked for a wait, which a run that is killed leaves behind.
const LOOK: Duration = Duration::from_secs(1);
/// No wait is believed to be longer: a clock was wrong.
const WAIT_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// Waits that end so close to each other are one.
const SAME_MS: u64 = 1000;

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
        let mut keeper = Keeper {
            graph: graph.clone(),
            file: file(folder, whose),
            kept: DaySpent::default(),
            told: Waits::new(),
        };
        keeper.try_keep();
        let (alive, ended) = channel();
        let keep = move || {
            let mut last = Instant::now();
            while ended.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                if last.elapsed() >= INTERVAL || keeper.has_a_new_wait() {
                    keeper.try_keep();
                    last = Instant::now();
                }
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
    /// Until when the service wants quiet, by budget, in milliseconds since 1970-01-01, UTC.
    #[serde(default, skip_serializing_if = "Waits::is_empty")]
    quiet_until_ms: Waits,
}

type Waits = BTreeMap<String, u64>;

struct Keeper {
    graph: Graph,
    file: PathBuf,
    /// What of ours is in the file.
    kept: DaySpent,
    /// The waits that are in the file.
    told: Waits,
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
        let now_ms = now_ms();
        let waits = latest(&before.quiet_until_ms, &self.waits(now_ms), now_ms);
        let all = Kept { quiet_until_ms: waits, ..sum(&before, self.kept, ours) };
        if all != before {
            replace(&self.file, &all)?;
        }
        for workload in Workload::ALL {
            if let Some(until_ms) = all.quiet_until_ms.get(workload.name()) {
                self.graph.quiet(workload, Duration::from_millis(until_ms - now_ms));
            }
        }
        (self.kept, self.told) = (ours, all.quiet_until_ms);
        self.graph.spent_elsewhere(DaySpent { day: all.day, units: all.units - ours.units });
        Ok(())
    }

    /// Until when the service asked us to be quiet.
    fn waits(&self, now_ms: u64) -> Waits {
        let fences = self.graph.fences().into_iter().filter(|(_, wait)| !wait.is_zero());
        fences
            .map(|(workload, wait)| (workload.name().to_owned(), now_ms + wait.as_millis() as u64))
            .collect()
    }

    fn has_a_new_wait(&self) -> bool {
        let now_ms = now_ms();
        latest(&self.told, &self.waits(now_ms), now_ms)
            .iter()
            .any(|(name, until)| self.told.get(name) != Some(until))
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The later waits of two, by budget, of which none is over or beyond belief. Of two that are one, the first.
fn latest(first: &Waits, second: &Waits, now_ms: u64) -> Waits {
    let believed = now_ms..=now_ms.saturating_add(WAIT_MAX.as_millis() as u64);
    let mut all = Waits::new();
    for (name, until) in first.iter().chain(second).filter(|(_, until)| believed.contains(until)) {
        let known = all.entry(name.clone()).or_insert(*until);
        if *until > *known + SAME_MS {
            *known = *until;
        }
    }
    all
}

/// What the file is to have, if it has `before` and of `ours` already `kept`; never less than ours.
fn sum(before: &Kept, kept: DaySpent, ours: DaySpent) -> Kept {
    let units_of = |day, units| if day == ours.day { units } else { 0 };
    let new = ours.units.saturating_sub(units_of(kept.day, kept.units));
    let units = units_of(before.day, before.units).saturating_add(new);
    Kept { day: ours.day, units: units.max(ours.units), ..Kept::default() }
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
        assert_eq!(third, Kept { day: 3, units: 107, ..Kept::default() });
        assert_eq!(
            sum(&third, spent(3, 7), spent(4, 2)),
            Kept { day: 4, units: 2, ..Kept::default() },
            "another day"
        );
        assert_eq!(
            sum(&Kept::default(), spent(3, 7), spent(3, 8)),
            Kept { day: 3, units: 8, ..Kept::default() },
            "it was lost"
        );
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
            assert_eq!(read(&path).unwrap(), Kept { day: today, units: wanted, ..Kept::default() });
        }
    }

    #[test]
    fn the_latest_wait_stays_until_it_is_over() {
        let waits = |until: &[(&str, u64)]| -> Waits {
            until.iter().map(|(name, until)| ((*name).to_owned(), *until)).collect()
        };
        let now = 1_000_000;
        let first = waits(&[("files", now + 5000), ("sign-in", now - 1)]);
        let second = waits(&[("files", now + 5900), ("directory", now + 60_000)]);
        let both = waits(&[("files", now + 5000), ("directory", now + 60_000)]);
        assert_eq!(latest(&first, &second, now), both, "less than a second is no news");
        assert_eq!(latest(&first, &waits(&[("files", now + 7000)]), now), waits(&[("files", now + 7000)]));
        assert_eq!(latest(&both, &first, now + 10_000), waits(&[("directory", now + 60_000)]));
        assert_eq!(
            latest(&waits(&[("files", u64::MAX)]), &Waits::new(), now),
            Waits::new(),
            "a clock was wrong"
        );
    }

    #[test]
    fn who_was_told_to_wait_tells_the_next_run() {
        let folder = tempfile::tempdir().unwrap();
        let first = graph();
        let spending = Spending::keep(&first, folder.path(), &["cloud", "tenant", "app"]);
        first.quiet(Workload::Files, Duration::from_secs(300));
        // As a run that is killed: what was told is kept without an end.
        let path = file(folder.path(), &["cloud", "tenant", "app"]);
        let begun = Instant::now();
        while read(&path).unwrap().quiet_until_ms.is_empty() {
            assert!(begun.elapsed() < Duration::from_secs(30), "it is kept");
            thread::sleep(Duration::from_millis(20));
        }
        std::mem::forget(spending);
        let second = graph();
        drop(Spending::keep(&second, folder.path(), &["cloud", "tenant", "app"]));
        let fences = second.fences();
        assert!(
            fences.iter().all(|(workload, wait)| match workload {
                Workload::Files => (Duration::from_secs(200)..=Duration::from_secs(301)).contains(wait),
                _ => wait.is_zero(),
            }),
            "{fences:?}"
        );
        drop(Spending::keep(&graph(), folder.path(), &["cloud", "tenant", "another app"]));
    }

    #[test]
    fn a_folder_that_cannot_be_written_stops_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        drop(Spending::keep(&graph(), &file, &["cloud"]));
    }
}

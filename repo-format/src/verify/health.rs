//! Health: what the log and the front of the verification map say, for whoever asks every day.
//!
//! Reads no snapshot and no pack, lists nothing: a handful of requests, however large the repository is.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::codec::{PackId, TimeNs};
use crate::coverage::Front;
use crate::format::slot::SlotKind;
use crate::log::{ManifestRow, SnapshotState, SourceInfo};
use crate::repository::{Repository, RepositoryError, with_causes};

/// What is known of a repository without looking into it.
#[derive(Debug, Clone)]
pub struct Health {
    pub revision: u64,
    /// By the clock of this machine, which ages are told by.
    pub now_ns: TimeNs,
    /// Every source that has a snapshot.
    pub sources: Vec<SourceHealth>,
    /// Snapshots that are forgotten and not yet left out of the log, and blobs that wait for their end.
    pub forgotten: u64,
    pub waiting: u64,
    /// Packs that are known to be damaged.
    pub quarantined: Vec<PackId>,
    pub passphrases: u64,
    pub key_files: u64,
    pub recovery_keys: u64,
    pub coverage: CoverageHealth,
}

/// What is known of how far the packs are verified.
#[derive(Debug, Clone)]
pub enum CoverageHealth {
    /// Nothing was ever verified, or not kept.
    Never,
    Known(Front),
    /// The map cannot be read; says why.
    Unreadable(String),
}

/// The snapshots of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceHealth {
    pub source: SourceInfo,
    /// The newest by the order of commits.
    pub newest: ManifestRow,
    /// The newest that is complete.
    pub complete: Option<ManifestRow>,
    /// The newest that is complete or partial.
    pub finished: Option<ManifestRow>,
    /// When the oldest began.
    pub since_ns: TimeNs,
}

/// What is too old, or too little.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How old the last good snapshot of each source may be, from when it began.
    pub age: Duration,
    /// Whether a partial snapshot is good enough.
    pub partial_is_good: bool,
    /// How long a pack may not have been decoded.
    pub unverified_age: Duration,
    /// How many percent of the bytes must have been decoded once.
    pub verified_percent: f64,
}

/// One thing that is not well.
#[derive(Debug, Clone, PartialEq)]
pub enum Problem {
    /// There is no snapshot at all.
    NoSnapshot,
    /// The source has no good snapshot yet, since its first try at this time.
    NeverComplete { source: SourceInfo, since_ns: TimeNs },
    /// The source's last good snapshot began at this time.
    Stale { source: SourceInfo, start_ns: TimeNs },
    /// Nothing was ever verified, although there are snapshots since this time.
    NeverVerified { since_ns: TimeNs },
    /// Nobody knows what was verified when.
    CoverageUnreadable { why: String },
    /// A pack was not decoded since this time.
    LongUnverified { pack: PackId, since_ns: TimeNs },
    /// Less than the limit was ever decoded.
    LittleVerified { percent: f64 },
    /// Packs are known to be damaged.
    Quarantined { packs: u64 },
}

impl Problem {
    /// Whether something is broken, and not only late.
    pub fn is_damage(&self) -> bool {
        matches!(self, Problem::Quarantined { .. })
    }
}

/// Asks the log.
///
/// # Errors
/// If the log cannot be read.
pub fn health(repository: &Repository) -> Result<Health, RepositoryError> {
    repository.begin_task()?;
    let state = repository.state();
    let rows = repository.log().manifests(&state)?;
    let slots = |kind| state.slots.values().filter(|slot| slot.kind == kind).count() as u64;
    Ok(Health {
        revision: state.revision,
        now_ns: repository.log().now_ns(),
        forgotten: rows.values().filter(|row| !row.is_live()).count() as u64,
        sources: sources(rows.into_values().filter(ManifestRow::is_live)),
        waiting: (state.condemned.len() + state.doomed.len()) as u64,
        quarantined: state.quarantined.iter().copied().collect(),
        passphrases: slots(SlotKind::Passphrase),
        key_files: slots(SlotKind::KeyFile),
        recovery_keys: slots(SlotKind::RecoveryKey),
        coverage: match repository.coverage_front() {
            Ok(Some(front)) => CoverageHealth::Known(front),
            Ok(None) => CoverageHealth::Never,
            Err(error) => CoverageHealth::Unreadable(with_causes(&error)),
        },
    })
}

fn sources(rows: impl Iterator<Item = ManifestRow>) -> Vec<SourceHealth> {
    let mut rows: Vec<ManifestRow> = rows.collect();
    rows.sort_by_key(|row| (row.revision, row.id));
    let mut sources: BTreeMap<SourceInfo, SourceHealth> = BTreeMap::new();
    for row in rows {
        let known = sources.entry(row.source.clone()).or_insert_with(|| SourceHealth {
            source: row.source.clone(),
            newest: row.clone(),
            complete: None,
            finished: None,
            since_ns: row.start_ns,
        });
        known.since_ns = known.since_ns.min(row.start_ns);
        if row.state == SnapshotState::Complete {
            known.complete = Some(row.clone());
        }
        if row.state != SnapshotState::Checkpoint {
            known.finished = Some(row.clone());
        }
        known.newest = row;
    }
    sources.into_values().collect()
}

impl Health {
    /// What is not well by these limits; damage first.
    pub fn problems(&self, limits: &Limits) -> Vec<Problem> {
        let mut problems = Vec::new();
        if !self.quarantined.is_empty() {
            problems.push(Problem::Quarantined { packs: self.quarantined.len() as u64 });
        }
        if self.sources.is_empty() {
            problems.push(Problem::NoSnapshot);
        }
        problems.extend(self.sources.iter().filter_map(|source| self.of_source(source, limits)));
        problems.extend(self.of_coverage(limits));
        problems
    }

    /// How long ago something was, by this machine's clock; nothing if that lies ahead.
    pub fn age(&self, since_ns: TimeNs) -> Duration {
        Duration::from_nanos(u64::try_from(self.now_ns.saturating_sub(since_ns)).unwrap_or(0))
    }

    fn of_source(&self, source: &SourceHealth, limits: &Limits) -> Option<Problem> {
        let good = if limits.partial_is_good { &source.finished } else { &source.complete };
        let since_ns = good.as_ref().map_or(source.since_ns, |row| row.start_ns);
        let is_old = self.age(since_ns) > limits.age;
        let (source, start_ns) = (source.source.clone(), since_ns);
        is_old.then_some(match good {
            Some(_) => Problem::Stale { source, start_ns },
            None => Problem::NeverComplete { source, since_ns },
        })
    }

    fn of_coverage(&self, limits: &Limits) -> Vec<Problem> {
        match &self.coverage {
            CoverageHealth::Never => {
                let first = self.sources.iter().map(|source| source.since_ns).min();
                let first = first.filter(|first| self.age(*first) > limits.unverified_age);
                Vec::from_iter(first.map(|since_ns| Problem::NeverVerified { since_ns }))
            }
            CoverageHealth::Unreadable(why) => vec![Problem::CoverageUnreadable { why: why.clone() }],
            CoverageHealth::Known(front) => {
                let long = front.longest.filter(|(_, row)| self.age(row.time_ns) > limits.unverified_age);
                let long = long
                    .map(|(place, row)| Problem::LongUnverified { pack: place.pack, since_ns: row.time_ns });
                let percent = front.summary.decoded_percent();
                let little = percent < limits.verified_percent;
                let little = little.then_some(Problem::LittleVerified { percent });
                long.into_iter().chain(little).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{ManifestId, RunId};
    use crate::coverage::{Place, Reached, Row, Summary};
    use crate::format::names::PackKind;

    const HOUR: TimeNs = 3600 * 1_000_000_000;
    const LIMITS: Limits = Limits {
        age: Duration::from_secs(26 * 3600),
        partial_is_good: false,
        unverified_age: Duration::from_secs(30 * 24 * 3600),
        verified_percent: 0.0,
    };

    fn row(revision: u64, name: &str, state: SnapshotState, hours_ago: i64) -> ManifestRow {
        let source = SourceInfo { service: name.into(), ..SourceInfo::default() };
        let start_ns = (1000 - hours_ago) * HOUR;
        ManifestRow {
            id: ManifestId([revision as u8; 32]),
            pack: PackId([1; 32]),
            revision,
            forgotten: None,
            source,
            start_ns,
            end_ns: start_ns + 1,
            state,
            size: 0,
            items: 0,
            failed: 0,
            skipped: 0,
            tags: BTreeMap::new(),
            run: RunId([0; 16]),
            bytes_stored: 0,
        }
    }

    fn health(rows: Vec<ManifestRow>, coverage: CoverageHealth) -> Health {
        Health {
            revision: 9,
            now_ns: 1000 * HOUR,
            sources: sources(rows.into_iter()),
            forgotten: 0,
            waiting: 0,
            quarantined: Vec::new(),
            passphrases: 1,
            key_files: 0,
            recovery_keys: 1,
            coverage,
        }
    }

    fn known(days_ago: i64, decoded_bytes: u64) -> CoverageHealth {
        let place = Place { revision: 3, kind: PackKind::Data, pack: PackId([7; 32]) };
        let time_ns = (1000 - 24 * days_ago) * HOUR;
        let row = Row { reached: Reached::Decoded, size: 10, time_ns, total: 100 };
        let summary = Summary { packs: 2, bytes: 100, decoded_packs: 1, decoded_bytes, time_ns };
        CoverageHealth::Known(Front { summary, longest: Some((place, row)) })
    }

    #[test]
    fn a_late_source_is_told_from_one_that_only_fails_in_part() {
        use SnapshotState::{Checkpoint, Complete, Partial};
        let rows = vec![
            row(1, "fine", Complete, 2),
            row(2, "late", Complete, 40),
            row(3, "late", Checkpoint, 1),
            row(4, "part", Complete, 90),
            row(5, "part", Partial, 3),
            row(6, "new", Checkpoint, 3),
            row(7, "stuck", Checkpoint, 50),
        ];
        let health = health(rows, known(1, 100));
        let names = |limits: &Limits| -> Vec<String> {
            let name = |problem| match problem {
                Problem::Stale { source, .. } => format!("stale {}", source.service),
                Problem::NeverComplete { source, .. } => format!("never {}", source.service),
                other => panic!("{other:?}"),
            };
            health.problems(limits).into_iter().map(name).collect()
        };
        assert_eq!(names(&LIMITS), ["stale late", "stale part", "never stuck"]);
        let partial = Limits { partial_is_good: true, ..LIMITS };
        assert_eq!(names(&partial), ["stale late", "never stuck"]);
    }

    #[test]
    fn what_is_long_or_little_verified_is_told_and_what_is_young_is_not() {
        let complete = |hours| vec![row(1, "a", SnapshotState::Complete, hours)];
        let problems = |hours, coverage, percent| {
            let limits =
                Limits { verified_percent: percent, age: Duration::from_secs(3600 * 9000), ..LIMITS };
            health(complete(hours), coverage).problems(&limits)
        };
        assert_eq!(problems(1, known(29, 40), 40.0), []);
        assert!(matches!(problems(1, known(31, 40), 0.0)[..], [Problem::LongUnverified { .. }]));
        assert!(matches!(problems(1, known(1, 40), 41.0)[..], [Problem::LittleVerified { .. }]));
        assert_eq!(problems(24 * 29, CoverageHealth::Never, 0.0), []);
        assert!(matches!(problems(24 * 31, CoverageHealth::Never, 0.0)[..], [Problem::NeverVerified { .. }]));
        let broken = CoverageHealth::Unreadable("gone".into());
        assert!(matches!(problems(1, broken, 0.0)[..], [Problem::CoverageUnreadable { .. }]));
    }

    #[test]
    fn damage_comes_first_and_no_snapshot_is_not_well() {
        let mut empty = health(vec![], known(1, 100));
        empty.quarantined.push(PackId([3; 32]));
        let problems = empty.problems(&LIMITS);
        assert_eq!(problems, [Problem::Quarantined { packs: 1 }, Problem::NoSnapshot]);
        assert!(problems[0].is_damage() && !problems[1].is_damage());
    }
}

//! Which snapshots of a source stay, and why (POL-4).

use std::collections::BTreeMap;
use std::fmt;

use super::lines::lines;
use super::{Period, Policy, TagRule};
use crate::codec::{ManifestId, TimeNs};
use crate::log::{ManifestRow, SnapshotState};

const NS_PER_SECOND: i128 = 1_000_000_000;

/// Why a snapshot stays.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// No rule says which stay, so all do.
    NoRule,
    /// It is one of the latest, by the order of commits.
    Last { place: u32, of: u32 },
    /// It is the newest of the period, or the newest complete one if that is partial.
    Newest(Period),
    /// It is not older than the newest by more than these seconds.
    Within(u64),
    /// It has this tag.
    Tag(TagRule),
    /// It is the newest complete one, which always stays.
    NewestComplete,
    /// It is of a run that nothing finished has followed.
    Unfinished,
}

/// What becomes of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub id: ManifestId,
    /// Why it stays; it goes if there is no reason.
    pub reasons: Vec<Reason>,
    /// Whether its time disagrees with the order of commits, or lies too far ahead to be believed: it
    /// is counted by itself then, so that it takes no other's place.
    pub odd_clock: bool,
}

impl Verdict {
    /// Whether the snapshot stays.
    pub fn stays(&self) -> bool {
        !self.reasons.is_empty()
    }
}

/// Decides on the live snapshots of one source, and answers in their order.
///
/// No clock is asked: the latest are told by the order of commits, and durations count from the newest
/// snapshot. The newest complete snapshot always stays, so that no policy drops everything.
pub fn decide(policy: &Policy, rows: &[ManifestRow]) -> Vec<Verdict> {
    let mut decision = Decision::on(rows);
    if !policy.has_keep_rule() {
        decision.verdicts.iter_mut().for_each(|verdict| verdict.reasons.push(Reason::NoRule));
        return decision.verdicts;
    }
    decision.keep_last(policy.keep_last.unwrap_or(0));
    decision.keep_by_time(policy);
    decision.keep_newest_complete();
    decision.keep_unfinished();
    decision.keep_tagged(policy);
    decision.verdicts
}

/// Decides to keep none, but for tags that protect: the source is given up.
pub fn decide_none(policy: &Policy, rows: &[ManifestRow]) -> Vec<Verdict> {
    let mut decision = Decision::on(rows);
    decision.keep_tagged(policy);
    decision.verdicts
}

struct Decision<'r> {
    rows: &'r [ManifestRow],
    /// Places of finished snapshots, in the order of commits.
    finished: Vec<usize>,
    verdicts: Vec<Verdict>,
}

/// How a time is put into a period, and how many of these count.
type Rule = (fn(TimeNs) -> Period, usize);

impl<'r> Decision<'r> {
    fn on(rows: &'r [ManifestRow]) -> Decision<'r> {
        let is_finished = |place: &usize| rows[*place].state != SnapshotState::Checkpoint;
        let mut finished: Vec<usize> = (0..rows.len()).filter(is_finished).collect();
        finished.sort_by_key(|place| {
            let row = &rows[*place];
            (row.revision, row.start_ns, row.id)
        });
        let verdict = |row: &ManifestRow| Verdict { id: row.id, reasons: Vec::new(), odd_clock: false };
        Decision { rows, finished, verdicts: rows.iter().map(verdict).collect() }
    }

    fn keep(&mut self, place: usize, reason: Reason) {
        self.verdicts[place].reasons.push(reason);
    }

    fn is_complete(&self, place: usize) -> bool {
        self.rows[place].state == SnapshotState::Complete
    }

    fn keep_last(&mut self, of: u32) {
        let latest: Vec<usize> = self.finished.iter().rev().copied().take(of as usize).collect();
        for (place, number) in latest.into_iter().zip(1..) {
            self.keep(place, Reason::Last { place: number, of });
        }
    }

    fn keep_newest_complete(&mut self) {
        if let Some(place) = self.finished.iter().rev().copied().find(|place| self.is_complete(*place)) {
            self.keep(place, Reason::NewestComplete);
        }
    }

    /// A checkpoint is what the next run goes on from, until a finished snapshot follows it.
    fn keep_unfinished(&mut self) {
        let newest = self.finished.last().map(|place| self.rows[*place].revision);
        for (place, row) in self.rows.iter().enumerate() {
            if row.state == SnapshotState::Checkpoint && newest.is_none_or(|newest| newest < row.revision) {
                self.keep(place, Reason::Unfinished);
            }
        }
    }

    fn keep_tagged(&mut self, policy: &Policy) {
        let protecting = policy.keep_tags.as_deref().unwrap_or_default();
        for (place, row) in self.rows.iter().enumerate() {
            let has = |rule: &&TagRule| {
                let value = row.tags.get(&rule.name);
                value.is_some() && (rule.value.is_none() || rule.value.as_ref() == value)
            };
            if let Some(rule) = protecting.iter().find(has) {
                self.keep(place, Reason::Tag(rule.clone()));
            }
        }
    }

    fn keep_by_time(&mut self, policy: &Policy) {
        let times: Vec<TimeNs> = self.finished.iter().map(|place| self.rows[*place].start_ns).collect();
        for (number, line) in lines(&times).into_iter().enumerate() {
            let line: Vec<usize> = line.into_iter().map(|at| self.finished[at]).collect();
            if number > 0 {
                line.iter().for_each(|place| self.verdicts[*place].odd_clock = true);
            }
            self.keep_periods(policy, &line);
            if let Some(seconds) = policy.keep_within.filter(|seconds| *seconds > 0) {
                self.keep_within(seconds, &line);
            }
        }
    }

    fn keep_periods(&mut self, policy: &Policy, line: &[usize]) {
        let count = |count: Option<u32>| count.unwrap_or(0) as usize;
        let rules: [Rule; 5] = [
            (Period::hour, count(policy.keep_hourly)),
            (Period::day, count(policy.keep_daily)),
            (Period::week, count(policy.keep_weekly)),
            (Period::month, count(policy.keep_monthly)),
            (Period::year, count(policy.keep_yearly)),
        ];
        for (period_of, count) in rules {
            // Whether a complete snapshot of the period stays already.
            let mut has_complete: BTreeMap<Period, bool> = BTreeMap::new();
            for &place in line.iter().rev() {
                let period = period_of(self.rows[place].start_ns);
                let stays = match has_complete.get(&period) {
                    None => has_complete.len() < count,
                    // No complete one goes in favour of a partial one alone.
                    Some(false) => self.is_complete(place),
                    Some(true) => false,
                };
                if stays {
                    self.keep(place, Reason::Newest(period));
                    has_complete.insert(period, self.is_complete(place));
                }
            }
        }
    }

    fn keep_within(&mut self, seconds: u64, line: &[usize]) {
        let time = |place: usize| i128::from(self.rows[place].start_ns);
        let within = i128::from(seconds) * NS_PER_SECOND;
        let [.., newest] = *line else { return };
        let since = match *line {
            // Behind a long pause, or a clock that leapt, the newest is not to be left alone.
            [.., before, newest] if time(newest) - time(before) > within => time(before) - within,
            _ => time(newest) - within,
        };
        let near: Vec<usize> =
            line.iter().copied().filter(|place| time(*place) >= since || *place == newest).collect();
        near.into_iter().for_each(|place| self.keep(place, Reason::Within(seconds)));
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::NoRule => f.write_str("no keep rule"),
            Reason::Last { place, of } => write!(f, "last {place} of {of}"),
            Reason::Newest(period) => period.fmt(f),
            Reason::Within(seconds) => write!(f, "within {}", Span(*seconds)),
            Reason::Tag(rule) => write!(f, "tag {rule}"),
            Reason::NewestComplete => f.write_str("newest complete"),
            Reason::Unfinished => f.write_str("unfinished run"),
        }
    }
}

impl fmt::Display for TagRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.value.iter().try_for_each(|value| write!(f, "={value}"))
    }
}

/// Seconds as people say them: `30d`, `1d12h`.
pub struct Span(pub u64);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, left) = (self.0 / 86_400, self.0 % 86_400);
        let parts = [(days, 'd'), (left / 3600, 'h'), (left % 3600 / 60, 'm'), (left % 60, 's')];
        if self.0 == 0 {
            return f.write_str("0s");
        }
        parts
            .iter()
            .filter(|(number, _)| *number > 0)
            .try_for_each(|(number, unit)| write!(f, "{number}{unit}"))
    }
}

//! What maintenance found, did and waits for.

use std::fmt;

use repo_format::maintenance::{MaintenanceReport, Space, Status};
use repo_format::retention::Extended;
use serde::Serialize;

use super::{Count, Size, Time};

/// Where the bytes of packs and segments are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct SpaceText {
    /// Bytes that snapshots need, in so many packs.
    pub live_packs: u64,
    pub live_bytes: u64,
    /// Bytes of these packs that nobody needs.
    pub unused_bytes: u64,
    /// Packs of which nobody needs anything.
    pub unneeded_packs: u64,
    pub unneeded_bytes: u64,
    /// Packs that no record knows.
    pub unknown_packs: u64,
    pub unknown_bytes: u64,
    pub segment_bytes: u64,
    /// Segments that others took the place of.
    pub replaced_bytes: u64,
    /// Blobs that are doomed and still there.
    pub doomed_bytes: u64,
    pub total_bytes: u64,
}

impl SpaceText {
    pub fn new(space: &Space) -> SpaceText {
        SpaceText {
            live_packs: space.live_packs,
            live_bytes: space.live_bytes,
            unused_bytes: space.unused_bytes,
            unneeded_packs: space.unneeded_packs,
            unneeded_bytes: space.unneeded_bytes,
            unknown_packs: space.unknown_packs,
            unknown_bytes: space.unknown_bytes,
            segment_bytes: space.segment_bytes,
            replaced_bytes: space.replaced_bytes,
            doomed_bytes: space.doomed_bytes,
            total_bytes: space.total(),
        }
    }
}

impl fmt::Display for SpaceText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |f: &mut fmt::Formatter<'_>, what: &str, bytes: u64, note: String| {
            writeln!(f, "{what:<13}{:>12}  {note}", Size(bytes).to_string())
        };
        line(f, "Needed", self.live_bytes, format!("in {}", Count(self.live_packs, "pack")))?;
        line(f, "Unused", self.unused_bytes, "in the same packs".into())?;
        line(f, "Not needed", self.unneeded_bytes, format!("{}", Count(self.unneeded_packs, "pack")))?;
        if self.unknown_packs > 0 {
            let note = format!("{} of runs under way or killed", Count(self.unknown_packs, "pack"));
            line(f, "Unknown", self.unknown_bytes, note)?;
        }
        if self.doomed_bytes > 0 {
            line(f, "Doomed", self.doomed_bytes, "deleted by the next run, unless it is locked".into())?;
        }
        let replaced = format!("and {} of replaced ones", Size(self.replaced_bytes));
        line(f, "Index", self.segment_bytes, replaced)?;
        write!(f, "{:<13}{:>12}", "All", Size(self.total_bytes).to_string())
    }
}

/// What a maintenance run did, or would do.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct RunSummary {
    pub quick: bool,
    pub dry_run: bool,
    /// Absent in a quick run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub space: Option<SpaceText>,
    pub condemned: u64,
    pub condemned_bytes: u64,
    /// Condemned blobs whose grace period is not over.
    pub waiting: u64,
    pub waiting_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_due: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_due: Option<Time>,
    pub rewritten: u64,
    pub rewritten_bytes: u64,
    pub written_bytes: u64,
    /// Why packs were not rewritten that should have been.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_rewritten: Option<String>,
    pub doomed: u64,
    /// Blobs that were used again just before.
    pub spared: u64,
    pub deleted: u64,
    pub deleted_bytes: u64,
    /// What would be deleted, too, if it were not locked, and when the first and the last of it may go.
    pub locked: u64,
    pub locked_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_unlocked: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_unlocked: Option<Time>,
    /// What became of the locks of what is needed; absent where nothing is to be locked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention: Option<ExtensionText>,
    pub segments_before: u64,
    pub segments_after: u64,
    pub records_trimmed: u64,
    pub catalogs_trimmed: u64,
    pub staging_removed: u64,
    pub interrupted: bool,
    pub seconds: f64,
}

impl RunSummary {
    pub fn new(report: &MaintenanceReport, quick: bool) -> RunSummary {
        RunSummary {
            quick,
            dry_run: report.dry_run,
            space: (!quick).then(|| SpaceText::new(&report.space)),
            condemned: report.condemned,
            condemned_bytes: report.condemned_bytes,
            waiting: report.waiting,
            waiting_bytes: report.waiting_bytes,
            next_due: report.next_due_ns.map(Time),
            last_due: report.last_due_ns.map(Time),
            rewritten: report.rewritten,
            rewritten_bytes: report.rewritten_bytes,
            written_bytes: report.written_bytes,
            not_rewritten: report.not_rewritten.clone(),
            doomed: report.doomed,
            spared: report.spared,
            deleted: report.deleted,
            deleted_bytes: report.deleted_bytes,
            locked: report.locked.blobs,
            locked_bytes: report.locked.bytes,
            next_unlocked: report.locked.next_ns.map(Time),
            last_unlocked: report.locked.last_ns.map(Time),
            retention: report.extended.as_ref().map(ExtensionText::new),
            segments_before: report.segments_before,
            segments_after: report.segments_after,
            records_trimmed: report.trimmed.records,
            catalogs_trimmed: report.trimmed.catalogs,
            staging_removed: report.staging,
            interrupted: report.interrupted,
            seconds: report.duration.as_secs_f64(),
        }
    }
}

impl fmt::Display for RunSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(space) = &self.space {
            writeln!(f, "{space}\n")?;
        }
        let (condemned, rewritten) = (Count(self.condemned, "blob"), Count(self.rewritten, "thin pack"));
        if self.dry_run {
            writeln!(f, "Would condemn {condemned}, {}", Size(self.condemned_bytes))?;
            writeln!(f, "Would rewrite {rewritten}, {}", Size(self.rewritten_bytes))?;
            writeln!(f, "Would delete  {}", Count(self.doomed, "blob"))?;
        } else if !self.quick {
            writeln!(f, "Condemned    {condemned}, {}", Size(self.condemned_bytes))?;
            let (from, to) = (Size(self.rewritten_bytes), Size(self.written_bytes));
            writeln!(f, "Rewritten    {rewritten}, {from} to {to}")?;
            writeln!(f, "Deleted      {}, {}", Count(self.deleted, "blob"), Size(self.deleted_bytes))?;
        }
        if let Some(due) = &self.next_due {
            let (waiting, bytes) = (Count(self.waiting, "blob"), Size(self.waiting_bytes));
            writeln!(f, "Waiting      {waiting}, {bytes}; the first may go at {due}")?;
        }
        if let (Some(next), Some(last)) = (&self.next_unlocked, &self.last_unlocked) {
            let (locked, bytes) = (Count(self.locked, "blob"), Size(self.locked_bytes));
            writeln!(f, "Locked       {locked}, {bytes}; waits until {next}, the last until {last}")?;
        }
        if let Some(retention) = &self.retention {
            writeln!(f, "Retention    {retention}")?;
        }
        if self.spared > 0 {
            writeln!(f, "Spared       {} that a backup came to need", Count(self.spared, "blob"))?;
        }
        if !self.dry_run {
            writeln!(f, "Index        {} segments, {} before", self.segments_after, self.segments_before)?;
            let (records, catalogs) =
                (Count(self.records_trimmed, "record"), Count(self.catalogs_trimmed, "catalog"));
            writeln!(f, "Log          {records} and {catalogs} trimmed")?;
        }
        if let Some(why) = &self.not_rewritten {
            writeln!(f, "Not all could be rewritten: {why}")?;
        }
        write!(f, "Took         {:.1} s", self.seconds)?;
        if self.dry_run {
            f.write_str("\nThis was a dry run: nothing was changed.")?;
        }
        if self.interrupted { f.write_str("\nInterrupted: the next run goes on.") } else { Ok(()) }
    }
}

/// What a run did about the locks of what is needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct ExtensionText {
    /// Blobs whose locks were extended; 0 if that was not due.
    pub extended: u64,
    /// Until when all that is needed is locked at least; absent if not all of it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
    /// Those of them that stay in a weaker mode than asked for, because the server does not let it be changed.
    pub weaker: u64,
    /// Blobs that could not be locked longer, and why the first could not.
    pub failed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl ExtensionText {
    fn new(extended: &Extended) -> ExtensionText {
        ExtensionText {
            extended: extended.blobs,
            weaker: extended.weaker,
            until: extended.until_ns.map(Time),
            failed: extended.failed,
            why: extended.why.clone(),
        }
    }
}

impl fmt::Display for ExtensionText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.why, &self.until) {
            (Some(why), _) => write!(f, "not extended for {}: {why}", Count(self.failed, "blob")),
            (None, None) => write!(f, "extended for {}; the next run goes on", Count(self.extended, "blob")),
            (None, Some(until)) if self.extended == 0 => write!(f, "until {until} at least"),
            (None, Some(until)) => write!(f, "until {until}, extended for {}", Count(self.extended, "blob")),
        }?;
        match self.weaker {
            0 => Ok(()),
            weaker => write!(f, "; {} in a weaker mode, which the server keeps", Count(weaker, "blob")),
        }
    }
}

/// What waits for maintenance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct MaintenanceStatusSummary {
    pub revision: u64,
    /// The lowest revision whose record is kept, and how many records there are from it on.
    pub floor: u64,
    pub records: u64,
    pub segments: u64,
    /// How many segments a look-up may have to ask.
    pub segment_depth: u64,
    pub condemned: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condemned_since: Option<Time>,
    pub doomed: u64,
    /// The revision of the last doom; 0 if there was none.
    pub last_doom: u64,
    pub quarantined: u64,
    /// The revision since which nothing is given back, because the log lost records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_since: Option<u64>,
}

impl MaintenanceStatusSummary {
    pub fn new(status: &Status) -> MaintenanceStatusSummary {
        MaintenanceStatusSummary {
            revision: status.revision,
            floor: status.floor,
            records: status.records,
            segments: status.segments,
            segment_depth: status.segment_depth,
            condemned: status.condemned,
            condemned_since: status.condemned_since_ns.map(Time),
            doomed: status.doomed,
            last_doom: status.last_doom,
            quarantined: status.quarantined,
            held_since: status.hold.map(|hold| hold.since),
        }
    }
}

impl fmt::Display for MaintenanceStatusSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Revision     {}", self.revision)?;
        writeln!(f, "Log          {} from revision {} on", Count(self.records, "record"), self.floor)?;
        let segments = Count(self.segments, "segment");
        writeln!(f, "Index        {segments}, at most {} over one key", self.segment_depth)?;
        write!(f, "Condemned    {}", Count(self.condemned, "blob"))?;
        if let Some(since) = &self.condemned_since {
            write!(f, ", the first since {since}")?;
        }
        write!(f, "\nDoomed       {}", Count(self.doomed, "blob"))?;
        if self.last_doom > 0 {
            write!(f, "; the last doom was in revision {}", self.last_doom)?;
        }
        write!(f, "\nQuarantined  {}", Count(self.quarantined, "pack"))?;
        match self.held_since {
            Some(since) => write!(
                f,
                "\nHeld         since revision {since}: the log lost records; nothing is given back"
            ),
            None => Ok(()),
        }
    }
}

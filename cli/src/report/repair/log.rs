//! What the repair of a log found and did.

use std::fmt;

use repo_format::repair::{Left, LogRepair, Revived};
use serde::Serialize;

use super::{IndexRepairSummary, Wrong};
use crate::report::snapshot::SourceText;
use crate::report::{Count, Escaped, Time};

/// A record or catalog, and why it cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct WrongRevision {
    pub revision: u64,
    pub what: String,
}

/// Revisions that are passed over as one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct Gap {
    pub first: u64,
    pub last: u64,
}

/// A snapshot that comes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct RevivedText {
    pub snapshot_id: String,
    pub source: SourceText,
    pub start: Time,
    pub state: crate::report::snapshot::State,
    /// What it lacks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lacks: Option<String>,
}

/// A snapshot that stays away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct LeftText {
    pub snapshot_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<Time>,
    pub what: String,
}

/// What became of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct LogRepairSummary {
    pub dry_run: bool,
    /// Records that count as empty.
    pub lost: Vec<WrongRevision>,
    pub gaps: Vec<Gap>,
    /// The revision at which the log begins anew, and whether with nothing of what old records said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub begins: Option<u64>,
    pub is_new: bool,
    /// The revision of an earlier repair that did not end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unfinished: Option<u64>,
    /// Segments of the list of snapshots that cannot be used.
    pub segments: Vec<Wrong>,
    /// Records that cannot be used, and that a catalog stands for.
    pub stale: Vec<WrongRevision>,
    /// Catalogs that cannot be used.
    pub catalogs: Vec<WrongRevision>,
    /// Whether a catalog takes the place of one that is lost.
    pub catalog_written: bool,
    pub index: IndexRepairSummary,
    /// Packs that the index named and that are gone.
    pub packs_gone: u64,
    pub revived: Vec<RevivedText>,
    /// Snapshots that were forgotten, and that lost records may have recalled.
    pub recalled: Vec<RevivedText>,
    /// Snapshots of which something is missing.
    pub incomplete: Vec<LeftText>,
    /// Snapshots whose manifests cannot be read.
    pub unreadable: Vec<LeftText>,
    /// Checkpoints that later snapshots took the place of.
    pub replaced: u64,
    pub slots_added: u64,
    pub slots_dropped: u64,
    /// The revision since which nothing is given back, until all was verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_since: Option<u64>,
    /// Blobs that could not be deleted.
    pub left: Vec<Wrong>,
    pub interrupted: bool,
    #[serde(skip)]
    is_clean: bool,
}

impl LogRepairSummary {
    pub fn new(repair: &LogRepair, dry_run: bool) -> LogRepairSummary {
        LogRepairSummary {
            dry_run,
            lost: revisions(&repair.lost),
            gaps: repair.gaps.iter().map(|(first, last)| Gap { first: *first, last: *last }).collect(),
            begins: repair.begins,
            is_new: repair.is_new,
            unfinished: repair.unfinished,
            segments: repair.segments.iter().map(|(id, what)| Wrong::new(id, what)).collect(),
            stale: revisions(&repair.stale),
            catalogs: revisions(&repair.catalogs),
            catalog_written: repair.catalog_wanted,
            index: IndexRepairSummary::new(&repair.index, dry_run),
            packs_gone: repair.packs_gone,
            revived: repair.revived.iter().map(revived).collect(),
            recalled: repair.recalled.iter().map(revived).collect(),
            incomplete: repair.incomplete.iter().map(left).collect(),
            unreadable: repair.unreadable.iter().map(left).collect(),
            replaced: repair.replaced,
            slots_added: repair.slots_added,
            slots_dropped: repair.slots_dropped,
            held_since: repair.hold.map(|hold| hold.since),
            left: repair.left.iter().map(|(blob, what)| Wrong::new(blob.name(), what)).collect(),
            interrupted: repair.interrupted,
            is_clean: repair.is_clean(),
        }
    }

    fn is_log_whole(&self) -> bool {
        self.lost.is_empty() && self.begins.is_none() && self.unfinished.is_none()
    }
}

fn revisions(wrong: &[(u64, String)]) -> Vec<WrongRevision> {
    wrong.iter().map(|(revision, what)| WrongRevision { revision: *revision, what: what.clone() }).collect()
}

fn revived(revived: &Revived) -> RevivedText {
    RevivedText {
        snapshot_id: revived.row.id.to_string(),
        source: (&revived.row.source).into(),
        start: Time(revived.row.start_ns),
        state: revived.row.state.into(),
        lacks: revived.lacks.clone(),
    }
}

fn left(left: &Left) -> LeftText {
    LeftText {
        snapshot_id: left.snapshot.to_string(),
        source: left.source.as_ref().map(|(source, _)| source.into()),
        start: left.source.as_ref().map(|(_, start)| Time(*start)),
        what: left.why.clone(),
    }
}

/// Lines of a kind that are shown as text.
const SHOWN: usize = 50;

impl fmt::Display for LogRepairSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_clean {
            f.write_str("The log is whole; there is nothing to repair.")?;
            return self.held(f);
        }
        writeln!(f, "Lost         {}", Count(self.lost.len() as u64, "record"))?;
        lines(f, &self.lost, |wrong| format!("{}: {}", wrong.revision, Escaped(wrong.what.as_bytes())))?;
        for gap in &self.gaps {
            writeln!(f, "  {} to {}: passed over as one", gap.first, gap.last)?;
        }
        match (self.begins, self.is_new) {
            (Some(begins), true) => {
                writeln!(f, "No record and no catalog can be used: a new log begins at revision {begins}")?
            }
            (Some(begins), false) => {
                writeln!(f, "The log begins anew at revision {begins}, with what is known")?
            }
            (None, _) => {}
        }
        if !self.segments.is_empty() {
            writeln!(f, "List         {} of it lost", Count(self.segments.len() as u64, "segment"))?;
            lines(f, &self.segments, |wrong| wrong.to_string().trim_start().to_owned())?;
        }
        if !self.stale.is_empty() {
            writeln!(
                f,
                "Not needed   {} that a catalog stands for",
                Count(self.stale.len() as u64, "record")
            )?;
            lines(f, &self.stale, |wrong| format!("{}: {}", wrong.revision, Escaped(wrong.what.as_bytes())))?;
        }
        if let Some(unfinished) = self.unfinished {
            writeln!(f, "Goes on with a repair that was begun in revision {unfinished}")?;
        }
        if !self.catalogs.is_empty() || self.catalog_written {
            writeln!(f, "Catalogs     {} damaged", self.catalogs.len())?;
            lines(f, &self.catalogs, |wrong| {
                format!("{}: {}", wrong.revision, Escaped(wrong.what.as_bytes()))
            })?;
        }
        if !self.is_log_whole() {
            self.found(f)?;
        }
        lines(f, &self.left, |wrong| format!("could not be deleted: {}", wrong.to_string().trim_start()))?;
        match self.dry_run {
            true => f.write_str("Nothing was changed. Run it with --yes to put this right.")?,
            false if self.interrupted => f.write_str("Not ended.")?,
            false => f.write_str("The log is whole.")?,
        }
        self.held(f)?;
        if self.interrupted { f.write_str("\nInterrupted before the end; run it again.") } else { Ok(()) }
    }
}

impl LogRepairSummary {
    /// What packs tell in the place of lost records.
    fn found(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (contents, packs) =
            (Count(self.index.contents_missing, "content"), Count(self.index.packs_missing, "pack"));
        writeln!(f, "Not indexed  {contents} in {packs}")?;
        lines(f, &self.index.unreadable, |wrong| wrong.to_string().trim_start().to_owned())?;
        if self.packs_gone > 0 {
            writeln!(f, "Gone         {} that the index named", Count(self.packs_gone, "pack"))?;
        }
        for (title, revived) in [("Come back", &self.revived), ("Recalled", &self.recalled)] {
            writeln!(f, "{title:<12} {}", Count(revived.len() as u64, "snapshot"))?;
            lines(f, revived, |revived| {
                let lacks = revived
                    .lacks
                    .as_ref()
                    .map_or(String::new(), |lacks| format!(", but {}", Escaped(lacks.as_bytes())));
                format!("{} of {}, {}{lacks}", &revived.snapshot_id[..16], revived.source, revived.start)
            })?;
        }
        for (title, left) in [("Not whole", &self.incomplete), ("Unreadable", &self.unreadable)] {
            if !left.is_empty() {
                writeln!(f, "{title:<12} {} left away", Count(left.len() as u64, "snapshot"))?;
            }
            lines(f, left, |left| format!("{}: {}", &left.snapshot_id[..16], Escaped(left.what.as_bytes())))?;
        }
        if self.replaced > 0 {
            writeln!(f, "Replaced     {} by later snapshots", Count(self.replaced, "checkpoint"))?;
        }
        if self.slots_added + self.slots_dropped > 0 {
            writeln!(f, "Key slots    {} came back, {} are gone", self.slots_added, self.slots_dropped)?;
        }
        if !self.revived.is_empty() {
            let tagged =
                "Those that come back carry the tag corso.revived; one that was forgotten may be among them.";
            writeln!(f, "{tagged}")?;
        }
        if !self.recalled.is_empty() {
            let told =
                "Those that are recalled were forgotten, but a lost record may have recalled them before.";
            writeln!(f, "{told}")?;
        }
        Ok(())
    }

    fn held(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.held_since {
            Some(_) if !self.dry_run || self.is_clean => f.write_str(
                "\nMaintenance gives nothing back until `corso repo verify --level data` has found everything whole.",
            ),
            _ => Ok(()),
        }
    }
}

/// Writes the first of some lines, indented, and how many more there are.
fn lines<T>(f: &mut fmt::Formatter<'_>, all: &[T], line: impl Fn(&T) -> String) -> fmt::Result {
    for item in all.iter().take(SHOWN) {
        writeln!(f, "  {}", line(item))?;
    }
    match all.len().saturating_sub(SHOWN) {
        0 => Ok(()),
        more => writeln!(f, "  and {more} more"),
    }
}

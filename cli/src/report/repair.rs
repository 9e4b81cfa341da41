//! What repairs found and did.

pub mod log;

use std::fmt;

use repo_format::format::names::BlobId;
use repo_format::repair::{IndexRepair, PackRepair, SnapshotRepair};
use serde::Serialize;

use super::{Count, Escaped, PathText};

/// Something, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct Wrong {
    pub id: String,
    pub what: String,
}

impl Wrong {
    fn new(id: impl ToString, what: &str) -> Wrong {
        Wrong { id: id.to_string(), what: what.to_owned() }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  {}: {}", self.id, Escaped(self.what.as_bytes()))
    }
}

/// What became of the index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct IndexRepairSummary {
    pub dry_run: bool,
    /// Segments that cannot be read.
    pub broken_segments: Vec<String>,
    pub packs: u64,
    /// Packs with contents that no segment has, and these contents.
    pub packs_missing: u64,
    pub contents_missing: u64,
    /// Packs that do not say what is in them.
    pub unreadable: Vec<Wrong>,
    pub segments_added: u64,
    pub interrupted: bool,
}

impl IndexRepairSummary {
    pub fn new(repair: &IndexRepair, dry_run: bool) -> IndexRepairSummary {
        IndexRepairSummary {
            dry_run,
            broken_segments: repair.broken_segments.iter().map(ToString::to_string).collect(),
            packs: repair.packs,
            packs_missing: repair.packs_missing,
            contents_missing: repair.contents_missing,
            unreadable: unreadable(&repair.unreadable),
            segments_added: repair.segments_added,
            interrupted: repair.interrupted,
        }
    }
}

impl fmt::Display for IndexRepairSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Looked at    {}", Count(self.packs, "pack"))?;
        writeln!(f, "Broken       {}", Count(self.broken_segments.len() as u64, "segment"))?;
        let (contents, packs) = (Count(self.contents_missing, "content"), Count(self.packs_missing, "pack"));
        write!(f, "Not indexed  {contents} in {packs}")?;
        for wrong in &self.unreadable {
            write!(f, "\n{wrong}")?;
        }
        let is_clean = self.broken_segments.is_empty() && self.packs_missing == 0;
        end(f, is_clean, self.dry_run, self.interrupted, || {
            format!("Wrote {}.", Count(self.segments_added, "segment"))
        })
    }
}

fn unreadable(packs: &[(BlobId, String)]) -> Vec<Wrong> {
    packs.iter().map(|(blob, what)| Wrong::new(blob.name(), what)).collect()
}

/// What became of damaged packs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct PackRepairSummary {
    pub dry_run: bool,
    /// Packs that are quarantined now.
    pub damaged: Vec<Wrong>,
    /// Packs that could not be read, and may be whole.
    pub unreadable: Vec<Wrong>,
    /// Packs that are trusted again.
    pub healed: Vec<String>,
    /// Packs that were quarantined before and stay so.
    pub still: u64,
    /// Contents that could still be read in quarantined packs alone, and are in new packs now.
    pub salvaged: u64,
    pub interrupted: bool,
}

impl PackRepairSummary {
    pub fn new(repair: &PackRepair, dry_run: bool) -> PackRepairSummary {
        PackRepairSummary {
            dry_run,
            damaged: repair.damaged.iter().map(|(id, what)| Wrong::new(id, what)).collect(),
            unreadable: unreadable(&repair.unreadable),
            healed: repair.healed.iter().map(ToString::to_string).collect(),
            still: repair.still,
            salvaged: repair.salvaged,
            interrupted: repair.interrupted,
        }
    }
}

impl fmt::Display for PackRepairSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Damaged      {}", Count(self.damaged.len() as u64, "pack"))?;
        for wrong in &self.damaged {
            write!(f, "\n{wrong}")?;
        }
        if !self.unreadable.is_empty() {
            write!(f, "\nUnreadable   {}", Count(self.unreadable.len() as u64, "pack"))?;
            for wrong in &self.unreadable {
                write!(f, "\n{wrong}")?;
            }
        }
        write!(f, "\nWhole again  {}", Count(self.healed.len() as u64, "pack"))?;
        write!(f, "\nQuarantined  {} since earlier", Count(self.still, "pack"))?;
        if self.salvaged > 0 {
            write!(f, "\nSalvaged     {}", Count(self.salvaged, "content"))?;
        }
        let is_clean = self.damaged.is_empty() && self.healed.is_empty();
        end(f, is_clean, self.dry_run, self.interrupted, || {
            let next = "The next backup of each source stores again what it still has of what they held.";
            if self.damaged.is_empty() { "Done.".to_owned() } else { format!("Quarantined. {next}") }
        })?;
        match self.unreadable.is_empty() {
            true => Ok(()),
            false => f.write_str(
                "\nWhat cannot be read may be whole: run this again, or move away what is given no more.",
            ),
        }
    }
}

/// A snapshot that is not whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct RepairedText {
    pub snapshot_id: String,
    /// What takes its place; absent in a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub successor: Option<String>,
    /// The first of the items that are lost, and how many they are.
    pub lost: Vec<PathText>,
    pub lost_count: u64,
    /// The next backup of this drive fetches everything.
    pub ledger_lost: bool,
}

/// What became of snapshots that need what is lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct SnapshotRepairSummary {
    pub dry_run: bool,
    pub snapshots: u64,
    pub repaired: Vec<RepairedText>,
    /// Snapshots that nothing can take the place of.
    pub unreadable: Vec<Wrong>,
    /// Snapshots that have a successor since earlier.
    pub replaced: u64,
    pub interrupted: bool,
}

impl SnapshotRepairSummary {
    pub fn new(repair: &SnapshotRepair, dry_run: bool) -> SnapshotRepairSummary {
        let repaired = repair.repaired.iter().map(|repaired| RepairedText {
            snapshot_id: repaired.snapshot.to_string(),
            successor: repaired.successor.map(|id| id.to_string()),
            lost: repaired.lost.iter().map(|path| PathText::new(path)).collect(),
            lost_count: repaired.lost_count,
            ledger_lost: repaired.ledger_lost,
        });
        SnapshotRepairSummary {
            dry_run,
            snapshots: repair.snapshots,
            repaired: repaired.collect(),
            unreadable: repair.unreadable.iter().map(|(id, what)| Wrong::new(id, what)).collect(),
            replaced: repair.replaced,
            interrupted: repair.interrupted,
        }
    }
}

/// Paths shown as text.
const SHOWN: usize = 20;

impl fmt::Display for SnapshotRepairSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Looked at    {}", Count(self.snapshots, "snapshot"))?;
        for repaired in &self.repaired {
            write!(f, "\nSnapshot {} lost {}", repaired.snapshot_id, Count(repaired.lost_count, "item"))?;
            for path in repaired.lost.iter().take(SHOWN) {
                write!(f, "\n    {path}")?;
            }
            if repaired.lost_count > SHOWN as u64 {
                write!(f, "\n    and {} more", repaired.lost_count - SHOWN as u64)?;
            }
            if repaired.ledger_lost {
                write!(f, "\n  and what is known of its drive: the next backup fetches everything")?;
            }
            if let Some(successor) = &repaired.successor {
                write!(f, "\n  {successor} takes its place")?;
            }
        }
        for wrong in &self.unreadable {
            write!(f, "\nNothing can take the place of a snapshot:\n{wrong}")?;
        }
        if self.replaced > 0 {
            write!(f, "\n{} replaced by others: forget them", Count(self.replaced, "snapshot"))?;
        }
        end(f, self.repaired.is_empty(), self.dry_run, self.interrupted, || {
            "Forget the old ones when you have seen what the new ones hold.".to_owned()
        })
    }
}

/// What comes of it all.
fn end(
    f: &mut fmt::Formatter<'_>,
    is_clean: bool,
    dry_run: bool,
    interrupted: bool,
    done: impl FnOnce() -> String,
) -> fmt::Result {
    f.write_str("\n")?;
    match (is_clean, dry_run) {
        (true, _) => f.write_str("There is nothing to repair.")?,
        (false, true) => f.write_str("Nothing was changed. Run it with --yes to put this right.")?,
        (false, false) => f.write_str(&done())?,
    }
    if interrupted { f.write_str("\nInterrupted before the end.") } else { Ok(()) }
}

//! What a verification comes to.

use std::fmt;

use serde::Serialize;

use super::{Count, Size};

/// What a verification looked at and found.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct VerifySummary {
    /// `log`, `blobs` or `data`.
    pub level: String,
    /// Whether a part of the data was decoded besides.
    pub sampled: bool,
    pub revision: u64,
    pub snapshots: u64,
    /// Entries of the snapshots, those that they share once.
    pub entries: u64,
    /// Packs there are.
    pub packs: u64,
    /// Blobs that were read whole.
    pub blobs_read: u64,
    pub packs_decoded: u64,
    pub contents_decoded: u64,
    pub bytes_read: u64,
    /// Findings that are damage.
    pub damage: u64,
    /// Blobs that nothing knows; no damage.
    pub unknown: u64,
    /// The revision that says that all is whole once more, if maintenance waited for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled_in: Option<u64>,
    pub interrupted: bool,
    pub seconds: f64,
}

impl fmt::Display for VerifySummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (snapshots, packs) = (Count(self.snapshots, "snapshot"), Count(self.packs, "pack"));
        writeln!(f, "Verified     revision {}, level {}", self.revision, self.level)?;
        writeln!(f, "Contains     {snapshots}, {}, {packs}", EntryCount(self.entries))?;
        write!(f, "Read         {}, {}", Count(self.blobs_read, "whole blob"), Size(self.bytes_read))?;
        if self.packs_decoded > 0 {
            write!(f, ", {} decoded", Count(self.contents_decoded, "content"))?;
        }
        writeln!(f, "\nTook         {:.1} s", self.seconds)?;
        match self.damage {
            0 => f.write_str("Found        no damage")?,
            damage => write!(f, "Found        damage in {}", Count(damage, "place"))?,
        }
        if self.unknown > 0 {
            write!(f, "; {} that nothing knows", Count(self.unknown, "blob"))?;
        }
        if let Some(revision) = self.settled_in {
            write!(f, "\nMaintenance may give space back again from revision {revision} on.")?;
        }
        if self.interrupted { f.write_str("\nInterrupted before the end.") } else { Ok(()) }
    }
}

/// Entries, whose plural is their own.
struct EntryCount(u64);

impl fmt::Display for EntryCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noun = if self.0 == 1 { "entry" } else { "entries" };
        write!(f, "{} distinct {noun}", indicatif::HumanCount(self.0))
    }
}

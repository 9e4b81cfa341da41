//! What a verification comes to.

use std::fmt;

use serde::Serialize;

use super::{Count, Size, Time};

/// What a verification looked at and found.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct VerifySummary {
    /// `log`, `blobs` or `data`.
    pub level: String,
    /// Whether a part of the data was decoded besides.
    pub sampled: bool,
    /// Whether only blobs were compared with their hashes, without keys.
    pub keyless: bool,
    /// Absent without keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
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
    /// What was decoded by now, this run and others taken together; absent if that is not kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coverage: Option<CoverageText>,
    /// Findings that are damage.
    pub damage: u64,
    /// Blobs that nothing knows; no damage.
    pub unknown: u64,
    /// Blobs whose locks were asked for; absent without `--retention`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locks_asked: Option<u64>,
    /// Those of them that are not locked as long or as strongly as they are to be.
    pub unlocked: u64,
    /// The revision that says that all is whole once more, if maintenance waited for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled_in: Option<u64>,
    pub interrupted: bool,
    pub seconds: f64,
}

impl fmt::Display for VerifySummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (snapshots, packs) = (Count(self.snapshots, "snapshot"), Count(self.packs, "pack"));
        match self.revision {
            Some(revision) => writeln!(f, "Verified     revision {revision}, level {}", self.level)?,
            None => writeln!(f, "Verified     hashes of blobs, and nothing else: no key was used")?,
        }
        match self.keyless {
            false => writeln!(f, "Contains     {snapshots}, {}, {packs}", EntryCount(self.entries))?,
            true => writeln!(f, "Contains     {packs}")?,
        }
        write!(f, "Read         {}, {}", Count(self.blobs_read, "whole blob"), Size(self.bytes_read))?;
        if self.packs_decoded > 0 {
            write!(f, ", {} decoded", Count(self.contents_decoded, "content"))?;
        }
        if let Some(coverage) = &self.coverage {
            write!(f, "\n{coverage}")?;
        }
        if let Some(asked) = self.locks_asked {
            write!(
                f,
                "\nRetention    {} asked, {} locked too short or too weakly",
                Count(asked, "blob"),
                self.unlocked
            )?;
        }
        writeln!(f, "\nTook         {:.1} s", self.seconds)?;
        match self.damage {
            0 if self.keyless => f.write_str("Found        no damage that a hash tells")?,
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

/// What was decoded by now.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct CoverageText {
    /// Packs, and their bytes.
    pub packs: u64,
    pub bytes: u64,
    /// Those of them that were decoded, be it long ago.
    pub decoded_packs: u64,
    pub decoded_bytes: u64,
    /// The pack that was not decoded for the longest time, and since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longest_unverified_pack: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longest_unverified: Option<Time>,
}

impl fmt::Display for CoverageText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Covered      {} of {}", self.decoded_packs, Count(self.packs, "pack"))?;
        write!(f, ", {} of {} decoded by now", Size(self.decoded_bytes), Size(self.bytes))?;
        match &self.longest_unverified {
            Some(since) => write!(f, "; longest unverified since {since}"),
            None => Ok(()),
        }
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

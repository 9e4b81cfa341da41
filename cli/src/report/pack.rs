//! Why packs are still there.

use std::fmt;

use repo_format::format::names::PackKind;
use repo_format::maintenance::{self, Explained, NeededBy, PackFate};
use serde::Serialize;

use super::{Count, PathText, Size, Time};

/// A pack, and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct PackLine {
    pub pack: String,
    /// `data` or `meta`.
    pub kind: String,
    pub size: u64,
    /// Bytes that nobody needs.
    pub unused: u64,
    pub contents: u64,
    /// Contents that snapshots need of this very pack.
    pub live_contents: u64,
    /// `needed`, `thin`, `quarantined`, `unneeded`, `fresh`, `condemned` or `doomed`.
    pub fate: String,
    /// The revision that condemned or doomed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// When it may go; absent if the next run may take it, or if it stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<Time>,
    /// How many snapshots need something in it. With none and live contents, it is the record of what was
    /// verified when that does.
    pub snapshot_count: u64,
    /// The oldest of these snapshots.
    pub needed_by: Vec<NeedingSnapshot>,
}

/// A snapshot that needs something in a pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct NeedingSnapshot {
    pub snapshot_id: String,
    /// The first of the paths in it that do.
    pub paths: Vec<PathText>,
    /// All of these paths.
    pub path_count: u64,
}

impl PackLine {
    pub fn new(pack: &Explained, needed: &NeededBy) -> PackLine {
        let (fate, since, due) = match pack.fate {
            PackFate::Needed => ("needed", None, None),
            PackFate::Thin => ("thin", None, None),
            PackFate::Quarantined => ("quarantined", None, None),
            PackFate::Unneeded => ("unneeded", None, None),
            PackFate::Fresh => ("fresh", None, None),
            PackFate::Condemned { since, due_ns } => ("condemned", Some(since), due_ns.map(Time)),
            PackFate::Doomed { since } => ("doomed", Some(since), None),
        };
        PackLine {
            pack: pack.pack.to_string(),
            kind: match pack.kind {
                PackKind::Data => "data",
                PackKind::Meta => "meta",
            }
            .to_owned(),
            size: pack.size,
            unused: pack.unused,
            contents: pack.contents,
            live_contents: pack.live_contents,
            fate: fate.to_owned(),
            since,
            due,
            snapshot_count: needed.snapshot_count,
            needed_by: needed.snapshots.iter().map(NeedingSnapshot::new).collect(),
        }
    }
}

impl NeedingSnapshot {
    fn new(snapshot: &maintenance::NeedingSnapshot) -> NeedingSnapshot {
        NeedingSnapshot {
            snapshot_id: snapshot.id.to_string(),
            paths: snapshot.paths.iter().map(|path| PathText::new(path)).collect(),
            path_count: snapshot.path_count,
        }
    }
}

impl fmt::Display for PackLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = &self.pack[..16.min(self.pack.len())];
        let (size, unused) = (Size(self.size), Size(self.unused));
        write!(f, "{id}  {} pack, {size}, {unused} unused: ", self.kind)?;
        let needed = format!("{} of {}", self.live_contents, Count(self.contents, "content"));
        match (self.fate.as_str(), &self.due, self.since) {
            ("needed", ..) => write!(f, "{needed} are needed; it stays as it is"),
            ("thin", ..) => write!(f, "{needed} are needed; the next run copies them and condemns it"),
            ("quarantined", ..) => f.write_str("it is damaged, and waits for repair"),
            ("unneeded", ..) => f.write_str("nobody needs it; the next run condemns it"),
            ("fresh", ..) => f.write_str("no record knows it; it is too new to say that none will"),
            (_, Some(due), Some(since)) => {
                write!(f, "condemned by revision {since}; it may go from {due} on")
            }
            ("condemned", None, Some(since)) => {
                write!(f, "condemned by revision {since}; the next run deletes it")
            }
            (_, _, since) => {
                write!(
                    f,
                    "doomed by revision {}; the next run deletes it, unless it is locked",
                    since.unwrap_or_default()
                )
            }
        }?;
        self.needed_by.iter().try_for_each(|snapshot| write!(f, "\n  {snapshot}"))?;
        match self.snapshot_count.saturating_sub(self.needed_by.len() as u64) {
            0 if self.live_contents > 0 && self.snapshot_count == 0 => {
                f.write_str("\n  the record of what was verified when needs it")
            }
            0 => Ok(()),
            more => write!(f, "\n  and {}", Count(more, "more snapshot")),
        }
    }
}

impl fmt::Display for NeedingSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths: Vec<String> = self.paths.iter().map(ToString::to_string).collect();
        write!(f, "in snapshot {}: {}", self.snapshot_id, paths.join(", "))?;
        match self.path_count.saturating_sub(self.paths.len() as u64) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

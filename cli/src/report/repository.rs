//! What is said of a repository: its state, its key slots, its damage.

use std::fmt;

use comfy_table::{Table, presets};
use serde::Serialize;

use super::{Escaped, PathText, Size};

/// What a repository is and holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct StatusSummary {
    pub repository_id: String,
    /// The name it is connected by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub location: String,
    /// Whether it is a copy that was not promoted; absent if not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub read_only_copy: bool,
    pub format_version: u32,
    pub revision: u64,
    /// Complete and partial ones; checkpoints of unfinished runs are counted apart.
    pub snapshots: u64,
    pub checkpoints: u64,
    /// Bytes of all snapshots, as if each were alone.
    pub bytes_in_snapshots: u64,
    /// Bytes that runs of these snapshots added to the storage.
    pub bytes_stored: u64,
    pub key_slots: u64,
    pub splitter: SplitterText,
}

/// How streams are cut, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct SplitterText {
    pub size_min: u64,
    pub size_average: u64,
    pub size_max: u64,
}

impl fmt::Display for StatusSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Repository   {}", self.repository_id)?;
        if let Some(name) = &self.name {
            writeln!(f, "Name         {name}")?;
        }
        writeln!(f, "Location     {}", Escaped(self.location.as_bytes()))?;
        if self.read_only_copy {
            writeln!(f, "Copy         read-only until `corso repo promote`")?;
        }
        writeln!(f, "Format       version {}", self.format_version)?;
        writeln!(f, "Revision     {}", self.revision)?;
        write!(f, "Snapshots    {}", self.snapshots)?;
        if self.checkpoints > 0 {
            write!(f, ", and {} of unfinished runs", self.checkpoints)?;
        }
        writeln!(f, "\nIn them      {}", Size(self.bytes_in_snapshots))?;
        writeln!(f, "Stored       {}", Size(self.bytes_stored))?;
        writeln!(f, "Key slots    {}", self.key_slots)?;
        let SplitterText { size_min, size_average, size_max } = self.splitter;
        write!(f, "Splitter     {} to {}, about {}", Size(size_min), Size(size_max), Size(size_average))
    }
}

/// One way to open the repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct Slot {
    pub id: String,
    /// `passphrase`, `recovery-key` or `key-file`.
    pub kind: String,
    pub label: String,
    /// Whether this run opened the repository with it.
    pub in_use: bool,
}

/// Key slots as a table.
pub fn slot_table(slots: &[Slot]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["ID", "Kind", "Label", ""]);
    for slot in slots {
        let label = Escaped(slot.label.as_bytes()).to_string();
        let in_use = if slot.in_use { "in use" } else { "" };
        table.add_row([slot.id.as_str(), slot.kind.as_str(), label.as_str(), in_use]);
    }
    table.trim_fmt()
}

/// One thing that a verification found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct Finding {
    /// The blob; absent where it is not about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blob: Option<String>,
    /// `missing`, `damaged`, `wrong-name`, `structure`, `unreadable`, `unlocked` or `unknown`.
    pub kind: String,
    /// False for what is there and known by nothing, and for what is not locked as asked.
    pub is_damage: bool,
    pub what: String,
    /// Contents that are lost by it.
    pub contents: u64,
    /// IDs of the first of them.
    pub content_ids: Vec<String>,
    /// IDs of the snapshots that need them.
    pub snapshots: Vec<String>,
    /// The first of the paths in them.
    pub paths: Vec<PathText>,
    /// All of these paths.
    pub path_count: u64,
}

impl Finding {
    /// Damage of which it is not known whom it hurts.
    pub fn damage(blob: Option<String>, kind: &str, what: &str) -> Finding {
        Finding {
            blob,
            kind: kind.to_owned(),
            is_damage: true,
            what: what.to_owned(),
            contents: 0,
            content_ids: Vec::new(),
            snapshots: Vec::new(),
            paths: Vec::new(),
            path_count: 0,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.kind)?;
        if let Some(blob) = &self.blob {
            write!(f, "{blob}: ")?;
        }
        write!(f, "{}", Escaped(self.what.as_bytes()))?;
        for snapshot in &self.snapshots {
            write!(f, "\n  in snapshot {snapshot}")?;
        }
        for path in &self.paths {
            write!(f, "\n    {path}")?;
        }
        match self.path_count.saturating_sub(self.paths.len() as u64) {
            0 => Ok(()),
            more => write!(f, "\n    and {more} more"),
        }
    }
}

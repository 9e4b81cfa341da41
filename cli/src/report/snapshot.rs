//! What is said of a snapshot.

use std::fmt;

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use super::{Count, Escaped, PathText, Size, Time};

/// A snapshot in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct SnapshotLine {
    pub id: String,
    pub state: State,
    pub source: SourceText,
    pub start: Time,
    pub end: Time,
    pub tags: Vec<Tag>,
    /// Entries in it.
    pub items: u64,
    /// Bytes of all its files.
    pub size: u64,
    pub failed: u64,
    pub skipped: u64,
    /// Bytes that its run added to the storage.
    pub bytes_stored: u64,
    /// The record that put it.
    pub revision: u64,
    /// The record that forgot it; absent while it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forgotten_in: Option<u64>,
}

/// How whole a snapshot is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
#[serde(rename_all = "snake_case")]
pub enum State {
    Complete,
    Partial,
    Checkpoint,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            State::Complete => "complete",
            State::Partial => "partial",
            State::Checkpoint => "checkpoint",
        })
    }
}

/// What a snapshot is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct SourceText {
    pub service: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    pub paths: Vec<PathText>,
}

impl fmt::Display for SourceText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(host) = &self.host {
            write!(f, "{}:", Escaped(host.as_bytes()))?;
        }
        let paths: Vec<String> = self.paths.iter().map(ToString::to_string).collect();
        f.write_str(&paths.join(" "))
    }
}

/// A name and a value that a user gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct Tag {
    pub name: String,
    pub value: String,
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", Escaped(self.name.as_bytes()), Escaped(self.value.as_bytes()))
    }
}

/// Snapshots as a table; IDs are cut to what tells them apart, at least eight digits.
pub fn table(snapshots: &[SnapshotLine]) -> String {
    let ids: Vec<&str> = snapshots.iter().map(|line| line.id.as_str()).collect();
    let digits = digits_needed(&ids);
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_header(["ID", "Started", "State", "Items", "Size", "Source", "Tags"]);
    for line in snapshots {
        let tags: Vec<String> = line.tags.iter().map(ToString::to_string).collect();
        table.add_row([
            line.id.chars().take(digits).collect(),
            line.start.to_string(),
            line.state.to_string(),
            indicatif::HumanCount(line.items).to_string(),
            Size(line.size).to_string(),
            line.source.to_string(),
            tags.join(" "),
        ]);
    }
    for column in [3, 4] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}

/// How many digits tell all of `ids` apart.
pub fn digits_needed(ids: &[&str]) -> usize {
    let mut sorted = ids.to_vec();
    sorted.sort_unstable();
    let shared = |pair: &[&str]| pair[0].bytes().zip(pair[1].bytes()).take_while(|(a, b)| a == b).count();
    sorted.windows(2).map(|pair| shared(pair) + 1).max().unwrap_or(0).max(8)
}

/// All that is known of one snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct ShowSummary {
    #[serde(flatten)]
    pub line: SnapshotLine,
    pub run_id: String,
    /// IDs of the snapshots that it was based on.
    pub based_on: Vec<String>,
    pub statistics: Statistics,
}

impl fmt::Display for ShowSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = &self.line;
        writeln!(f, "Snapshot     {}", line.id)?;
        writeln!(f, "State        {}", line.state)?;
        writeln!(f, "Source       {}", line.source)?;
        if let Some(user) = &line.source.user {
            writeln!(f, "User         {}", Escaped(user.as_bytes()))?;
        }
        writeln!(f, "Started      {}", line.start)?;
        writeln!(f, "Ended        {}", line.end)?;
        for tag in &line.tags {
            writeln!(f, "Tag          {tag}")?;
        }
        writeln!(f, "Revision     {}", line.revision)?;
        writeln!(f, "Run          {}", self.run_id)?;
        for base in &self.based_on {
            writeln!(f, "Based on     {base}")?;
        }
        write!(f, "{}", self.statistics)
    }
}

/// What a run found and did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct Statistics {
    pub files: u64,
    pub folders: u64,
    /// Links, devices and so on.
    pub others: u64,
    /// Bytes of all files.
    pub bytes: u64,
    pub files_new: u64,
    pub files_changed: u64,
    pub files_unchanged: u64,
    pub failed: u64,
    pub skipped: u64,
    pub bytes_read: u64,
    /// Bytes, before compression, of contents that the repository did not have.
    pub bytes_added: u64,
    /// Bytes of packs that were written.
    pub bytes_stored: u64,
    pub contents_added: u64,
}

impl fmt::Display for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let folders = Count(self.folders, "folder");
        write!(f, "Contains     {}, {folders}", Count(self.files, "file"))?;
        if self.others > 0 {
            write!(f, ", {}", Count(self.others, "other"))?;
        }
        writeln!(f, ", {}", Size(self.bytes))?;
        let (new, changed, same) = (self.files_new, self.files_changed, self.files_unchanged);
        writeln!(f, "Files        {new} new, {changed} changed, {same} unchanged")?;
        write!(f, "Read         {}", Size(self.bytes_read))?;
        let added = Count(self.contents_added, "new content");
        write!(f, "\nStored       {} for {} in {added}", Size(self.bytes_stored), Size(self.bytes_added))?;
        if self.failed + self.skipped > 0 {
            write!(f, "\nLeft out     {} failed, {} skipped", self.failed, self.skipped)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_cut_to_what_tells_them_apart() {
        assert_eq!(digits_needed(&["0123456789", "1123456789"]), 8);
        assert_eq!(digits_needed(&["0123456789", "ffffffffff", "0123456780"]), 10);
        assert_eq!(digits_needed(&[]), 8);
    }
}

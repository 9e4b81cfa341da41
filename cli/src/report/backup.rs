//! What is said of backups of Microsoft 365.

use std::fmt;

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use super::snapshot::{SnapshotLine, digits_needed};
use super::{Escaped, PathText, Size};

/// A backup in a list: its snapshot, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct BackupLine {
    #[serde(flatten)]
    pub line: SnapshotLine,
    /// The user principal name when the backup was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The service's ID of what was backed up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
}

/// Something in a backup that needs attention, although nothing failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct Alert {
    pub snapshot_id: String,
    #[serde(flatten)]
    pub path: PathText,
    pub message: String,
}

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "alert: {}: {}", self.path, self.message)
    }
}

/// Whose a backup is, and of which folders if not of all.
fn owned(owner: &[u8], folders: &[PathText]) -> String {
    let folders: Vec<String> = folders.iter().map(ToString::to_string).collect();
    match folders.is_empty() {
        true => Escaped(owner).to_string(),
        false => format!("{}: {}", Escaped(owner), folders.join(", ")),
    }
}

/// Backups as a table.
pub fn table(backups: &[BackupLine]) -> String {
    let ids: Vec<&str> = backups.iter().map(|backup| backup.line.id.as_str()).collect();
    let digits = digits_needed(&ids);
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_header(["ID", "Started", "State", "Items", "Size", "Failed", "Skipped", "User"]);
    for BackupLine { line, user, resource, .. } in backups {
        let owner = user.as_ref().or(resource.as_ref()).map(String::as_bytes).unwrap_or_default();
        table.add_row([
            line.id.chars().take(digits).collect(),
            line.start.to_string(),
            line.state.to_string(),
            indicatif::HumanCount(line.items).to_string(),
            Size(line.size).to_string(),
            line.failed.to_string(),
            line.skipped.to_string(),
            owned(owner, &line.source.paths),
        ]);
    }
    for column in 3..=6 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}

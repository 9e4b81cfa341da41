//! Everything that is said in JSON: one line, one message.

use std::fmt;

use serde::Serialize;

use super::backup::{Alert, BackupLine};
use super::create::UserLine;
use super::doctor::Permission;
use super::entry::{Change, Item};
use super::health::Matter;
use super::name::PathText;
use super::pack::PackLine;
use super::policy::{PolicyLine, RetentionLine};
use super::repository::{Finding, Slot};
use super::snapshot::SnapshotLine;
use super::summary::Summary;
use super::{Count, Escaped, Size};

/// One JSON line. `message_type` tells which.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
#[serde(tag = "message_type", rename_all = "snake_case")]
pub enum Message {
    /// How far a long command has come.
    Status(Status),
    /// One item that failed or was skipped; on stderr.
    Error(ItemFailure),
    /// Something that does not stop the command but should be known; on stderr.
    Warning(Warning),
    Snapshot(SnapshotLine),
    Entry(Item),
    /// An item that failed or was skipped when a snapshot was made.
    Failure(ItemFailure),
    /// An item that failed in the backup before, and in this one no more.
    Recovered(ItemFailure),
    Backup(BackupLine),
    /// What the backup of one user came to.
    User(UserLine),
    Alert(Alert),
    Change(Change),
    /// A policy that is set.
    Policy(PolicyLine),
    /// Whether a snapshot stays.
    Retention(RetentionLine),
    /// Whether an application may do what it is for.
    Permission(Permission),
    Slot(Slot),
    Finding(Finding),
    /// One matter of the repository's health.
    Health(Matter),
    /// A pack, and what becomes of it.
    Pack(PackLine),
    /// A piece of a file's content.
    Data(Data),
    /// The last line of a command that was carried out.
    Summary(Summary),
    /// The last line of a command that was not; on stderr.
    ExitError(ExitError),
}

/// How far a long command has come.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct Status {
    pub seconds_elapsed: f64,
    /// An estimate; absent while there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_remaining: Option<f64>,
    pub items_done: u64,
    /// Absent while unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items_total: Option<u64>,
    pub bytes_done: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_total: Option<u64>,
    /// Bytes of packs written so far.
    pub bytes_stored: u64,
    pub failed: u64,
    pub skipped: u64,
    pub checkpoints: u64,
    /// Users whose backup is over, and all of them; absent for other commands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users_done: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users_total: Option<u64>,
    /// Resource units spent of Microsoft's budget, and how long it asked to wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub units_spent: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throttled_seconds: Option<f64>,
    /// What is being worked on.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub current: Option<PathText>,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(done), Some(total)) = (self.users_done, self.users_total) {
            write!(f, "{done} of {}, ", Count(total, "user"))?;
        }
        write!(f, "{}", Count(self.items_done, "item"))?;
        if let Some(total) = self.items_total {
            write!(f, " of {}", indicatif::HumanCount(total))?;
        }
        write!(f, ", {}", Size(self.bytes_done))?;
        if let Some(total) = self.bytes_total {
            write!(f, " of {}", Size(total))?;
        }
        if self.seconds_elapsed > 0.0 {
            write!(f, ", {}/s", Size((self.bytes_done as f64 / self.seconds_elapsed) as u64))?;
        }
        if self.bytes_stored > 0 {
            write!(f, ", {} stored", Size(self.bytes_stored))?;
        }
        if self.failed > 0 {
            write!(f, ", {} failed", self.failed)?;
        }
        if let Some(units) = self.units_spent {
            write!(f, ", {}", Count(units, "unit"))?;
        }
        if let Some(seconds) = self.throttled_seconds.filter(|seconds| *seconds > 0.0) {
            write!(f, ", throttled {seconds:.0} s")?;
        }
        match self.seconds_remaining {
            Some(left) => write!(f, ", about {:.0} s left", left.ceil()),
            None => Ok(()),
        }
    }
}

/// One item that failed or was skipped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct ItemFailure {
    /// The backup it is told of, where several are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot_id: Option<String>,
    /// Whose item it is, where several users' are told of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(flatten)]
    pub path: PathText,
    /// `io`, `denied`, `vanished`, `changing`, `refused` or `lost`.
    pub cause: String,
    pub message: String,
    pub attempts: u32,
    /// False for what was skipped for cause: it does not make a snapshot partial.
    pub is_failure: bool,
}

impl fmt::Display for ItemFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.is_failure { "failed" } else { "skipped" };
        write!(f, "{what}: ")?;
        if let Some(user) = &self.user {
            write!(f, "{}: ", Escaped(user.as_bytes()))?;
        }
        write!(f, "{}: {} ({})", self.path, self.message, self.cause)
    }
}

/// Something that should be known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct Warning {
    pub message: String,
}

/// A piece of a file's content, in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct Data {
    pub offset: u64,
    pub hex: String,
}

/// Why a command was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct ExitError {
    /// The exit code (docs/exit-codes.md).
    pub code: u8,
    pub message: String,
    /// The next step.
    pub hint: String,
}

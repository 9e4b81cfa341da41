//! What backups of users came to.

use std::fmt;

use serde::Serialize;

use super::snapshot::{State, Statistics};
use super::{Count, Escaped, Size};

/// What the backup of one user came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct UserLine {
    pub user: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    pub result: Result,
    /// Why there is nothing to back up, why it failed, or which folders were not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statistics: Option<Statistics>,
    /// Whether everything was listed, rather than what changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enumerated: Option<bool>,
    /// Items that failed in an earlier run, or were not reached by it, and are stored now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovered: Option<u64>,
    /// Items whose folder the service did not tell, whose bytes have another hash than it tells, or whose
    /// permissions could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alerts: Option<u64>,
    /// Contents that were fetched, and their bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fetched: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fetched_bytes: Option<u64>,
    pub seconds: f64,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
#[serde(rename_all = "snake_case")]
pub enum Result {
    Complete,
    Partial,
    /// There is nothing to back up: no drive, or no licence.
    Nothing,
    Failed,
    /// Ended early; a checkpoint has what was done.
    Interrupted,
}

impl UserLine {
    fn new(user: &str, result: Result) -> UserLine {
        UserLine {
            user: user.to_owned(),
            user_id: None,
            result,
            message: None,
            snapshot_id: None,
            state: None,
            statistics: None,
            enumerated: None,
            recovered: None,
            alerts: None,
            fetched: None,
            fetched_bytes: None,
            seconds: 0.0,
        }
    }

    /// All of it is stored.
    pub fn complete(user: &str) -> UserLine {
        UserLine::new(user, Result::Complete)
    }

    /// Some items are not.
    pub fn partial(user: &str) -> UserLine {
        UserLine::new(user, Result::Partial)
    }

    /// It ended early.
    pub fn interrupted(user: &str) -> UserLine {
        UserLine::new(user, Result::Interrupted)
    }

    /// There is nothing to back up.
    pub fn nothing(user: &str, why: &str) -> UserLine {
        UserLine { message: Some(why.to_owned()), ..UserLine::new(user, Result::Nothing) }
    }

    /// There is no backup.
    pub fn failed(user: &str, why: &str) -> UserLine {
        UserLine { message: Some(why.to_owned()), ..UserLine::new(user, Result::Failed) }
    }

    /// Whether something is not stored.
    pub fn is_failure(&self) -> bool {
        let failed = self.statistics.is_some_and(|counted| counted.failed > 0);
        failed || matches!(self.result, Result::Failed | Result::Partial)
    }
}

impl fmt::Display for Result {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Result::Complete => "complete",
            Result::Partial => "partial",
            Result::Nothing => "nothing to back up",
            Result::Failed => "failed",
            Result::Interrupted => "interrupted",
        })
    }
}

impl fmt::Display for UserLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", Escaped(self.user.as_bytes()), self.result)?;
        if let Some(message) = &self.message {
            write!(f, ": {}", Escaped(message.as_bytes()))?;
        }
        if let Some(id) = &self.snapshot_id {
            write!(f, ", {}", id.get(..8).unwrap_or(id))?;
        }
        if let Some(counted) = &self.statistics {
            write!(f, ", {}, {}", Count(counted.files, "file"), Size(counted.bytes))?;
            let (new, changed) = (counted.files_new, counted.files_changed);
            write!(f, " ({new} new, {changed} changed)")?;
            if counted.failed + counted.skipped > 0 {
                write!(f, ", {} failed, {} skipped", counted.failed, counted.skipped)?;
            }
        }
        match self.alerts {
            Some(alerts) if alerts > 0 => write!(f, ", {}", Count(alerts, "alert")),
            _ => Ok(()),
        }
    }
}

/// What a backup of users came to, in all.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct BackupCreateSummary {
    pub users: u64,
    pub complete: u64,
    pub partial: u64,
    pub nothing: u64,
    pub failed: u64,
    pub statistics: Statistics,
    /// Contents that were fetched, and their bytes.
    pub fetched: u64,
    pub fetched_bytes: u64,
    /// Requests to Microsoft, and how many of them were repeated, or answered by a request to wait.
    pub requests: u64,
    pub retries: u64,
    pub refused: u64,
    /// Resource units spent.
    pub units: u64,
    pub throttled_seconds: f64,
    pub bytes_down: u64,
    pub interrupted: bool,
    pub seconds: f64,
}

impl fmt::Display for BackupCreateSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Users        {} complete, {} partial, {} failed",
            self.complete, self.partial, self.failed
        )?;
        if self.nothing > 0 {
            write!(f, ", {} with nothing to back up", self.nothing)?;
        }
        writeln!(f, "\n{}", self.statistics)?;
        writeln!(f, "Fetched      {}, {}", Count(self.fetched, "content"), Size(self.fetched_bytes))?;
        write!(f, "Microsoft    {}, {} repeated", Count(self.requests, "request"), self.retries)?;
        write!(f, ", {}", Count(self.units, "unit"))?;
        if self.refused > 0 {
            write!(f, ", throttled {} for {:.0} s", Count(self.refused, "time"), self.throttled_seconds)?;
        }
        write!(f, "\nTook         {:.1} s", self.seconds)?;
        if self.interrupted {
            f.write_str("\nInterrupted: the next run goes on from here.")?;
        }
        Ok(())
    }
}

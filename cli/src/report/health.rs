//! Whether backups and verification are up to date.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::snapshot::{SourceText, State};
use super::{Count, Time};

/// How well something is; later ones are worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Ok,
    /// Nothing is late, and yet something should be done.
    Warning,
    /// A limit is passed.
    Overdue,
    /// Damage is known.
    Damaged,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Verdict::Ok => "ok",
            Verdict::Warning => "warning",
            Verdict::Overdue => "overdue",
            Verdict::Damaged => "damaged",
        })
    }
}

/// One matter of the repository's health.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct Matter {
    /// `source`, `verification`, `damage`, `keys` or `log`.
    pub matter: String,
    pub verdict: Verdict,
    /// For people.
    pub text: String,
    /// The fields from here on are of sources.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceText>,
    /// The user whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// When the last complete snapshot began; absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_complete: Option<Time>,
    /// When the newest snapshot began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest_state: Option<State>,
}

impl Matter {
    /// A matter that is not of a source.
    pub fn new(matter: &str, verdict: Verdict, text: impl Into<String>) -> Matter {
        Matter {
            matter: matter.to_owned(),
            verdict,
            text: text.into(),
            source: None,
            owner: None,
            last_complete: None,
            newest: None,
            newest_state: None,
        }
    }
}

impl fmt::Display for Matter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<8} {:<13} {}", self.verdict, self.matter, self.text)
    }
}

/// What all matters come to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct HealthSummary {
    /// The worst of all matters.
    pub verdict: Verdict,
    /// Matters that are overdue, and those that are warnings.
    pub overdue: u64,
    pub warnings: u64,
    pub revision: u64,
    pub sources: u64,
    /// Packs that verifications know of; this and the next three are absent if there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packs: Option<u64>,
    /// Percent of their bytes that were decoded, be it long ago.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified_percent: Option<f64>,
    /// The pack that was not decoded for the longest time, and since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longest_unverified_pack: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longest_unverified: Option<Time>,
    /// Packs that are known to be damaged.
    pub quarantined: u64,
    /// Key slots by kind.
    pub passphrases: u64,
    pub key_files: u64,
    pub recovery_keys: u64,
    /// Snapshots that are forgotten, and blobs that wait for maintenance.
    pub forgotten: u64,
    pub waiting: u64,
}

impl fmt::Display for HealthSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.verdict {
            Verdict::Damaged => f.write_str("Damaged"),
            Verdict::Overdue => write!(f, "Not well: {} overdue", Count(self.overdue, "matter")),
            Verdict::Warning => write!(f, "Healthy, with {}", Count(self.warnings, "warning")),
            Verdict::Ok => f.write_str("Healthy"),
        }
    }
}

/// How long ago something was, to one unit.
pub struct Age(pub Duration);

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (number, unit) = match seconds {
            0..120 => (seconds, "s"),
            120..7200 => (seconds / 60, "min"),
            7200..172_800 => (seconds / 3600, "h"),
            _ => (seconds / 86_400, "days"),
        };
        write!(f, "{number} {unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_one_unit() {
        let shown = |seconds| Age(Duration::from_secs(seconds)).to_string();
        assert_eq!([shown(119), shown(120), shown(7199)], ["119 s", "2 min", "119 min"]);
        assert_eq!([shown(7200), shown(172_799), shown(172_800)], ["2 h", "47 h", "2 days"]);
    }
}

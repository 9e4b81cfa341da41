//! What a check of Microsoft Graph found.

use std::fmt;

use serde::Serialize;

use super::{Count, Escaped};

/// A permission that is needed or granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct Permission {
    pub name: String,
    pub verdict: Verdict,
}

/// What is to be said of a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Granted,
    /// It grants what is needed, and more.
    Wider,
    Missing,
    /// Granted, and for nothing.
    Superfluous,
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Granted => "granted",
            Verdict::Wider => "granted, wider than needed",
            Verdict::Missing => "missing",
            Verdict::Superfluous => "superfluous",
        };
        write!(f, "{:<24} {verdict}", Escaped(self.name.as_bytes()).to_string())
    }
}

/// What a service lets us spend.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct Budget {
    pub name: String,
    /// Resource units, at present.
    pub units_per_second: f64,
    /// By this check.
    pub units_spent: u64,
    /// Of budgets that the service counts by the day, too: files.
    #[serde(flatten)]
    pub day: Option<Day>,
}

/// How a budget stands that is counted by the minute and by the day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct Day {
    /// Resource units that are allowed at present: fewer where little of the day is left.
    pub units_per_minute: u64,
    /// Resource units, by all runs on this machine since midnight, UTC.
    pub spent_today: u64,
    /// Resource units that a day has, as far as is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub units_per_day: Option<u64>,
    /// What the service told last of its limit; absent if it did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub told: Option<Told>,
}

/// What the headers `RateLimit-…` say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct Told {
    /// Resource units a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Resource units until the reset.
    pub remaining: u64,
    pub reset_seconds: u64,
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Budget { name, units_per_second, units_spent, day } = self;
        write!(f, "{name}: {units_per_second:.0} units a second, {units_spent} spent")?;
        let Some(day) = day else { return Ok(()) };
        write!(f, "; {} a minute at present", day.units_per_minute)?;
        write!(f, ", {} spent today by this machine", day.spent_today)?;
        if let Some(units) = day.units_per_day {
            write!(f, ", of {units}")?;
        }
        if let Some(told) = &day.told {
            write!(f, "; the service says {} left for {} s", told.remaining, told.reset_seconds)?;
            told.limit.map_or(Ok(()), |limit| write!(f, ", of {limit} a minute"))?;
        }
        Ok(())
    }
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct DoctorSummary {
    /// Its name, or its ID; absent if the token does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// `backup` or `restore`.
    pub purpose: String,
    /// Permissions that the purpose needs, and how many of them are missing.
    pub needed: u64,
    pub missing: u64,
    pub superfluous: u64,
    /// By how many milliseconds the service's clock is ahead of this machine's.
    pub skew_ms: i64,
    pub budgets: Vec<Budget>,
}

impl fmt::Display for DoctorSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = |text: &Option<String>| {
            text.as_ref().map_or_else(|| "not told".to_owned(), |it| Escaped(it.as_bytes()).to_string())
        };
        writeln!(f, "Signed in    as {}, tenant {}", known(&self.application), known(&self.tenant))?;
        let missing = Count(self.missing, "permission");
        write!(f, "Permissions  {missing} of {} missing for a {}", self.needed, self.purpose)?;
        if self.superfluous > 0 {
            write!(f, ", {} superfluous", self.superfluous)?;
        }
        write!(f, "\nClock        {:+.1} s", self.skew_ms as f64 / 1000.0)?;
        for budget in &self.budgets {
            write!(f, "\nBudget       {budget}")?;
        }
        Ok(())
    }
}

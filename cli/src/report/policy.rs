//! What is said of policies, and of what they keep.

use std::collections::BTreeMap;
use std::fmt;

use comfy_table::{Table, presets};
use serde::Serialize;

use super::snapshot::{SnapshotLine, SourceText, digits_needed};
use super::{Count, Escaped};

/// Where a policy holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct ScopeText {
    /// `global`, `service` or `source`.
    pub scope: String,
    /// Of a service or a source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceText>,
    /// The service's ID of what the source is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The user whose it is, if a snapshot tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

impl fmt::Display for ScopeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let service = self.service.as_deref().unwrap_or_default();
        match &self.source {
            None if service.is_empty() => f.write_str("all sources"),
            None => write!(f, "service {}", Escaped(service.as_bytes())),
            Some(source) => match self.owner.as_ref().or(self.resource.as_ref()) {
                Some(name) => {
                    write!(f, "{} {}", Escaped(service.as_bytes()), Escaped(name.as_bytes()))?;
                    if source.paths.is_empty() { Ok(()) } else { write!(f, ":{source}") }
                }
                None => source.fmt(f),
            },
        }
    }
}

/// What a policy says; what it does not say is absent. 0 and an empty list: there is no such rule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct PolicyText {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_last: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_hourly: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_daily: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_weekly: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_monthly: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_yearly: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_within_seconds: Option<u64>,
    /// The same as people say it.
    #[serde(skip)]
    pub keep_within: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_tags: Option<Vec<TagRuleText>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compression: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<Vec<String>>,
}

/// A tag that protects: of any value, or of this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct TagRuleText {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

impl fmt::Display for TagRuleText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Escaped(self.name.as_bytes()))?;
        self.value.iter().try_for_each(|value| write!(f, "={}", Escaped(value.as_bytes())))
    }
}

impl PolicyText {
    /// The fields that are set, by the names that JSON has, and how people read them.
    fn fields(&self) -> Vec<(&'static str, String)> {
        let count = |count: Option<u32>| {
            count.map(|count| if count == 0 { "none".to_owned() } else { count.to_string() })
        };
        let list = |values: Vec<String>| if values.is_empty() { "none".to_owned() } else { values.join(" ") };
        let tags = self.keep_tags.as_ref().map(|tags| list(tags.iter().map(ToString::to_string).collect()));
        let escaped = |pattern: &String| Escaped(pattern.as_bytes()).to_string();
        let exclude = self.exclude.as_ref().map(|patterns| list(patterns.iter().map(escaped).collect()));
        let all = [
            ("keep_last", count(self.keep_last)),
            ("keep_hourly", count(self.keep_hourly)),
            ("keep_daily", count(self.keep_daily)),
            ("keep_weekly", count(self.keep_weekly)),
            ("keep_monthly", count(self.keep_monthly)),
            ("keep_yearly", count(self.keep_yearly)),
            ("keep_within", self.keep_within.clone()),
            ("keep_tags", tags),
            ("compression", self.compression.clone()),
            ("exclude", exclude),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

/// One field a line, as the options are called.
impl fmt::Display for PolicyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.fields().into_iter().map(|(name, value)| format!("  {:<13} {value}", option(name)));
        f.write_str(&lines.collect::<Vec<_>>().join("\n"))
    }
}

fn option(field: &str) -> String {
    field.replace("tags", "tag").replace('_', "-")
}

/// A policy that is set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct PolicyLine {
    #[serde(flatten)]
    pub scope: ScopeText,
    pub policy: PolicyText,
}

impl fmt::Display for PolicyLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.scope, self.policy)
    }
}

/// What holds somewhere, and which policy says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct PolicyShowSummary {
    #[serde(flatten)]
    pub line: PolicyLine,
    /// By field of the policy: `global`, `service` or `source`.
    pub from: BTreeMap<String, String>,
    /// Whether a rule says which snapshots stay; without any, all do.
    pub keeps_all: bool,
}

impl fmt::Display for PolicyShowSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.line.scope)?;
        for (name, value) in self.line.policy.fields() {
            let key = if name == "keep_within" { "keep_within_seconds" } else { name };
            let from = self.from.get(key).map(String::as_str).unwrap_or_default();
            write!(f, "\n  {:<13} {value}  (from {from})", option(name))?;
        }
        if self.keeps_all {
            f.write_str("\n  No keep rule holds: all snapshots stay.")?;
        }
        Ok(())
    }
}

/// A policy was set or removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct PolicySummary {
    #[serde(flatten)]
    pub scope: ScopeText,
    /// What the policy says now; absent if there is none any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyText>,
    /// The revision that says so.
    pub revision: u64,
}

impl fmt::Display for PolicySummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.policy {
            Some(policy) => write!(f, "The policy for {} is now\n{policy}", self.scope),
            None => write!(f, "There is no policy for {} any more.", self.scope),
        }
    }
}

/// Whether a snapshot stays, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct RetentionLine {
    #[serde(flatten)]
    pub line: SnapshotLine,
    /// The user whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    pub keep: bool,
    /// Why it stays; none if it goes.
    pub reasons: Vec<String>,
    /// Whether its time disagrees with the order of commits.
    pub odd_clock: bool,
}

impl RetentionLine {
    fn why(&self) -> String {
        let mut why: Vec<String> =
            self.reasons.iter().map(|reason| Escaped(reason.as_bytes()).to_string()).collect();
        if self.odd_clock {
            why.push("its clock disagrees".to_owned());
        }
        why.join(", ")
    }
}

/// What stays and what goes, as a table.
pub fn retention_table(lines: &[RetentionLine]) -> String {
    let ids: Vec<&str> = lines.iter().map(|line| line.line.id.as_str()).collect();
    let digits = digits_needed(&ids);
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["ID", "Started", "State", "Source", "Verdict", "Why"]);
    for line in lines {
        let source = match &line.owner {
            Some(owner) => format!("{}:{}", Escaped(owner.as_bytes()), line.line.source),
            None => line.line.source.to_string(),
        };
        table.add_row([
            line.line.id.chars().take(digits).collect(),
            line.line.start.to_string(),
            line.line.state.to_string(),
            source.trim_end_matches(':').to_owned(),
            if line.keep { "keep" } else { "forget" }.to_owned(),
            line.why(),
        ]);
    }
    table.trim_fmt()
}

/// Snapshots came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct RecallSummary {
    pub recalled: Vec<String>,
    /// How many of them were looked through first, because something was reclaimed meanwhile.
    pub walked: u64,
    /// The record that says so.
    pub revision: u64,
}

impl fmt::Display for RecallSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = self.recalled.iter().map(|id| format!("Recalled snapshot {id}"));
        f.write_str(&ids.collect::<Vec<_>>().join("\n"))?;
        if self.walked > 0 {
            write!(f, "\nAll of {} was found before.", Count(self.walked, "snapshot"))?;
        }
        Ok(())
    }
}

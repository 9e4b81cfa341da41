//! From policies to those of the reports.

use std::collections::BTreeMap;

use repo_format::log::SourceInfo;
use repo_format::policy::{Compression, Policy, Scope, ScopeKind, Span, TagRule};
use repo_format::repository::Repository;

use crate::cmd::backup::user_name;
use crate::report::policy::{PolicyText, ScopeText, TagRuleText};

/// What the owners of sources are called, by their newest snapshots.
pub struct Names(BTreeMap<SourceInfo, String>);

impl Names {
    /// The names that snapshots tell.
    ///
    /// # Errors
    /// If the snapshots cannot be listed.
    pub fn of(repository: &Repository) -> anyhow::Result<Names> {
        let rows = repository.snapshots()?;
        let named = rows.iter().filter_map(|row| Some((row.source.clone(), user_name(row)?.to_owned())));
        Ok(Names(named.collect()))
    }

    /// A scope as reports have it.
    pub fn scope(&self, scope: &Scope) -> ScopeText {
        let source = match scope {
            Scope::Source(source) => Some(source),
            _ => None,
        };
        let resource = source.and_then(|source| source.resource.as_deref());
        ScopeText {
            scope: kind_name(scope.kind()).to_owned(),
            service: scope.service().map(str::to_owned),
            source: source.map(Into::into),
            resource: resource.map(|id| String::from_utf8_lossy(id).into_owned()),
            owner: source.and_then(|source| self.0.get(source).cloned()),
        }
    }
}

/// What a kind of scope is called.
pub fn kind_name(kind: ScopeKind) -> &'static str {
    match kind {
        ScopeKind::Global => "global",
        ScopeKind::Service => "service",
        ScopeKind::Source => "source",
    }
}

impl From<&Policy> for PolicyText {
    fn from(policy: &Policy) -> PolicyText {
        let tag = |rule: &TagRule| TagRuleText { name: rule.name.clone(), value: rule.value.clone() };
        let within = |seconds| if seconds == 0 { "none".to_owned() } else { Span(seconds).to_string() };
        PolicyText {
            keep_last: policy.keep_last,
            keep_hourly: policy.keep_hourly,
            keep_daily: policy.keep_daily,
            keep_weekly: policy.keep_weekly,
            keep_monthly: policy.keep_monthly,
            keep_yearly: policy.keep_yearly,
            keep_within_seconds: policy.keep_within,
            keep_within: policy.keep_within.map(within),
            keep_tags: policy.keep_tags.as_ref().map(|tags| tags.iter().map(tag).collect()),
            compression: policy.compression.map(|level| compression_name(level).to_owned()),
            exclude: policy.excludes.clone(),
        }
    }
}

fn compression_name(level: Compression) -> &'static str {
    match level {
        Compression::None => "none",
        Compression::Fast => "fast",
        Compression::Default => "default",
        Compression::Max => "max",
    }
}

//! What policies or rules keep of all snapshots, source by source.

use std::collections::BTreeMap;

use repo_format::codec::ManifestId;
use repo_format::log::{ManifestRow, SnapshotState, SourceInfo};
use repo_format::policy::{Policies, Policy, Verdict, decide, decide_none};

use crate::args::RuleArgs;
use crate::cmd::backup::user_name;
use crate::cmd::source::Wanted;
use crate::report::Count;
use crate::report::policy::RetentionLine;
use crate::report::snapshot::SourceText;

/// Where the rules come from.
pub enum Rules {
    /// The policies that are stored.
    Stored,
    /// The command line, for this once.
    Given(Policy),
    /// All go, but for those that a tag of this policy protects.
    KeepNone(Policy),
}

impl Rules {
    /// The rules of a command line.
    pub fn of(args: &RuleArgs) -> Rules {
        let mut keep_tags = args.keep_tags.clone();
        keep_tags.sort();
        keep_tags.dedup();
        let policy = Policy {
            keep_last: args.keep_last,
            keep_hourly: args.keep_hourly,
            keep_daily: args.keep_daily,
            keep_weekly: args.keep_weekly,
            keep_monthly: args.keep_monthly,
            keep_yearly: args.keep_yearly,
            keep_within: args.keep_within,
            keep_tags: Some(keep_tags),
            ..Policy::default()
        };
        if args.keep_none { Rules::KeepNone(policy) } else { Rules::Given(policy) }
    }

    fn decide(&self, policies: &Policies, source: &SourceInfo, rows: &[ManifestRow]) -> Vec<Verdict> {
        match self {
            Rules::Stored => decide(&policies.effective(source).policy, rows),
            Rules::Given(policy) => decide(policy, rows),
            Rules::KeepNone(policy) => decide_none(policy, rows),
        }
    }
}

/// What stays and what goes, by source, in the order of commits.
#[derive(Default)]
pub struct Plan {
    pub rows: Vec<(ManifestRow, Verdict)>,
    /// The sources that nothing stays of.
    pub emptied: Vec<SourceInfo>,
}

impl Plan {
    /// Decides on the live snapshots of the sources that are wanted; without any, of all.
    pub fn make(rules: &Rules, policies: &Policies, rows: &[ManifestRow], wanted: &[Wanted]) -> Plan {
        let mut by_source: BTreeMap<&SourceInfo, Vec<ManifestRow>> = BTreeMap::new();
        for row in rows {
            if wanted.is_empty() || wanted.iter().any(|wanted| wanted.is_of(row)) {
                by_source.entry(&row.source).or_default().push(row.clone());
            }
        }
        let mut plan = Plan::default();
        for (source, rows) in by_source {
            let verdicts = rules.decide(policies, source, &rows);
            let decided: Vec<_> = rows.into_iter().zip(verdicts).collect();
            if !decided.iter().any(|(row, verdict)| verdict.stays() && row.state != SnapshotState::Checkpoint)
                && decided.iter().any(|(_, verdict)| !verdict.stays())
            {
                plan.emptied.push(source.clone());
            }
            plan.rows.extend(decided);
        }
        plan
    }

    /// The snapshots that go.
    pub fn forgotten(&self) -> Vec<ManifestId> {
        self.rows.iter().filter(|(_, verdict)| !verdict.stays()).map(|(row, _)| row.id).collect()
    }

    /// The lines of the report.
    pub fn lines(&self) -> Vec<RetentionLine> {
        let line = |(row, verdict): &(ManifestRow, Verdict)| RetentionLine {
            line: row.into(),
            owner: user_name(row).map(str::to_owned),
            keep: verdict.stays(),
            reasons: verdict.reasons.iter().map(ToString::to_string).collect(),
            odd_clock: verdict.odd_clock,
        };
        self.rows.iter().map(line).collect()
    }

    /// What is emptied, in words.
    pub fn emptied_text(&self) -> String {
        let first = self.emptied.first().map(|source| {
            let owner = self.rows.iter().find(|(row, _)| row.source == *source);
            let owner = owner.and_then(|(row, _)| user_name(row)).map(str::to_owned);
            owner.unwrap_or_else(|| SourceText::from(source).to_string())
        });
        let first = first.unwrap_or_default();
        match self.emptied.len() {
            0 | 1 => format!("every snapshot of {first}"),
            several => format!("every snapshot of {first} and {}", Count(several as u64 - 1, "other source")),
        }
    }
}

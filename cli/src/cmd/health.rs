//! `corso health`

use repo_format::coverage::{Front, Reached};
use repo_format::verify::health::{CoverageHealth, Health, Limits, Problem, SourceHealth, health};

use crate::args::HealthArgs;
use crate::cmd::backup::user_name;
use crate::cmd::session::Session;
use crate::exit::Code;
use crate::report::health::{Age, HealthSummary, Matter, Verdict};
use crate::report::snapshot::SourceText;
use crate::report::summary::Summary;
use crate::report::{Count, Escaped, Message, Time};

/// Tells whether all is up to date.
pub fn run(session: &Session, args: &HealthArgs) -> anyhow::Result<Code> {
    let repository = session.open()?;
    let health = health(&repository)?;
    session.pass_warnings(&repository);
    let limits = Limits {
        age: args.max_age,
        partial_is_good: args.partial_is_good,
        unverified_age: args.max_unverified_age,
        verified_percent: args.min_verified,
    };
    let problems = health.problems(&limits);
    let matters: Vec<Matter> = matters(&health, &problems);
    for matter in &matters {
        let text = matter.to_string();
        session.output.result(&Message::Health(matter.clone()), text)?;
    }
    let summary = summary(&health, &matters);
    let code = match summary.verdict {
        Verdict::Damaged => Code::Damage,
        Verdict::Overdue => Code::Partial,
        Verdict::Ok | Verdict::Warning => Code::Done,
    };
    let text = summary.to_string();
    session.output.result(&Message::Summary(Summary::Health(summary)), text)?;
    Ok(code)
}

fn matters(health: &Health, problems: &[Problem]) -> Vec<Matter> {
    let mut matters: Vec<Matter> = health.sources.iter().map(|one| source(health, one, problems)).collect();
    if health.sources.is_empty() {
        matters.push(Matter::new("source", Verdict::Overdue, "there is no snapshot yet"));
    }
    matters.push(verification(health, problems));
    let packs = health.quarantined.len() as u64;
    matters.push(match packs {
        0 => Matter::new("damage", Verdict::Ok, "no pack is known to be damaged"),
        _ => {
            let text =
                format!("{} known to be damaged: `corso repo verify` names what that hurts", Are(packs));
            Matter::new("damage", Verdict::Damaged, text)
        }
    });
    matters.push(keys(health));
    let (forgotten, waiting) = (Count(health.forgotten, "forgotten snapshot"), Count(health.waiting, "blob"));
    let text = format!("{forgotten}; {waiting} on their way out; revision {}", health.revision);
    matters.push(Matter::new("log", Verdict::Ok, text));
    matters
}

fn source(health: &Health, source: &SourceHealth, problems: &[Problem]) -> Matter {
    let newest = &source.newest;
    let name = user_name(newest).map(|user| Escaped(user.as_bytes()).to_string());
    let text = SourceText::from(&source.source);
    let name = match name {
        Some(user) => format!("{} {user}", Escaped(source.source.service.as_bytes())),
        None => text.to_string(),
    };
    let problem = problems.iter().find(|problem| match problem {
        Problem::Stale { source: of, .. } | Problem::NeverComplete { source: of, .. } => *of == source.source,
        _ => false,
    });
    let good = source.complete.as_ref();
    let age = |ns| Age(health.age(ns));
    let state = crate::report::snapshot::State::from(newest.state);
    let mut said = match (good, &source.finished) {
        (Some(row), _) => format!("{name}: complete snapshot {} ago", age(row.start_ns)),
        (None, Some(row)) => {
            format!("{name}: no complete snapshot yet, a partial one {} ago", age(row.start_ns))
        }
        (None, None) => format!("{name}: no snapshot yet, a first run began {} ago", age(source.since_ns)),
    };
    if good.is_some_and(|row| row.id != newest.id) {
        said.push_str(&format!("; the newest, {} ago, is {state}", age(newest.start_ns)));
    }
    Matter {
        source: Some(text),
        owner: user_name(newest).map(str::to_owned),
        last_complete: good.map(|row| Time(row.start_ns)),
        newest: Some(Time(newest.start_ns)),
        newest_state: Some(state),
        ..Matter::new("source", if problem.is_some() { Verdict::Overdue } else { Verdict::Ok }, said)
    }
}

fn verification(health: &Health, problems: &[Problem]) -> Matter {
    let is_late = problems.iter().any(|problem| {
        use Problem::{CoverageUnreadable, LittleVerified, LongUnverified, NeverVerified};
        matches!(
            problem,
            CoverageUnreadable { .. } | LittleVerified { .. } | LongUnverified { .. } | NeverVerified { .. }
        )
    });
    let text = match &health.coverage {
        CoverageHealth::Never => {
            "nothing was verified yet: run `corso repo verify --read-data 5%` daily".into()
        }
        CoverageHealth::Unreadable(why) => {
            format!("what was verified when cannot be read, the next verification begins anew: {why}")
        }
        CoverageHealth::Known(front) => verified(health, front),
    };
    Matter::new("verification", if is_late { Verdict::Overdue } else { Verdict::Ok }, text)
}

fn verified(health: &Health, front: &Front) -> String {
    let summary = &front.summary;
    let (percent, packs) = (summary.decoded_percent(), Count(summary.packs, "pack"));
    let mut text = format!("{percent:.1} % of the bytes of {packs} decoded");
    if let Some((place, row)) = &front.longest {
        let pack = &place.pack.to_string()[..16];
        let age = Age(health.age(row.time_ns));
        match row.reached {
            Reached::Decoded => text.push_str(&format!("; longest ago {age}, pack {pack}")),
            _ => text.push_str(&format!("; waiting longest {age}, pack {pack}")),
        }
    }
    text
}

fn keys(health: &Health) -> Matter {
    let (passphrases, files) = (Count(health.passphrases, "passphrase"), Count(health.key_files, "key file"));
    let text = format!("{passphrases}, {files}, {}", Count(health.recovery_keys, "recovery key"));
    match health.recovery_keys {
        0 => {
            let hint = "who loses the others loses the backups: `corso repo key add --new-recovery-key`";
            Matter::new("keys", Verdict::Warning, format!("{text}: {hint}"))
        }
        _ => Matter::new("keys", Verdict::Ok, text),
    }
}

/// `1 pack is`, `2 packs are`.
struct Are(u64);

impl std::fmt::Display for Are {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", Count(self.0, "pack"), if self.0 == 1 { "is" } else { "are" })
    }
}

fn summary(health: &Health, matters: &[Matter]) -> HealthSummary {
    let count = |verdict| matters.iter().filter(|matter| matter.verdict == verdict).count() as u64;
    let front = match &health.coverage {
        CoverageHealth::Known(front) => Some(front),
        _ => None,
    };
    HealthSummary {
        verdict: matters.iter().map(|matter| matter.verdict).max().unwrap_or(Verdict::Ok),
        overdue: count(Verdict::Overdue),
        warnings: count(Verdict::Warning),
        revision: health.revision,
        sources: health.sources.len() as u64,
        packs: front.map(|front| front.summary.packs),
        verified_percent: front.map(|front| front.summary.decoded_percent()),
        longest_unverified_pack: front
            .and_then(|front| front.longest)
            .map(|(place, _)| place.pack.to_string()),
        longest_unverified: front.and_then(|front| front.longest).map(|(_, row)| Time(row.time_ns)),
        quarantined: health.quarantined.len() as u64,
        passphrases: health.passphrases,
        key_files: health.key_files,
        recovery_keys: health.recovery_keys,
        forgotten: health.forgotten,
        waiting: health.waiting,
    }
}

//! `corso doctor …`

mod permissions;

use graph_client::UserFilter;
use graph_client::budget::{Standing, Workload};

use self::permissions::{judge, needs};
use super::graph::connect;
use super::session::Session;
use crate::args::{DoctorCommand, DoctorGraphArgs, PurposeArg};
use crate::exit::Code;
use crate::report::Message;
use crate::report::doctor::{Budget, Day, DoctorSummary, Told, Verdict};
use crate::report::summary::Summary;

/// By more than this sign-ins with a certificate begin to fail.
const SKEW_MS_MAX: i64 = 300_000;

/// Carries out a check.
pub fn run(session: &Session, command: DoctorCommand) -> anyhow::Result<Code> {
    match command {
        DoctorCommand::Graph(args) => graph(session, &args),
    }
}

/// Signs in, asks for one page of users, and tells what is granted.
fn graph(session: &Session, args: &DoctorGraphArgs) -> anyhow::Result<Code> {
    let graph = connect(session, &args.graph, 1)?;
    let first = session.wait(graph.check_sign_in())?;
    let permissions = judge(&first.claims, args.purpose);
    for permission in &permissions {
        session.output.result(&Message::Permission(permission.clone()), permission)?;
    }
    let count = |verdict| permissions.iter().filter(|it| it.verdict == verdict).count() as u64;
    let missing = count(Verdict::Missing);
    // Whoever may not list users learns it here and not in the middle of a backup.
    if missing == 0 {
        session.wait(async { graph.users(&UserFilter::without_guests())?.next_page().await })?;
    }
    let now = session.wait(graph.check_sign_in())?;
    if now.skew_ms.abs() > SKEW_MS_MAX {
        session
            .output
            .warn(format!("this machine's clock differs from Microsoft's by {} s", now.skew_ms / 1000));
    }
    let spent = graph.metrics().units;
    let budgets = now.rates.iter().map(|(name, rate)| Budget {
        name: (*name).to_owned(),
        units_per_second: *rate,
        units_spent: spent.get(name).copied().unwrap_or(0),
        day: (*name == Workload::Files.name()).then(|| day(&graph.standing())),
    });
    let summary = DoctorSummary {
        application: first.claims.app_displayname.or(first.claims.appid),
        tenant: first.claims.tid,
        purpose: purpose(args.purpose).to_owned(),
        needed: needs(args.purpose).len() as u64,
        missing,
        superfluous: count(Verdict::Superfluous),
        skew_ms: now.skew_ms,
        budgets: budgets.collect(),
    };
    let text = summary.to_string();
    session.output.result(&Message::Summary(Summary::DoctorGraph(summary)), text)?;
    Ok(if missing == 0 { Code::Done } else { Code::Refused })
}

fn day(standing: &Standing) -> Day {
    let per_day = standing.units_per_day;
    Day {
        units_per_minute: standing.units_per_minute.round() as u64,
        spent_today: standing.spent_today,
        units_per_day: per_day.is_finite().then(|| per_day.round() as u64),
        told: standing.told.map(|advice| Told {
            limit: advice.limit.map(|limit| limit as u64),
            remaining: advice.remaining as u64,
            reset_seconds: advice.reset.as_secs(),
        }),
    }
}

fn purpose(purpose: PurposeArg) -> &'static str {
    match purpose {
        PurposeArg::Backup => "backup",
        PurposeArg::Restore => "restore",
    }
}

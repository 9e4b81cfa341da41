//! `corso maintenance run`

use repo_format::engine::progress::Progress;
use repo_format::maintenance::{self, MaintenanceOptions};
use repo_format::policy::Scope;

use super::options;
use crate::args::MaintenanceRunArgs;
use crate::cmd::session::Session;
use crate::cmd::snapshot::level_of;
use crate::exit::Code;
use crate::progress::watch;
use crate::report::Message;
use crate::report::maintenance::RunSummary;
use crate::report::summary::Summary;

/// Maintains the repository and tells what that came to.
pub fn run(session: &Session, args: &MaintenanceRunArgs) -> anyhow::Result<Code> {
    let repository = session.open()?;
    let options = MaintenanceOptions {
        quick: args.quick,
        dry_run: args.dry_run,
        level: level_of(args.compression, &repository.effective_policy(&Scope::Global)?.policy),
        ..options(&args.limits)
    };
    let progress = Progress::default();
    let report = watch(&session.global, &session.output, &progress, || {
        maintenance::run(&repository, &options, &progress, &session.stop)
    })?;
    session.pass_warnings(&repository);
    let code = match () {
        () if report.interrupted => Code::Interrupted,
        () if report.not_rewritten.is_some() => Code::Partial,
        () if report.extended.as_ref().is_some_and(|extended| extended.failed > 0) => Code::Partial,
        () => Code::Done,
    };
    let summary = RunSummary::new(&report, args.quick);
    let text = summary.to_string();
    session.output.result(&Message::Summary(Summary::MaintenanceRun(Box::new(summary))), text)?;
    Ok(code)
}

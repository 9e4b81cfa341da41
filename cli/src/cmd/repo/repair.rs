//! `corso repo repair …`

use repo_format::engine::progress::Progress;
use repo_format::repair::{self, LogRepairOptions, RepairError};

use crate::args::{RepairArgs, RepairCommand, RepairLogArgs};
use crate::cmd::session::Session;
use crate::exit::Code;
use crate::progress::watch;
use crate::report::Message;
use crate::report::repair::log::LogRepairSummary;
use crate::report::repair::{IndexRepairSummary, PackRepairSummary, SnapshotRepairSummary};
use crate::report::summary::Summary;

/// Carries out a repair, or tells what it would do.
///
/// The code is 30 while something is damaged that this call did not put right.
pub fn run(session: &Session, command: RepairCommand) -> anyhow::Result<Code> {
    match command {
        RepairCommand::Index(RepairArgs { yes }) => {
            let repair = watched(session, |repository, progress| {
                repair::index(repository, !yes, progress, &session.stop)
            })?;
            let code = code(repair.interrupted, repair.is_clean() || yes && repair.unreadable.is_empty());
            let summary = IndexRepairSummary::new(&repair, !yes);
            let text = summary.to_string();
            session.output.result(&Message::Summary(Summary::RepairIndex(summary)), text)?;
            Ok(code)
        }
        RepairCommand::Log(args) => log(session, args),
        RepairCommand::Packs(RepairArgs { yes }) => {
            let repair = watched(session, |repository, progress| {
                repair::packs(repository, !yes, progress, &session.stop)
            })?;
            let code = code(repair.interrupted, repair.is_clean() || yes && repair.unreadable.is_empty());
            let summary = PackRepairSummary::new(&repair, !yes);
            let text = summary.to_string();
            session.output.result(&Message::Summary(Summary::RepairPacks(summary)), text)?;
            Ok(code)
        }
        RepairCommand::Snapshots(RepairArgs { yes }) => {
            let repair = watched(session, |repository, progress| {
                repair::snapshots(repository, !yes, progress, &session.stop)
            })?;
            // The old snapshots still need what is lost.
            let code = code(repair.interrupted, repair.is_clean());
            let summary = SnapshotRepairSummary::new(&repair, !yes);
            let text = summary.to_string();
            session.output.result(&Message::Summary(Summary::RepairSnapshots(summary)), text)?;
            Ok(code)
        }
    }
}

/// Repairs the log, which the repository cannot be opened by.
fn log(session: &Session, args: RepairLogArgs) -> anyhow::Result<Code> {
    let broken = session.open_broken()?;
    let options = LogRepairOptions { dry_run: !args.yes, incomplete: args.incomplete };
    let progress = Progress::default();
    let repair = watch(&session.global, &session.output, &progress, || {
        repair::log(&broken, &options, &progress, &session.stop)
    })?;
    let is_done = args.yes && repair.left.is_empty() && repair.index.unreadable.is_empty();
    let code = code(repair.interrupted, repair.is_clean() || is_done && repair.unreadable.is_empty());
    let summary = LogRepairSummary::new(&repair, options.dry_run);
    let text = summary.to_string();
    session.output.result(&Message::Summary(Summary::RepairLog(Box::new(summary))), text)?;
    Ok(code)
}

fn watched<T>(
    session: &Session,
    repair: impl FnOnce(&repo_format::repository::Repository, &Progress) -> Result<T, RepairError>,
) -> anyhow::Result<T> {
    let repository = session.open()?;
    let progress = Progress::default();
    let repaired = watch(&session.global, &session.output, &progress, || repair(&repository, &progress))?;
    session.pass_warnings(&repository);
    Ok(repaired)
}

fn code(interrupted: bool, is_right: bool) -> Code {
    match (is_right, interrupted) {
        (false, _) => Code::Damage,
        (true, true) => Code::Interrupted,
        (true, false) => Code::Done,
    }
}

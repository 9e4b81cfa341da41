//! `corso restore …`: what a backup holds, back into the service.

use folder::{Meant, Selector};
use graph_client::Graph;
use graph_client::ingest::restore::{
    Candidate, Choice, Collisions, DriveRestoreReport, RestoreFrom, RestoreTarget, RestoredItem,
    restore_drive,
};
use graph_client::model::User;
use repo_format::engine::progress::Progress;
use repo_format::log::ManifestRow;

use super::backup::{ONEDRIVE, one, user_id, user_name};
use super::graph::connect;
use super::session::Session;
use crate::args::{CollisionsArg, RestoreCommand, RestoreDriveArgs};
use crate::config::Places;
use crate::exit::{CliError, Code};
use crate::progress::watch;
use crate::report::message::ItemFailure;
use crate::report::restore::DriveRestoreSummary;
use crate::report::summary::Summary;
use crate::report::{Escaped, Message, PathText};

/// Where the journals of restores are kept, in the state folder.
const JOURNALS: &str = "restores";

/// Carries out a restore.
pub fn run(session: &Session, command: RestoreCommand) -> anyhow::Result<Code> {
    let RestoreCommand::Onedrive(args) = command;
    let selector = args.items.selector()?;
    let repository = session.open()?;
    let row = one(&repository, ONEDRIVE, &args.backup)?;
    let graph = connect(session, &args.graph, args.uploads * 2)?;
    let user = session.wait(owner(&graph, &row, &args))?;
    let drive = session.wait(graph.drive_of(&user))?;
    let target = RestoreTarget {
        path: args.destination.clone(),
        collisions: collisions(args.collisions),
        permissions: !args.no_permissions,
        dry_run: args.dry_run,
        resume: !args.start_over,
        threads: args.uploads,
        ..RestoreTarget::new(drive.id)
    };
    let select = |candidate: &Candidate<'_>| choose(&selector, candidate);
    let from = RestoreFrom { repository: &repository, snapshot: &row.id, select: &select };
    let journals = Places::state(&session.global)?.join(JOURNALS);
    let progress = Progress::default();
    let Session { global, output, stop, .. } = session;
    let report = watch(global, output, &progress, || {
        restore_drive(&graph, from, &target, &journals, session.handle(), &progress, stop)
    })?;
    session.pass_warnings(&repository);
    let name = user.user_principal_name.unwrap_or_else(|| user.id.as_str().to_owned());
    tell(session, &selector, &row, name, report)
}

/// Whose drive it goes into: somebody who was named, or whose backup it is.
async fn owner(graph: &Graph, row: &ManifestRow, args: &RestoreDriveArgs) -> anyhow::Result<User> {
    let named = args.to_resource.as_deref().or(user_id(row)).or(user_name(row));
    let Some(named) = named else {
        let what = "the backup does not say whose it is".to_owned();
        return Err(CliError::Usage { what, hint: "name a user with --to-resource" }.into());
    };
    Ok(graph.user(named.trim()).await?)
}

fn choose(selector: &Selector, candidate: &Candidate<'_>) -> Choice {
    match selector.judge(candidate.path, candidate.entry) {
        Meant::Yes => Choice::Take,
        Meant::Below => Choice::Pass,
        Meant::No => Choice::Prune,
    }
}

fn collisions(chosen: CollisionsArg) -> Collisions {
    match chosen {
        CollisionsArg::Skip => Collisions::Skip,
        CollisionsArg::Copy => Collisions::Copy,
        CollisionsArg::Replace => Collisions::Replace,
    }
}

/// Names every item that was left out, and tells what it came to.
fn tell(
    session: &Session,
    selector: &Selector,
    row: &ManifestRow,
    user: String,
    report: DriveRestoreReport,
) -> anyhow::Result<Code> {
    let did = report.files + report.folders + report.earlier + report.skipped + report.failed;
    if did == 0 && !selector.is_everything() && !report.interrupted {
        return Err(CliError::NothingMatched { what: "the selection".into() }.into());
    }
    for (items, is_failure) in [(&report.failed_items, true), (&report.skipped_items, false)] {
        for item in items {
            let failure = left_out(item, is_failure);
            session.output.result(&Message::Failure(failure.clone()), failure)?;
        }
    }
    for item in &report.warnings {
        session.output.warn(format!("{}: {}", Escaped(item.path.as_bytes()), item.message));
    }
    if report.failed_items.iter().any(|item| item.cause == "lost") {
        session.met_damage();
    }
    let code = match () {
        () if report.interrupted => Code::Interrupted,
        () if report.failed > 0 => Code::Partial,
        () => Code::Done,
    };
    let summary = DriveRestoreSummary {
        snapshot_id: row.id.to_string(),
        user,
        folder: report.folder,
        dry_run: report.dry_run,
        resumed: report.resumed,
        interrupted: report.interrupted,
        files: report.files,
        folders: report.folders,
        bytes: report.bytes,
        earlier: report.earlier,
        skipped: report.skipped,
        failed: report.failed,
        warnings: report.warned,
        seconds: report.duration_ms as f64 / 1000.0,
    };
    let text = summary.to_string();
    session.output.result(&Message::Summary(Summary::RestoreDrive(summary)), text)?;
    Ok(code)
}

fn left_out(item: &RestoredItem, is_failure: bool) -> ItemFailure {
    ItemFailure {
        snapshot_id: None,
        user: None,
        path: PathText::new(item.path.as_bytes()),
        cause: item.cause.to_owned(),
        message: item.message.clone(),
        attempts: item.attempts,
        is_failure,
    }
}

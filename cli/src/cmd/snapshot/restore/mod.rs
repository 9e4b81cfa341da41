//! `corso snapshot restore`

mod compare;
mod plan;
mod record;

pub use plan::{below, gives_way};

use std::time::Instant;

use folder::{FolderSink, SinkOptions};
use repo_format::engine::progress::Progress;
use repo_format::engine::sink::Sink;
use repo_format::engine::{RestoreOptions, RestoreReport, restore};
use repo_format::repository::Repository;

use self::compare::CompareSink;
use self::record::RecordingSink;
use super::place::{Found, locate};
use crate::args::RestoreArgs;
use crate::cmd::session::Session;
use crate::exit::Code;
use crate::progress::watch;
use crate::report::summary::{RestoreSummary, Summary};
use crate::report::{Escaped, Message};

/// Writes files back.
pub fn run(session: &Session, args: &RestoreArgs) -> anyhow::Result<Code> {
    let repository = session.open()?;
    let found = locate(&repository, &args.place)?;
    let summary = match args.dry_run {
        true => plan::plan(&repository, &found, args)?,
        false => carry_out(session, &repository, &found, args)?,
    };
    let code = match () {
        () if summary.interrupted => Code::Interrupted,
        () if summary.failed > 0 || summary.differences.is_some_and(|count| count > 0) => Code::Partial,
        () => Code::Done,
    };
    let text = summary.to_string();
    session.output.result(&Message::Summary(Summary::Restore(summary)), text)?;
    Ok(code)
}

fn carry_out(
    session: &Session,
    repository: &Repository,
    found: &Found,
    args: &RestoreArgs,
) -> anyhow::Result<RestoreSummary> {
    let begun = Instant::now();
    let options = SinkOptions { overwrite: args.overwrite.into(), ..SinkOptions::default() };
    let sink = RecordingSink::new(FolderSink::new(&args.target, options)?, &args.target);
    let report = drive(session, repository, found, args, &sink)?;
    if report.lost > 0 {
        session.met_damage();
    }
    for warning in &report.warnings {
        session.output.warn(format!("{}: {}", Escaped(&warning.path), warning.what));
    }
    let mut summary = summary(found, args, &report);
    if args.verify && !report.interrupted {
        let sink = CompareSink::new(&args.target, sink.into_kept());
        let compared = drive(session, repository, found, args, &sink)?;
        summary.differences = Some(compared.failed);
        summary.interrupted = compared.interrupted;
    }
    summary.seconds = begun.elapsed().as_secs_f64();
    session.pass_warnings(repository);
    Ok(summary)
}

fn drive<K: Sink>(
    session: &Session,
    repository: &Repository,
    found: &Found,
    args: &RestoreArgs,
    sink: &K,
) -> anyhow::Result<RestoreReport> {
    let mut options = RestoreOptions::for_storage(repository.blobs().storage());
    options.threads = args.threads.unwrap_or(options.threads);
    let progress = Progress::default();
    Ok(watch(&session.global, &session.output, &progress, || {
        restore(repository, &found.row.id, &found.path, sink, &options, &progress, &session.stop)
    })?)
}

fn summary(found: &Found, args: &RestoreArgs, report: &RestoreReport) -> RestoreSummary {
    RestoreSummary {
        snapshot_id: found.row.id.to_string(),
        target: args.target.display().to_string(),
        files: report.files,
        folders: report.folders,
        others: report.others,
        bytes: report.bytes,
        skipped: report.skipped,
        failed: report.failed,
        warnings: report.warned,
        dry_run: false,
        differences: None,
        interrupted: report.interrupted,
        seconds: report.duration.as_secs_f64(),
    }
}

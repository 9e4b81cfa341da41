//! `corso export …`: what a backup holds, on this machine; no service is asked for anything.

mod dry_run;

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Instant;

use folder::export::{ArchiveOptions, Export, archive, escape};
use folder::{FolderSink, Selector, SinkOptions};
use jiff::Timestamp;
use repo_format::engine::progress::Progress;
use repo_format::engine::steps::{Step, Steps};
use repo_format::engine::{RestoreOptions, RestoreReport, restore_selected};
use repo_format::log::ManifestRow;
use repo_format::repository::Repository;
use repo_format::snapshot::Manifest;

use super::backup::{ONEDRIVE, one, owner};
use super::session::Session;
use crate::args::{ExportArgs, ExportCommand};
use crate::exit::{CliError, Code};
use crate::progress::watch;
use crate::report::export::ExportSummary;
use crate::report::summary::Summary;
use crate::report::{Escaped, Message};

/// Carries out an export.
pub fn run(session: &Session, command: ExportCommand) -> anyhow::Result<Code> {
    let ExportCommand::Onedrive(args) = command;
    let selector = args.items.selector()?;
    let repository = session.open()?;
    let row = one(&repository, ONEDRIVE, &args.backup)?;
    let manifest = repository.manifest(&row.id)?;
    let job = Job { session, repository: &repository, args: &args, selector: &selector, row, manifest };
    job.refuse_nothing()?;
    let begun = Instant::now();
    let mut summary = match args.dry_run {
        true => job.dry_run()?,
        false => job.carry_out()?,
    };
    summary.seconds = begun.elapsed().as_secs_f64();
    session.pass_warnings(&repository);
    let code = match () {
        () if summary.interrupted => Code::Interrupted,
        () if summary.failed > 0 => Code::Partial,
        () => Code::Done,
    };
    let text = summary.to_string();
    session.output.result(&Message::Summary(Summary::Export(summary)), text)?;
    Ok(code)
}

/// One export.
struct Job<'a> {
    session: &'a Session,
    repository: &'a Repository,
    args: &'a ExportArgs,
    selector: &'a Selector,
    row: ManifestRow,
    manifest: Manifest,
}

impl Job<'_> {
    /// Nothing is made for a selection that nothing matches.
    fn refuse_nothing(&self) -> Result<(), CliError> {
        let is_something = |step: &Step| match step {
            Step::Enter { key, .. } => key.is_some(),
            Step::Item { .. } | Step::Absent { .. } | Step::Failed { .. } => true,
            Step::Leave { .. } => false,
        };
        let root = self.manifest.root.clone();
        let mut steps = Steps::new(self.repository.contents(), self.selector, Vec::new(), root);
        match self.selector.is_everything() || steps.any(|step| is_something(&step)) {
            true => Ok(()),
            false => Err(CliError::NothingMatched { what: "the selection".into() }),
        }
    }

    fn carry_out(&self) -> anyhow::Result<ExportSummary> {
        let Session { global, output, stop, .. } = self.session;
        let export = Export { selector: self.selector };
        let progress = Progress::default();
        if self.selector.is_everything() {
            progress.items_total.store(self.manifest.root.items + 1, Ordering::Relaxed);
            progress.bytes_total.store(self.manifest.root.size, Ordering::Relaxed);
        }
        let report = match self.args.archive {
            true => {
                let options = ArchiveOptions {
                    target: self.target(),
                    overwrite: self.args.overwrite.into(),
                    as_of_ns: self.row.start_ns,
                };
                watch(global, output, &progress, || {
                    archive(self.repository, &self.manifest, &export, &options, &progress, stop)
                })?
            }
            false => {
                let options = SinkOptions { overwrite: self.args.overwrite.into(), ..SinkOptions::default() };
                let sink = FolderSink::new(&self.args.dir, options)?;
                let mut options = RestoreOptions::for_storage(self.repository.blobs().storage());
                options.threads = self.args.threads.unwrap_or(options.threads);
                watch(global, output, &progress, || {
                    restore_selected(self.repository, &self.row.id, &export, &sink, &options, &progress, stop)
                })?
            }
        };
        self.tell(&report);
        Ok(self.summary(&report))
    }

    fn tell(&self, report: &RestoreReport) {
        if report.lost > 0 {
            self.session.met_damage();
        }
        for warning in &report.warnings {
            self.session.output.warn(format!("{}: {}", Escaped(&warning.path), warning.what));
        }
    }

    fn summary(&self, report: &RestoreReport) -> ExportSummary {
        ExportSummary {
            files: report.files,
            folders: report.folders,
            bytes: report.bytes,
            skipped: report.skipped,
            failed: report.failed,
            warnings: report.warned,
            interrupted: report.interrupted,
            ..self.empty_summary()
        }
    }

    fn empty_summary(&self) -> ExportSummary {
        ExportSummary {
            snapshot_id: self.row.id.to_string(),
            target: self.target().display().to_string(),
            archive: self.args.archive,
            dry_run: self.args.dry_run,
            ..ExportSummary::default()
        }
    }

    /// The folder, or the archive in it: named for service, user, time and backup.
    fn target(&self) -> PathBuf {
        if !self.args.archive {
            return self.args.dir.clone();
        }
        let start = Timestamp::from_nanosecond(self.row.start_ns.into()).unwrap_or(Timestamp::UNIX_EPOCH);
        let id = self.row.id.to_string();
        let name =
            format!("{ONEDRIVE}-{}-{}-{}.zip", owner(&self.row), start.strftime("%Y%m%dT%H%M%SZ"), &id[..8]);
        self.args.dir.join(escape(name.as_bytes()))
    }
}

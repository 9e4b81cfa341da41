//! `corso demo folder`: the whole way, on generated data, in a temporary folder.

use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use folder::{CompareOptions, FolderSink, FolderSource, SinkOptions, SourceOptions, compare};
use repo_format::codec::{SplitterSizes, random_bytes};
use repo_format::content::WriterOptions;
use repo_format::engine::progress::Progress;
use repo_format::engine::{BackupOptions, BackupReport, RestoreOptions, backup, restore};
use repo_format::format::slot::{KdfCost, Secret};
use repo_format::log::SourceInfo;
use repo_format::repository::{InitOptions, OpenOptions, Repository};
use repo_format::storage::Location;

use super::data;
use crate::args::DemoFolderArgs;
use crate::cmd::session::Session;
use crate::cmd::snapshot::Comparison;
use crate::exit::{CliError, Code};
use crate::progress::watch;
use crate::report::demo::FolderDemoSummary;
use crate::report::snapshot::{SnapshotLine, table};
use crate::report::summary::{DiffSummary, Summary};
use crate::report::{Count, Escaped, Message, Size};

/// Shows that a backup comes back.
pub fn run(session: &Session, args: &DemoFolderArgs) -> anyhow::Result<Code> {
    let begun = Instant::now();
    let folder = tempfile::Builder::new().prefix("corso-demo-").tempdir().context("no temporary folder")?;
    let mut summary = Demo { session, folder: folder.path() }.run(args.size)?;
    if args.keep {
        summary.folder = Some(folder.keep().display().to_string());
    }
    summary.seconds = begun.elapsed().as_secs_f64();
    let is_good = summary.differences + summary.damage == 0;
    let text = summary.to_string();
    session.output.result(&Message::Summary(Summary::DemoFolder(summary)), text)?;
    Ok(if is_good { Code::Done } else { Code::Damage })
}

struct Demo<'a> {
    session: &'a Session,
    folder: &'a Path,
}

impl Demo<'_> {
    fn run(&self, size: u64) -> anyhow::Result<FolderDemoSummary> {
        let (source, target) = (self.folder.join("source"), self.folder.join("restored"));
        let mut summary = FolderDemoSummary::default();

        data::generate(&source, size).context("cannot generate data")?;
        self.step("Generated data in", &source);
        let repository = self.init()?;
        self.step("Made an encrypted repository in", &self.folder.join("repository"));

        let first = self.back_up(&repository, &source)?;
        summary.stored_first = first.statistics.bytes_stored;
        self.say("Backed it up", &first);
        data::change(&source).context("cannot change the data")?;
        let second = self.back_up(&repository, &source)?;
        (summary.files, summary.bytes) = (second.statistics.files, second.statistics.bytes);
        summary.stored_second = second.statistics.bytes_stored;
        self.say("Changed it and backed it up again", &second);

        let snapshots = repository.snapshots()?;
        let lines: Vec<SnapshotLine> = snapshots.iter().map(SnapshotLine::from).collect();
        self.session.output.text_only(format_args!("\n{}\n", table(&lines)))?;
        let ids = (first.id.zip(second.id)).ok_or(CliError::Interrupted)?;
        summary.changes = self.differences(&repository, [ids.0, ids.1])?;

        summary.damage = super::verify_all(self.session, &repository)?;
        let restored = self.restore(&repository, &ids.1, &target)?;
        self.step("Restored the second snapshot to", &target);
        let differences = compare(&source, &target, &CompareOptions::default())?;
        for difference in &differences {
            self.session.output.warn(difference.to_string());
        }
        summary.differences = differences.len() as u64 + restored;
        Ok(summary)
    }

    fn init(&self) -> anyhow::Result<Repository> {
        let location = Location::Folder { path: self.folder.join("repository") };
        let options = InitOptions {
            secret: Secret::KeyFile(zeroize::Zeroizing::new(random_bytes()?)),
            label: "demo".to_owned(),
            cost: KdfCost::DEFAULT,
            recovery_key: false,
            retention: None,
            splitter: SplitterSizes::DEFAULT,
            open: OpenOptions { cache: Some(self.folder.join("cache")), ..OpenOptions::default() },
        };
        Ok(Repository::init(self.session.storage(&location, true)?, options)?.repository)
    }

    fn back_up(&self, repository: &Repository, source: &Path) -> anyhow::Result<BackupReport> {
        let options = BackupOptions {
            source: SourceInfo {
                service: "folder".to_owned(),
                host: Some("demo".to_owned()),
                paths: vec![source.as_os_str().as_encoded_bytes().to_vec()],
                ..SourceInfo::default()
            },
            tags: Default::default(),
            checkpoint_interval: std::time::Duration::from_secs(60),
            threads: self.session.threads(None),
            fail_fast: true,
            ignore_bases: false,
            writer: WriterOptions::default(),
        };
        let source = FolderSource::new(&[source.to_owned()], SourceOptions::default())?;
        let progress = Progress::default();
        let Session { global, output, stop, .. } = self.session;
        let report =
            watch(global, output, &progress, || backup(repository, &source, &options, &progress, stop))?;
        if report.interrupted { Err(CliError::Interrupted.into()) } else { Ok(report) }
    }

    fn differences(
        &self,
        repository: &Repository,
        ids: [repo_format::codec::ManifestId; 2],
    ) -> anyhow::Result<u64> {
        let [before, after] = [repository.manifest(&ids[0])?.tree(), repository.manifest(&ids[1])?.tree()];
        let mut counts = DiffSummary::default();
        let mut silent = |_| Ok(());
        Comparison::new(repository, &mut counts, &mut silent).run(before, after)?;
        self.session.output.text_only(format_args!("Between the two snapshots: {counts}."))?;
        Ok(counts.total())
    }

    fn restore(
        &self,
        repository: &Repository,
        id: &repo_format::codec::ManifestId,
        target: &Path,
    ) -> anyhow::Result<u64> {
        let sink = FolderSink::new(target, SinkOptions::default())?;
        let (options, progress) = (RestoreOptions::default(), Progress::default());
        let Session { global, output, stop, .. } = self.session;
        let report = watch(global, output, &progress, || {
            restore(repository, id, &[], &sink, &options, &progress, stop)
        })?;
        if report.interrupted { Err(CliError::Interrupted.into()) } else { Ok(report.failed) }
    }

    fn step(&self, what: &str, place: &Path) {
        self.session.output.note(format_args!("{what} {}", Escaped(place.as_os_str().as_encoded_bytes())));
    }

    fn say(&self, what: &str, report: &BackupReport) {
        let counted = &report.statistics;
        let (files, stored) = (Count(counted.files, "file"), Size(counted.bytes_stored));
        let seconds = report.duration.as_secs_f64();
        self.session.output.note(format_args!(
            "{what}: {files}, {}, stored {stored} in {seconds:.1} s",
            Size(counted.bytes)
        ));
    }
}

//! `corso snapshot create`

use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use folder::{FolderSource, SourceOptions};
use repo_format::content::WriterOptions;
use repo_format::engine::progress::Progress;
use repo_format::engine::{BackupOptions, BackupReport, backup};
use repo_format::log::{SnapshotState, SourceInfo};
use repo_format::policy::{Compression, Policy, Scope};
use repo_format::repository::Repository;
use repo_format::storage::Location;

use crate::args::{CompressionArg, CreateArgs, WritingArgs};
use crate::cmd::session::{self, Session};
use crate::cmd::source::FOLDER;
use crate::config::Places;
use crate::exit::{CliError, Code};
use crate::progress::watch;
use crate::report::Message;
use crate::report::summary::{CreateSummary, Summary};

/// The least time between checkpoints; shorter ones are for tests.
const CHECKPOINT_INTERVAL_MIN: Duration = Duration::from_secs(10);
/// Between these a data pack is neither lost among others nor larger than a blob may be.
const PACK_SIZES: std::ops::RangeInclusive<u64> = 1 << 20..=48 << 20;

/// Backs paths up.
pub fn run(session: &Session, args: &CreateArgs) -> anyhow::Result<Code> {
    if session.global.at.is_some() {
        let what = "--at is for reading; a snapshot is always added to the newest state".to_owned();
        return Err(CliError::Usage { what, hint: "leave --at away" }.into());
    }
    let mut options = options(session, args)?;
    let mut source_options = source_options(session, args)?;
    refuse_the_repository(session, args)?;
    let repository = session.open()?;
    // Before anybody is asked for anything else.
    repository.log().check_writable()?;
    let policy = repository.effective_policy(&Scope::Source(options.source.clone()))?.policy;
    options.writer.level = level_of(args.writing.compression, &policy);
    if args.selection.exclude.is_empty() {
        source_options.exclude.splice(0..0, policy.excludes.unwrap_or_default());
    }
    let source = FolderSource::new(&absolute_paths(&args.paths)?, source_options)?;
    if !args.dry_run {
        sweep(session, &repository);
    }
    let progress = Progress::default();
    let report = watch(&session.global, &session.output, &progress, || {
        backup(&repository, &source, &options, &progress, &session.stop)
    })?;
    session.pass_warnings(&repository);
    let code = code_of(&report);
    let summary = summary(report, args.dry_run);
    let text = summary.to_string();
    session.output.result(&Message::Summary(Summary::Create(summary)), text)?;
    Ok(code)
}

/// Removes what runs that crashed left of blobs in the making. What cannot be removed only takes
/// space.
pub fn sweep(session: &Session, repository: &Repository) {
    match repository.blobs().sweep_staging() {
        Ok(swept) if swept.removed > 0 => {
            tracing::info!(files = swept.removed, bytes = swept.removed_bytes, "removed stale staging files");
        }
        Ok(_) => {}
        Err(error) => session.output.warn(format!("stale staging files stay: {error}")),
    }
}

fn code_of(report: &BackupReport) -> Code {
    match report.state {
        // Ended early by --fail-fast.
        _ if report.interrupted && report.statistics.failed > 0 => Code::Partial,
        _ if report.interrupted => Code::Interrupted,
        SnapshotState::Partial => Code::Partial,
        SnapshotState::Complete | SnapshotState::Checkpoint => Code::Done,
    }
}

fn summary(report: BackupReport, dry_run: bool) -> CreateSummary {
    CreateSummary {
        snapshot_id: report.id.map(|id| id.to_string()),
        state: report.state.into(),
        base: report.bases.first().map(ToString::to_string),
        dry_run,
        interrupted: report.interrupted,
        checkpoints: report.checkpoints,
        statistics: report.statistics.into(),
        seconds: report.duration.as_secs_f64(),
    }
}

fn options(session: &Session, args: &CreateArgs) -> anyhow::Result<BackupOptions> {
    Ok(BackupOptions {
        source: folder_source(&args.paths, args.host.clone())?,
        tags: args.tags.iter().cloned().collect(),
        threads: session.threads(args.writing.threads),
        fail_fast: args.fail_fast,
        ignore_bases: args.force,
        ..backup_options(&args.writing, args.dry_run)?
    })
}

/// What a snapshot of these paths, made here and now, is of.
///
/// # Errors
/// `File` for a path that goes up where nothing is.
pub fn folder_source(paths: &[PathBuf], host: Option<String>) -> Result<SourceInfo, CliError> {
    let paths = absolute_paths(paths)?;
    Ok(SourceInfo {
        service: FOLDER.to_owned(),
        host: Some(host.unwrap_or_else(session::host_name)),
        user: Some(session::user_name()),
        paths: paths.iter().map(|path| path.as_os_str().as_bytes().to_vec()).collect(),
        resource: None,
    })
}

/// How hard to compress: as the command line says, else the policy, else in between.
pub fn level_of(chosen: Option<CompressionArg>, policy: &Policy) -> Option<i32> {
    let by_policy = policy.compression.unwrap_or(Compression::Default);
    let compression = chosen.map_or(by_policy, |chosen| match chosen {
        CompressionArg::None => Compression::None,
        CompressionArg::Fast => Compression::Fast,
        CompressionArg::Default => Compression::Default,
        CompressionArg::Max => Compression::Max,
    });
    match compression {
        Compression::None => None,
        Compression::Fast => Some(1),
        Compression::Default => Some(3),
        Compression::Max => Some(19),
    }
}

/// How a snapshot of anything is written; of what, and how hard to compress, is for the caller to say.
///
/// # Errors
/// `Usage` for what is out of bounds.
pub fn backup_options(args: &WritingArgs, dry_run: bool) -> Result<BackupOptions, CliError> {
    Ok(BackupOptions {
        source: SourceInfo::default(),
        tags: Default::default(),
        checkpoint_interval: interval(args.checkpoint_interval)?,
        threads: 1,
        fail_fast: false,
        ignore_bases: false,
        writer: writer_options(args, dry_run)?,
    })
}

fn interval(wanted: Duration) -> Result<Duration, CliError> {
    let testing = std::env::var_os("CORSO_TESTING").is_some_and(|value| value == "1");
    match wanted >= CHECKPOINT_INTERVAL_MIN || testing {
        true => Ok(wanted),
        false => Err(CliError::Usage {
            what: "--checkpoint-interval is less than 10s".to_owned(),
            hint: "use 10s or more",
        }),
    }
}

fn writer_options(args: &WritingArgs, dry_run: bool) -> Result<WriterOptions, CliError> {
    if !PACK_SIZES.contains(&args.pack_size) {
        let what = "--pack-size is out of bounds".to_owned();
        return Err(CliError::Usage { what, hint: "use 1MiB to 48MiB" });
    }
    Ok(WriterOptions {
        // The bounds above fit any machine's word.
        data_pack_size: args.pack_size as usize,
        extra_verify: !args.no_extra_verify,
        dry_run,
        ..WriterOptions::default()
    })
}

fn source_options(session: &Session, args: &CreateArgs) -> anyhow::Result<SourceOptions> {
    let selection = &args.selection;
    let mut exclude = selection.exclude.clone();
    for path in &selection.exclude_file {
        let named = |source| CliError::File { path: path.display().to_string(), source };
        let text = std::fs::read_to_string(path).map_err(named)?;
        exclude.extend(text.lines().filter(|line| !line.is_empty()).map(str::to_owned));
    }
    Ok(SourceOptions {
        exclude,
        ignore_files: selection.ignore_file.iter().filter(|name| !name.is_empty()).cloned().collect(),
        exclude_caches: selection.exclude_caches,
        exclude_larger_than: selection.exclude_larger_than,
        one_file_system: selection.one_file_system,
        exclude_paths: own_folders(session)?,
        ignore_ctime: selection.ignore_ctime,
        ignore_inode: selection.ignore_inode,
        lists_attributes: false,
    })
}

/// A repository is no source of its own: each run would store what the run before it stored.
fn refuse_the_repository(session: &Session, args: &CreateArgs) -> anyhow::Result<()> {
    let Location::Folder { path: repository } = session.target()?.location else { return Ok(()) };
    match absolute_paths(&args.paths)?.iter().find(|path| path.starts_with(&repository)) {
        Some(path) => {
            let what = format!("{} belongs to the repository that would store it", path.display());
            Err(CliError::Usage { what, hint: "`corso repo sync` copies a repository" }.into())
        }
        None => Ok(()),
    }
}

/// What a backup must not read because it writes it: the repository, cache and state.
fn own_folders(session: &Session) -> anyhow::Result<Vec<PathBuf>> {
    let mut own: Vec<PathBuf> = Places::cache(&session.global)?.into_iter().collect();
    own.push(Places::state(&session.global)?);
    if let Location::Folder { path } = session.target()?.location {
        own.push(path);
    }
    Ok(own)
}

/// Paths from the root of the file system and without `..`, whose meaning can change with a link.
fn absolute_paths(paths: &[PathBuf]) -> Result<Vec<PathBuf>, CliError> {
    let absolute = |path: &PathBuf| {
        let goes_up = path.components().any(|part| part == Component::ParentDir);
        let found = if goes_up { path.canonicalize() } else { std::path::absolute(path) };
        let named = |source| CliError::File { path: path.display().to_string(), source };
        Ok(clean(&found.map_err(named)?))
    };
    paths.iter().map(absolute).collect()
}

/// Without doubled or trailing slashes, so that one folder is one source.
fn clean(path: &Path) -> PathBuf {
    path.components().collect()
}

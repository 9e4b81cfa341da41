//! An export as one zip file: a walk in order, contents read ahead, one bad item left out.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Instant, UNIX_EPOCH};

use repo_format::engine::progress::{ItemEvent, Progress, Stop};
use repo_format::engine::restore::{Flow, RestoreError, RestoreReport, is_outage, lost, not_stored, stream};
use repo_format::engine::select::Selection;
use repo_format::engine::source::{ItemCause, ItemError};
use repo_format::engine::steps::{Step, Steps};
use repo_format::object::ObjectRef;
use repo_format::repository::Repository;
use repo_format::snapshot::Manifest;
use repo_format::tree::{Entry, EntryKind, TimeNs, TreeError};
use zip::result::ZipResult;

use super::zip::{Zip, fatal};
use crate::error::caused;
use crate::sink::Overwrite;

/// Failures that a report lists; more are only counted.
const LISTED_MAX: usize = 10_000;

/// Where an archive goes.
#[derive(Debug, Clone)]
pub struct ArchiveOptions {
    /// The file; its folder is made if it is not there.
    pub target: PathBuf,
    pub overwrite: Overwrite,
    /// Of when its content is: decides what is newer.
    pub as_of_ns: TimeNs,
}

/// Why there is no archive. Single items fail in the report instead.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// A file stands in its place and does not give way.
    #[error("{} is already there", path.display())]
    Taken { path: PathBuf },
    /// The file cannot be made, written or put in place.
    #[error("cannot write {}", path.display())]
    Write { path: PathBuf, source: io::Error },
    /// The snapshot cannot be read any more.
    #[error(transparent)]
    Read(#[from] RestoreError),
}

/// Writes what `selection` wants of a snapshot into a zip file.
///
/// An item that cannot be had is left out and reported. The archive has its name only when it is
/// complete; told to stop, nothing is left of it and the report says so.
///
/// # Errors
/// [`ArchiveError`].
pub fn archive(
    repository: &Repository,
    manifest: &Manifest,
    selection: &dyn Selection,
    options: &ArchiveOptions,
    progress: &Progress,
    stop: &Stop,
) -> Result<RestoreReport, ArchiveError> {
    let begun = Instant::now();
    let path = &options.target;
    let failed = |source| ArchiveError::Write { path: path.clone(), source };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(failed)?;
    check_place(options)?;
    let mut writer = Writer {
        zip: Zip::begin(folder).map_err(failed)?,
        report: RestoreReport::default(),
        current: None,
        repository,
        manifest,
        progress,
        failure: None,
    };
    let steps = Steps::new(repository.contents(), selection, Vec::new(), manifest.root.clone());
    let ended = stream(repository, steps.map(with_object), &mut |flow| writer.take(flow, stop));
    writer.report.duration = begun.elapsed();
    match (ended, writer.failure.take()) {
        (Ok(()), _) => {}
        (Err(RestoreError::Stopped), _) => {
            writer.report.interrupted = true;
            return Ok(writer.report);
        }
        (Err(_), Some(source)) => return Err(failed(source)),
        (Err(error), None) => return Err(error.into()),
    }
    let file = writer.zip.finish().map_err(|error| failed(error.into()))?;
    let placed = match options.overwrite {
        Overwrite::Never => file.persist_noclobber(path),
        Overwrite::IfNewer | Overwrite::Always => file.persist(path),
    };
    match placed {
        Ok(_) => Ok(writer.report),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            Err(ArchiveError::Taken { path: path.clone() })
        }
        Err(error) => Err(failed(error.error)),
    }
}

/// Refuses at once what would be refused at the end.
fn check_place(options: &ArchiveOptions) -> Result<(), ArchiveError> {
    let path = &options.target;
    let Ok(existing) = path.symlink_metadata() else { return Ok(()) };
    let since_epoch = existing.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let existing_ns = since_epoch.and_then(|since| TimeNs::try_from(since.as_nanos()).ok()).unwrap_or(0);
    let gives_way = match options.overwrite {
        Overwrite::Never => false,
        Overwrite::IfNewer => options.as_of_ns > existing_ns,
        Overwrite::Always => true,
    };
    if gives_way && existing.is_file() { Ok(()) } else { Err(ArchiveError::Taken { path: path.clone() }) }
}

fn with_object(step: Step) -> (Step, Option<ObjectRef>) {
    let object = match &step {
        Step::Item { entry: Entry { kind: EntryKind::File(object), .. }, .. } => *object,
        _ => None,
    };
    (step, object)
}

/// What becomes of the stream.
struct Writer<'p> {
    zip: Zip,
    report: RestoreReport,
    /// The file whose bytes come, and how many came.
    current: Option<(Vec<Vec<u8>>, u64)>,
    repository: &'p Repository,
    manifest: &'p Manifest,
    progress: &'p Progress,
    /// Why nothing more can be written.
    failure: Option<io::Error>,
}

impl Writer<'_> {
    fn take(&mut self, flow: Flow<Step>, stop: &Stop) -> Result<(), RestoreError> {
        if stop.is_requested() {
            return Err(RestoreError::Stopped);
        }
        match flow {
            Flow::Begin(step) => self.begin(step),
            Flow::Bytes(bytes) => self.bytes(&bytes),
            Flow::End => {
                if let Some((_, size)) = self.current.take() {
                    self.report.files += 1;
                    self.report.bytes += size;
                    self.progress.done(1, 0);
                }
                Ok(())
            }
            Flow::Broken(error) => match self.current.take() {
                Some((path, _)) => {
                    let gone = self.zip.abandon();
                    self.fail(&path, error, 1);
                    self.settle(gone).map(drop)
                }
                None => Ok(()),
            },
        }
    }

    fn begin(&mut self, step: Step) -> Result<(), RestoreError> {
        match step {
            // The target itself is the archive.
            Step::Enter { path, .. } if path.is_empty() => Ok(()),
            Step::Enter { path, entry, .. } => {
                let added = self.zip.folder(&joined(&path), &entry);
                if self.accept(&path, added)? {
                    self.report.folders += 1;
                    self.progress.done(1, 0);
                }
                Ok(())
            }
            Step::Item { path, entry, .. } => self.item(path, &entry),
            Step::Absent { path, source, .. } => {
                let failures = self.manifest.failures.as_ref();
                self.fail(&path, not_stored(self.repository.contents(), failures, &source), 1);
                Ok(())
            }
            Step::Leave { .. } => Ok(()),
            Step::Failed { error, .. } if is_outage(&error) => Err(ended(error)),
            Step::Failed { path, error, items } => {
                self.fail(&path, lost(&error), items);
                Ok(())
            }
        }
    }

    fn item(&mut self, path: Vec<Vec<u8>>, entry: &Entry) -> Result<(), RestoreError> {
        self.progress.begin(&path.join(&b'/'));
        match entry.kind {
            EntryKind::File(Some(_)) => {
                let begun = self.zip.file(&joined(&path), entry);
                if self.accept(&path, begun)? {
                    self.current = Some((path, 0));
                }
            }
            _ => self.fail(&path, caused(ItemCause::Refused, "an export holds files and folders only"), 1),
        }
        Ok(())
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), RestoreError> {
        self.progress.done(0, bytes.len() as u64);
        let Some((_, size)) = &mut self.current else { return Ok(()) };
        *size += bytes.len() as u64;
        let written = self.zip.write(bytes);
        written.map_err(|error| self.end(error))
    }

    /// Whether an entry was accepted; one that was refused alone is reported.
    fn accept(&mut self, path: &[Vec<u8>], added: ZipResult<()>) -> Result<bool, RestoreError> {
        match self.settle(added)? {
            None => Ok(true),
            Some(refusal) => {
                self.fail(path, caused(ItemCause::Io, format!("the archive refuses it: {refusal}")), 1);
                Ok(false)
            }
        }
    }

    fn settle(&mut self, result: ZipResult<()>) -> Result<Option<String>, RestoreError> {
        match result.map_err(fatal) {
            Ok(()) => Ok(None),
            Err(Ok(refusal)) => Ok(Some(refusal)),
            Err(Err(error)) => Err(self.end(error)),
        }
    }

    /// Keeps why nothing more can be written.
    fn end(&mut self, error: io::Error) -> RestoreError {
        let kind = error.kind();
        self.failure = Some(error);
        RestoreError::Write(kind.into())
    }

    fn fail(&mut self, path: &[Vec<u8>], error: ItemError, items: u64) {
        self.progress.done(items, 0);
        let event = ItemEvent { path: path.join(&b'/'), error };
        self.progress.report(event.clone());
        let report = &mut self.report;
        match event.error.cause.is_failure() {
            true => report.failed += 1,
            false => report.skipped += 1,
        }
        report.lost += u64::from(event.error.cause == ItemCause::Lost);
        if report.failures.len() < LISTED_MAX {
            report.failures.push(event);
        }
    }
}

fn ended(error: TreeError) -> RestoreError {
    match error {
        TreeError::Content(error) => RestoreError::Content(error),
        other => RestoreError::Tree(other),
    }
}

/// Names were made by the selection, and are UTF-8.
fn joined(path: &[Vec<u8>]) -> String {
    String::from_utf8_lossy(&path.join(&b'/')).into_owned()
}

//! `corso backup list`

use std::collections::HashSet;

use repo_format::engine::select::Everything;
use repo_format::engine::steps::{Step, Steps};
use repo_format::log::{ManifestRow, SnapshotState};
use repo_format::repository::Repository;
use repo_format::snapshot::{Failure, Manifest, read_by_path};
use repo_format::tree::{EntryKind, find};

use super::{ONEDRIVE, choose};
use crate::args::BackupListArgs;
use crate::cmd::session::Session;
use crate::exit::Code;
use crate::report::backup::{Alert, BackupLine, table};
use crate::report::message::ItemFailure;
use crate::report::summary::{CountSummary, Summary};
use crate::report::{Message, PathText};

/// Where a backup keeps items whose folder the service did not tell.
const ORPHANS: &[u8] = b".orphans";

/// Lists backups, oldest first, and of each the items that are asked for.
pub fn run(session: &Session, args: &BackupListArgs) -> anyhow::Result<Code> {
    let repository = session.open()?;
    let mut rows = choose::all(&repository, ONEDRIVE)?;
    rows.retain(|row| choose::is_of(row, &args.users));
    rows.retain(|row| args.all || row.state != SnapshotState::Checkpoint);
    let lines: Vec<BackupLine> = rows.iter().map(line).collect();
    let text = if lines.is_empty() { "No backups.".to_owned() } else { table(&lines) };
    session.output.text_only(text)?;
    for (row, line) in rows.iter().zip(lines) {
        session.output.json_only(&Message::Backup(line))?;
        Items { session, repository: &repository, id: row.id.to_string() }.show(row, args)?;
    }
    let count = rows.len() as u64;
    session.output.json_only(&Message::Summary(Summary::BackupList(CountSummary { count })))?;
    Ok(Code::Done)
}

fn line(row: &ManifestRow) -> BackupLine {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let resource = row.source.resource.as_deref();
    BackupLine {
        line: row.into(),
        user: owned(choose::user_name(row)),
        user_id: owned(choose::user_id(row)),
        resource: resource.map(|id| String::from_utf8_lossy(id).into_owned()),
    }
}

/// What is told of one backup.
struct Items<'a> {
    session: &'a Session,
    repository: &'a Repository,
    id: String,
}

impl Items<'_> {
    fn show(&self, row: &ManifestRow, args: &BackupListArgs) -> anyhow::Result<()> {
        if !(args.failed_items || args.skipped_items || args.recovered_errors || args.alerts) {
            return Ok(());
        }
        let manifest = self.repository.manifest(&row.id)?;
        let mut known = HashSet::new();
        self.each_failure(&manifest, |path, failure| {
            let is_wanted = if failure.is_failure { args.failed_items } else { args.skipped_items };
            if is_wanted {
                self.print(Message::Failure, failed(path, failure, &self.id))?;
            }
            known.insert(path.to_vec());
            Ok(())
        })?;
        if args.recovered_errors {
            self.recovered(&manifest, &known)?;
        }
        if args.alerts {
            self.alerts(&manifest)?;
        }
        Ok(())
    }

    fn each_failure(
        &self,
        manifest: &Manifest,
        mut take: impl FnMut(&[u8], Failure) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let Some(root) = manifest.failures else { return Ok(()) };
        for failure in read_by_path::<Failure>(self.repository.contents(), &root)? {
            let (path, failure) = failure?;
            take(&path, failure)?;
        }
        Ok(())
    }

    /// What failed in a backup that this one was based on, and in this one no more.
    fn recovered(&self, manifest: &Manifest, known: &HashSet<Vec<u8>>) -> anyhow::Result<()> {
        for base in &manifest.based_on {
            let base = self.repository.manifest(base)?;
            self.each_failure(&base, |path, failure| match failure.is_failure && !known.contains(path) {
                true => self.print(Message::Recovered, failed(path, failure, &self.id)),
                false => Ok(()),
            })?;
        }
        Ok(())
    }

    /// What the backup holds without knowing where it belongs.
    fn alerts(&self, manifest: &Manifest) -> anyhow::Result<()> {
        let contents = self.repository.contents();
        for (_, entry) in find(contents, &manifest.tree(), &[ORPHANS])? {
            if !matches!(entry.kind, EntryKind::Folder(_)) {
                continue;
            }
            for step in Steps::new(contents, &Everything, vec![ORPHANS.to_vec()], entry) {
                let path = match step {
                    Step::Enter { path, key: Some(_), .. }
                    | Step::Item { path, .. }
                    | Step::Absent { path, .. } => path,
                    Step::Failed { error, .. } => return Err(error.into()),
                    Step::Enter { .. } | Step::Leave { .. } => continue,
                };
                let message = "the service did not tell which folder it is in".to_owned();
                let alert = Alert { snapshot_id: self.id.clone(), path: PathText::below(&path), message };
                let text = format!("{} {alert}", &self.id[..8]);
                self.session.output.result(&Message::Alert(alert), text)?;
            }
        }
        Ok(())
    }

    fn print(&self, message: fn(ItemFailure) -> Message, failure: ItemFailure) -> anyhow::Result<()> {
        let verb = if matches!(message(failure.clone()), Message::Recovered(_)) { "recovered, " } else { "" };
        let text = format!("{} {verb}{failure}", &self.id[..8]);
        Ok(self.session.output.result(&message(failure), text)?)
    }
}

fn failed(path: &[u8], failure: Failure, id: &str) -> ItemFailure {
    let Failure { cause, message, attempts, is_failure } = failure;
    let (path, snapshot_id) = (PathText::new(path), Some(id.to_owned()));
    ItemFailure { snapshot_id, path, cause, message, attempts, is_failure }
}

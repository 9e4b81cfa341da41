//! The items of a backup that failed, were skipped, recovered, or need attention.

use std::collections::HashSet;

use repo_format::codec::ManifestId;
use repo_format::engine::select::Everything;
use repo_format::engine::steps::{Step, Steps};
use repo_format::repository::Repository;
use repo_format::snapshot::{Failure, Manifest, read_by_path};
use repo_format::tree::{EntryKind, find};

use crate::args::BackupListArgs;
use crate::cmd::session::Session;
use crate::report::backup::Alert;
use crate::report::message::ItemFailure;
use crate::report::{Message, PathText};

/// Where a backup keeps items whose folder the service did not tell.
const ORPHANS: &[u8] = b".orphans";

/// What is told of one backup.
pub struct Items<'a> {
    pub session: &'a Session,
    pub repository: &'a Repository,
    pub id: ManifestId,
}

impl Items<'_> {
    /// Shows those that are asked for.
    ///
    /// # Errors
    /// What keeps the backup from being read, or stdout from being written.
    pub fn show(&self, args: &BackupListArgs) -> anyhow::Result<()> {
        if !(args.failed_items || args.skipped_items || args.recovered_errors || args.alerts) {
            return Ok(());
        }
        let manifest = self.repository.manifest(&self.id)?;
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

    /// Shows everything that failed or was skipped.
    ///
    /// # Errors
    /// As [`Items::show`].
    pub fn show_failures(&self) -> anyhow::Result<()> {
        let manifest = self.repository.manifest(&self.id)?;
        self.each_failure(&manifest, |path, failure| {
            self.print(Message::Failure, failed(path, failure, &self.id))
        })
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
                let alert = Alert { snapshot_id: self.id.to_string(), path: PathText::below(&path), message };
                let text = format!("{} {alert}", self.short());
                self.session.output.result(&Message::Alert(alert), text)?;
            }
        }
        Ok(())
    }

    fn short(&self) -> String {
        self.id.to_string().chars().take(8).collect()
    }

    fn print(&self, message: fn(ItemFailure) -> Message, failure: ItemFailure) -> anyhow::Result<()> {
        let verb = if matches!(message(failure.clone()), Message::Recovered(_)) { "recovered, " } else { "" };
        let text = format!("{} {verb}{failure}", self.short());
        Ok(self.session.output.result(&message(failure), text)?)
    }
}

fn failed(path: &[u8], failure: Failure, id: &ManifestId) -> ItemFailure {
    let Failure { cause, message, attempts, is_failure } = failure;
    let (path, snapshot_id) = (PathText::new(path), Some(id.to_string()));
    ItemFailure { snapshot_id, user: None, path, cause, message, attempts, is_failure }
}

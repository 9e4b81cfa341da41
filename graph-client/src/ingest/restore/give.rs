//! Giving permissions and times to what is there.

use super::error::Trouble;
use super::file::RestJob;
use super::grants::{Grant, missing};
use super::journal::Record;
use super::run::Run;
use crate::error::GraphError;
use crate::files::{ItemPatch, NewFile, Recipient};
use crate::model::ItemId;

impl Run<'_> {
    /// Gives what an item is to have. What is refused is a warning: the item is there all the same.
    pub(super) fn give(&self, job: &RestJob) -> Result<(), Trouble> {
        if let Some(times) = &job.times
            && let Some(warning) = self.set_times(&job.item, times)?
        {
            self.tally.warn(&job.path, warning);
        }
        if job.grants.is_empty() {
            return Ok(());
        }
        let mut grants = job.grants.clone();
        if job.again {
            match self.not_given_yet(&job.item, &grants) {
                Ok(left) => grants = left,
                Err(Trouble::Graph(GraphError::NotFound { .. })) => grants.clear(),
                Err(trouble) => return Err(trouble),
            }
        }
        let mut all_done = true;
        for grant in &grants {
            match self.give_one(&job.item, grant) {
                Ok(()) => {}
                Err(Trouble::Graph(error)) => {
                    all_done &= is_final(&error);
                    self.tally.warn(&job.path, format!("a permission cannot be given: {error}"));
                }
                Err(trouble) => return Err(trouble),
            }
        }
        if all_done {
            return self.note(&Record::Granted { of: job.key });
        }
        self.tally.unsettled();
        Ok(())
    }

    /// Sets the times of an item that does not show them; answers with what is to be warned of.
    pub(super) fn set_times(&self, item: &ItemId, times: &NewFile) -> Result<Option<String>, Trouble> {
        let patch = ItemPatch { times: times.clone(), ..ItemPatch::default() };
        match self.wait(self.graph.patch_item(&self.target.drive, item, &patch)) {
            Err(Trouble::Graph(error)) => Ok(Some(format!("its times cannot be set: {error}"))),
            patched => patched.map(|_| None),
        }
    }

    /// Permissions are asked for only where there are some: it is five times as dear as the item.
    fn not_given_yet(&self, item: &ItemId, grants: &[Grant]) -> Result<Vec<Grant>, Trouble> {
        let drive = &self.target.drive;
        let found = self.wait(self.graph.item(drive, item))?;
        if !found.is_shared() {
            return Ok(grants.to_vec());
        }
        Ok(missing(grants, &self.wait(self.graph.permissions(drive, item))?))
    }

    fn give_one(&self, item: &ItemId, grant: &Grant) -> Result<(), Trouble> {
        match grant {
            Grant::Link(kind, scope) => {
                let link = self.graph.create_link(&self.target.drive, item, *kind, *scope);
                self.wait(link).map(drop)
            }
            Grant::Role { role, to } => match self.invite(item, role, to) {
                // One of them may be nobody any more; the others are not to suffer.
                Err(Trouble::Graph(GraphError::Refused { .. })) if to.len() > 1 => {
                    let each = to.iter().map(|who| self.invite(item, role, std::slice::from_ref(who)));
                    let mut ends = each.collect::<Vec<_>>();
                    let failed = ends.iter().position(Result::is_err);
                    failed.map_or(Ok(()), |at| ends.swap_remove(at))
                }
                done => done,
            },
        }
    }

    fn invite(&self, item: &ItemId, role: &str, to: &[Recipient]) -> Result<(), Trouble> {
        let drive = &self.target.drive;
        match self.wait(self.graph.invite(drive, item, to, &[role])) {
            Err(Trouble::Graph(GraphError::Ambiguous { place, source })) => {
                let role = if role == "write" { "write" } else { "read" };
                let grant = Grant::Role { role, to: to.to_vec() };
                match self.not_given_yet(item, &[grant])?.as_slice() {
                    [] => Ok(()),
                    [Grant::Role { to, .. }, ..] => {
                        self.wait(self.graph.invite(drive, item, to, &[role])).map(drop)
                    }
                    _ => Err(Trouble::Graph(GraphError::Ambiguous { place, source })),
                }
            }
            done => done.map(drop),
        }
    }
}

/// Whether asking another time brings the same.
fn is_final(error: &GraphError) -> bool {
    matches!(error, GraphError::Refused { .. } | GraphError::Forbidden { .. } | GraphError::NotFound { .. })
}

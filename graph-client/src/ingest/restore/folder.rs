//! Folders: merged with those that are there, or made.

use repo_format::engine::source::ItemCause;

use super::error::Trouble;
use super::grants::Grant;
use super::journal::Record;
use super::key::Key;
use super::names::{drive_name, numbered};
use super::place::{Existing, Place, Taken};
use super::run::Run;
use super::target::Collisions;
use crate::error::GraphError;
use crate::files::{Conflict, NewFile};
use crate::model::{ItemId, ItemKind};

/// A folder of the snapshot.
#[derive(Debug)]
pub(super) struct FolderJob {
    pub key: Key,
    pub path: String,
    /// As the service had it.
    pub name: String,
    pub times: NewFile,
    pub grants: Vec<Grant>,
}

/// What became of a folder.
pub(super) enum FolderEnd {
    Here {
        place: Place,
        /// It was made by this run, or would be.
        is_new: bool,
        /// Its permissions are to be given.
        grants_due: bool,
    },
    /// Something that is no folder has its name, and stays.
    Taken,
}

impl Run<'_> {
    /// Makes a folder in `above`, or finds the one that is there.
    pub(super) fn folder(&self, job: &FolderJob, above: &Place, taken: &Taken) -> Result<FolderEnd, Trouble> {
        let wanted = drive_name(&job.name, true);
        let collisions = self.target.collisions;
        let fits = |found: Option<&Existing>| found.is_none_or(|found| found.kind == ItemKind::Folder);
        let free = |name: &str| collisions != Collisions::Copy || fits(above.get(name));
        let mut name = taken.take_numbered(&wanted, free);
        // What happens meanwhile can take a name, too; so it may need another look.
        for number in 2.. {
            match above.get(&name) {
                Some(found) if found.kind == ItemKind::Folder => return self.merge(job, found.id.clone()),
                Some(_) => return self.taken_by_other(),
                None => {}
            }
            let Some(parent) = &above.id else { return Ok(self.made(None)) };
            if self.target.dry_run {
                return Ok(self.made(None));
            }
            if !job.grants.is_empty() {
                let (folder, name, over) = (parent.0.clone(), name.clone(), None);
                self.announce(&Record::Name { of: job.key, folder, name, over })?;
            }
            match self.make(parent, &name, &job.times)? {
                Made::New(id) => return Ok(self.made(Some(id))),
                Made::Folder(id) => return self.merge(job, id),
                Made::Other if collisions == Collisions::Copy => name = numbered(&wanted, number),
                Made::Other => return self.taken_by_other(),
            }
        }
        self.taken_by_other()
    }

    fn made(&self, id: Option<ItemId>) -> FolderEnd {
        FolderEnd::Here { place: Place::new(id), is_new: true, grants_due: true }
    }

    /// A folder that is there keeps its permissions, unless an earlier run made it.
    fn merge(&self, job: &FolderJob, id: ItemId) -> Result<FolderEnd, Trouble> {
        let grants_due = self.past.open.contains_key(&job.key) || self.past.grants.contains_key(&job.key);
        Ok(FolderEnd::Here { place: self.list(id)?, is_new: false, grants_due })
    }

    fn taken_by_other(&self) -> Result<FolderEnd, Trouble> {
        match self.target.collisions {
            Collisions::Skip => Ok(FolderEnd::Taken),
            _ => Err(Trouble::item(ItemCause::Io, "something that is no folder has its name")),
        }
    }

    fn make(&self, parent: &ItemId, name: &str, times: &NewFile) -> Result<Made, Trouble> {
        let drive = &self.target.drive;
        match self.wait(self.graph.create_folder(drive, parent, name, Conflict::Fail, times)) {
            Ok(item) => return Ok(Made::New(item.id)),
            Err(Trouble::Graph(GraphError::NameTaken { .. } | GraphError::Ambiguous { .. })) => {}
            Err(trouble) => return Err(trouble),
        }
        let mut found = self.wait(self.graph.item_by_path(drive, parent, &[name]));
        if matches!(found, Err(Trouble::Graph(GraphError::NotFound { .. }))) {
            // The call whose answer was lost was not done.
            found = self.wait(self.graph.create_folder(drive, parent, name, Conflict::Fail, times));
        }
        let found = found?;
        Ok(if found.kind() == ItemKind::Folder { Made::Folder(found.id) } else { Made::Other })
    }
}

enum Made {
    New(ItemId),
    /// One was there; perhaps by an earlier call of ours, whose answer was lost.
    Folder(ItemId),
    /// Something else has the name.
    Other,
}

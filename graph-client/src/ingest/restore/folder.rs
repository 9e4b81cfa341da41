//! Folders: merged with those that are there, or made.

use repo_format::engine::source::ItemCause;

use super::error::Trouble;
use super::grants::Grant;
use super::journal::Record;
use super::key::Key;
use super::names::drive_name;
use super::place::{Existing, Place, Taken};
use super::run::Run;
use super::target::Collisions;
use crate::error::GraphError;
use crate::files::{Conflict, NewFile};
use crate::model::{ItemId, ItemKind};

/// How often a folder is made whose making has lost its answer.
const FOLDER_ROUNDS_MAX: u32 = 5;

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
        name: String,
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
        loop {
            match above.get(&name) {
                Some(found) if found.kind == ItemKind::Folder => {
                    return self.merge(job, name, found.id.clone());
                }
                Some(_) => return self.taken_by_other(),
                None => {}
            }
            let Some(parent) = &above.id else { return Ok(made(name, None)) };
            if self.target.dry_run {
                return Ok(made(name, None));
            }
            if !job.grants.is_empty() {
                let (folder, name, over) = (parent.0.clone(), name.clone(), None);
                self.announce(&Record::Name { of: job.key, folder, name, over })?;
            }
            match self.make(parent, &name, &job.times)? {
                Made::New(id) => return Ok(made(name, Some(id))),
                Made::Folder(id) => return self.merge(job, name, id),
                Made::Other if collisions == Collisions::Copy => name = taken.take_numbered(&wanted, free),
                Made::Other => return self.taken_by_other(),
            }
        }
    }

    /// A folder that is there keeps its permissions, unless an earlier run made it.
    fn merge(&self, job: &FolderJob, name: String, id: ItemId) -> Result<FolderEnd, Trouble> {
        let grants_due = self.past.open.contains_key(&job.key) || self.past.grants.contains_key(&job.key);
        Ok(FolderEnd::Here { name, place: self.list(id)?, is_new: false, grants_due })
    }

    fn taken_by_other(&self) -> Result<FolderEnd, Trouble> {
        match self.target.collisions {
            Collisions::Skip => Ok(FolderEnd::Taken),
            _ => Err(Trouble::item(ItemCause::Io, "something that is no folder has its name")),
        }
    }

    /// Makes a folder in `parent` unless something has its name.
    pub(super) fn make(&self, parent: &ItemId, name: &str, times: &NewFile) -> Result<Made, Trouble> {
        let drive = &self.target.drive;
        let create = || self.wait(self.graph.create_folder(drive, parent, name, Conflict::Fail, times));
        let (mut answer_lost, mut rounds) = (false, 0);
        loop {
            rounds += 1;
            match create() {
                Err(Trouble::Graph(GraphError::Ambiguous { .. })) if rounds < FOLDER_ROUNDS_MAX => {
                    answer_lost = true;
                }
                Err(Trouble::Graph(GraphError::NameTaken { .. })) if rounds < FOLDER_ROUNDS_MAX => {}
                made => return Ok(Made::New(made?.id)),
            }
            match self.look(parent, name)? {
                Some(Made::Folder(id)) if answer_lost => return Ok(Made::New(id)),
                Some(found) => return Ok(found),
                // The call whose answer was lost was not done, or what was there has gone.
                None => {}
            }
        }
    }

    /// What has a name in `parent`, if anything has.
    pub(super) fn look(&self, parent: &ItemId, name: &str) -> Result<Option<Made>, Trouble> {
        match self.wait(self.graph.item_by_path(&self.target.drive, parent, &[name])) {
            Ok(found) if found.kind() == ItemKind::Folder => Ok(Some(Made::Folder(found.id))),
            Ok(_) => Ok(Some(Made::Other)),
            Err(Trouble::Graph(GraphError::NotFound { .. })) => Ok(None),
            Err(trouble) => Err(trouble),
        }
    }
}

fn made(name: String, id: Option<ItemId>) -> FolderEnd {
    FolderEnd::Here { name, place: Place::new(id), is_new: true, grants_due: true }
}

/// A folder that was to be made.
pub(super) enum Made {
    /// By a call of this run, even if its answer was lost.
    New(ItemId),
    /// One was there.
    Folder(ItemId),
    /// Something else has the name.
    Other,
}

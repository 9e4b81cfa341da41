//! One file: its name settled by policy, its bytes uploaded, its times and permissions set.

use repo_format::engine::source::ItemCause;
use repo_format::object::ObjectRef;

use super::bytes::FileBytes;
use super::decide::renamed;
use super::error::{DriveRestoreError, Trouble, item_error};
use super::grants::Grant;
use super::journal::Record;
use super::journal::replay::Intent;
use super::key::Key;
use super::meta::has_times;
use super::names::temporary;
use super::place::Taken;
use super::run::Run;
use super::tally::Skip;
use super::target::Collisions;
use super::upload::{Stored, Upload};
use crate::error::GraphError;
use crate::files::{Conflict, ItemPatch, NewFile};
use crate::model::{DriveItem, ItemId, ItemKind};

/// How often a name that somebody else took meanwhile is given up for another.
const NAMES_MAX: u32 = 20;

/// What the walk hands over.
pub(super) enum Job {
    File(Box<FileJob>),
    Rest(RestJob),
}

/// A file to be restored.
#[derive(Debug)]
pub(super) struct FileJob {
    pub key: Key,
    /// Names from the snapshot's root.
    pub path: String,
    pub object: ObjectRef,
    /// The folder that it goes into.
    pub folder: ItemId,
    /// As the service had it.
    pub name: String,
    /// As a drive can have it.
    pub wanted: String,
    /// Who has which name in the folder.
    pub taken: Taken,
    pub times: NewFile,
    pub aim: Aim,
    /// What an earlier run had begun, with the same aim.
    pub intent: Option<Intent>,
    /// Whether the intent's name was there when the folder was listed.
    pub is_listed: bool,
    pub grants: Vec<Grant>,
}

/// What something that is there has not got yet.
#[derive(Debug)]
pub(super) struct RestJob {
    pub key: Key,
    pub path: String,
    pub item: ItemId,
    /// `None` if it has them.
    pub times: Option<NewFile>,
    pub grants: Vec<Grant>,
    /// An earlier run may have given some of them.
    pub again: bool,
}

/// How a file gets its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Aim {
    /// Nothing has it.
    New { name: String },
    /// A file has it, and goes when the new one is all there.
    Over { name: String, old: ItemId },
}

impl From<&Intent> for Aim {
    fn from(intent: &Intent) -> Aim {
        let name = intent.name.clone();
        match intent.over.clone() {
            Some(old) => Aim::Over { name, old },
            None => Aim::New { name },
        }
    }
}

impl Aim {
    pub fn name(&self) -> &str {
        match self {
            Aim::New { name } | Aim::Over { name, .. } => name,
        }
    }
}

/// How a file ended, failures aside.
enum End {
    Restored(Box<DriveItem>, Vec<String>),
    Skipped,
}

impl Run<'_> {
    /// Does a job; what stops everything is the error.
    pub(super) fn carry_out(&self, job: Job) -> Result<(), DriveRestoreError> {
        let (path, done) = match job {
            Job::File(job) => (job.path.clone(), self.file(*job)),
            Job::Rest(job) => (job.path.clone(), self.give(&job)),
        };
        match done {
            Ok(()) | Err(Trouble::Stopped) => {}
            Err(Trouble::Fatal(error)) => return Err(error),
            Err(Trouble::Graph(error)) => self.tally.failed(&path, item_error(&error), 1),
            Err(Trouble::Item(error)) => self.tally.failed(&path, error, 1),
        }
        Ok(())
    }

    fn file(&self, mut job: FileJob) -> Result<(), Trouble> {
        self.tally.begin(&job.path);
        let mut bytes = FileBytes::new(self.repository, job.object);
        let (item, mut warnings) = match self.place_file(&mut job, &mut bytes)? {
            End::Restored(item, warnings) => (item, warnings),
            End::Skipped => {
                let why = "something of this name came to be there";
                self.tally.skipped(&job.path, Skip::Exists, why, (1, job.object.size));
                return Ok(());
            }
        };
        warnings.extend(renamed(&job.name, &job.wanted, job.aim.name(), self.target.collisions));
        // A session set them; empty files have none.
        if !has_times(&item, &job.times) {
            warnings.extend(self.set_times(&item.id, &job.times)?);
        }
        let granted = Some(item.id.0.clone()).filter(|_| !job.grants.is_empty());
        self.note(&Record::Done { of: job.key, item: granted })?;
        self.tally.file(&job.path, job.object.size, warnings);
        let FileJob { key, path, grants, .. } = job;
        self.give(&RestJob { key, path, item: item.id.clone(), times: None, grants, again: false })
    }

    /// Uploads a file under its name, or another if its name is taken meanwhile.
    fn place_file(&self, job: &mut FileJob, bytes: &mut FileBytes<'_>) -> Result<End, Trouble> {
        for _ in 0..NAMES_MAX {
            let aim = job.aim.clone();
            let other = match &aim {
                Aim::New { name } => match self.upload(job, name, None, bytes)? {
                    Stored::Ours(item, warnings) => return Ok(End::Restored(item, warnings)),
                    Stored::Taken(other) => other,
                },
                Aim::Over { name, old } => return self.replace(job, name, old, bytes),
            };
            job.intent = None;
            match self.target.collisions {
                Collisions::Skip => return Ok(End::Skipped),
                Collisions::Copy => {
                    job.aim = Aim::New { name: job.taken.take_numbered(&job.wanted, |_| true) };
                }
                Collisions::Replace if other.kind() == ItemKind::File => {
                    let Aim::New { name } = aim else { continue };
                    job.aim = Aim::Over { name, old: other.id.clone() };
                }
                Collisions::Replace => {
                    return Err(Trouble::item(ItemCause::Io, "something that is no file has its name"));
                }
            }
        }
        Err(Trouble::item(ItemCause::Io, "others take each name that it could have"))
    }

    fn upload(
        &self,
        job: &mut FileJob,
        name: &str,
        over: Option<&ItemId>,
        bytes: &mut FileBytes<'_>,
    ) -> Result<Stored, Trouble> {
        if job.intent.is_none() {
            let (folder, over) = (job.folder.0.clone(), over.map(|old| old.0.clone()));
            let name = job.aim.name().to_owned();
            self.announce(&Record::Name { of: job.key, folder, name, over })?;
        }
        let session = job.intent.as_mut().and_then(|intent| intent.session.take());
        let upload = Upload {
            run: self,
            key: job.key,
            folder: &job.folder,
            name,
            times: &job.times,
            begun_before: job.intent.is_some(),
            look_first: job.intent.is_some() && (job.is_listed || over.is_some() || session.is_some()),
        };
        upload.store(session, bytes)
    }

    /// Uploads under a name of its own, then takes the place of what is there.
    fn replace(
        &self,
        job: &mut FileJob,
        name: &str,
        old: &ItemId,
        bytes: &mut FileBytes<'_>,
    ) -> Result<End, Trouble> {
        let drive = &self.target.drive;
        let stored = job.intent.as_ref().and_then(|intent| intent.stored.clone());
        let (item, warnings) = match stored {
            Some(item) => match self.wait(self.graph.item(drive, &item)) {
                Ok(item) if item.name.as_deref() == Some(name) => {
                    return Ok(End::Restored(Box::new(item), Vec::new()));
                }
                Ok(item) => (Box::new(item), Vec::new()),
                Err(Trouble::Graph(GraphError::NotFound { .. })) => {
                    job.intent = None;
                    self.temporary(job, old, bytes)?
                }
                Err(trouble) => return Err(trouble),
            },
            None => self.temporary(job, old, bytes)?,
        };
        self.note(&Record::Stored { of: job.key, item: item.id.0.clone() })?;
        let patch = |conflict| ItemPatch {
            name: Some(name.to_owned()),
            conflict: Some(conflict),
            ..ItemPatch::default()
        };
        match self.wait(self.graph.patch_item(drive, &item.id, &patch(Conflict::Replace))) {
            Ok(item) => return Ok(End::Restored(Box::new(item), warnings)),
            // Not every drive replaces by renaming.
            Err(Trouble::Graph(GraphError::NameTaken { .. } | GraphError::Refused { .. })) => {}
            Err(trouble) => return Err(trouble),
        }
        self.wait(self.graph.delete_item(drive, old))?;
        let item = self.wait(self.graph.patch_item(drive, &item.id, &patch(Conflict::Fail)))?;
        Ok(End::Restored(Box::new(item), warnings))
    }

    /// The file under its temporary name.
    fn temporary(
        &self,
        job: &mut FileJob,
        old: &ItemId,
        bytes: &mut FileBytes<'_>,
    ) -> Result<(Box<DriveItem>, Vec<String>), Trouble> {
        let name = temporary(self.id, job.key);
        for _ in 0..2 {
            match self.upload(job, &name, Some(old), bytes)? {
                Stored::Ours(item, warnings) => return Ok((item, warnings)),
                // The name is ours alone: an upload of an earlier run, and not of these bytes.
                Stored::Taken(other) => self.wait(self.graph.delete_item(&self.target.drive, &other.id))?,
            }
        }
        Err(Trouble::item(ItemCause::Io, "its temporary name stays taken"))
    }
}

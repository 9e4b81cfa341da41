//! The folder that a restore goes into: found, or made.

use super::error::{DriveRestoreError, Trouble};
use super::folder::Made;
use super::names::{drive_name, numbered};
use super::place::Place;
use super::run::Run;
use crate::error::GraphError;
use crate::files::NewFile;
use crate::model::{ItemId, Moment};

impl Run<'_> {
    /// The place to restore into; `folder` is told its path. A folder for this restore alone is chosen
    /// once, written down, and then found again.
    ///
    /// If somebody removed what an earlier run had restored, folder and all, then nothing of it counts.
    pub(super) fn destination(&mut self, folder: &mut String) -> Result<Place, Trouble> {
        let drive = &self.target.drive;
        let root = self.wait(self.graph.root(drive))?;
        *folder = match (&self.past.folder, &self.target.path) {
            (Some(folder), _) => folder.clone(),
            (None, Some(path)) => path.trim_matches('/').to_owned(),
            (None, None) => self.new_folder(&root.id)?,
        };
        if self.past.folder.is_none()
            && let Some(journal) = self.journal
        {
            journal.begin(self.id, folder)?;
        }
        let mut at = root.id;
        let mut is_new = false;
        for name in folder.split('/').filter(|name| !name.is_empty()) {
            if drive_name(name, true) != name {
                return Err(self.no_destination(folder, "the drive takes no folder of such a name"));
            }
            let found = match self.look(&at, name)? {
                None if self.target.dry_run => return Ok(Place::new(None)),
                None => self.make(&at, name, &NewFile::default())?,
                Some(found) => found,
            };
            match found {
                Made::Folder(id) => at = id,
                Made::New(id) => (at, is_new) = (id, true),
                Made::Other => return Err(self.no_destination(folder, "something else has its name")),
            }
        }
        if !is_new {
            return self.list(at);
        }
        if !self.past.is_empty()
            && let Some(journal) = self.journal
        {
            journal.restart(self.id, folder)?;
            self.past = self.nothing;
        }
        Ok(Place::new(Some(at)))
    }

    fn no_destination(&self, path: &str, why: &'static str) -> Trouble {
        Trouble::Fatal(DriveRestoreError::Destination { path: path.to_owned(), why })
    }

    /// A name that nothing has.
    fn new_folder(&self, root: &ItemId) -> Result<String, Trouble> {
        let now = jiff::Timestamp::try_from(self.graph.clock().wall()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let second = Moment::from(now).0.chars().take(19).collect::<String>().replace(':', "-");
        let first = format!("Corso_Restore_{second}");
        let mut name = first.clone();
        for number in 2_u32.. {
            match self.wait(self.graph.item_by_path(&self.target.drive, root, &[&name])) {
                Err(Trouble::Graph(GraphError::NotFound { .. })) => break,
                found => drop(found?),
            }
            name = numbered(&first, number);
        }
        Ok(name)
    }

    /// A folder that is there, and what is in it.
    pub(super) fn list(&self, folder: ItemId) -> Result<Place, Trouble> {
        let pages = self.graph.children(&self.target.drive, &folder)?;
        let children = self.wait(pages.all())?;
        Ok(Place::holding(folder, &children))
    }
}

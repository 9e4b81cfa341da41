//! Walking the snapshot: folders as they are needed, files handed to those who upload.

use std::sync::mpsc::SyncSender;

use repo_format::engine::Broken;
use repo_format::engine::restore::not_stored;
use repo_format::engine::source::ItemCause;
use repo_format::tree::{Children, Entry, EntryKind, Tree, TreeKey};

use super::decide::{Collided, Found, collision, refused, renamed};
use super::error::{Trouble, item_error};
use super::file::{Aim, FileJob, Job, RestJob};
use super::folder::{FolderEnd, FolderJob};
use super::grants::{Grant, wanted};
use super::key::Key;
use super::meta::{are_shown, facts_of, key_of, name_of, times_of};
use super::names::drive_name;
use super::place::{Existing, Place, Taken};
use super::run::Run;
use super::select::{Candidate, Choice};
use super::tally::Skip;
use super::target::Collisions;

/// A folder on the way to the entry at hand.
struct Level<'r> {
    children: Children<'r>,
    job: FolderJob,
    /// `None` until something inside is to be restored.
    place: Option<Place>,
    taken: Taken,
}

/// Walks from the root downwards.
pub(super) struct Walk<'w, 'r> {
    run: &'w Run<'r>,
    select: &'w dyn Fn(&Candidate<'_>) -> Choice,
    jobs: &'w SyncSender<Job>,
    /// Names below the root, that of the entry at hand included.
    path: Vec<String>,
    levels: Vec<Level<'r>>,
}

impl<'w, 'r> Walk<'w, 'r> {
    pub fn new(
        run: &'w Run<'r>,
        select: &'w dyn Fn(&Candidate<'_>) -> Choice,
        jobs: &'w SyncSender<Job>,
    ) -> Walk<'w, 'r> {
        Walk { run, select, jobs, path: Vec::new(), levels: Vec::new() }
    }

    /// Restores what is in `root` into `place`.
    pub fn all(mut self, root: &Entry, place: Place) -> Result<(), Trouble> {
        let EntryKind::Folder(tree) = &root.kind else {
            return Err(Trouble::item(ItemCause::Lost, "the snapshot is not of a folder"));
        };
        let tree = Tree::open(self.run.repository.contents(), tree).map_err(Broken::from)?;
        let job = FolderJob {
            key: Key::of(&[b"root"]),
            path: String::new(),
            name: String::new(),
            times: Default::default(),
            grants: Vec::new(),
        };
        self.levels.push(Level {
            children: tree.children(),
            job,
            place: Some(place),
            taken: Taken::default(),
        });
        while let Some(level) = self.levels.last_mut() {
            if self.run.is_halted() {
                return Err(Trouble::Stopped);
            }
            let (child, above) = (level.children.next(), level.job.key);
            self.path.truncate(self.levels.len() - 1);
            match child {
                None => drop(self.levels.pop()),
                Some(Err(error)) => self.lost(error.into())?,
                Some(Ok((key, entry))) => self.entry(above, &key, entry)?,
            }
        }
        Ok(())
    }

    fn entry(&mut self, above: Key, key: &TreeKey, entry: Entry) -> Result<(), Trouble> {
        let facts = facts_of(&entry);
        let found = Found { key: key_of(above, key), name: name_of(key, facts.as_ref()), facts, entry };
        self.path.push(found.name.clone());
        let candidate = Candidate { path: &self.path, entry: &found.entry, facts: found.facts.as_ref() };
        let choice = (self.select)(&candidate);
        let is_folder = matches!(found.entry.kind, EntryKind::Folder(_));
        if choice == Choice::Prune || (choice == Choice::Pass && !is_folder) {
            self.run.tally.passed(1 + found.entry.items, found.entry.size);
            return Ok(());
        }
        self.run.tally.begin(&self.shown());
        if let Some(why) = refused(&found) {
            let inside = (1 + found.entry.items, found.entry.size);
            self.run.tally.skipped(&self.shown(), Skip::Refused, why, inside);
            return Ok(());
        }
        match found.entry.kind {
            EntryKind::Folder(_) => self.folder(found, choice),
            EntryKind::File(Some(_)) => self.file(found),
            _ => {
                let (contents, path) = (self.run.repository.contents(), self.shown());
                let error = not_stored(contents, self.run.failures.as_ref(), path.as_bytes());
                match error.cause.is_failure() {
                    true => self.run.tally.failed(&path, error, 1),
                    // What the backup passed over for cause is passed over here, too.
                    false => self.run.tally.skipped(&path, Skip::Refused, &error.message, (1, 0)),
                }
                Ok(())
            }
        }
    }

    fn folder(&mut self, found: Found, choice: Choice) -> Result<(), Trouble> {
        let EntryKind::Folder(tree) = &found.entry.kind else { return Ok(()) };
        let tree = match Tree::open(self.run.repository.contents(), tree) {
            Ok(tree) => tree,
            Err(error) => return self.lost(error.into()),
        };
        let grants = self.grants(&found);
        let (times, path) = (times_of(&found.entry), self.shown());
        let job = FolderJob { key: found.key, path, name: found.name, times, grants };
        let taken = Taken::default();
        self.levels.push(Level { children: tree.children(), job, place: None, taken });
        if choice == Choice::Take { self.ensure().map(drop) } else { Ok(()) }
    }

    /// Makes the folders on the way that are not there yet. False if one cannot be: the walk is then
    /// out of it.
    fn ensure(&mut self) -> Result<bool, Trouble> {
        for at in 1..self.levels.len() {
            let (above, below) = self.levels.split_at_mut(at);
            let (Some(above), Some(level)) = (above.last(), below.first_mut()) else { break };
            if level.place.is_some() {
                continue;
            }
            let Some(place) = &above.place else { break };
            match self.run.folder(&level.job, place, &above.taken) {
                Ok(FolderEnd::Here { name, place, is_new, grants_due }) => {
                    let (own, collisions) = (&level.job.name, self.run.target.collisions);
                    let renamed = renamed(own, &drive_name(own, true), &name, collisions);
                    self.run.tally.folder(&level.job.path, is_new, renamed);
                    let grants = std::mem::take(&mut level.job.grants);
                    let item = place.id.clone().filter(|_| grants_due && !grants.is_empty());
                    level.place = Some(place);
                    if let Some(item) = item {
                        let (key, path) = (level.job.key, level.job.path.clone());
                        let again = !is_new;
                        self.send(Job::Rest(RestJob { key, path, item, times: None, grants, again }))?;
                    }
                }
                Ok(FolderEnd::Taken) => {
                    let why = "something that is no folder has its name";
                    self.run.tally.skipped(&level.job.path, Skip::Exists, why, (1, 0));
                    self.levels.truncate(at);
                    return Ok(false);
                }
                Err(trouble) => {
                    let path = level.job.path.clone();
                    self.levels.truncate(at);
                    self.failed(&path, trouble)?;
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn file(&mut self, found: Found) -> Result<(), Trouble> {
        if let Some(name) = self.run.past.done.get(&found.key) {
            return self.earlier(&found, *name);
        }
        if !self.ensure()? {
            return Ok(());
        }
        let EntryKind::File(Some(object)) = found.entry.kind else { return Ok(()) };
        let Some(Level { place: Some(place), taken, .. }) = self.levels.last() else { return Ok(()) };
        let (run, path, wanted) = (self.run, self.shown(), drive_name(&found.name, false));
        let intent = run.past.open.get(&found.key);
        let intent = intent.filter(|intent| Some(&intent.folder) == place.id.as_ref()).cloned();
        let aim = match &intent {
            Some(intent) => {
                taken.take(&intent.name);
                intent.into()
            }
            None => {
                let copies = run.target.collisions == Collisions::Copy;
                let name = taken.take_numbered(&wanted, |name| !copies || place.get(name).is_none());
                match place.get(&name).map(|there| (there, collision(there, run.target.collisions, &found))) {
                    None => Aim::New { name },
                    Some((there, Ok(()))) => Aim::Over { name, old: there.id.clone() },
                    Some((there, Err(collided))) => return self.collided(&found, there, collided),
                }
            }
        };
        let Some(folder) = place.id.clone().filter(|_| !run.target.dry_run) else {
            let warning = renamed(&found.name, &wanted, aim.name(), run.target.collisions);
            run.tally.file(&path, object.size, warning.into_iter().collect());
            return Ok(());
        };
        let is_listed = intent.as_ref().is_some_and(|intent| place.get(&intent.name).is_some());
        let (times, taken, grants) = (times_of(&found.entry), taken.clone(), self.grants(&found));
        let (key, name) = (found.key, found.name);
        let job =
            FileJob { key, path, object, folder, name, wanted, taken, times, aim, intent, is_listed, grants };
        self.send(Job::File(Box::new(job)))
    }

    /// An earlier run restored it; its permissions may be still to come.
    fn earlier(&self, found: &Found, name: u64) -> Result<(), Trouble> {
        if let Some(level) = self.levels.last() {
            level.taken.take_hash(name);
        }
        self.run.tally.earlier(found.entry.size);
        let Some(item) = self.run.past.grants.get(&found.key) else { return Ok(()) };
        let (key, path, item, grants) = (found.key, self.shown(), item.clone(), self.grants(found));
        self.send(Job::Rest(RestJob { key, path, item, times: None, grants, again: true }))
    }

    /// What is there stays. If it is the same, its times and permissions are seen to.
    fn collided(&self, found: &Found, there: &Existing, collided: Collided) -> Result<(), Trouble> {
        let (path, inside) = (self.shown(), (1, found.entry.size));
        match collided {
            Collided::Fail(why) => return self.failed(&path, Trouble::item(ItemCause::Io, why)),
            Collided::Exists(why) => {
                self.run.tally.skipped(&path, Skip::Exists, why, inside);
                return Ok(());
            }
            Collided::Identical(why) => self.run.tally.skipped(&path, Skip::Identical, why, inside),
        }
        let times = times_of(&found.entry);
        let times = (!are_shown(&times, there.times)).then_some(times);
        let (key, item, grants) = (found.key, there.id.clone(), self.grants(found));
        self.send(Job::Rest(RestJob { key, path, item, times, grants, again: true }))
    }

    /// The permissions of an entry, if they are wanted.
    fn grants(&self, found: &Found) -> Vec<Grant> {
        let Some(facts) = found.facts.as_ref().filter(|_| self.run.target.permissions) else {
            return Vec::new();
        };
        let (grants, left_out) = wanted(&facts.permissions);
        if !self.run.past.done.contains_key(&found.key) {
            left_out.into_iter().for_each(|what| self.run.tally.warn(&self.shown(), what));
        }
        grants
    }

    fn send(&self, job: Job) -> Result<(), Trouble> {
        if self.run.target.dry_run {
            return Ok(());
        }
        self.jobs.send(job).map_err(|_| Trouble::Stopped)
    }

    fn lost(&self, broken: Broken) -> Result<(), Trouble> {
        self.failed(&self.shown(), broken.into())
    }

    /// Counts the failure of one item; passes on what stops the run.
    fn failed(&self, path: &str, trouble: Trouble) -> Result<(), Trouble> {
        let error = match trouble {
            Trouble::Graph(error) => item_error(&error),
            Trouble::Item(error) => error,
            stops => return Err(stops),
        };
        self.run.tally.failed(path, error, 1);
        Ok(())
    }

    fn shown(&self) -> String {
        self.path.join("/")
    }
}

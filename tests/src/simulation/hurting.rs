//! A world that begins with damage: what is lost is lost, and nothing else goes with it, whoever repairs, backs up
//! and maintains beside each other.

use std::collections::BTreeSet;
use std::sync::Arc;

use object_store::memory::InMemory;
use repo_format::codec::ManifestId;
use repo_format::engine::progress::{Progress, Stop};
use repo_format::format::names::BlobId;
use repo_format::repair::{self, REPAIRED_FROM, SnapshotRepair};
use repo_format::repository::{OpenOptions, Repository, RepositoryError};
use repo_format::storage::testing::Random;
use repo_format::storage::{BlobName, Blobs};

use super::ProcessStore;
use super::world::{Beginning, Promise, World, blobs};
use crate::plain::files_of;
use crate::{chain, change_blob, secret};

/// What an error begins with that nothing excuses.
pub const WRONG: &str = "wrong";

/// What was done to a beginning.
pub struct Hurt {
    pub store: InMemory,
    /// What is gone, and what has other bytes.
    pub blobs: Vec<BlobName>,
    /// The snapshots that can be read all the same: they stay whole.
    pub whole: BTreeSet<ManifestId>,
}

impl Beginning {
    /// Takes a pack or an index segment away, or changes some of its bytes; now and then two.
    pub fn hurt(&self, random: &mut Random) -> Hurt {
        let store = Arc::new(self.store.fork());
        let there = blobs(&self.runtime, store.clone());
        let repository = open(there.clone()).expect("is whole");
        let segments =
            repository.state().segments.keys().map(|id| BlobId::Segment(*id).name()).collect::<Vec<_>>();
        let packs = there.list("packs/").expect("lists").into_iter().map(|info| info.name);
        let names: Vec<BlobName> = packs.chain(segments).collect();
        let mut hurt = Vec::new();
        for _ in 0..1 + random.below(3) / 2 {
            let name = names[random.below(names.len() as u64) as usize].clone();
            if !hurt.contains(&name) {
                harm(&there, &name, random);
                hurt.push(name);
            }
        }
        let repository = open(there).expect("the log is whole");
        let whole = self.snapshots().filter(|id| files_of(&repository, id).is_ok()).collect();
        Hurt { store: store.fork(), blobs: hurt, whole }
    }
}

fn open(blobs: Blobs) -> Result<Repository, RepositoryError> {
    Repository::open(blobs, &secret(), OpenOptions::default())
}

fn harm(blobs: &Blobs, name: &BlobName, random: &mut Random) {
    match random.below(3) {
        0 => blobs.delete(name).expect("deletes"),
        _ => change_blob(blobs, name, |bytes| {
            let at = random.below(bytes.len() as u64) as usize;
            bytes[at..].iter_mut().take(1 + random.below(64) as usize).for_each(|byte| *byte ^= 0x55);
        }),
    }
}

/// No repair takes what could be read from the beginning for lost.
fn judge(repair: &SnapshotRepair, hurt: &Hurt) -> Result<(), String> {
    let repaired = repair.repaired.iter().map(|repaired| &repaired.snapshot);
    let unreadable = repair.unreadable.iter().map(|(id, _)| id);
    let wrong: Vec<_> = repaired.chain(unreadable).filter(|id| hurt.whole.contains(id)).collect();
    if wrong.is_empty() { Ok(()) } else { Err(format!("{WRONG}: {wrong:?} lack nothing: {repair:#?}")) }
}

impl World<'_> {
    /// Repairs this and that, and forgets what was replaced.
    pub fn mend_hurt(&self, store: &ProcessStore, hurt: &Hurt, mut random: Random) -> Result<(), String> {
        for _ in 0..1 + random.below(4) {
            let repository = self.open(store)?;
            let (progress, stop) = (Progress::default(), Stop::default());
            let repaired = match random.below(3) {
                0 => repair::index(&repository, false, &progress, &stop).map(drop),
                1 => repair::packs(&repository, false, &progress, &stop).map(drop),
                _ => {
                    let repair = repair::snapshots(&repository, false, &progress, &stop);
                    if let Ok(repair) = &repair {
                        judge(repair, hurt)?;
                    }
                    repair.map(drop)
                }
            };
            repaired.map_err(|error| format!("repair: {}", chain(&error)))?;
            if random.below(2) == 0 {
                self.forget_replaced(&repository)?;
            }
        }
        Ok(())
    }

    /// Lets the snapshots go that have a successor.
    fn forget_replaced(&self, repository: &Repository) -> Result<(), String> {
        let rows = repository.snapshots().map_err(|error| chain(&error))?;
        let tags: BTreeSet<&String> = rows.iter().filter_map(|row| row.tags.get(REPAIRED_FROM)).collect();
        for row in rows.iter().filter(|row| tags.contains(&row.id.to_string())) {
            self.promise(Promise::LetGo(row.id));
            match repository.forget(&[row.id]) {
                Ok(_) | Err(RepositoryError::UnknownSnapshot { .. }) => {}
                Err(error) => return Err(format!("forget: {}", chain(&error))),
            }
        }
        Ok(())
    }

    /// Puts right what can be, by the book, and finds nothing lost but what had to be.
    pub fn heal(&self, image: &InMemory, hurt: &Hurt) {
        let store = Arc::new(image.fork());
        let repository = open(blobs(&self.beginning.runtime, store)).expect("the log is whole");
        let (progress, stop) = (Progress::default(), Stop::default());
        repair::index(&repository, false, &progress, &stop).expect("mends the index");
        repair::packs(&repository, false, &progress, &stop).expect("keeps away from packs");
        self.back_up_all(&repository);
        let repair = repair::snapshots(&repository, false, &progress, &stop).expect("replaces snapshots");
        judge(&repair, hurt).expect("it repairs what is hurt");
        self.forget_replaced(&repository).expect("forgets");
        let lost: Vec<ManifestId> = repair.unreadable.iter().map(|(id, _)| *id).collect();
        lost.iter().for_each(|id| self.promise(Promise::LetGo(*id)));
        repository.forget(&lost).expect("forgets");

        let left = repository.snapshots().expect("lists");
        for row in &left {
            let files = files_of(&repository, &row.id).expect("every snapshot that is left can be read");
            let made_of = row.tags.get(REPAIRED_FROM).and_then(|id| id.parse().ok());
            let promises = self.promises.lock();
            match (made_of, promises.contents.get(&made_of.unwrap_or(row.id))) {
                (None, Some(expected)) => {
                    assert!(files == **expected, "snapshot {} reads differently", row.id)
                }
                (Some(_), Some(expected)) => {
                    let is_of = files.iter().all(|(path, bytes)| expected.get(path) == Some(bytes));
                    assert!(is_of, "the successor {} holds what the old one did not", row.id);
                }
                // One that was interrupted.
                (_, None) => {}
            }
        }
        for (id, _) in self.owed() {
            // Somebody else may have replaced what one had just made or brought back.
            let is_replaced = !hurt.whole.contains(&id) && self.promises.lock().was_let_go(&id);
            let is_there = left.iter().any(|row| row.id == id);
            assert!(is_there || is_replaced, "snapshot {id} is lost");
        }
        self.go_on(&repository);
    }
}

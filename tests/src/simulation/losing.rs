//! A world whose log loses something, before it is used or meanwhile: what it told of is found again, whoever mends it
//! beside everybody else.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};
use repo_format::codec::ManifestId;
use repo_format::engine::progress::{Progress, Stop};
use repo_format::log::State;
use repo_format::repair::{self, Left, LogRepair, LogRepairOptions, RepairError};
use repo_format::repository::{BrokenLog, OpenOptions, Repository};
use repo_format::storage::Blobs;
use repo_format::storage::testing::Random;
use repo_format::verify::{Level, VerifyOptions, VerifyReport, verify};

use super::world::{Beginning, Promise, World, blobs};
use super::{ProcessStore, WRONG};
use crate::{chain, damage_blob, flip_in_the_middle, secret};

/// So often it is looked whether the log is in order again.
const LOOKS: u64 = 60;
/// So often in a row something may come in the way of a repair.
const TRIES: u64 = 4;
/// What tells of everything else.
const LOG: [&str; 2] = ["log/", "catalog/"];

impl Beginning {
    /// The same with a log that lacks a record, has broken ones, or is gone. That its end was cut off could nobody tell
    /// who has not seen it.
    pub fn lose(&self, random: &mut Random) -> InMemory {
        let store = Arc::new(self.store.fork());
        let there = blobs(&self.runtime, store.clone());
        if random.below(2) == 0 {
            // It stands for what is lost below it.
            let repository = Repository::open(there.clone(), &secret(), OpenOptions::default());
            repository.expect("is whole").log().write_catalog().expect("writes");
        }
        let names = |prefix| there.list(prefix).expect("lists").into_iter().map(|info| info.name);
        let records: Vec<_> = names("log/").collect();
        let all: Vec<_> = LOG.into_iter().flat_map(names).collect();
        let mut one_of = |count: usize| random.below(count as u64) as usize;
        match one_of(4) {
            0 => damage_blob(&there, &all[one_of(all.len())]),
            1 => there.delete(&records[one_of(records.len() - 1)]).expect("deletes"),
            2 => all.iter().for_each(|name| there.delete(name).expect("deletes")),
            _ => all.iter().filter(|_| one_of(2) == 0).for_each(|name| damage_blob(&there, name)),
        }
        store.fork()
    }
}

fn found_by(repository: &Repository) -> Result<(VerifyOptions, VerifyReport), String> {
    let options = VerifyOptions { level: Level::Data, threads: 1, ..VerifyOptions::default() };
    let report = verify(repository, &options, &Progress::default(), &Stop::default());
    Ok((options, report.map_err(|error| format!("verification: {}", chain(&error)))?))
}

fn mend(blobs: Blobs) -> Result<LogRepair, RepairError> {
    let broken = BrokenLog::unlock(blobs, &secret(), OpenOptions::default())?;
    repair::log(&broken, &LogRepairOptions::default(), &Progress::default(), &Stop::default())
}

impl World<'_> {
    /// Does `body` once the log can be opened and its state is one that is waited for.
    pub fn once(
        &self,
        store: &ProcessStore,
        is_ready: impl Fn(&State) -> bool,
        body: impl FnOnce() -> Result<(), String>,
    ) -> Result<(), String> {
        for _ in 0..LOOKS {
            if self.open(store).is_ok_and(|repository| is_ready(&repository.state())) {
                return body();
            }
        }
        Ok(())
    }

    /// Changes a bit of a record or a catalog that is in use.
    pub fn spoil(&self, store: &ProcessStore, mut random: Random) -> Result<(), String> {
        let there = blobs(&self.beginning.runtime, store.clone());
        let failed = |error: &dyn std::error::Error| format!("spoiling: {}", chain(error));
        let mut listed = Vec::new();
        for _ in 0..1 + random.below(LOOKS) {
            listed = there.list(LOG[random.below(2) as usize]).map_err(|error| failed(&error))?;
        }
        let Some(last) = (listed.len() as u64).checked_sub(1) else { return Ok(()) };
        // The newest are what everybody needs.
        let name = &listed[(last - random.below(3).min(last)) as usize].name;
        let mut bytes = there.get(name).map_err(|error| failed(&error))?.to_vec();
        flip_in_the_middle(&mut bytes);
        // In its place: what is gone for a moment could be taken for the end.
        let (path, bytes) = (Path::from(name.as_str()), PutPayload::from(bytes));
        self.beginning.runtime.block_on(store.put(&path, bytes)).map(drop).map_err(|error| failed(&error))
    }

    /// Mends the log, and ends the hold that it is under, a few times. Counts the repairs that had something to do.
    pub fn mend_log(
        &self,
        store: &ProcessStore,
        mut random: Random,
        mended: &AtomicU64,
    ) -> Result<(), String> {
        for _ in 0..2 + random.below(4) {
            match random.below(3) {
                // It may be broken still, or again.
                0 => drop(self.end_hold(store)),
                _ => {
                    let repair = self.mend_log_once(store)?;
                    mended.fetch_add(u64::from(!repair.is_clean()), Ordering::SeqCst);
                }
            }
        }
        Ok(())
    }

    fn mend_log_once(&self, store: &ProcessStore) -> Result<LogRepair, String> {
        let mut told = String::new();
        for _ in 0..TRIES {
            // The manifest of a run that has not ended may be without what it names.
            let before = self.never_let_go();
            match mend(blobs(&self.beginning.runtime, store.clone())) {
                Ok(repair) => return self.judge(&repair, &before).map(|()| repair),
                Err(error) => told = format!("repair of the log: {}", chain(&error)),
            }
        }
        Err(told)
    }

    fn end_hold(&self, store: &ProcessStore) -> Result<Option<u64>, String> {
        let repository = self.open(store)?;
        let (options, report) = found_by(&repository)?;
        repair::settle(&repository, &options, &report).map_err(|error| chain(&error))
    }

    /// What was made and nobody ever wanted gone.
    fn never_let_go(&self) -> BTreeSet<ManifestId> {
        let promises = self.promises.lock();
        promises.contents.keys().copied().filter(|id| !promises.was_let_go(id)).collect()
    }

    /// Nothing stays away that nobody had let go `before` the repair, nor has since.
    fn judge(&self, repair: &LogRepair, before: &BTreeSet<ManifestId>) -> Result<(), String> {
        let now = self.never_let_go();
        let is_wrong = |left: &&Left| before.contains(&left.snapshot) && now.contains(&left.snapshot);
        let wrong: Vec<_> = repair.incomplete.iter().chain(&repair.unreadable).filter(is_wrong).collect();
        if wrong.is_empty() { Ok(()) } else { Err(format!("{WRONG}: {wrong:?} lack nothing")) }
    }

    /// Mends the log by the book; all that is owed is there, and everything goes on.
    pub fn find_again(&self, image: &InMemory, step: u64) {
        let store = Arc::new(image.fork());
        let there = blobs(&self.beginning.runtime, store.clone());
        let repair = mend(there.clone()).expect("mends the log");
        let kept = self.never_let_go();
        self.judge(&repair, &kept).expect("it finds everything");
        assert!(mend(there.clone()).expect("looks at the log").is_clean());

        let repository = Repository::open(there, &secret(), OpenOptions::default()).expect("opens");
        // Those that only a lost record forgot, and whose packs were reclaimed since, are back without them.
        let (_, report) = found_by(&repository).expect("verifies");
        let broken: BTreeSet<ManifestId> =
            report.findings.iter().flat_map(|finding| finding.snapshots.clone()).collect();
        for id in &broken {
            assert!(!kept.contains(id), "{id} lacks something: {:#?}", report.findings);
        }
        broken.iter().for_each(|id| self.promise(Promise::LetGo(*id)));
        repository.forget(&broken.into_iter().collect::<Vec<_>>()).expect("forgets");
        if repository.state().hold.is_some() {
            let (options, report) = found_by(&repository).expect("verifies");
            let settled = repair::settle(&repository, &options, &report).expect("settles");
            assert!(settled.is_some(), "{:#?}", report.findings);
        }
        self.go_on(&self.check(&store.fork(), step));
    }
}

//! Processes that copy, and what a copy is at any moment.

use std::sync::Arc;

use object_store::ObjectStore;
use object_store::memory::InMemory;
use repo_format::engine::progress::{Progress, Stop};
use repo_format::repository::{OpenOptions, Repository, RepositoryError};
use repo_format::storage::testing::Random;
use repo_format::sync::{SyncError, SyncOptions, SyncReport, sync};

use super::ProcessStore;
use super::world::{World, blobs};
use crate::plain::files_of;
use crate::{assert_clean, chain, secret};

impl World<'_> {
    /// Copies a few times.
    pub fn copy(&self, store: &ProcessStore, random: Random) -> Result<(), String> {
        self.copies(store, random, |_| false)
    }

    /// Copies a few times, or until an error that `ends` it.
    pub(super) fn copies(
        &self,
        store: &ProcessStore,
        mut random: Random,
        ends: impl Fn(&SyncError) -> bool,
    ) -> Result<(), String> {
        for _ in 0..1 + random.below(4) {
            let threads = 1 + random.below(3) as usize;
            let options = SyncOptions { threads, check: random.below(4) == 0, dry_run: false };
            match self.sync(store.clone(), store.of_copy(), &options) {
                Ok(report) => assert!(report.is_clean(), "{:?}", report.damaged),
                Err(SyncError::Busy { .. }) => {}
                Err(error) if ends(&error) => break,
                Err(error) => return Err(format!("copying: {}", chain(&error))),
            }
        }
        Ok(())
    }

    fn sync(
        &self,
        source: impl ObjectStore,
        copy: impl ObjectStore,
        options: &SyncOptions,
    ) -> Result<SyncReport, SyncError> {
        let runtime = &self.beginning.runtime;
        let (source, copy) = (blobs(runtime, source), blobs(runtime, copy));
        sync(&source, &copy, options, &Progress::default(), &Stop::default())
    }

    /// Reads what a copy lists, while it is made.
    pub fn read_copy(&self, store: &ProcessStore, mut random: Random) -> Result<(), String> {
        for _ in 0..1 + random.below(6) {
            if let Some(copy) = self.open_copy(store.of_copy()).map_err(|error| chain(&error))? {
                self.assert_reads(&copy, "while it is made");
            }
        }
        Ok(())
    }

    /// The copy, if there is anything to read in it yet.
    pub(super) fn open_copy(&self, store: impl ObjectStore) -> Result<Option<Repository>, RepositoryError> {
        let blobs = blobs(&self.beginning.runtime, store);
        match Repository::open(blobs, &secret(), OpenOptions::default()) {
            Ok(copy) => Ok(Some(copy)),
            Err(RepositoryError::CopyUnfinished { .. } | RepositoryError::NotThere { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Every snapshot that the copy lists reads as it was made, whatever became of it at the source.
    pub(super) fn assert_reads(&self, copy: &Repository, place: &str) {
        for row in copy.snapshots().expect(place) {
            let read = files_of(copy, &row.id);
            let promises = self.promises.lock();
            // Checkpoints and what is not told yet are only read.
            let Some(expected) = promises.contents.get(&row.id) else { continue };
            match read {
                Ok(files) => assert!(files == **expected, "{place}: copied {} reads differently", row.id),
                Err(error) => panic!("{place}: copied {}: {}", row.id, chain(&error)),
            }
        }
    }

    /// What was copied up to an image is a state that the source has had, and what it lists is there. Gives its
    /// revision; `source` is the source in the end.
    pub fn check_copy(&self, source: &Repository, image: &InMemory, step: u64) -> u64 {
        let place = format!("after {step} steps");
        let copy = self.open_copy(image.fork()).unwrap_or_else(|error| panic!("{place}: {}", chain(&error)));
        let Some(copy) = copy else { return 0 };
        assert!(copy.log().broken().is_none(), "{place}: {:?}", copy.log().broken());
        let state = copy.state();
        let had = source.state().hash_of(state.revision);
        assert_eq!(had, Some(state.hash), "{place}: revision {} of the copy", state.revision);
        self.assert_reads(&copy, &place);
        state.revision
    }

    /// Whatever happened, the next run makes the copy what its source is.
    pub fn copy_on(&self, source: &Repository, from: &InMemory, copy: &InMemory) {
        let (options, copy) = (SyncOptions { threads: 1, ..SyncOptions::default() }, Arc::new(copy.fork()));
        let report = self.sync(from.fork(), copy.clone(), &options).expect("copies");
        assert!(report.is_clean(), "{report:?}");
        assert_eq!(report.revision, source.state().revision);
        let copy = self.open_copy(copy).expect("opens").expect("is finished");
        assert_eq!(copy.snapshots().unwrap(), source.snapshots().unwrap());
        self.assert_reads(&copy, "in the end");
        assert_clean(&copy, "in the end");
    }
}

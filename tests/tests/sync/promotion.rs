//! A copy becomes a repository, before and while it is copied to.

use std::collections::BTreeSet;
use std::thread;

use object_store::memory::InMemory;
use parking_lot::Mutex;
use repo_format::codec::CopyId;
use repo_format::format::copy_marker::{self, CopyMarker};
use repo_format::format::slot::{KdfCost, Secret};
use repo_format::log::LogError;
use repo_format::storage::Location;
use repo_format::sync::{Gap, gaps, promote};
use repo_format::verify::{VerifyOptions, verify_keyless};

use super::on_put::OnPut;
use super::*;

#[test]
fn a_promoted_copy_takes_backups_and_no_more_copying() {
    let mut pair = Pair::new();
    pair.back_up();
    pair.sync();
    assert!(promote(&pair.copy(), &pair.target, false).unwrap().is_empty());
    let promoted = pair.copy();
    assert!(!promoted.is_copy());
    let error = promote(&promoted, &pair.target, false).unwrap_err();
    assert!(matches!(error, SyncError::NothingToPromote { .. }), "{error:?}");
    let mut files = pair.files.clone();
    let file = PlainFile { version: 99, bytes: Arc::new(noise(99, 9_000)) };
    files.entry("new".into()).or_default().insert("file".into(), file);
    let id = back_up(&promoted, &files);
    pair.wanted.insert(id, flat(&files));
    assert_holds(&promoted, &pair.wanted);
    maintain(&promoted, &at_once());
    assert_clean(&promoted, "promoted");
    let error = pair.try_sync(SyncOptions::default()).unwrap_err();
    assert!(matches!(error, SyncError::NotACopy { .. }), "{error:?}");
}

#[test]
fn what_a_copy_lacks_keeps_it_from_being_promoted() {
    for prefix in ["packs/data/", "segments/", "keys/"] {
        let mut pair = Pair::new();
        pair.back_up();
        pair.repository.add_slot(&other_secret(), "second", KdfCost::DEFAULT).unwrap();
        pair.sync();
        let name = match prefix {
            // Not the one that opens it.
            "keys/" => {
                let second = pair.repository.slots().into_iter().find(|slot| slot.label == "second").unwrap();
                BlobId::Slot(second.id).name()
            }
            _ => first(&pair.target, prefix),
        };
        pair.target.delete(&name).unwrap();
        let copy = pair.copy();
        let found = gaps(&copy).unwrap();
        assert!(found.iter().any(|gap: &Gap| gap.blob.as_ref() == Some(&name)), "{found:?}");
        let error = promote(&copy, &pair.target, false).unwrap_err();
        assert!(matches!(error, SyncError::NotWhole { .. }), "{error:?}");
        assert!(pair.copy().is_copy());
        assert!(!promote(&copy, &pair.target, true).unwrap().is_empty());
        assert!(!pair.copy().is_copy());
    }
}

fn other_secret() -> Secret {
    Secret::key_file(&[9; 64]).unwrap()
}

/// Another process, at the same storages.
struct Beside {
    runtime: Runtime,
    source: Blobs,
    target: Blobs,
}

impl Beside {
    fn of(pair: &Pair) -> Beside {
        let runtime = runtime();
        let blobs = |blobs: &Blobs| Blobs::new(blobs.storage().clone(), runtime.handle().clone());
        Beside { source: blobs(&pair.source), target: blobs(&pair.target), runtime }
    }

    fn copy(&self) -> Repository {
        open(&self.runtime, self.target.storage().clone(), OpenOptions::default())
    }

    fn sync(&self) {
        let done =
            sync(&self.source, &self.target, &SyncOptions::default(), &Progress::default(), &Stop::default());
        done.unwrap();
    }

    fn promote(&self) {
        promote(&self.copy(), &self.target, false).unwrap();
    }

    /// Commits a snapshot.
    fn back_up(&self) -> ManifestId {
        let file = PlainFile { version: 7, bytes: Arc::new(noise(7, 9_000)) };
        let files = Files::from([("own".to_owned(), BTreeMap::from([("file".to_owned(), file)]))]);
        back_up(&self.copy(), &files)
    }
}

/// Copies once if `is_begun`, backs up, and copies again while `hook` happens to the copy's storage at the first put
/// below `prefix`. Gives the pair, that storage, and how the copying ended.
fn with_hook(
    is_begun: bool,
    prefix: &'static str,
    hook: impl FnOnce(&Beside) + Send + 'static,
) -> (Pair, Storage, Result<SyncReport, SyncError>) {
    let inner = Arc::new(InMemory::new());
    let plain = Storage::from_object_store(inner.clone(), Location::Memory, Default::default());
    let mut pair = Pair::with_target(plain.clone());
    pair.back_up();
    if is_begun {
        pair.sync();
        pair.back_up();
    }
    let beside = Beside::of(&pair);
    let hook = Mutex::new(Some(hook));
    let hook = move |_: &InMemory, name: &str| {
        let hook = name.starts_with(prefix).then(|| hook.lock().take()).flatten();
        if let Some(hook) = hook {
            // On a thread of its own: this one drives requests.
            thread::scope(|scope| scope.spawn(|| hook(&beside)).join().unwrap());
        }
    };
    pair.target = Blobs::new(corso_tests::storage(OnPut { inner, hook }), pair.runtime.handle().clone());
    let ended = pair.try_sync(SyncOptions::default());
    (pair, plain, ended)
}

#[test]
fn a_copy_that_is_promoted_in_mid_copy_gets_no_more_records() {
    let (pair, plain, ended) = with_hook(true, "packs/", Beside::promote);
    assert!(matches!(ended, Err(SyncError::Promoted { .. })), "{ended:?}");
    let promoted = open(&pair.runtime, plain, OpenOptions::default());
    assert!(!promoted.is_copy());
    let rows = promoted.snapshots().unwrap();
    assert_eq!(rows.len(), 1, "the state of the run before");
    assert_eq!(files_of(&promoted, &rows[0].id).unwrap(), pair.wanted[&rows[0].id]);
    let id = back_up(&promoted, &pair.files);
    assert_eq!(files_of(&promoted, &id).unwrap(), flat(&pair.files));
    assert_clean(&promoted, "promoted in mid-copy");
}

#[test]
fn records_that_come_after_a_promotion_count_for_nothing() {
    // The run has looked for the marker for the last time before it puts its first record.
    let (pair, plain, ended) = with_hook(true, "log/", |beside| {
        beside.promote();
        beside.back_up();
    });
    assert!(matches!(&ended, Err(SyncError::Promoted { .. })), "{ended:?}");
    let promoted = open(&pair.runtime, plain, OpenOptions::default());
    assert!(promoted.log().broken().is_none() && !promoted.is_copy());
    assert_eq!(promoted.snapshots().unwrap().len(), 2, "the copied one, and its own");
    assert_clean(&promoted, "promoted and written to in mid-copy");
}

#[test]
fn a_catalog_that_is_put_after_a_promotion_takes_the_place_of_nothing() {
    let mut pair = Pair::new();
    pair.back_up();
    pair.sync();
    pair.back_up();
    pair.repository.log().write_catalog().unwrap();
    let beside = Beside::of(&pair);
    beside.promote();
    let own = beside.back_up();
    // As whoever looked for the marker before, and slept.
    for info in pair.source.list("").unwrap() {
        let bytes = pair.source.get(&info.name).unwrap();
        pair.target.put_new(&info.name, bytes).unwrap();
    }
    let promoted = pair.copy();
    let rows = promoted.snapshots().unwrap();
    assert!(rows.len() == 2 && rows.iter().any(|row| row.id == own), "the copied one, and its own: {rows:?}");
    assert_clean(&promoted, "beside what came too late");
    let report =
        verify_keyless(&pair.target, &VerifyOptions::default(), &Progress::default(), &Stop::default());
    assert!(report.unwrap().is_clean());
    maintain(&promoted, &at_once());
    assert_clean(&promoted, "maintained");
}

#[test]
fn a_first_run_that_comes_after_a_promotion_makes_no_copy_of_it() {
    let (pair, plain, ended) = with_hook(false, "corso.copy", |beside| {
        beside.sync();
        beside.promote();
        beside.back_up();
    });
    assert!(matches!(ended, Err(SyncError::Promoted { .. })), "{ended:?}");
    let promoted = open(&pair.runtime, plain.clone(), OpenOptions::default());
    assert!(!promoted.is_copy());
    assert_eq!(promoted.snapshots().unwrap().len(), 2);
    let blobs = Blobs::new(plain, pair.runtime.handle().clone());
    assert_eq!(blobs.size(&marker()).unwrap(), None, "its marker is taken back");
    // And where it was killed before that.
    let late = CopyMarker { repo: promoted.id(), copy: CopyId([3; 16]) };
    blobs.put_new(&marker(), copy_marker::encode(&late).to_vec().into()).unwrap();
    assert!(!open(&pair.runtime, blobs.storage().clone(), OpenOptions::default()).is_copy());
    assert_clean(&promoted, "beside a marker that came too late");
}

#[test]
fn a_promotion_that_was_killed_can_be_done_again() {
    let mut pair = Pair::new();
    pair.back_up();
    pair.sync();
    let (copy, another) = (pair.copy(), pair.copy());
    let before: BTreeSet<BlobName> = names(&pair.target);
    promote(&copy, &pair.target, false).unwrap();
    let made: Vec<BlobName> = names(&pair.target).difference(&before).cloned().collect();
    let [catalog, promoted] = &made[..] else { panic!("{made:?}") };
    // Killed before the mark was made, and before the marker was removed.
    let (late, theirs) = (pair.target.get(promoted).unwrap(), pair.target.get(catalog).unwrap());
    pair.target.put_new(&marker(), late).unwrap();
    pair.target.delete(promoted).unwrap();
    let begun = pair.copy();
    assert!(begun.is_copy());
    assert_holds(&begun, &pair.wanted);
    let error = pair.try_sync(SyncOptions::default()).unwrap_err();
    assert!(matches!(error, SyncError::PromotionBegun { .. }), "{error:?}");
    // Who goes on, and who had opened it before.
    for copy in [begun, another] {
        let ended = promote(&copy, &pair.target, false);
        assert!(matches!(ended, Ok(_) | Err(SyncError::NothingToPromote { .. })), "{ended:?}");
        assert_eq!(pair.target.get(catalog).unwrap(), theirs);
        let opened = pair.copy();
        assert!(!opened.is_copy());
        assert_eq!(opened.state().revision, 1 << 48);
    }
    back_up(&pair.copy(), &pair.files);
    assert_clean(&pair.copy(), "promoted at last");
}

fn names(blobs: &Blobs) -> BTreeSet<BlobName> {
    blobs.list("").unwrap().into_iter().map(|info| info.name).collect()
}

#[test]
fn whoever_has_seen_more_of_the_source_is_told_what_a_promoted_copy_lacks() {
    for lacks in [true, false] {
        let (mut pair, state) = (Pair::new(), tempfile::tempdir().unwrap());
        let remembering = OpenOptions { state: Some(state.path().to_owned()), ..OpenOptions::default() };
        // Both are at one location, one after the other.
        let open = |blobs: &Blobs, options: &OpenOptions| {
            Repository::open(blobs.clone(), &secret(), options.clone()).map(|opened| opened.state().revision)
        };
        pair.back_up();
        pair.sync();
        let copied = open(&pair.source, &remembering).unwrap();
        if lacks {
            pair.back_up();
        }
        let last = open(&pair.source, &remembering).unwrap();
        promote(&pair.copy(), &pair.target, false).unwrap();
        let opened = open(&pair.target, &remembering);
        if lacks {
            let told = matches!(&opened, Err(RepositoryError::Log(LogError::RolledBack { seen, head }))
                if (*seen, *head) == (last, copied));
            assert!(told, "{opened:?}");
            let accepting = OpenOptions { accept_rollback: true, ..remembering.clone() };
            assert_eq!(open(&pair.target, &accepting).unwrap(), 1 << 48);
        }
        assert_eq!(open(&pair.target, &remembering).unwrap(), 1 << 48);
    }
}

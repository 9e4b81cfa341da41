//! A copy becomes a repository, before and while it is copied to.

use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parking_lot::Mutex;
use repo_format::format::slot::{KdfCost, Secret};
use repo_format::storage::Location;
use repo_format::sync::{Gap, gaps, promote};

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

/// Copies once, backs up, and copies again while `hook` happens at the first put below `prefix`. Gives
/// the pair, its copy's storage without the hook, and how the copying ended.
fn with_hook(
    prefix: &'static str,
    hook: impl FnOnce(&InMemory) + Send + 'static,
) -> (Pair, Storage, Result<SyncReport, SyncError>) {
    let inner = Arc::new(InMemory::new());
    let plain = shared(inner.clone());
    let mut pair = Pair::with_target(plain.clone());
    pair.back_up();
    pair.sync();
    pair.back_up();
    let hook = Mutex::new(Some(hook));
    let hook = move |store: &InMemory, name: &str| {
        let hook = name.starts_with(prefix).then(|| hook.lock().take()).flatten();
        if let Some(hook) = hook {
            hook(store);
        }
    };
    pair.target = Blobs::new(corso_tests::storage(OnPut { inner, hook }), pair.runtime.handle().clone());
    let ended = pair.try_sync(SyncOptions::default());
    (pair, plain, ended)
}

fn shared(store: Arc<dyn ObjectStore>) -> Storage {
    Storage::from_object_store(store, Location::Memory, Default::default())
}

fn unmark(store: &InMemory) {
    futures::executor::block_on(store.delete(&Path::from(marker().as_str()))).unwrap();
}

#[test]
fn a_copy_that_is_promoted_in_mid_copy_gets_no_more_records() {
    let (pair, plain, ended) = with_hook("packs/", unmark);
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
fn records_that_come_after_a_promotion_are_told_from_the_copys_own() {
    // Promoted and written to after the run has looked for the marker for the last time: the first record
    // that it puts is the copy's own by then.
    let runtime = runtime();
    let handle = runtime.handle().clone();
    let (pair, plain, ended) = with_hook("log/", move |store| {
        unmark(store);
        let storage = shared(Arc::new(store.fork()));
        // On a thread of its own: this one drives requests.
        let commits = std::thread::spawn(move || {
            let blobs = Blobs::new(storage.clone(), handle);
            let promoted = Repository::open(blobs.clone(), &secret(), OpenOptions::default()).unwrap();
            let head = promoted.state().revision;
            let file = PlainFile { version: 7, bytes: Arc::new(noise(7, 9_000)) };
            let files = Files::from([("own".to_owned(), BTreeMap::from([("file".to_owned(), file)]))]);
            back_up(&promoted, &files);
            (head, all(&blobs))
        });
        let (head, blobs) = commits.join().unwrap();
        assert!(head > 0);
        for (name, bytes) in blobs {
            let path = Path::from(name.as_str());
            futures::executor::block_on(store.put(&path, bytes.into())).unwrap();
        }
    });
    assert!(
        matches!(&ended, Err(SyncError::Diverged { blob, .. }) if blob.as_str().starts_with("log/")),
        "{ended:?}"
    );
    let promoted = open(&pair.runtime, plain, OpenOptions::default());
    assert!(promoted.log().broken().is_none() && !promoted.is_copy());
    assert_eq!(promoted.snapshots().unwrap().len(), 2, "the copied one, and its own");
    assert_clean(&promoted, "promoted and written to in mid-copy");
}

//! Snapshots that are forgotten by policy, and that come back.

use std::convert::Infallible;
use std::fs;
use std::path::Path;

use corso_tests::{backup_options, init, noise, open, runtime};
use folder::{FolderSource, SourceOptions};
use repo_format::codec::{ManifestId, PackId, RunId};
use repo_format::engine::progress::{Progress, Stop};
use repo_format::engine::{BackupOptions, backup};
use repo_format::format::names::{BlobId, PACKS};
use repo_format::log::{Action, BlobRef, ManifestRow, SnapshotState, SourceInfo};
use repo_format::policy::{Policies, Policy, Scope, decide};
use repo_format::repository::{OpenOptions, Repository, RepositoryError};
use repo_format::storage::Storage;
use tempfile::TempDir;
use tokio::runtime::Runtime;

const DAY: i64 = 24 * 3600 * 1_000_000_000;

/// A repository in memory, and a folder to back up.
struct Place {
    runtime: Runtime,
    storage: Storage,
    folder: TempDir,
}

impl Place {
    fn new() -> (Place, Repository) {
        let (runtime, storage) = (runtime(), Storage::memory());
        let repository = init(&runtime, storage.clone(), OpenOptions::default());
        (Place { runtime, storage, folder: tempfile::tempdir().unwrap() }, repository)
    }

    fn open(&self) -> Repository {
        open(&self.runtime, self.storage.clone(), OpenOptions::default())
    }

    /// Backs up a folder of its own with files of this seed: small ones, and one of several contents.
    fn back_up(&self, repository: &Repository, name: &str, seed: u64) -> ManifestId {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.join("inner")).unwrap();
        fs::write(path.join("inner/large"), noise(seed, 3_000_000)).unwrap();
        fs::write(path.join("small"), noise(seed + 1, 5000)).unwrap();
        let source = FolderSource::new(std::slice::from_ref(&path), SourceOptions::default()).unwrap();
        let options: BackupOptions = backup_options(Path::new(name));
        backup(repository, &source, &options, &Progress::default(), &Stop::default()).unwrap().id.unwrap()
    }
}

/// The packs that are there.
fn packs(repository: &Repository) -> Vec<BlobRef> {
    let names = repository.blobs().list(PACKS).unwrap();
    let packs = names.iter().filter_map(|blob| match BlobId::parse(&blob.name) {
        Some(BlobId::Pack(kind, id)) => Some(BlobRef::Pack(kind, id)),
        _ => None,
    });
    packs.collect()
}

fn commit(repository: &Repository, action: Action) -> u64 {
    repository.log().commit(|_| Ok::<_, Infallible>(vec![action.clone()])).unwrap().revision
}

fn doom(repository: &Repository, blobs: Vec<BlobRef>) {
    commit(repository, Action::Doom { marked: repository.state().revision, blobs });
}

fn is_live(repository: &Repository, id: &ManifestId) -> bool {
    repository.snapshots().unwrap().iter().any(|row| row.id == *id)
}

#[test]
fn a_forgotten_snapshot_comes_back_as_it_was() {
    let (place, repository) = Place::new();
    let id = place.back_up(&repository, "one", 1);
    repository.forget(&[id]).unwrap();
    assert_eq!(repository.forgotten_snapshots().unwrap().len(), 1);
    let text = id.to_string();
    assert_eq!(repository.resolve_forgotten(&text[..9]).unwrap().id, id);
    assert_eq!(repository.recall(&[id]).unwrap().walked, 0);
    assert!(is_live(&place.open(), &id) && repository.forgotten_snapshots().unwrap().is_empty());
    assert!(matches!(repository.recall(&[id]), Err(RepositoryError::NotForgotten { .. })));
    let unknown = ManifestId([9; 32]);
    assert!(matches!(repository.recall(&[unknown]), Err(RepositoryError::UnknownSnapshot { .. })));
}

#[test]
fn behind_a_doom_a_snapshot_comes_back_if_all_of_it_is_found() {
    let (place, repository) = Place::new();
    let kept = place.back_up(&repository, "kept", 1);
    let before = packs(&repository);
    let lost = place.back_up(&repository, "lost", 50);
    let of_lost: Vec<BlobRef> =
        packs(&repository).into_iter().filter(|pack| !before.contains(pack)).collect();
    let data: Vec<BlobRef> =
        of_lost.iter().copied().filter(|blob| blob.to_string().starts_with("data")).collect();
    assert!(!data.is_empty(), "{of_lost:?}");
    repository.forget(&[kept, lost]).unwrap();
    doom(&repository, data.clone());

    // Both or none.
    let refused = repository.recall(&[kept, lost]).unwrap_err();
    assert!(
        matches!(&refused, RepositoryError::Reclaimed { id, path, .. }
        if *id == lost && ["inner/large", "small"].contains(&path.as_str())),
        "{refused}"
    );
    assert!(!is_live(&repository, &kept));
    let done = repository.recall(&[kept]).unwrap();
    assert_eq!(done.walked, 1);
    assert!(is_live(&place.open(), &kept) && !is_live(&place.open(), &lost));

    // Deleted, and the doom forgotten: what is not there is not relied on either.
    let names = data.iter().map(|blob| match blob {
        BlobRef::Pack(kind, id) => BlobId::Pack(*kind, *id).name(),
        other => panic!("{other} is no pack"),
    });
    names.for_each(|name| repository.blobs().delete(&name).unwrap());
    commit(&repository, Action::Reap(data));
    let refused = place.open().recall(&[lost]).unwrap_err();
    assert!(matches!(refused, RepositoryError::Reclaimed { .. }), "{refused}");
}

#[test]
fn a_snapshot_whose_manifest_is_doomed_is_gone() {
    let (place, repository) = Place::new();
    let id = place.back_up(&repository, "one", 1);
    repository.forget(&[id]).unwrap();
    doom(&repository, packs(&repository));
    let refused = repository.recall(&[id]).unwrap_err();
    assert!(
        matches!(&refused, RepositoryError::Reclaimed { path, .. } if path == "its manifest"),
        "{refused}"
    );
}

#[test]
fn ten_thousand_snapshots_go_in_one_record() {
    let (place, repository) = Place::new();
    let row = |number: u64| ManifestRow {
        id: id(number + 1),
        pack: PackId([1; 32]),
        revision: 0,
        forgotten: None,
        source: SourceInfo { service: "folder".into(), ..SourceInfo::default() },
        start_ns: number as i64 * DAY / 4,
        end_ns: number as i64 * DAY / 4,
        state: SnapshotState::Complete,
        size: 1,
        items: 1,
        failed: 0,
        skipped: 0,
        tags: Default::default(),
        run: RunId([1; 16]),
        bytes_stored: 1,
    };
    for hundred in 0..100 {
        let put = |number| Action::PutManifest { row: Box::new(row(number)), relied: vec![], bases: vec![] };
        let actions: Vec<Action> = (0..100).map(|number| put(hundred * 100 + number)).collect();
        repository.log().commit(|_| Ok::<_, Infallible>(actions.clone())).unwrap();
    }
    let before = repository.state().revision;
    let policy = Policy { keep_daily: Some(7), keep_yearly: Some(3), ..Policy::default() };
    let revision = repository.forget_chosen(|_, rows| {
        assert_eq!(rows.len(), 10_000);
        let going = decide(&policy, rows).into_iter().filter(|verdict| !verdict.stays());
        Ok(going.map(|verdict| verdict.id).collect())
    });
    assert_eq!(revision.unwrap(), before + 1);
    let reopened = place.open();
    assert_eq!(reopened.snapshots().unwrap().len(), 9);
    assert_eq!(reopened.forgotten_snapshots().unwrap().len(), 9991);
    // Nothing more to forget, nothing to commit.
    let again =
        reopened.forget_chosen(|_, rows| Ok(rows.iter().skip(rows.len()).map(|row| row.id).collect()));
    assert_eq!(again.unwrap(), before + 1);
}

fn id(number: u64) -> ManifestId {
    let mut id = [0; 32];
    id[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    ManifestId(id)
}

#[test]
fn what_others_set_meanwhile_stays() {
    let (place, repository) = Place::new();
    let other = place.open();
    repository.change_policy(&Scope::Global, |policy| policy.keep_last = Some(3)).unwrap();
    let (policy, revision) =
        other.change_policy(&Scope::Global, |policy| policy.keep_daily = Some(7)).unwrap();
    assert_eq!((policy.keep_last, policy.keep_daily), (Some(3), Some(7)));
    // The same once more is no change.
    let again = other.change_policy(&Scope::Global, |policy| policy.keep_daily = Some(7)).unwrap();
    assert_eq!(again.1, revision);
    // One that says nothing is none.
    other.change_policy(&Scope::Global, |policy| *policy = Policy::default()).unwrap();
    assert!(other.state().policies.is_empty());
    assert_eq!(other.remove_policy(&Scope::Global).unwrap(), None);
}

#[test]
fn a_policy_that_is_not_understood_stops_who_goes_by_it_and_can_be_removed() {
    let (_place, repository) = Place::new();
    let name = Scope::Global.to_string();
    commit(&repository, Action::PutPolicy { name, value: Some(vec![0xa1, 0x0a, 0x00]) });
    assert!(matches!(repository.policies(), Err(RepositoryError::Policy(_))));
    assert!(repository.effective_policy(&Scope::Service("folder".into())).is_err());
    assert!(repository.change_policy(&Scope::Global, |policy| policy.keep_last = Some(1)).is_err());
    repository.remove_policy(&Scope::Global).unwrap().unwrap();
    assert_eq!(repository.policies().unwrap(), Policies::default());
    let too_much = vec!["x".to_owned(); 2000];
    let refused = repository.change_policy(&Scope::Global, |policy| policy.excludes = Some(too_much.clone()));
    assert!(matches!(refused, Err(RepositoryError::Policy(_))));
    assert!(repository.state().policies.is_empty());
}

//! One blob spoilt, all repairs in their order, and what has to be there afterwards.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use bytes::Bytes;
use corso_tests::damage::kind;
use corso_tests::plain::flat;
use corso_tests::{at_once, secret};
use repo_format::codec::ManifestId;
use repo_format::engine::progress::{Progress, Stop};
use repo_format::format::names::BlobId;
use repo_format::format::slot::{KdfCost, Secret};
use repo_format::maintenance;
use repo_format::repair::{self, LogRepairOptions};
use repo_format::repository::{BrokenLog, Repository, RepositoryError};
use repo_format::storage::BlobName;

use crate::world::{Flat, World, full, held, other_secret, verify_all};

/// What a repair could not bring back.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Paths that snapshots are without, each counted in each of them.
    pub files_lost: u64,
    /// Snapshots whose manifests are gone.
    pub snapshots_lost: u64,
}

/// A repository with one spoilt blob, in the hands of who repairs it.
struct Hands {
    world: World,
    secret: Secret,
}

impl Hands {
    fn open(&self, place: &str) -> Repository {
        let opened = Repository::open(self.world.blobs.clone(), &self.secret, self.world.open.clone());
        opened.unwrap_or_else(|error| panic!("{place}: {error:?}"))
    }
}

/// Spoils a blob and repairs the repository, as the manual says. `memory` is of a client that has seen the end
/// of the log.
pub fn mend(world: World, memory: &Path, name: &BlobName, bytes: Option<Bytes>, place: &str) -> Outcome {
    let client = copy_of(memory);
    let mut hands = Hands { world, secret: secret() };
    hands.world.open.state = Some(client.path().to_owned());
    hands.world.set(name, bytes);
    if kind(name) == "format blob" {
        // The key slots have it as well: whoever opens the repository writes it again.
        hands.world.set(name, None);
    }
    let (progress, stop) = (Progress::default(), Stop::default());
    let broken = unlock(&mut hands, place);
    repair::log(&broken, &LogRepairOptions::default(), &progress, &stop).expect(place);
    repair::index(&hands.open(place), false, &progress, &stop).expect(place);
    repair::packs(&hands.open(place), false, &progress, &stop).expect(place);
    mend_slot(&hands, name, place);

    // The source still has what it had last.
    let healed = hands.world.back_up_into(&hands.open(place));
    hands.world.wanted.insert(healed, flat(&hands.world.files));
    let repository = hands.open(place);
    repair::settle(&repository, &full(), &verify_all(&repository)).expect(place);
    let outcome = replace_what_is_not_whole(&mut hands, healed, place);
    if !matches!(kind(name), "data pack" | "metadata pack") {
        assert_eq!((outcome.files_lost, outcome.snapshots_lost), (0, 0), "{place}: it is elsewhere, too");
    }

    // Maintenance works again, and takes what was spoilt with it.
    for _ in 0..3 {
        let repository = hands.open(place);
        repair::settle(&repository, &full(), &verify_all(&repository)).expect(place);
        maintenance::run(&repository, &at_once(), &progress, &stop).expect(place);
    }
    let repository = hands.open(place);
    let report = verify_all(&repository);
    assert!(report.is_clean(), "{place}: {:#?}", report.findings);
    let rows: BTreeSet<ManifestId> = repository.snapshots().expect(place).iter().map(|row| row.id).collect();
    for (id, files) in &hands.world.wanted {
        assert!(rows.contains(id), "{place}: snapshot {id} is lost");
        assert_eq!(&held(&repository, id), files, "{place}: snapshot {id}");
    }
    for id in rows.iter().filter(|id| !hands.world.wanted.contains_key(id)) {
        let files = hands.world.forgotten.get(id).unwrap_or_else(|| panic!("{place}: {id} was never made"));
        assert_eq!(&held(&repository, id), files, "{place}: snapshot {id}, which was forgotten");
    }
    outcome
}

/// A memory of its own, so that what this client sees is nothing to the next one.
fn copy_of(memory: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().expect("a folder");
    for file in fs::read_dir(memory).expect("is there").map(|file| file.expect("is there")) {
        fs::copy(file.path(), copy.path().join(file.file_name())).expect("copies");
    }
    copy
}

/// With one of two secrets, if the slot of the other is what was spoilt.
fn unlock(hands: &mut Hands, place: &str) -> BrokenLog {
    let with =
        |hands: &Hands| BrokenLog::unlock(hands.world.blobs.clone(), &hands.secret, hands.world.open.clone());
    match with(hands) {
        Ok(broken) => broken,
        Err(_) => {
            hands.secret = other_secret();
            with(hands).unwrap_or_else(|error| panic!("{place}: {error:?}"))
        }
    }
}

/// Makes a slot anew that the other secret's owner was told of.
fn mend_slot(hands: &Hands, name: &BlobName, place: &str) {
    let Some(BlobId::Slot(id)) = BlobId::parse(name) else { return };
    let repository = hands.open(place);
    let is_first = Repository::open(hands.world.blobs.clone(), &secret(), Default::default()).is_ok();
    let lost = if is_first { other_secret() } else { secret() };
    match repository.drop_slot(&id) {
        Ok(()) | Err(RepositoryError::UnknownSlot { .. }) => {}
        Err(error) => panic!("{place}: {error:?}"),
    }
    repository.add_slot(&lost, "again", KdfCost::DEFAULT).expect(place);
    Repository::open(hands.world.blobs.clone(), &lost, Default::default()).expect(place);
}

/// Successors for what is not whole, with all but what was told as lost; the old ones are forgotten.
fn replace_what_is_not_whole(hands: &mut Hands, healed: ManifestId, place: &str) -> Outcome {
    let (progress, stop) = (Progress::default(), Stop::default());
    let repository = hands.open(place);
    let told: BTreeSet<Vec<u8>> =
        verify_all(&repository).findings.into_iter().flat_map(|finding| finding.paths).collect();
    let done = repair::snapshots(&repository, false, &progress, &stop).expect(place);
    let repository = hands.open(place);
    let mut outcome = Outcome { files_lost: 0, snapshots_lost: done.unreadable.len() as u64 };
    let mut old: Vec<ManifestId> = done.unreadable.iter().map(|(id, _)| *id).collect();
    for repaired in &done.repaired {
        assert_ne!(repaired.snapshot, healed, "{place}: the source had all of it");
        old.push(repaired.snapshot);
        let successor = repaired.successor.expect("no dry run");
        let Some(files) = hands.world.wanted.get(&repaired.snapshot) else {
            // Forgotten by a record that was lost, and given back since.
            assert!(hands.world.forgotten.contains_key(&repaired.snapshot), "{place}");
            old.push(successor);
            continue;
        };
        assert!(repaired.lost.iter().all(|path| told.contains(path)), "{place}: {repaired:?} of {told:?}");
        let left = without(files, &repaired.lost);
        assert_eq!(held(&repository, &successor), left, "{place}: all but what was lost");
        outcome.files_lost += (files.len() - left.len()) as u64;
        hands.world.wanted.insert(successor, left);
    }
    if !old.is_empty() {
        repository.forget(&old).expect(place);
        old.iter().for_each(|id| drop(hands.world.wanted.remove(id)));
    }
    outcome
}

/// Files that are not at one of these paths, or below one.
fn without(files: &Flat, lost: &[Vec<u8>]) -> Flat {
    let is_lost = |path: &str| {
        lost.iter().any(|lost| match path.as_bytes().strip_prefix(&lost[..]) {
            Some(rest) => lost.is_empty() || rest.is_empty() || rest[0] == b'/',
            None => false,
        })
    };
    files
        .iter()
        .filter(|(path, _)| !is_lost(path))
        .map(|(path, bytes)| (path.clone(), bytes.clone()))
        .collect()
}

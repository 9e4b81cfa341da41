//! A whole repository rolled back to each of its earlier revisions, or gone on with in another way: who has seen
//! the end of its log is told.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::Path;

use corso_tests::damage::{Blob, kind};
use corso_tests::{at_once, init_options, secret, tell};
use repo_format::codec::ManifestId;
use repo_format::engine::progress::{Progress, Stop};
use repo_format::format::names::BlobId;
use repo_format::log::{Action, LogError};
use repo_format::repair::{self, LogRepairOptions};
use repo_format::repository::{BrokenLog, OpenOptions, Repository, RepositoryError};

use crate::named;
use crate::world::{Flat, World, held, verify_all};

/// The repository as it was at a revision, and what its snapshots held.
struct Past {
    revision: u64,
    image: Vec<Blob>,
    wanted: BTreeMap<ManifestId, Flat>,
}

fn past(world: &World) -> Past {
    Past { revision: world.open().state().revision, image: world.image(), wanted: world.wanted.clone() }
}

/// Backups, forgets, catalogs and maintenance, and how everything was after each of them.
fn lived() -> (World, Vec<Past>) {
    let mut world = World::begun(init_options(OpenOptions::default()));
    let mut all = vec![past(&world)];
    for round in 0..12 {
        match round {
            4 => world.forget(&world.wanted.keys().copied().take(1).collect::<Vec<_>>()),
            5 | 9 => world.maintain(&at_once()),
            7 => world.open().log().write_catalog().expect("writes"),
            _ => {
                world.change(5, round);
                world.back_up();
            }
        }
        all.push(past(&world));
    }
    (world, all)
}

/// Opens it as somebody who remembers in `memory`.
fn open_with(world: &World, memory: &Path) -> Result<Repository, RepositoryError> {
    let options = OpenOptions { state: Some(memory.to_owned()), ..OpenOptions::default() };
    Repository::open(world.blobs.clone(), &secret(), options)
}

fn policy(world: &World, number: u8) {
    let action = Action::PutPolicy { name: "fork".into(), value: Some(vec![number]) };
    world.open().log().commit(|_| Ok::<_, Infallible>(vec![action.clone()])).expect("commits");
}

#[test]
fn a_rollback_to_any_earlier_revision_is_noticed() {
    let (world, all) = lived();
    let memory = tempfile::tempdir().expect("a folder");
    let watching = open_with(&world, memory.path()).expect("opens");
    let head = watching.state().revision;
    let mut rolled_back = 0;
    for past in all.iter().filter(|past| past.revision < head) {
        world.become_like(&past.image);
        match open_with(&world, memory.path()) {
            Err(RepositoryError::Log(LogError::RolledBack { seen, head: found })) => {
                assert_eq!((seen, found), (head, past.revision));
            }
            other => panic!("revision {}: {:?}", past.revision, other.map(|_| "it opened")),
        }
        let tail = BlobId::Record(past.revision + 1).name();
        let found = named(&watching);
        // Behind a floor that was raised since, nobody misses a record.
        let oldest_missed = found.iter().find(|name| kind(name) == "record");
        assert!(oldest_missed.is_some_and(|name| *name >= tail), "revision {}: {found:?}", past.revision);
        // To who has not seen more, it is what it once was: whole.
        let stranger = world.open();
        assert!(verify_all(&stranger).is_clean());
        for (id, files) in &past.wanted {
            assert_eq!(&held(&stranger, id), files);
        }
        rolled_back += 1;
    }
    assert!(rolled_back > 10);
    tell(&format!("damage: rolled back to each of {rolled_back} earlier revisions, and noticed each time"));
}

#[test]
fn a_log_cut_off_anywhere_is_noticed_and_comes_back_from_the_packs() {
    let (world, all) = lived();
    let newest = all.last().expect("some");
    let memory = tempfile::tempdir().expect("a folder");
    let head = open_with(&world, memory.path()).expect("opens").state().revision;
    let mut cuts = 0;
    for revision in 0..head {
        let copy = world.copy();
        for (name, _) in &newest.image {
            let is_later = match BlobId::parse(name) {
                Some(BlobId::Record(number) | BlobId::Catalog(number)) => number > revision,
                _ => false,
            };
            if is_later {
                copy.set(name, None);
            }
        }
        // The client's own memory, which the repair moves on.
        let own = tempfile::tempdir().expect("a folder");
        for file in std::fs::read_dir(memory.path()).expect("is there").map(|file| file.expect("is there")) {
            std::fs::copy(file.path(), own.path().join(file.file_name())).expect("copies");
        }
        assert!(open_with(&copy, own.path()).is_err(), "cut behind revision {revision}");
        let options = OpenOptions { state: Some(own.path().to_owned()), ..OpenOptions::default() };
        let broken = BrokenLog::unlock(copy.blobs.clone(), &secret(), options).expect("unlocks");
        let (progress, stop) = (Progress::default(), Stop::default());
        repair::log(&broken, &LogRepairOptions::default(), &progress, &stop).expect("repairs");
        let repository = open_with(&copy, own.path()).expect("opens again");
        let rows: Vec<ManifestId> = repository.snapshots().expect("lists").iter().map(|row| row.id).collect();
        for (id, files) in &world.wanted {
            assert!(rows.contains(id), "cut behind revision {revision}: snapshot {id} is lost");
            assert_eq!(&held(&repository, id), files);
        }
        cuts += 1;
    }
    tell(&format!(
        "damage: the log cut off behind each of {cuts} revisions, noticed, and all {} snapshots found again",
        world.wanted.len()
    ));
}

#[test]
fn a_fork_is_noticed_wherever_it_begins_and_however_long_it_is() {
    let (mut world, _) = lived();
    let base = world.open().state().revision;
    let mut fork = world.copy();
    for round in 20..23 {
        world.change(6, round);
        world.back_up();
    }
    world.open().log().write_catalog().expect("writes");
    let memory = tempfile::tempdir().expect("a folder");
    let watching = open_with(&world, memory.path()).expect("opens");
    let (head, image) = (watching.state().revision, world.image());
    assert_eq!(head, base + 3);
    let mut forks = 0;
    for length in 1..=120u64 {
        match length {
            1..=6 => {
                fork.change(7, 30 + length);
                fork.back_up();
            }
            _ => policy(&fork, length as u8),
        }
        world.become_like(&fork.image());
        match open_with(&world, memory.path()) {
            Err(RepositoryError::Log(LogError::RolledBack { .. })) if length < 3 => {}
            Err(RepositoryError::Log(LogError::Forked { revision, .. })) if length >= 3 => {
                assert_eq!(revision, head);
            }
            other => panic!("{length} records: {:?}", other.map(|_| "it opened")),
        }
        assert!(named(&watching).iter().any(|name| kind(name) == "record"), "{length} records");
        forks += 1;
        if length == 3 {
            fork.open().log().write_catalog().expect("writes");
        }
    }

    // One blob of the other history alone, authentic and of the same name.
    world.become_like(&image);
    assert!(named(&watching).is_empty());
    let mut blobs = 0;
    for (name, bytes) in &image {
        let theirs = fork.blobs.get(name).ok().filter(|theirs| theirs != bytes);
        let Some(theirs) = theirs else { continue };
        world.set(name, Some(theirs));
        let found = named(&watching);
        let behind = match BlobId::parse(name) {
            Some(BlobId::Record(revision)) => BlobId::Record(revision + 1).name(),
            _ => name.clone(),
        };
        // The chain breaks at the record or at the one behind it.
        assert!(found.contains(name) || found.contains(&behind), "{name}: {found:?}");
        world.set(name, Some(bytes.clone()));
        blobs += 1;
    }
    assert!(blobs >= 4, "{blobs} blobs of the same name");
    tell(&format!(
        "damage: {forks} forks and {blobs} single records and catalogs of another history, all noticed"
    ));
}

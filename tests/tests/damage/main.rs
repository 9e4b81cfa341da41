//! Damage as a product: every blob of a repository that has all kinds of them, spoilt in every way. Each time
//! that blob is named and no other, and what was lost comes back as far as it is anywhere.
//!
//! `CORSO_TEST_DAMAGE` says how many bytes and lengths of each blob are tried, or `all`; `CORSO_TEST_REPAIRS`
//! how many ways of spoiling it are repaired.

mod histories;
mod mend;
mod world;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use corso_tests::damage::{Blob, Places, Tally, kind, ways};
use corso_tests::{setting, tell};
use repo_format::codec::{CopyId, RepoId};
use repo_format::format::copy_marker::{self, CopyMarker};
use repo_format::format::names::BlobId;
use repo_format::log::{BlobRef, State};
use repo_format::repository::Repository;
use repo_format::storage::BlobName;

use crate::mend::mend;
use crate::world::{World, held, verify_all};

/// Calls `each` with every number below `count`, from a thread for each processor with what it `makes`.
fn share<W>(count: usize, makes: impl Fn() -> W + Sync, each: impl Fn(&mut W, usize) + Sync) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        let worker = || {
            let mut world = makes();
            loop {
                match next.fetch_add(1, Ordering::Relaxed) {
                    place if place < count => each(&mut world, place),
                    _ => return,
                }
            }
        };
        (0..thread::available_parallelism().map_or(2, usize::from)).for_each(|_| drop(scope.spawn(worker)));
    });
}

/// The blobs that a verification finds wanting.
fn named(repository: &Repository) -> BTreeSet<BlobName> {
    let findings = verify_all(repository).findings.into_iter();
    findings.filter(|finding| finding.kind.is_damage()).filter_map(|finding| finding.blob).collect()
}

/// Whether nobody needs a blob any more, so that anybody may delete it: catalogs but the newest, segments that
/// others took the place of, and what maintenance has condemned.
fn is_needless(state: &State, newest_catalog: &BlobName, name: &BlobName) -> bool {
    let blob = match BlobId::parse(name) {
        Some(BlobId::Catalog(_)) => return name != newest_catalog,
        Some(BlobId::Record(revision)) => return revision < state.floor.0,
        Some(BlobId::Pack(kind, id)) => BlobRef::Pack(kind, id),
        Some(BlobId::Segment(id)) => return !state.names_segment(&id),
        _ => return false,
    };
    state.condemned.contains_key(&blob)
}

fn assert_kinds(image: &[Blob]) {
    let kinds: BTreeSet<&str> = image.iter().map(|(name, _)| kind(name)).collect();
    let wanted = ["catalog", "data pack", "format blob", "key slot", "metadata pack", "record", "segment"];
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), wanted);
}

#[test]
fn every_blob_spoilt_in_every_way_is_named_and_no_other() {
    let places = Places::of_setting("CORSO_TEST_DAMAGE", 3);
    let world = World::new(1);
    let (image, siblings) = (world.image(), World::new(2).image());
    assert_kinds(&image);
    let state = world.open().state();
    assert!(!state.manifest_segments.is_empty());
    let newest_catalog = image.iter().find(|(name, _)| kind(name) == "catalog").expect("one of each kind");
    let (tally, needless) = (parking_lot::Mutex::new(Tally::default()), AtomicUsize::new(0));
    let makes = || {
        let copy = world.copy();
        // Only who has seen the last record and the newest catalog can miss them.
        let watching = copy.open();
        (copy, watching)
    };
    share(image.len(), makes, |(copy, watching), place| {
        let whole = &image[place];
        let mut counted = Tally::default();
        for spoilt in ways(whole, &image, &siblings, places) {
            let bytes = spoilt.bytes();
            let may_go = bytes.is_none() && is_needless(&state, &newest_catalog.0, &whole.0);
            copy.set(&whole.0, bytes);
            let found = named(watching);
            match may_go {
                true => {
                    assert!(found.is_empty(), "{}: {found:?}", spoilt.tell());
                    needless.fetch_add(1, Ordering::Relaxed);
                }
                false => assert_eq!(found, BTreeSet::from([whole.0.clone()]), "{}", spoilt.tell()),
            }
            counted.add(&spoilt);
        }
        copy.set(&whole.0, Some(whole.1.clone()));
        assert!(named(watching).is_empty(), "{} is whole again", whole.0);
        tally.lock().merge(&counted);
    });
    // What nobody needs is not needed together, either.
    let without = world.copy();
    for (name, _) in image.iter().filter(|(name, _)| is_needless(&state, &newest_catalog.0, name)) {
        without.set(name, None);
    }
    let repository = without.open();
    assert!(named(&repository).is_empty());
    for (id, files) in &world.wanted {
        assert_eq!(&held(&repository, id), files);
    }
    let tally = tally.into_inner();
    assert!(tally.is_full(), "{}", tally.tell());
    let size: usize = image.iter().map(|(_, bytes)| bytes.len()).sum();
    tell(&format!(
        "damage: {} blobs of {size} bytes, {}: each time that blob was named and no other; {} of them were \
         deletions of what nobody needs, and rightly not named",
        image.len(),
        tally.tell(),
        needless.into_inner(),
    ));
}

#[test]
fn blobs_that_changed_places_are_both_named() {
    let world = World::new(1);
    let image = world.image();
    let every = matches!(Places::of_setting("CORSO_TEST_DAMAGE", 3), Places::Every);
    let mut pairs = Vec::new();
    let mut kinds = BTreeSet::new();
    for (first, (one, _)) in image.iter().enumerate() {
        for (second, (other, _)) in image.iter().enumerate().skip(first + 1) {
            let is_same = kind(one) == kind(other);
            let is_chosen = is_same && (every || second == first + 1);
            if is_chosen || !is_same && kinds.insert((kind(one), kind(other))) {
                pairs.push((first, second));
            }
        }
    }
    let makes = || {
        let copy = world.copy();
        let watching = copy.open();
        (copy, watching)
    };
    share(pairs.len(), makes, |(copy, watching), place| {
        let (one, other) = (&image[pairs[place].0], &image[pairs[place].1]);
        copy.set(&one.0, Some(other.1.clone()));
        copy.set(&other.0, Some(one.1.clone()));
        let found = named(watching);
        assert_eq!(found, BTreeSet::from([one.0.clone(), other.0.clone()]));
        copy.set(&one.0, Some(one.1.clone()));
        copy.set(&other.0, Some(other.1.clone()));
    });
    tell(&format!("damage: {} pairs of blobs in each other's place, all of them named", pairs.len()));
}

#[test]
fn what_was_spoilt_comes_back_as_far_as_it_is_anywhere() {
    let count = setting("CORSO_TEST_REPAIRS", 1) as usize;
    let world = World::new(1);
    let (image, siblings) = (world.image(), World::new(2).image());
    let memory = tempfile::tempdir().expect("a folder");
    let mut client = world.copy();
    client.open.state = Some(memory.path().to_owned());
    drop(client.open());
    let sums = parking_lot::Mutex::new([0u64; 4]);
    share(
        image.len(),
        || (),
        |(), place| {
            let all: Vec<_> = ways(&image[place], &image, &siblings, Places::About(2)).collect();
            let step = (all.len() / count.max(1)).max(1);
            // Another way for each blob; the first one is its deletion.
            for spoilt in all.iter().skip(place % step).step_by(step) {
                let outcome =
                    mend(world.copy(), memory.path(), &image[place].0, spoilt.bytes(), &spoilt.tell());
                let mut sums = sums.lock();
                let lossless = u64::from(outcome.files_lost == 0);
                let new = [1, lossless, outcome.files_lost, outcome.snapshots_lost];
                sums.iter_mut().zip(new).for_each(|(sum, new)| *sum += new);
            }
        },
    );
    let [cases, lossless, files, snapshots] = sums.into_inner();
    tell(&format!(
        "damage: {cases} repairs, {lossless} of them without any loss; {files} files that were in one pack alone \
         left older snapshots, {snapshots} snapshots went with their manifests; everything else is as it was"
    ));
    assert!(lossless * 2 > cases, "{lossless} of {cases}");
}

#[test]
fn the_marker_of_a_copy_is_named_as_well() {
    let world = World::new(1);
    let copy = CopyId([3; 16]);
    let marker = |repo| -> Blob {
        let bytes = copy_marker::encode(&CopyMarker { repo, copy }).to_vec();
        (BlobId::CopyMarker.name(), bytes.into())
    };
    let (whole, others) = (marker(world.open().id()), [marker(RepoId([5; 16]))]);
    world.set(&whole.0, Some(whole.1.clone()));
    let watching = world.open();
    assert!(watching.is_copy() && named(&watching).is_empty());
    let mut tally = Tally::default();
    // Without its marker it is an ordinary repository, which is for whoever deletes it to know.
    for spoilt in ways(&whole, &world.image(), &others, Places::Every).skip(1) {
        world.set(&whole.0, spoilt.bytes());
        assert_eq!(named(&watching), BTreeSet::from([whole.0.clone()]), "{}", spoilt.tell());
        tally.add(&spoilt);
    }
    tell(&format!("damage: the marker of a copy, {}", tally.tell()));
}

//! Repairs under a storage that fails in the middle: what is out of reach is neither lost nor damaged.

use std::collections::BTreeSet;

use bytes::Bytes;
use corso_tests::change_blob;
use repo_format::codec::ContentId;
use repo_format::content::{ContentError, ContentKind};
use repo_format::format::names::BlobId;
use repo_format::index::Row;
use repo_format::storage::BlobName;

use super::*;

/// A storage that fails in the middle of a repair: whatever the repair was about to read is not lost for that.
#[test]
fn what_is_out_of_reach_in_the_middle_of_a_repair_is_not_given_up() {
    let before = Before::new();
    let packs = blobs(&before.runtime, before.store.fork()).list("packs/").expect("lists").len() as u64;
    // What is looked at besides packs is nothing to the repair of packs, nor what is read in them later.
    let cases = [(Command::RepairSnapshots, ""), (Command::RepairIndex, ""), (Command::RepairPacks, "packs")];
    for (command, place) in cases {
        let ends = (0..).find(|count| {
            let (spoil, when) = (Spoil::Permission, When::After(*count));
            let inner = Arc::new(before.store.fork());
            let spoilt = SpoiltStore::new(inner.clone(), Rule { request: Request::Get, place, spoil, when });
            let result = before.run(command, spoilt.clone());
            if spoilt.spoilt() == 0 {
                result.expect("nothing went wrong");
                return true;
            }
            let has_read = command == Command::RepairPacks && *count >= packs;
            assert!(
                result.is_err() || has_read,
                "{command:?} passes over what fails from request {count} on"
            );
            before.assert_none_given_up(&inner);
            false
        });
        assert!(ends.is_some_and(|requests| requests > 5), "{command:?} reads more than {ends:?} times");
    }
}

/// Spoils every pack of contents where no content is.
fn damage(blobs: &Blobs) -> BTreeSet<BlobName> {
    let packs = blobs.list("packs/data/").expect("lists").into_iter().map(|info| info.name);
    let packs: BTreeSet<_> = packs.collect();
    for name in &packs {
        change_blob(blobs, name, |bytes| *bytes.last_mut().expect("is not empty") ^= 1);
    }
    packs
}

/// A repair of packs that is killed behind the record that quarantines them has not copied what can be read in them.
#[test]
fn what_can_be_read_in_a_quarantined_pack_is_not_lost() {
    let before = Before::new();
    let store = Arc::new(before.store.fork());
    damage(&blobs(&before.runtime, store.clone()));
    let (spoil, when) = (Spoil::Permission, When::Forever);
    let rule = Rule { request: Request::Put, place: "packs", spoil, when };
    before
        .run(Command::RepairPacks, SpoiltStore::new(store.clone(), rule))
        .expect_err("nothing can be copied");
    let quarantined = &open(&before.runtime, store.clone()).expect("opens").state().quarantined.len();
    assert!(*quarantined > 1);
    before.run(Command::RepairSnapshots, store).expect("nothing is lost");
}

/// What was salvaged out of damaged packs is lost, and the packs are still there.
struct LostAgain {
    store: Arc<InMemory>,
    damaged: BTreeSet<BlobName>,
}

impl LostAgain {
    fn new(before: &Before) -> LostAgain {
        let store = Arc::new(before.store.fork());
        let blobs = blobs(&before.runtime, store.clone());
        let damaged = damage(&blobs);
        before.run(Command::RepairPacks, store.clone()).expect_err("packs are damaged");
        let packs = blobs.list("packs/data/").expect("lists").into_iter().map(|info| info.name);
        packs.filter(|name| !damaged.contains(name)).for_each(|name| blobs.delete(&name).expect("deletes"));
        LostAgain { store, damaged }
    }

    /// A content that is in so many packs, one of them damaged; and that pack.
    fn content_in(&self, count: usize, repository: &Repository) -> (ContentId, BlobName) {
        let fitting = |row: Row| {
            let places = repository.index().locate(&row.id).expect("is found");
            let names = places.iter().map(|at| BlobId::Pack(at.pack_kind, at.pack).name());
            let mut damaged = names.filter(|name| self.damaged.contains(name));
            let only = damaged.next().filter(|_| places.len() == count && damaged.next().is_none())?;
            Some((row.id, only))
        };
        let mut rows = repository.index().rows().map(|row| row.expect("reads"));
        rows.find_map(fitting).expect("there is such a content")
    }

    /// The repository by a storage that refuses to read `pack`.
    fn without(&self, pack: &BlobName, before: &Before) -> Repository {
        let place: &'static str = pack.as_str().to_owned().leak();
        let rule = Rule { request: Request::Get, place, spoil: Spoil::Permission, when: When::Forever };
        open(&before.runtime, SpoiltStore::new(self.store.clone(), rule)).expect("opens")
    }
}

fn get(repository: &Repository, content: &ContentId) -> Result<Bytes, ContentError> {
    repository.contents().get(ContentKind::Data, content)
}

/// As long as one pack is only out of reach, what was in it may be had again.
#[test]
fn a_content_is_lost_only_if_every_place_of_it_is() {
    let before = Before::new();
    let world = LostAgain::new(&before);
    let repository = open(&before.runtime, world.store.clone()).expect("opens");
    let (content, damaged) = world.content_in(2, &repository);
    assert!(get(&repository, &content).is_ok(), "the damaged pack still gives it");
    let error = get(&world.without(&damaged, &before), &content).expect_err("cannot");
    assert!(!error.is_loss(), "{error}");
}

/// One pack is lost, the other one out of reach, and somebody has stored it once more since.
#[test]
fn a_content_is_found_where_others_have_put_it_since() {
    let before = Before::new();
    let world = LostAgain::new(&before);
    let ahead = Arc::new(world.store.fork());
    before.run(Command::BackUp, ahead.clone()).expect("backs up");
    let (content, damaged) = world.content_in(3, &open(&before.runtime, ahead).expect("opens"));

    let behind = world.without(&damaged, &before);
    before.run(Command::BackUp, world.store.clone()).expect("backs up");
    assert!(get(&behind, &content).is_ok(), "it is in a third pack now");
}

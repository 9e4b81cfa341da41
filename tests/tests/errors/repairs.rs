//! Repairs under a storage that fails in the middle: what is out of reach is neither lost nor damaged.

use std::collections::BTreeSet;

use bytes::Bytes;
use repo_format::content::ContentKind;
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
        let mut bytes = blobs.get(name).expect("is there").to_vec();
        *bytes.last_mut().expect("is not empty") ^= 1;
        blobs.delete(name).expect("deletes");
        blobs.put_new(name, Bytes::from(bytes)).expect("puts");
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

/// Salvaged out of a damaged pack, and lost there: as long as the first pack is only out of reach, it may be had again.
#[test]
fn a_content_is_lost_only_if_every_place_of_it_is() {
    let before = Before::new();
    let store = Arc::new(before.store.fork());
    let blobs = blobs(&before.runtime, store.clone());
    let known = damage(&blobs);
    before.run(Command::RepairPacks, store.clone()).expect_err("packs are damaged");
    let packs = blobs.list("packs/data/").expect("lists").into_iter().map(|info| info.name);
    packs.filter(|name| !known.contains(name)).for_each(|name| blobs.delete(&name).expect("deletes"));

    let repository = open(&before.runtime, store.clone()).expect("opens");
    let in_one_alone = |row: Row| {
        let places = repository.index().locate(&row.id).expect("is found");
        let names = places.iter().map(|at| BlobId::Pack(at.pack_kind, at.pack).name());
        let mut damaged = names.filter(|name| known.contains(name));
        let only = damaged.next().filter(|_| places.len() > 1 && damaged.next().is_none())?;
        Some((row.id, only))
    };
    let mut rows = repository.index().rows().map(|row| row.expect("reads"));
    let (content, damaged) = rows.find_map(in_one_alone).expect("something was salvaged");
    let get = |repository: &Repository| repository.contents().get(ContentKind::Data, &content);
    assert!(get(&repository).is_ok(), "the damaged pack still gives it");

    let place: &'static str = damaged.as_str().to_owned().leak();
    let rule = Rule { request: Request::Get, place, spoil: Spoil::Permission, when: When::Forever };
    let error =
        get(&open(&before.runtime, SpoiltStore::new(store, rule)).expect("opens")).expect_err("cannot");
    assert!(!error.is_loss(), "{error}");
}

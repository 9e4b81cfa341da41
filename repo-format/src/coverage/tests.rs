use super::*;
use crate::codec::{ContentId, MasterKey, Splitter, SplitterSizes};
use crate::content::memory::MemoryContents;
use crate::map::{MapKey, MapStore, edit};

const DATA: PackKind = PackKind::Data;

fn pack(number: u32) -> PackId {
    PackId(*blake3::hash(&number.to_le_bytes()).as_bytes())
}

fn packs(numbers: std::ops::Range<u32>) -> impl Iterator<Item = (PackKind, PackId, u64)> {
    numbers.map(|number| (DATA, pack(number), 1000 + u64::from(number * 37 % 500)))
}

struct Store {
    contents: MemoryContents,
    splitter: Splitter,
    key: MapKey,
}

impl Store {
    fn new() -> Store {
        let keys = MasterKey::from_bytes([3; 32]).subkeys();
        let splitter = Splitter::new(&keys, SplitterSizes::DEFAULT);
        Store { contents: MemoryContents::new(), splitter, key: MapKey::new(*keys.map()) }
    }

    fn store(&self) -> MapStore<'_> {
        MapStore { contents: &self.contents, splitter: &self.splitter, key: &self.key }
    }

    fn change(&self, root: &ContentId, old: &Coverage, new: &Coverage) -> ContentId {
        edit(&self.contents, root, edits(old, new, 9), self.store()).unwrap()
    }
}

#[test]
fn edits_give_what_a_whole_map_gives_and_touch_its_ends() {
    let place = Store::new();
    let mut old = Coverage::default();
    old.queue(packs(0..3000), 1, 5);
    let root = write(&old, 5, place.store()).unwrap();
    assert_eq!(read(&place.contents, &root).unwrap(), old);
    let whole = place.contents.take_writes();

    let mut new = old.clone();
    for (at, row) in old.in_order().into_iter().take(150) {
        new.decoded(at.kind, at.pack, row.size, 2, 9);
    }
    new.queue(packs(3000..3020), 2, 9);
    new.leave(|_, id| *id != pack(7), 2);
    let edited = place.change(&root, &old, &new);
    let touched = place.contents.take_writes();
    assert!(touched * 4 < whole, "{touched} nodes of {whole}");
    assert_eq!(edited, write(&new, 9, place.store()).unwrap());
    assert_eq!(read(&place.contents, &edited).unwrap(), new);

    place.contents.take_reads();
    let Front { summary, longest } = front(&place.contents, &edited).unwrap();
    assert_eq!((summary, longest), (new.summary(9), new.in_order().first().copied()));
    assert!(place.contents.take_reads() < 8, "a path, not the map");
}

#[test]
fn a_hash_leaves_a_pack_where_it_is() {
    let mut coverage = Coverage::default();
    coverage.queue(packs(0..2), 1, 5);
    coverage.decoded(DATA, pack(0), 1000, 2, 6);
    coverage.hashed(DATA, pack(0));
    coverage.hashed(DATA, pack(1));
    coverage.hashed(DATA, pack(2));
    let order: Vec<_> = coverage.in_order().iter().map(|(at, row)| (at.pack, row.reached)).collect();
    assert_eq!(order, [(pack(1), Reached::Hash), (pack(0), Reached::Decoded)]);
    assert_eq!(coverage.in_order()[0].1.time_ns, 5);
}

#[test]
fn rows_from_behind_a_listing_stay() {
    let mut coverage = Coverage::default();
    coverage.queue(packs(0..2), 4, 0);
    coverage.queue(packs(2..3), 6, 0);
    coverage.leave(|_, id| *id == pack(0), 5);
    let left: Vec<_> = coverage.in_order().iter().map(|(at, _)| at.pack).collect();
    assert_eq!(left, [pack(0), pack(2)]);
}

/// Runs of `percent` each until all of `wanted` were decoded; `between` changes what there is.
fn runs_until_decoded(
    coverage: &mut Coverage,
    wanted: &[PackId],
    percent: u64,
    mut between: impl FnMut(&mut Coverage, u64),
) -> u64 {
    let mut left: std::collections::BTreeSet<PackId> = wanted.iter().copied().collect();
    let mut run = 0;
    while !left.is_empty() {
        run += 1;
        let revision = 100 + run;
        let share = (coverage.bytes_promised() * percent).div_ceil(100);
        let mut taken = 0;
        for (at, row) in coverage.in_order() {
            if taken >= share {
                break;
            }
            taken += row.size;
            coverage.decoded(at.kind, at.pack, row.size, revision, 0);
            left.remove(&at.pack);
        }
        between(coverage, revision);
        left.retain(|id| coverage.get(DATA, id).is_some());
        assert!(run <= 100, "no end: {} left", left.len());
    }
    run
}

#[test]
fn every_pack_has_its_turn_within_the_promised_runs_whatever_comes_and_goes() {
    for percent in [1, 3, 5, 10, 33, 50, 100] {
        let promised = 100_u64.div_ceil(percent);
        let wanted: Vec<PackId> = (0..400).map(pack).collect();
        let begin = || {
            let mut coverage = Coverage::default();
            coverage.queue(packs(0..400), 1, 0);
            coverage
        };
        let quiet = runs_until_decoded(&mut begin(), &wanted, percent, |_, _| {});
        assert!(quiet <= promised, "{percent} %: {quiet} runs");
        let mut next = 400;
        let grows = runs_until_decoded(&mut begin(), &wanted, percent, |coverage, revision| {
            coverage.queue(packs(next..next + 90), revision, 0);
            next += 90;
        });
        assert!(grows <= promised, "{percent} %: {grows} runs while it grows");
        // Of what is decoded already most goes: a share of what is left would take ever longer.
        let shrinks = runs_until_decoded(&mut begin(), &wanted, percent, |coverage, revision| {
            let gone: Vec<PackId> = (coverage.in_order().iter())
                .filter(|(at, row)| row.reached == Reached::Decoded && at.pack.0[0] < 200)
                .map(|(at, _)| at.pack)
                .collect();
            coverage.leave(|_, id| !gone.contains(id), revision);
        });
        assert!(shrinks <= promised, "{percent} %: {shrinks} runs while it shrinks");
    }
}

#[test]
fn keys_come_back_and_others_do_not() {
    let place = Place { revision: 0x0102, kind: PackKind::Meta, pack: pack(1) };
    let key = place.key();
    assert_eq!(Place::from_key(&key), Some(place));
    for wrong in [&key[..40], &[key.clone(), vec![0]].concat(), &[0][..], &[][..]] {
        assert_eq!(Place::from_key(wrong), None);
    }
    let mut segment = key.clone();
    segment[8] = 5;
    assert_eq!(Place::from_key(&segment), None);
}

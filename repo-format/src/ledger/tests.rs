use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::cbor;
use crate::codec::{ContentId, Cut, MasterKey, Splitter, SplitterSizes};
use crate::content::ContentError;
use crate::content::memory::MemoryContents;
use crate::map::{MapBuilder, MapKey, MapStore};
use crate::object::ObjectRef;

fn with_store<T>(test: impl FnOnce(&MemoryContents, MapStore<'_>) -> T) -> T {
    let keys = MasterKey::from_bytes([5; 32]).subkeys();
    let splitter = Splitter::new(&keys, SplitterSizes::DEFAULT);
    let (contents, key) = (MemoryContents::new(), MapKey::new(*keys.map()));
    test(&contents, MapStore { contents: &contents, splitter: &splitter as &dyn Cut, key: &key })
}

fn entry(number: usize) -> LedgerEntry {
    let object = ObjectRef { depth: 0, content: ContentId([number as u8 | 1; 32]), size: 1 + number as u64 };
    LedgerEntry { object: (!number.is_multiple_of(3)).then_some(object), data: Some(vec![7; number % 2000]) }
}

fn all(entries: Entries<'_>) -> BTreeMap<Vec<u8>, LedgerEntry> {
    entries.map(Result::unwrap).map(|(key, entry)| (key.to_vec(), entry)).collect()
}

#[test]
fn an_entry_with_neither_object_nor_data_removes() {
    assert_eq!(cbor::encode(&LedgerEntry::default()), [0xa0]);
    assert!(LedgerEntry::default().is_removal());
    let known_empty = LedgerEntry { object: None, data: Some(Vec::new()) };
    assert!(!known_empty.is_removal());
    assert_eq!(cbor::decode::<LedgerEntry>(&cbor::encode(&known_empty)), Ok(known_empty));
    assert!(cbor::decode::<LedgerEntry>(&[0xa1, 2, 0]).is_err());
}

#[test]
fn what_was_put_and_taken_out_before_a_layer_leaves_no_trace() {
    with_store(|contents, store| {
        let mut ledger = WorkingLedger::open(contents, store, &[], 0).unwrap();
        ledger.put(b"a".to_vec(), entry(1), true);
        ledger.put(b"a".to_vec(), entry(2), false);
        ledger.remove(b"a".to_vec());
        assert!(ledger.edit().is_empty());
        assert_eq!(ledger.edit().bytes(), 0);
        ledger.put(b"a".to_vec(), entry(1), false);
        ledger.remove(b"a".to_vec());
        assert_eq!(ledger.edit().len(), 1);
    });
}

#[test]
fn a_checkpoint_of_few_changes_writes_few_contents() {
    with_store(|contents, store| {
        let mut ledger = WorkingLedger::open(contents, store, &[], 0).unwrap();
        for number in 0..5000_u32 {
            ledger.put(number.to_be_bytes().to_vec(), entry(number as usize % 90), true);
        }
        let base = ledger.fold(|_| true).unwrap();
        ledger.settle_folded(&[base]).unwrap();
        contents.take_writes();
        for number in (0..5000_u32).step_by(500) {
            ledger.put(number.to_be_bytes().to_vec(), entry(91), false);
        }
        let roots = ledger.save().unwrap();
        assert_eq!((roots.len(), roots[0]), (2, base));
        assert!(contents.take_writes() <= 3, "a layer of ten entries is a node or two");
    });
}

#[test]
fn a_fold_leaves_out_what_served_the_run_alone() {
    with_store(|contents, store| {
        let mut ledger = WorkingLedger::open(contents, store, &[], 0).unwrap();
        for round in 0..3 {
            for number in 0..100_u8 {
                ledger.put(vec![b"ks"[usize::from(number % 2)], number], entry(round), false);
            }
            let roots = ledger.save().unwrap();
            ledger.settle(&roots).unwrap();
        }
        let root = ledger.fold(|key| key[0] != b's').unwrap();
        let folded = Ledger::open(contents, &[root]).unwrap();
        assert_eq!(folded.iter().filter(|item| item.as_ref().unwrap().0[0] == b's').count(), 0);
        assert_eq!(folded.iter().count(), 50);
    });
}

#[test]
fn a_value_that_is_no_entry_is_refused() {
    with_store(|contents, store| {
        let mut map = MapBuilder::new(store);
        map.push(b"key", &[0, 0x81, 0]).unwrap();
        let ledger = Ledger::open(contents, &[map.finish().unwrap()]).unwrap();
        let error = ledger.get(b"key").unwrap_err();
        assert!(matches!(error, ContentError::MalformedCbor { clause: "SNAP-8", .. }));
        let mut entries = ledger.iter();
        assert!(entries.next().unwrap().is_err());
        assert!(entries.next().is_none());
    });
}

/// One step of a run.
#[derive(Debug, Clone)]
enum Step {
    Put(u8, usize),
    Remove(u8),
    Checkpoint,
    Fold,
    Split,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (any::<u8>(), 0_usize..3000).prop_map(|(key, value)| Step::Put(key, value)),
        3 => any::<u8>().prop_map(Step::Remove),
        2 => Just(Step::Checkpoint),
        1 => Just(Step::Fold),
        1 => Just(Step::Split),
    ]
}

/// Keys that do not serve the run alone.
fn is_kept(key: &[u8]) -> bool {
    key[0] < 200
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn layers_say_what_a_plain_table_says(steps in prop::collection::vec(step(), 0..120)) {
        with_store(|contents, store| {
            let mut ledger = WorkingLedger::open(contents, store, &[], 0).unwrap();
            let (mut plain, mut base) = (BTreeMap::new(), BTreeMap::new());
            for step in steps {
                match step {
                    Step::Put(key, value) => {
                        let fresh = false;
                        ledger.put(vec![key], entry(value), fresh);
                        plain.insert(vec![key], entry(value));
                    }
                    Step::Remove(key) => {
                        ledger.remove(vec![key]);
                        plain.remove(&vec![key]);
                    }
                    Step::Checkpoint => {
                        let roots = ledger.save().unwrap();
                        assert!(roots.len() <= LAYERS_MAX);
                        ledger.settle(&roots).unwrap();
                    }
                    Step::Fold => {
                        let root = ledger.fold(is_kept).unwrap();
                        plain.retain(|key, _| is_kept(key));
                        let mut fresh = MapBuilder::new(store);
                        for (key, entry) in &plain {
                            let value = crate::map::box_value(store, &cbor::encode(entry)).unwrap();
                            fresh.push(key, &value).unwrap();
                        }
                        assert_eq!(root, fresh.finish().unwrap(), "a fold is a fresh build");
                        ledger.settle_folded(&[root]).unwrap();
                        base = plain.clone();
                    }
                    Step::Split => {
                        let roots = ledger.split(is_kept).unwrap();
                        ledger.settle_folded(&roots).unwrap();
                        base = plain.clone();
                        base.retain(|key, _| is_kept(key));
                    }
                }
                assert_eq!(all(ledger.range(&[])), plain);
                assert_eq!(all(ledger.base().iter()), base);
            }
            for key in 0..=255 {
                assert_eq!(ledger.get(&[key]).unwrap().as_ref(), plain.get(&vec![key]));
            }
            for change in ledger.changes(&[]) {
                let (key, now) = change.unwrap();
                assert_eq!(now.as_ref(), plain.get(key.as_ref()));
            }
            for (key, entry) in &plain {
                if base.get(key) != Some(entry) {
                    assert!(ledger.changes(key).next().unwrap().unwrap().0 == *key, "a change is told");
                }
            }
        });
    }
}

/// Sets everything that changed aside, by the last byte of its key, in one pass and another while the first
/// ones gave parts up.
fn by_parts(
    ledger: &WorkingLedger<'_>,
    contents: &MemoryContents,
    parts: usize,
    bytes_max: usize,
) -> (Parts, usize) {
    let (mut told, mut passes) = (Vec::new(), 0);
    while told.len() < parts {
        let first = told.len();
        let mut aside = Aside::new(parts - first, bytes_max);
        let mut changes = ledger.changes(&[]);
        while let Some(change) = changes.next_undecoded().unwrap() {
            if let Some(part) = (usize::from(change.key[change.key.len() - 1]) % parts).checked_sub(first) {
                aside.put(part, &change);
            }
        }
        let kept = aside.into_parts();
        assert!(!kept.is_empty());
        told.extend(kept.into_iter().map(|part| {
            let told = part.into_changes(contents).map(Result::unwrap);
            told.map(|(key, entry)| (key.to_vec(), entry)).collect::<Vec<_>>()
        }));
        passes += 1;
    }
    (told, passes)
}

type Parts = Vec<Vec<(Vec<u8>, Option<LedgerEntry>)>>;

#[test]
fn what_is_set_aside_is_what_changed_in_however_many_passes() {
    with_store(|contents, store| {
        let mut ledger = WorkingLedger::open(contents, store, &[], 0).unwrap();
        let key = |number: u16| number.to_be_bytes().to_vec();
        for layer in 0..3 {
            (layer..900)
                .for_each(|number| ledger.put(key(number), entry(usize::from(number + layer)), false));
            ledger.remove(key(7 * layer));
            let roots = ledger.save().unwrap();
            ledger.settle(&roots).unwrap();
        }
        (800..1000).for_each(|number| ledger.put(key(number), entry(usize::from(number) / 2), false));
        ledger.remove(key(801));
        let mut wanted: Parts = vec![Vec::new(); 5];
        for change in ledger.changes(&[]) {
            let (key, entry) = change.unwrap();
            wanted[usize::from(key[1]) % 5].push((key.to_vec(), entry));
        }
        let removed = wanted.iter().flatten().filter(|(_, entry)| entry.is_none()).count();
        assert!(removed > 0, "removals are changes");
        let (told, passes) = by_parts(&ledger, contents, 5, usize::MAX);
        assert!(told == wanted && passes == 1, "in {passes} passes");
        let (told, passes) = by_parts(&ledger, contents, 5, 300_000);
        assert!(told == wanted && (2..5).contains(&passes), "in {passes} passes");
        let (told, passes) = by_parts(&ledger, contents, 5, 0);
        assert!(told == wanted && passes == 5, "in {passes} passes");
    });
}

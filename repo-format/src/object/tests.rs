use proptest::prelude::*;

use super::row::encode;
use super::*;
use crate::cbor;
use crate::codec::{ContentId, Cut};
use crate::content::memory::MemoryContents;
use crate::content::{ContentError, ContentKind, WriteContent};

/// Cuts every so many bytes: lists nest after few rows, and rows straddle their pieces.
struct Every(usize);

impl Cut for Every {
    fn cut(&self, bytes: &[u8]) -> usize {
        bytes.len().min(self.0)
    }

    fn max(&self) -> usize {
        self.0
    }
}

fn stream(len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    blake3::Hasher::new().update(b"object").finalize_xof().fill(&mut bytes);
    bytes
}

fn put_list(contents: &MemoryContents, rows: &[(ContentId, u32)]) -> ContentId {
    let bytes: Vec<u8> = rows.iter().flat_map(|(id, len)| encode(id, *len)).collect();
    contents.put(ContentKind::List, &bytes).unwrap()
}

fn clause_of(contents: &MemoryContents, reference: ObjectRef) -> &'static str {
    let read =
        ObjectReader::open(contents, reference).and_then(|object| object.read_all_bounded(1 << 20, "limit"));
    match read {
        Err(ContentError::Malformed { clause, .. }) => clause,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn the_empty_stream_has_no_content() {
    let contents = MemoryContents::new();
    assert_eq!(write_bytes(&contents, &Every(10), b"").unwrap(), ObjectRef::EMPTY);
    let object = ObjectReader::open(&contents, ObjectRef::EMPTY).unwrap();
    assert_eq!(object.all_rows().count(), 0);
    assert_eq!(contents.take_writes(), 0);
}

#[test]
fn the_depth_is_the_least_that_holds_the_stream() {
    let contents = MemoryContents::new();
    let depth = |pieces: usize| write_bytes(&contents, &Every(144), &stream(144 * pieces)).unwrap().depth;
    assert_eq!([1, 2, 4, 5, 16, 17, 64, 65].map(depth), [0, 1, 1, 2, 2, 3, 3, 4]);
    assert!(write_bytes(&contents, &Every(144), &stream(144 * 257)).is_err());
}

#[test]
fn a_list_of_a_long_stream_is_read_lazily() {
    let contents = MemoryContents::new();
    let reference = write_bytes(&contents, &Every(3600), &stream(3_600_000)).unwrap();
    assert_eq!(reference.depth, 2);
    contents.take_reads();
    let object = ObjectReader::open(&contents, reference).unwrap();
    assert!(object.rows(0..100).all(|row| row.is_ok()));
    assert_eq!(contents.take_reads(), 2);
}

#[test]
fn references_that_can_name_no_object_are_refused() {
    let id = ContentId([1; 32]);
    for reference in [
        ObjectRef { depth: 5, content: id, size: 1 },
        ObjectRef { depth: 1, content: ContentId::ZERO, size: 0 },
        ObjectRef { depth: 0, content: id, size: 0 },
        ObjectRef { depth: 0, content: ContentId::ZERO, size: 1 },
        ObjectRef { depth: 0, content: id, size: (1 << 20) + 1 },
    ] {
        assert!(ObjectReader::open(&MemoryContents::new(), reference).is_err());
        assert!(cbor::decode::<ObjectRef>(&cbor::encode(&reference)).is_err(), "{reference:?}");
    }
}

#[test]
fn lists_that_break_a_rule_are_refused() {
    let contents = MemoryContents::new();
    let data = contents.put(ContentKind::Data, b"abcde").unwrap();
    let refuse = |rows: &[(ContentId, u32)], size, clause| {
        let content = put_list(&contents, rows);
        let found = clause_of(&contents, ObjectRef { depth: 1, content, size });
        assert!(found.contains(clause), "{found}");
    };
    refuse(&[(data, 5), (data, 5)], 9, "exceed");
    refuse(&[(data, 5), (data, 5)], 5, "exceed");
    refuse(&[(data, 5), (data, 5)], 11, "fall short");
    refuse(&[(data, 5), (data, 6)], 11, "another length");
    refuse(&[(data, 0), (data, 5)], 5, "names no content");
    refuse(&[(data, 5), (ContentId::ZERO, 5)], 10, "names no content");
    refuse(&[(data, 5), (data, 1 << 21)], 1 << 10, "names no content");

    let cut = contents.put(ContentKind::List, &encode(&data, 5)[..35]).unwrap();
    let found = clause_of(&contents, ObjectRef { depth: 1, content: cut, size: 5 });
    assert!(found.contains("within a row"));
    let lists = put_list(&contents, &[(put_list(&contents, &[(data, 5)]), 72)]);
    let found = clause_of(&contents, ObjectRef { depth: 2, content: lists, size: 5 });
    assert!(found.contains("another length"));
    let long = write_bytes(&contents, &Every(1000), &stream((1 << 20) + 1)).unwrap();
    assert_eq!(clause_of(&contents, long), "limit");
}

#[test]
fn a_list_is_not_taken_for_data() {
    let contents = MemoryContents::new();
    let content = contents.put(ContentKind::Data, &encode(&ContentId([1; 32]), 5)).unwrap();
    let object = ObjectReader::open(&contents, ObjectRef { depth: 1, content, size: 5 }).unwrap();
    let first = object.all_rows().next();
    assert!(matches!(first, Some(Err(ContentError::WrongKind { .. }))));
}

proptest! {
    #[test]
    fn what_is_written_is_read(len in 0usize..20_000, cut in 160usize..500, at: u64, want in 0usize..9000) {
        let contents = MemoryContents::new();
        let bytes = stream(len);
        let reference = write_bytes(&contents, &Every(cut), &bytes).unwrap();
        let object = ObjectReader::open(&contents, reference).unwrap();
        prop_assert_eq!(&object.read_all_bounded(len, "limit").unwrap(), &bytes);
        let from = (at % (len as u64 + 10)) as usize;
        let expected = &bytes[from.min(len)..(from + want).min(len).max(from.min(len))];
        prop_assert_eq!(object.read_at(from as u64, want).unwrap(), expected);
        prop_assert_eq!(cbor::decode::<ObjectRef>(&cbor::encode(&reference)), Ok(reference));
    }

    #[test]
    fn an_unfinished_object_can_be_named_and_goes_on(pieces in 1u32..60, rest in 1u32..60) {
        let contents = MemoryContents::new();
        let splitter = Every(200);
        let id = ContentId([9; 32]);
        let mut whole = ObjectWriter::new(&contents, &splitter);
        let mut half = ObjectWriter::new(&contents, &splitter);
        for _ in 0..pieces {
            whole.push(id, 7).unwrap();
            half.push(id, 7).unwrap();
        }
        let so_far = whole.so_far().unwrap();
        prop_assert_eq!(so_far, half.finish().unwrap());
        let mut resumed = ObjectWriter::new(&contents, &splitter);
        for row in ObjectReader::open(&contents, so_far).unwrap().all_rows() {
            let row = row.unwrap();
            resumed.push(row.content, row.length).unwrap();
        }
        for _ in 0..rest {
            whole.push(id, 7).unwrap();
            resumed.push(id, 7).unwrap();
        }
        prop_assert_eq!(whole.finish().unwrap(), resumed.finish().unwrap());
    }

    #[test]
    fn hostile_lists_never_panic(list in prop::collection::vec(any::<u8>(), 1..200), depth in 1u8..5, size: u64) {
        let contents = MemoryContents::new();
        let content = contents.put(ContentKind::List, &list).unwrap();
        if let Ok(object) = ObjectReader::open(&contents, ObjectRef { depth, content, size }) {
            let _ = object.all_rows().count();
        }
        let _ = cbor::decode::<ObjectRef>(&list);
    }
}

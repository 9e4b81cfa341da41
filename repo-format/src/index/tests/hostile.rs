//! Tables that break the rules, by every row and by chance.

use super::*;
use crate::index::table::{CONTENT_ROW, FRAME_ROW, PACK_ROW};

/// Two packs with two frames each, two contents a frame.
fn table() -> IndexTable {
    let packs = [pack(1, &[vec![1, 2], vec![3, 4]]), pack(2, &[vec![5, 6], vec![7, 8]])];
    build(&packs, TABLE_SIZE).expect("builds").remove(0)
}

fn refused(change: impl Fn(&mut [u32; 4], &mut Vec<u8>)) -> &'static str {
    let table = table();
    let (mut counts, mut bytes) = (table.counts().encode(), table.bytes().to_vec());
    change(&mut counts, &mut bytes);
    IndexTable::decode(counts, bytes).expect_err("refused").clause
}

const FRAMES: usize = 2 * PACK_ROW;
const CONTENTS: usize = FRAMES + 4 * FRAME_ROW;

fn set(bytes: &mut [u8], at: usize, number: u32) {
    bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
}

#[test]
fn each_rule_is_checked() {
    type Change = fn(&mut [u32; 4], &mut Vec<u8>);
    let cases: &[(&str, &str, Change)] = &[
        ("a fourth count", "SEG-2", |counts, _| counts[3] = 1),
        ("no contents", "IDX-3", |counts, _| counts[2] = 0),
        ("one pack too many", "IDX-1", |counts, _| counts[0] += 1),
        ("counts that overflow", "IDX-1", |counts, _| *counts = [u32::MAX, u32::MAX, u32::MAX, 0]),
        ("a byte behind the rows", "IDX-1", |_, bytes| bytes.push(0)),
        ("a truncated row", "IDX-1", |_, bytes| bytes.truncate(bytes.len() - 1)),
        ("an unknown pack kind", "IDX-1", |_, bytes| bytes[64] = 5),
        ("contents of another kind than the pack's", "IDX-1", |_, bytes| bytes[64] = 4),
        ("a pack row's padding", "IDX-1", |_, bytes| bytes[71] = 1),
        ("packs out of order", "IDX-2", |_, bytes| bytes[..FRAMES].rotate_left(PACK_ROW)),
        ("a pack twice", "IDX-2", |_, bytes| bytes.copy_within(..PACK_ROW, PACK_ROW)),
        ("a pack that no frame uses", "IDX-2", |_, bytes| {
            set(bytes, FRAMES + 2 * FRAME_ROW + 32, 0);
            set(bytes, FRAMES + 2 * FRAME_ROW + 36, 2);
            set(bytes, FRAMES + 3 * FRAME_ROW + 32, 0);
            set(bytes, FRAMES + 3 * FRAME_ROW + 36, 3);
        }),
        ("a frame of no pack", "IDX-2", |_, bytes| set(bytes, FRAMES + 3 * FRAME_ROW + 32, u32::MAX)),
        ("frames out of order", "IDX-2", |_, bytes| set(bytes, FRAMES + 36, 9)),
        ("a frame in its pack's header", "IDX-1", |_, bytes| set(bytes, FRAMES + 40, 95)),
        ("a frame behind any pack's end", "IDX-1", |_, bytes| set(bytes, FRAMES + 40, u32::MAX)),
        ("a raw frame of another length", "IDX-1", |_, bytes| set(bytes, FRAMES + 44, 1)),
        ("an unknown codec", "IDX-1", |_, bytes| bytes[FRAMES + 52] = 9),
        ("a frame row's padding", "IDX-1", |_, bytes| bytes[FRAMES + 53] = 1),
        ("a content of no frame", "IDX-1", |_, bytes| set(bytes, CONTENTS + 32, 4)),
        ("a frame that no content uses", "IDX-2", |_, bytes| {
            for row in 0..8 {
                set(bytes, CONTENTS + row * CONTENT_ROW + 32, 0);
                set(bytes, CONTENTS + row * CONTENT_ROW + 36, 0);
                set(bytes, CONTENTS + row * CONTENT_ROW + 40, 1);
            }
        }),
        ("a content behind its frame", "IDX-1", |_, bytes| set(bytes, CONTENTS + 36, 1 << 20)),
        ("a place that overflows", "IDX-1", |_, bytes| set(bytes, CONTENTS + 36, u32::MAX)),
        ("an empty content", "IDX-1", |_, bytes| set(bytes, CONTENTS + 40, 0)),
        ("an unknown content kind", "IDX-1", |_, bytes| bytes[CONTENTS + 44] = 0),
        ("a content row's padding", "IDX-1", |_, bytes| bytes[CONTENTS + 47] = 1),
        ("the ID of zeros", "IDX-1", |_, bytes| bytes[CONTENTS..CONTENTS + 32].fill(0)),
        ("contents out of order", "IDX-2", |_, bytes| bytes[CONTENTS..].rotate_left(CONTENT_ROW)),
        ("a content twice", "IDX-2", |_, bytes| {
            bytes.copy_within(CONTENTS..CONTENTS + CONTENT_ROW, CONTENTS + CONTENT_ROW);
        }),
    ];
    for (case, clause, change) in cases {
        assert_eq!(refused(change), *clause, "{case}");
    }
}

proptest! {
    #[test]
    fn what_is_accepted_is_canonical(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let (counts, mut bytes) = (table().counts().encode(), table().bytes().to_vec());
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Ok(table) = IndexTable::decode(counts, bytes) {
            let shelf = Arc::new(Shelf::default());
            let index = open(&shelf, None, &shelf.put(std::slice::from_ref(&table)));
            let mut again = Vec::new();
            let result: Result<(), IndexError> = merge([index.rows()], |_| true, TABLE_SIZE, |table| {
                again.push(table);
                Ok(())
            });
            prop_assert!(result.is_ok());
            prop_assert_eq!(again, vec![table]);
        }
    }

    #[test]
    fn no_bytes_make_the_check_panic(counts in any::<[u8; 3]>(), seed in prop::collection::vec(any::<u8>(), 1..64)) {
        let [packs, frames, contents] = counts.map(|count| u32::from(count % 8));
        let counts = Counts { packs, frames, contents };
        let bytes: Vec<u8> = seed.iter().copied().cycle().take(counts.size() as usize).collect();
        let _ = check(counts, &bytes);
    }
}

#[test]
fn a_segment_that_is_not_what_the_log_says_is_refused() {
    let shelf = Arc::new(Shelf::default());
    let segment = shelf.put(&[table()])[0];
    for wrong in [
        SegmentRef { count: segment.count + 1, ..segment },
        SegmentRef { first: ContentId::ZERO, ..segment },
        SegmentRef { last: ContentId([255; 32]), ..segment },
        SegmentRef { size: segment.size - 1, ..segment },
    ] {
        let index = open(&shelf, None, &[wrong]);
        let error = index.load_all().expect_err("refused");
        assert!(matches!(error, IndexError::Malformed { clause: "ACT-1", .. }), "{error}");
    }
    let other = Index::new(keys(), RepoId([3; 16]), None, Arc::clone(&shelf) as _);
    other.set_segments(&[segment]);
    assert!(matches!(other.load_all(), Err(IndexError::Refused { .. })));
}

//! Look-ups in segments that are not in the cache: by the page.

use super::*;
use crate::format::segment::{SegmentBlob, SegmentKind, encode};
use crate::index::remote::PAGES_MAX;

const CONTENTS: u32 = 40_000;

fn table() -> IndexTable {
    let frames: Vec<Vec<u32>> = (0..CONTENTS / 4).map(|n| (4 * n..4 * n + 4).collect()).collect();
    build(&[pack(1, &frames)], TABLE_SIZE).expect("builds").remove(0)
}

fn shelf() -> Arc<Shelf> {
    Arc::new(Shelf { pages: true, ..Shelf::default() })
}

#[test]
fn one_look_up_on_a_new_machine_fetches_no_whole_segment() {
    let shelf = shelf();
    let segments = shelf.put(&[table()]);
    let folder = tempfile::tempdir().expect("a folder");
    let index = open(&shelf, Some(folder.path().join("cache")), &segments);
    assert_eq!(index.locate(&content(77).id).expect("reads").len(), 1);
    assert_eq!(index.locate(&content(CONTENTS).id).expect("reads"), []);
    let ranges = shelf.ranges.load(Ordering::Relaxed);
    assert!(shelf.fetches() == 0 && ranges <= 10, "{ranges}");

    for n in 0..2000 {
        assert_eq!(index.locate(&content(n).id).expect("reads").len(), 1);
    }
    assert_eq!(shelf.fetches(), 1, "many look-ups fetch the segment once");
    assert!(shelf.ranges.load(Ordering::Relaxed) <= 2 + PAGES_MAX + 2);
}

#[test]
fn who_needs_all_fetches_whole_segments() {
    let shelf = shelf();
    let segments = shelf.put(&[table()]);
    let index = open(&shelf, None, &segments);
    assert_eq!(index.locate(&content(77).id).expect("reads").len(), 1);
    index.load_all().expect("loads");
    assert_eq!(index.rows().filter(Result::is_ok).count() as u32, CONTENTS);
    assert_eq!(shelf.fetches(), 1);
}

#[test]
fn pages_of_a_broken_table_give_errors_not_panics() {
    let table = table();
    let counts = table.counts();
    let frames = counts.frame_at(0) as usize..counts.content_at(0) as usize;
    let contents = counts.content_at(0) as usize..table.bytes().len();
    let cases = [(contents.clone(), 48, 32), (contents, 48, 36), (frames.clone(), 56, 32), (frames, 56, 48)];
    for (rows, stride, field) in cases {
        let mut bytes = table.bytes().to_vec();
        for row in bytes[rows].chunks_exact_mut(stride) {
            row[field..field + 4].fill(255);
        }
        let SegmentBlob { id, bytes } =
            encode(&keys(), &REPO, SegmentKind::Index, counts.encode(), &bytes, [7; 32]);
        let shelf = shelf();
        let segment = table.reference(id, bytes.len() as u64);
        shelf.blobs.lock().insert(id, bytes);
        let index = open(&shelf, None, &[segment]);
        let result = index.locate(&content(5).id);
        assert!(matches!(result, Err(IndexError::Malformed { clause: "IDX-1", .. })), "{result:?}");
        assert_eq!(shelf.fetches(), 0);
    }
}

#[test]
fn a_damaged_page_is_an_error() {
    let shelf = shelf();
    let segment = shelf.put(&[table()])[0];
    let mut damaged = shelf.blobs.lock()[&segment.id].to_vec();
    let end = damaged.len() - 300_000;
    damaged[96..end].fill(0);
    shelf.blobs.lock().insert(segment.id, damaged.into());
    let index = open(&shelf, None, &[segment]);
    let result = index.locate(&segment.first);
    assert!(matches!(result, Err(IndexError::Refused { .. })), "{result:?}");
}

#[test]
fn pages_of_many_segments_stay_within_a_budget() {
    let frames: Vec<Vec<u32>> = (0..10_000).map(|n| vec![n]).collect();
    let table = build(&[pack(1, &frames)], TABLE_SIZE).expect("builds").remove(0);
    let shelf = shelf();
    let copies = (0..40).map(|salt| {
        let (blob, segment) = table.seal(&keys(), &REPO, [salt; 32]);
        shelf.blobs.lock().insert(blob.id, blob.bytes);
        segment
    });
    let segments: Vec<SegmentRef> = copies.collect();
    let folder = tempfile::tempdir().expect("a folder");
    let index = open(&shelf, Some(folder.path().join("cache")), &segments);
    // Every look-up touches a page of contents and one of frames in each.
    for n in (0..10_000).step_by(251).take_while(|_| shelf.fetches() == 0) {
        assert_eq!(index.locate(&content(n).id).expect("reads").len(), 1);
    }
    assert!(shelf.fetches() > 0, "then a segment is fetched whole, which lets its pages go");
    // Two ranges opened each; one more look-up in each may have gone on with what that freed.
    let pages = shelf.ranges.load(Ordering::Relaxed) - 2 * 40;
    assert!((512..40 * PAGES_MAX).contains(&pages), "{pages}");
}

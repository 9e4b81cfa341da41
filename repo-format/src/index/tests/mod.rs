//! The index against a model, and what tests of it share.

mod cached;
mod hostile;
mod merging;
mod paged;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use proptest::prelude::*;

use super::*;
use crate::codec::{Codec, ContentKind, MasterKey};
use crate::format::names::PackKind;
use crate::pack::{ContentRow, FrameRow, PackContents};

const REPO: RepoId = RepoId([2; 16]);

fn keys() -> Arc<Subkeys> {
    Arc::new(MasterKey::from_bytes([1; 32]).subkeys())
}

/// Content number `n`; its ID is as uniform as a real one's.
fn content(n: u32) -> ContentRow {
    let id = ContentId(*blake3::hash(&n.to_le_bytes()).as_bytes());
    ContentRow { id, kind: ContentKind::Data, len: 1 + n % 50 }
}

/// Pack number `n` with frames of these contents.
fn pack(n: u32, frames: &[Vec<u32>]) -> PackContents {
    let kind = if n.is_multiple_of(3) { PackKind::Meta } else { PackKind::Data };
    let content_kind = if kind == PackKind::Meta { ContentKind::Node } else { ContentKind::Data };
    let id = PackId(*blake3::hash(format!("pack {n}").as_bytes()).as_bytes());
    let mut offset = 96;
    let frames = frames.iter().map(|numbers| {
        let contents: Vec<ContentRow> =
            numbers.iter().map(|n| ContentRow { kind: content_kind, ..content(*n) }).collect();
        let raw_len = contents.iter().map(|row| row.len).sum();
        let row = FrameRow { offset, stored_len: raw_len, raw_len, codec: Codec::Raw, contents };
        offset += raw_len + 32;
        row
    });
    PackContents { id, kind, salt: [n as u8; 32], frames: frames.collect() }
}

fn packs() -> impl Strategy<Value = Vec<PackContents>> {
    let frame = prop::collection::vec(0..80u32, 1..6);
    let frames = prop::collection::vec(frame, 1..4);
    prop::collection::vec(frames, 1..12)
        .prop_map(|packs| (0..).zip(packs).map(|(n, frames)| pack(n, &frames)).collect())
}

/// What a table says, said in the simplest way: each place once, the first of equal ones in a frame.
fn model(packs: &[PackContents]) -> BTreeMap<(ContentId, PackId, u32), Location> {
    let mut places = BTreeMap::new();
    for pack in packs {
        for (index, frame) in (0..).zip(&pack.frames) {
            let mut content_offset = 0;
            for row in &frame.contents {
                places.entry((row.id, pack.id, index)).or_insert(Location {
                    pack: pack.id,
                    pack_kind: pack.kind,
                    salt: pack.salt,
                    frame: frame.seal(index),
                    offset: frame.offset,
                    stored_len: frame.stored_len,
                    content_offset,
                    content_len: row.len,
                    kind: row.kind,
                });
                content_offset += row.len;
            }
        }
    }
    places
}

/// Storage of segments that counts.
#[derive(Default)]
struct Shelf {
    blobs: Mutex<HashMap<SegmentId, Bytes>>,
    pages: bool,
    fetches: AtomicUsize,
    ranges: AtomicUsize,
}

impl Shelf {
    fn put(&self, tables: &[IndexTable]) -> Vec<SegmentRef> {
        let sealed = tables.iter().map(|table| {
            let (blob, reference) = table.seal(&keys(), &REPO, [7; 32]);
            self.blobs.lock().insert(blob.id, blob.bytes);
            reference
        });
        sealed.collect()
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::Relaxed)
    }
}

impl SegmentFetch for Shelf {
    fn fetch(&self, id: &SegmentId) -> Result<Bytes, FetchError> {
        self.fetches.fetch_add(1, Ordering::Relaxed);
        self.blobs.lock().get(id).cloned().ok_or_else(|| "not there".into())
    }

    fn fetch_range(&self, id: &SegmentId, range: Range<u64>) -> Option<Result<Bytes, FetchError>> {
        self.ranges.fetch_add(1, Ordering::Relaxed);
        let whole = self.blobs.lock().get(id).cloned()?;
        self.pages.then(|| Ok(whole.slice(range.start as usize..range.end as usize)))
    }
}

fn open(shelf: &Arc<Shelf>, cache: Option<PathBuf>, segments: &[SegmentRef]) -> Index {
    let fetch: Arc<dyn SegmentFetch> = Arc::clone(shelf) as _;
    let index = Index::new(keys(), REPO, cache, fetch);
    index.set_segments(segments);
    index
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn an_index_says_what_the_model_says(packs in packs(), table_size in 200..4000usize) {
        let shelf = Arc::new(Shelf::default());
        let tables = build(&packs, table_size).expect("packs agree");
        for table in &tables {
            prop_assert!(table.bytes().len() <= table_size);
            let again = IndexTable::decode(table.counts().encode(), table.bytes().to_vec());
            prop_assert_eq!(again.as_ref(), Ok(table));
        }
        let index = open(&shelf, None, &shelf.put(&tables));
        let model = model(&packs);
        for number in 0..100 {
            let id = content(number).id;
            let range = (id, PackId::ZERO, 0)..=(id, PackId([255; 32]), u32::MAX);
            let wanted: Vec<Location> = model.range(range).map(|(_, at)| *at).collect();
            let mut found = index.locate(&id).expect("reads");
            found.sort_by_key(|at| (at.pack, at.frame.index));
            prop_assert_eq!(&found, &wanted);

            let unusable = wanted.first().map(|at| at.pack);
            let usable = index.find(&id, |pack| Some(*pack) != unusable).expect("reads");
            prop_assert_eq!(usable.is_some(), wanted.iter().any(|at| Some(at.pack) != unusable));
        }
        let rows: Result<Vec<Row>, IndexError> = index.rows().collect();
        let wanted: Vec<Row> = model.iter().map(|((id, ..), at)| Row { id: *id, at: *at }).collect();
        prop_assert_eq!(rows.expect("reads"), wanted);
    }
}

#[test]
fn segments_that_overlap_name_a_place_once() {
    let shelf = Arc::new(Shelf::default());
    let (one, two) = (pack(1, &[vec![1, 2, 3]]), pack(2, &[vec![3, 4]]));
    let mut segments = shelf.put(&build(std::slice::from_ref(&one), TABLE_SIZE).expect("builds"));
    segments.extend(shelf.put(&build(&[two, one], TABLE_SIZE).expect("builds")));
    let index = open(&shelf, None, &segments);
    assert_eq!(index.locate(&content(1).id).expect("reads").len(), 1);
    assert_eq!(index.locate(&content(3).id).expect("reads").len(), 2);
    // The same segments again: nothing is fetched anew. Fewer of them: their contents are gone.
    index.load_all().expect("loads");
    let fetches = shelf.fetches();
    index.set_segments(&segments[..1]);
    assert_eq!(index.locate(&content(4).id).expect("reads"), []);
    assert_eq!(index.locate(&content(3).id).expect("reads").len(), 1);
    assert_eq!((shelf.fetches(), fetches), (2, 2));
}

#[test]
fn a_segment_that_cannot_be_had_is_an_error_not_a_miss() {
    let shelf = Arc::new(Shelf::default());
    let segments = shelf.put(&build(&[pack(1, &[vec![1, 2, 3]])], TABLE_SIZE).expect("builds"));
    shelf.blobs.lock().clear();
    let index = open(&shelf, None, &segments);
    assert!(matches!(index.locate(&content(2).id), Err(IndexError::Fetch { .. })));
    assert!(matches!(index.find(&content(2).id, |_| true), Err(IndexError::Fetch { .. })));
    assert!(matches!(index.load_all(), Err(IndexError::Fetch { .. })));
    assert_eq!(index.rows().filter(Result::is_err).count(), 1);
}

//! Chapters 4 and 5: packs and segments.

use std::sync::Arc;

use bytes::Bytes;
use repo_format::codec::{
    FOOTER_PART, Header, MasterKey, PackId, PartContext, RepoId, SegmentId, Subkeys, seal,
};
use repo_format::format::names::PackKind;
use repo_format::format::segment::{self, SegmentKind};
use repo_format::index::{FetchError, Index, IndexTable, SegmentFetch};
use repo_format::log::manifests;
use repo_format::pack::{PackContents, open_frame, read_footer, read_pack, split_frame};

use crate::case::{Case, Told, refused};

fn pack_kind(case: &Case) -> PackKind {
    let number: u8 = case.number("blob-kind");
    [PackKind::Data, PackKind::Meta]
        .into_iter()
        .find(|kind| kind.blob_kind() as u8 == number)
        .expect("a kind of pack")
}

pub fn pack(case: &Case) -> Result<Told, String> {
    let (keys, repo, blob, kind) = (case.keys(), case.repo(), case.bytes("bytes"), pack_kind(case));
    let pack = read_pack(&keys, &repo, kind, &PackId(case.fixed("blob-id")), &blob).map_err(refused)?;
    let header = Header { kind: kind.blob_kind(), repo, salt: pack.salt };
    let mut told = Vec::new();
    for (index, frame) in (0..).zip(&pack.frames) {
        let raw = open_frame(&keys, &header, &frame.seal(index), &blob[frame.range()]).map_err(refused)?;
        for (row, plaintext) in split_frame(&keys, index, &frame.contents, &raw).map_err(refused)? {
            told.push(format!("{} {} {}", row.id, row.kind as u8, hex::encode(plaintext)));
        }
    }
    Ok(vec![("content", told)])
}

/// Seals the footer into a pack whose frames are zeros: only the footer is looked at.
pub fn footer(case: &Case) -> Result<Told, String> {
    let keys = MasterKey::from_bytes([1; 32]).subkeys();
    let repo = RepoId([2; 16]);
    let (kind, footer) = (pack_kind(case), case.bytes("bytes"));
    let header = Header { kind: kind.blob_kind(), repo, salt: [3; 32] };
    let mut blob = header.encode(&keys).to_vec();
    blob.resize(case.number("footer-offset"), 0);
    let start = blob.len();
    seal(&keys, &PartContext::plain(&header, FOOTER_PART, 0, footer.len() as u64), &footer, &mut blob);
    let length = (blob.len() - start) as u32;
    blob.extend_from_slice(&length.to_le_bytes());
    blob.extend_from_slice(b"CORSOEND");
    let id = PackId(*blake3::hash(&blob).as_bytes());
    let pack = read_footer(&keys, &repo, kind, &id, &blob).map_err(refused)?;
    Ok(vec![("content", footer_rows(&pack))])
}

fn footer_rows(pack: &PackContents) -> Vec<String> {
    let mut told = Vec::new();
    for (part, frame) in pack.frames.iter().enumerate() {
        let mut at = 0;
        for row in &frame.contents {
            told.push(format!("{} {} {part} {} {at} {}", row.id, row.kind as u8, frame.offset, row.len));
            at += row.len;
        }
    }
    told
}

struct OneSegment(Bytes);

impl SegmentFetch for OneSegment {
    fn fetch(&self, _: &SegmentId) -> Result<Bytes, FetchError> {
        Ok(self.0.clone())
    }
}

pub fn index_segment(case: &Case) -> Result<Told, String> {
    let (keys, repo, blob) = (case.keys(), case.repo(), case.bytes("bytes"));
    let id = SegmentId(case.fixed("blob-id"));
    let (counts, table) = segment::decode(&keys, &repo, SegmentKind::Index, &id, &blob).map_err(refused)?;
    let table = IndexTable::decode(counts, table).map_err(refused)?;
    Ok(vec![("content", rows(keys, repo, &table, id, blob.into()))])
}

pub fn index_table(case: &Case) -> Result<Told, String> {
    let counts: Vec<u32> = case["counts"].split(' ').map(|count| count.parse().expect("a count")).collect();
    let counts = [counts[0], counts[1], counts[2], 0];
    let table = IndexTable::decode(counts, case.bytes("bytes")).map_err(refused)?;
    let keys = MasterKey::from_bytes([1; 32]).subkeys();
    let repo = RepoId([2; 16]);
    let (blob, _) = table.seal(&keys, &repo, [3; 32]);
    Ok(vec![("content", rows(keys, repo, &table, blob.id, blob.bytes))])
}

/// The rows as the index gives them.
fn rows(keys: Subkeys, repo: RepoId, table: &IndexTable, id: SegmentId, blob: Bytes) -> Vec<String> {
    let reference = table.reference(id, blob.len() as u64);
    let index = Index::new(Arc::new(keys), repo, None, Arc::new(OneSegment(blob)));
    index.set_segments(&[reference]);
    let rows = index.rows_of(&reference).map(|row| row.expect("the table was checked"));
    rows.map(|row| {
        let at = row.at;
        assert!(index.locate(&row.id).expect("reads").contains(&at));
        let (kind, part) = (at.kind as u8, at.frame.index);
        format!("{} {kind} {} {part} {} {}", row.id, at.pack, at.content_offset, at.content_len)
    })
    .collect()
}

pub fn manifest_segment(case: &Case) -> Result<Told, String> {
    let id = SegmentId(case.fixed("blob-id"));
    let rows = manifests::decode(&case.keys(), &case.repo(), &id, &case.bytes("bytes")).map_err(refused)?;
    Ok(vec![("manifest", rows.iter().map(|row| row.id.to_string()).collect())])
}

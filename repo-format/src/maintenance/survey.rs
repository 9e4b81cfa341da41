//! What is in the storage.

use std::collections::BTreeMap;

use crate::codec::{BlobKind, Header, HeaderError, PLAIN_SIZE, PackId, RepoId};
use crate::format::is_whole;
use crate::format::names::{BlobId, PACKS, PackKind, SEGMENTS};
use crate::log::{BlobRef, State};
use crate::storage::{BLOB_SIZE_BYTES_MAX, BlobInfo, Blobs, StorageError};

/// A blob that maintenance may remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Listed {
    pub size: u64,
    /// When the storage says that it was written, ns since 1970.
    pub modified_ns: i64,
}

/// Packs and segments that are there. Listed after the state was read: what that state names and is
/// not here is gone.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub blobs: BTreeMap<BlobRef, Listed>,
}

impl Survey {
    pub fn of(blobs: &Blobs, repo: &RepoId, state: &State) -> Result<Survey, StorageError> {
        let mut survey = Survey::default();
        let (packs, segments) = blobs.both(|| blobs.list(PACKS), || blobs.list(SEGMENTS));
        for info in packs? {
            if let Some(BlobId::Pack(kind, id)) = BlobId::parse(&info.name) {
                survey.add(BlobRef::Pack(kind, id), &info);
            }
        }
        for info in segments? {
            let Some(BlobId::Segment(id)) = BlobId::parse(&info.name) else { continue };
            let (index, manifest) = (BlobRef::IndexSegment(id), BlobRef::ManifestSegment(id));
            if state.segments.contains_key(&id) {
                survey.add(index, &info);
            } else if state.names_manifest_segment(&id) {
                survey.add(manifest, &info);
            } else if let Some(known) = [index, manifest].into_iter().find(|blob| is_leaving(state, blob)) {
                survey.add(known, &info);
            } else {
                // Only the segment itself says which kind it is.
                match kind_of(blobs, repo, &info)? {
                    Some(BlobKind::IndexSegment) => survey.add(index, &info),
                    Some(_) => survey.add(manifest, &info),
                    // Another repository's, which is none of our business.
                    None => {}
                }
            }
        }
        Ok(survey)
    }

    fn add(&mut self, blob: BlobRef, info: &BlobInfo) {
        self.blobs.insert(blob, Listed { size: info.size, modified_ns: info.modified_ns });
    }

    /// Whether a pack is there.
    pub fn has_pack(&self, kind: PackKind, id: &PackId) -> bool {
        self.blobs.contains_key(&BlobRef::Pack(kind, *id))
    }
}

fn is_leaving(state: &State, blob: &BlobRef) -> bool {
    state.condemned.contains_key(blob) || state.doomed.contains_key(blob)
}

/// What a segment's header says it is; `None` if it is none of this repository.
fn kind_of(blobs: &Blobs, repo: &RepoId, info: &BlobInfo) -> Result<Option<BlobKind>, StorageError> {
    let head = match blobs.get_range(&info.name, 0..(PLAIN_SIZE as u64).min(info.size)) {
        Ok(head) => head,
        // Deleted since it was listed.
        Err(error) if error.is_lost() => return Ok(None),
        Err(error) => return Err(error),
    };
    let header = |kind| Header::decode_plain(&head, kind, Some(repo)).map(|_| kind);
    let found = match header(BlobKind::ManifestSegment) {
        Err(HeaderError::WrongKind { .. }) => header(BlobKind::IndexSegment),
        found => found,
    };
    Ok(match found {
        Ok(kind) => Some(kind),
        Err(HeaderError::OtherRepository { .. }) if is_its_name(blobs, info)? => None,
        // One that is damaged is nobody's any more, whatever it was.
        Err(_) => Some(BlobKind::IndexSegment),
    })
}

/// Whether a segment's bytes have the name that they are under: what was copied over one of ours is nobody's.
fn is_its_name(blobs: &Blobs, info: &BlobInfo) -> Result<bool, StorageError> {
    let Some(blob) = BlobId::parse(&info.name) else { return Ok(false) };
    match blobs.get_bounded(&info.name, BLOB_SIZE_BYTES_MAX) {
        Ok(bytes) => Ok(is_whole(&blob, &bytes)),
        Err(StorageError::TooLarge { .. }) => Ok(false),
        // Deleted since it was listed.
        Err(error) if error.is_lost() => Ok(true),
        Err(error) => Err(error),
    }
}

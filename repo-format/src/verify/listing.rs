//! What blobs there are.

use std::collections::BTreeMap;

use super::finding::FindingKind;
use crate::codec::PackId;
use crate::format::check_hash;
use crate::format::names::{BlobId, PackKind};
use crate::storage::{BlobName, Blobs, StorageError};

/// A pack in the storage, and its bytes.
pub(super) type ListedPack = (PackKind, PackId, u64);

/// Every blob of the storage, listed once.
pub(super) struct Listing {
    /// With their sizes.
    pub blobs: BTreeMap<BlobId, u64>,
    /// Names that fit no row of STO-1.
    pub foreign: Vec<BlobName>,
}

impl Listing {
    pub fn of(blobs: &Blobs) -> Result<Listing, StorageError> {
        let mut listing = Listing { blobs: BTreeMap::new(), foreign: Vec::new() };
        for info in blobs.list("")? {
            match BlobId::parse(&info.name) {
                Some(id) => drop(listing.blobs.insert(id, info.size)),
                None => listing.foreign.push(info.name),
            }
        }
        Ok(listing)
    }

    pub fn has(&self, blob: &BlobId) -> bool {
        self.blobs.contains_key(blob)
    }

    pub fn has_pack(&self, kind: PackKind, id: &PackId) -> bool {
        self.has(&BlobId::Pack(kind, *id))
    }

    /// Tells bytes that are another blob's from bytes that are nobody's.
    pub fn misnamed(&self, bytes: &[u8]) -> FindingKind {
        let hash = *blake3::hash(bytes).as_bytes();
        let names = [
            BlobId::Pack(PackKind::Data, hash.into()),
            BlobId::Pack(PackKind::Meta, hash.into()),
            BlobId::Segment(hash.into()),
        ];
        match names.iter().any(|name| self.has(name)) || check_hash(bytes).is_ok() {
            true => FindingKind::WrongName,
            false => FindingKind::Damaged,
        }
    }

    pub fn packs(&self) -> impl Iterator<Item = ListedPack> + '_ {
        self.blobs.iter().filter_map(|(blob, size)| match blob {
            BlobId::Pack(kind, id) => Some((*kind, *id, *size)),
            _ => None,
        })
    }
}

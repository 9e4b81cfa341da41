//! Reading whole blobs: hashes of all, contents of packs.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Level;
use super::check::Check;
use super::coverage::{Keeper, ids};
use super::finding::FindingKind;
use super::listing::ListedPack;
use super::sample::take;
use super::segments::Packs;
use crate::codec::PackId;
use crate::coverage::Reached;
use crate::format::names::{BlobId, PackKind};
use crate::format::{WRONG_HASH, is_whole};
use crate::pack::{FrameRow, PackContents, PackError, read_pack};
use crate::repository::with_causes;

/// Reads as many blobs, as deep, as the options ask for, and keeps which packs were found whole.
pub(super) fn blobs(check: &Check<'_>, packs: &Packs, keeper: &Keeper<'_>) {
    let decoded = decode_chosen(check, packs, keeper);
    if check.options.level == Level::Log {
        return;
    }
    let is_read = |blob: &BlobId| matches!(blob, BlobId::Pack(kind, id) if decoded.contains(&(*kind, *id)));
    let hashed: Vec<BlobId> = unread(check).filter(|blob| !is_read(blob)).collect();
    check.expect_bytes(hashed.iter().map(|blob| check.size(blob)).sum());
    check.each(&hashed, |blob| {
        if hash(check, blob)
            && let BlobId::Pack(kind, id) = *blob
        {
            keeper.note((kind, id, check.size(blob)), Reached::Hash);
        }
    });
}

/// Decodes all packs, or a share of them; gives those that were tried.
///
/// What is not whole does not count for a share: a damaged pack, which stays at the front of the queue, would
/// keep the others waiting.
fn decode_chosen(check: &Check<'_>, packs: &Packs, keeper: &Keeper<'_>) -> BTreeSet<(PackKind, PackId)> {
    let (queue, wanted) = match check.options.sample {
        Some(sample) => keeper.share(sample, &check.listing),
        None if check.options.level == Level::Data => (check.listing.packs().collect(), u64::MAX),
        None => return BTreeSet::new(),
    };
    let (mut queue, mut tried, whole) = (queue.into_iter(), BTreeSet::new(), AtomicU64::new(0));
    while !check.is_stopped() {
        let chosen = take(&mut queue, wanted.saturating_sub(whole.load(Ordering::Relaxed)));
        if chosen.is_empty() {
            break;
        }
        tried.extend(ids(&chosen));
        check.expect_bytes(chosen.iter().map(|(_, _, size)| size).sum());
        check.each(&chosen, |pack: &ListedPack| {
            if decode(check, packs, pack.0, pack.1) {
                whole.fetch_add(pack.2, Ordering::Relaxed);
                keeper.note(*pack, Reached::Decoded);
            }
        });
    }
    tried
}

/// The blobs that no step before has read whole.
fn unread<'c>(check: &'c Check<'_>) -> impl Iterator<Item = BlobId> + 'c {
    let state = &check.state;
    check.listing.blobs.keys().copied().filter(|blob| match blob {
        BlobId::Format | BlobId::CopyMarker | BlobId::Promoted => false,
        BlobId::Record(_) | BlobId::Catalog(_) => false,
        BlobId::Slot(id) => !state.slots.contains_key(id),
        BlobId::Segment(id) => !state.names_segment(id),
        BlobId::Pack(..) => true,
    })
}

/// Compares a blob with the hash in its name, or at its end. Says whether it fits.
fn hash(check: &Check<'_>, blob: &BlobId) -> bool {
    let Some(bytes) = check.fetch(blob) else { return false };
    if is_whole(blob, &bytes) {
        return true;
    }
    match blob {
        BlobId::Pack(kind, id) => check.find_pack(*kind, *id, check.listing.misnamed(&bytes), WRONG_HASH),
        BlobId::Segment(_) => check.find_blob(blob, check.listing.misnamed(&bytes), WRONG_HASH),
        _ => check.find_blob(blob, FindingKind::Damaged, WRONG_HASH),
    }
    false
}

/// Reads a pack to its last content, and compares it with the index. Says whether all is as it should be.
fn decode(check: &Check<'_>, packs: &Packs, kind: PackKind, id: PackId) -> bool {
    let blob = BlobId::Pack(kind, id);
    let Some(bytes) = check.fetch(&blob) else { return false };
    let (keys, repo) = (check.repository.keys(), check.repository.id());
    let contents = match read_pack(keys, &repo, kind, &id, &bytes) {
        Ok(contents) => contents,
        Err(error) => {
            let finding = match error {
                PackError::WrongHash => check.listing.misnamed(&bytes),
                _ => FindingKind::Structure,
            };
            check.find_pack(kind, id, finding, with_causes(&error));
            return false;
        }
    };
    check.count(|covered| {
        covered.packs_decoded += 1;
        covered.contents_decoded +=
            contents.frames.iter().map(|frame| frame.contents.len() as u64).sum::<u64>();
    });
    packs.get(&id).is_none_or(|facts| compare(check, &contents, facts.rows))
}

/// The index has all contents of the pack where its footer has them, and no others in it.
fn compare(check: &Check<'_>, pack: &PackContents, rows: u64) -> bool {
    let (mut agreed, mut named, mut all) = (0, 0, 0);
    for (index, frame) in (0..).zip(&pack.frames) {
        match agreeing(check, pack, index, frame) {
            Some(counts) => (agreed, named) = (agreed + counts.0, named + counts.1),
            // A segment cannot be read, which was found before.
            None => return false,
        }
        all += frame.contents.len() as u64;
    }
    // Segments that overlap for a while name a content twice, each where it is. Where others have replaced segments
    // since the rows were counted, nobody can tell; and where one went while it was read, not all were counted.
    let is_moved = || check.repository.state().segments != check.state.segments;
    let is_counted = rows == all || rows == named || check.index_is_partial() || rows > all && is_moved();
    let agrees = agreed == all && is_counted;
    let blob = BlobId::Pack(pack.kind, pack.id);
    if !agrees && !check.is_removed(&blob) {
        let what = format!(
            "its footer lists {all} contents; the index has {rows} in it, {agreed} of them where the footer says"
        );
        check.find_blob(&blob, FindingKind::Structure, what);
    }
    agrees
}

/// How many of a frame's contents the index has where they are, and in how many rows.
fn agreeing(check: &Check<'_>, pack: &PackContents, index: u32, frame: &FrameRow) -> Option<(u64, u64)> {
    let (seal, mut offset, mut agreed, mut named) = (frame.seal(index), 0, 0, 0);
    for row in &frame.contents {
        let found = check.repository.index().rows_at(&row.id).ok()?;
        let rows = found.iter().filter(|at| {
            (at.pack, at.pack_kind, at.salt, at.frame) == (pack.id, pack.kind, pack.salt, seal)
                && (at.offset, at.stored_len) == (frame.offset, frame.stored_len)
                && (at.content_offset, at.content_len, at.kind) == (offset, row.len, row.kind)
        });
        let rows = rows.count() as u64;
        (agreed, named) = (agreed + u64::from(rows > 0), named + rows);
        offset += row.len;
    }
    Some((agreed, named))
}

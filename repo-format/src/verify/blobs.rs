//! Reading whole blobs: hashes of all, contents of packs.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use super::Level;
use super::check::Check;
use super::finding::FindingKind;
use super::segments::Packs;
use crate::codec::{PackId, random_bytes};
use crate::format::check_hash;
use crate::format::names::{BlobId, PackKind};
use crate::pack::{FrameRow, PackContents, PackError, read_pack};
use crate::repository::with_causes;

type ListedPack = (PackKind, PackId, u64);

/// Reads as many blobs, as deep, as the options ask for.
pub(super) fn blobs(check: &Check<'_>, packs: &Packs) {
    let all: Vec<ListedPack> = check.listing.packs().collect();
    let decoded = match check.options.sample {
        // A fixed choice without randomness is still a sample.
        Some(sample) => sample.choose(all.clone(), &random_bytes().unwrap_or_default()),
        None if check.options.level == Level::Data => all.clone(),
        None => Vec::new(),
    };
    let chosen: BTreeSet<PackId> = decoded.iter().map(|(_, id, _)| *id).collect();
    let hashed: Vec<BlobId> = match check.options.level {
        Level::Log => Vec::new(),
        _ => {
            unread(check).filter(|blob| !matches!(blob, BlobId::Pack(_, id) if chosen.contains(id))).collect()
        }
    };
    let sizes = decoded.iter().map(|(_, _, size)| *size);
    let bytes: u64 =
        sizes.chain(hashed.iter().filter_map(|blob| check.listing.blobs.get(blob).copied())).sum();
    check
        .progress
        .bytes_total
        .store(check.progress.bytes_done.load(Ordering::Relaxed) + bytes, Ordering::Relaxed);
    check.each(&decoded, |(kind, id, _)| decode(check, packs, *kind, *id));
    check.each(&hashed, |blob| hash(check, blob));
}

/// The blobs that no step before has read whole.
fn unread<'c>(check: &'c Check<'_>) -> impl Iterator<Item = BlobId> + 'c {
    let state = &check.state;
    check.listing.blobs.keys().copied().filter(|blob| match blob {
        BlobId::Format | BlobId::Record(_) | BlobId::Catalog(_) => false,
        BlobId::Slot(id) => !state.slots.contains_key(id),
        BlobId::Segment(id) => {
            !state.segments.contains_key(id)
                && state.manifest_segments.iter().all(|segment| segment.id != *id)
        }
        BlobId::Pack(..) | BlobId::CopyMarker => true,
    })
}

/// Compares a blob with the hash in its name, or at its end.
fn hash(check: &Check<'_>, blob: &BlobId) {
    let Some(bytes) = check.fetch(blob) else { return };
    let what = "its bytes are damaged: their hash is not the one promised (CONV-10)";
    match blob {
        BlobId::Pack(kind, id) if blake3::hash(&bytes) != *id.as_bytes() => {
            check.find_pack(*kind, *id, misnamed(check, &bytes), what);
        }
        BlobId::Segment(id) if blake3::hash(&bytes) != *id.as_bytes() => {
            check.find_blob(blob, misnamed(check, &bytes), what);
        }
        BlobId::Pack(..) | BlobId::Segment(_) => {}
        _ if check_hash(&bytes).is_err() => check.find_blob(blob, FindingKind::Damaged, what),
        _ => {}
    }
}

/// Tells bytes that are another blob's from bytes that are nobody's.
pub(super) fn misnamed(check: &Check<'_>, bytes: &[u8]) -> FindingKind {
    let hash = *blake3::hash(bytes).as_bytes();
    let names = [
        BlobId::Pack(PackKind::Data, PackId(hash)),
        BlobId::Pack(PackKind::Meta, PackId(hash)),
        BlobId::Segment(hash.into()),
    ];
    match names.iter().any(|name| check.listing.has(name)) || check_hash(bytes).is_ok() {
        true => FindingKind::WrongName,
        false => FindingKind::Damaged,
    }
}

/// Reads a pack to its last content, and compares it with the index.
fn decode(check: &Check<'_>, packs: &Packs, kind: PackKind, id: PackId) {
    let blob = BlobId::Pack(kind, id);
    let Some(bytes) = check.fetch(&blob) else { return };
    let (keys, repo) = (check.repository.keys(), check.repository.id());
    let contents = match read_pack(keys, &repo, kind, &id, &bytes) {
        Ok(contents) => contents,
        Err(error) => {
            let finding = match error {
                PackError::WrongHash => misnamed(check, &bytes),
                _ => FindingKind::Structure,
            };
            return check.find_pack(kind, id, finding, with_causes(&error));
        }
    };
    check.count(|covered| {
        covered.packs_decoded += 1;
        covered.contents_decoded +=
            contents.frames.iter().map(|frame| frame.contents.len() as u64).sum::<u64>();
    });
    if let Some(facts) = packs.get(&id) {
        compare(check, &contents, facts.rows);
    }
}

/// The index has all contents of the pack where its footer has them, and no others in it.
fn compare(check: &Check<'_>, pack: &PackContents, rows: u64) {
    let (mut agreed, mut all) = (0, 0);
    for (index, frame) in (0..).zip(&pack.frames) {
        match agreeing(check, pack, index, frame) {
            Some(count) => agreed += count,
            // A segment cannot be read, which was found before.
            None => return,
        }
        all += frame.contents.len() as u64;
    }
    if (agreed, rows) != (all, all) {
        let what = format!(
            "its footer lists {all} contents; the index has {rows} in it, {agreed} of them where the footer says"
        );
        check.find_blob(&BlobId::Pack(pack.kind, pack.id), FindingKind::Structure, what);
    }
}

fn agreeing(check: &Check<'_>, pack: &PackContents, index: u32, frame: &FrameRow) -> Option<u64> {
    let (seal, mut offset, mut count) = (frame.seal(index), 0, 0);
    for row in &frame.contents {
        let found = check.repository.index().locate(&row.id).ok()?;
        let agrees = found.iter().any(|at| {
            (at.pack, at.pack_kind, at.salt, at.frame) == (pack.id, pack.kind, pack.salt, seal)
                && (at.offset, at.stored_len) == (frame.offset, frame.stored_len)
                && (at.content_offset, at.content_len, at.kind) == (offset, row.len, row.kind)
        });
        count += u64::from(agrees);
        offset += row.len;
    }
    Some(count)
}

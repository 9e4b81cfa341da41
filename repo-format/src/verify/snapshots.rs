//! The live snapshots.

use std::collections::BTreeMap;

use super::check::Check;
use super::finding::{Finding, FindingKind};
use super::log::live_rows;
use crate::codec::{ContentId, ManifestId};
use crate::content::ContentError;
use crate::format::names::{BlobId, PackKind};
use crate::log::ManifestRow;
use crate::repository::with_causes;
use crate::snapshot::{Manifest, MapUse};
use crate::system::Mutex;

/// A live snapshot.
pub(super) struct Live {
    pub id: ManifestId,
    /// None if it cannot be read.
    pub manifest: Option<Manifest>,
}

impl Live {
    /// The roots of the snapshot's maps.
    pub fn maps(&self) -> impl Iterator<Item = (MapUse, ContentId)> {
        self.manifest.as_ref().map(Manifest::maps).into_iter().flatten()
    }
}

/// Reads the manifest of every live snapshot of the state that is verified. What was forgotten since is not looked
/// at: it may be gone by now.
pub(super) fn live(check: &Check<'_>) -> Vec<Live> {
    let (rows, whole) = rows(check);
    if !whole {
        let what = "not all snapshots are known, because a manifest segment cannot be read";
        check.find(Finding::of(None, FindingKind::Structure, what));
    }
    let mut rows: Vec<_> = rows.into_values().map(|row| (row.revision, row.id)).collect();
    rows.sort_unstable();
    let loaded = Mutex::new(Vec::with_capacity(rows.len()));
    check.each(&rows, |(revision, id)| {
        let manifest = Manifest::load(&check.contents, id).map_err(|e| unfound(e, ContentId(id.0)));
        let manifest = manifest.inspect_err(|error| blame(check, error, id, b"")).ok();
        loaded.lock().push((*revision, Live { id: *id, manifest }));
    });
    let mut loaded = loaded.into_inner();
    loaded.sort_by_key(|(revision, live)| (*revision, live.id));
    check.count(|covered| covered.snapshots = loaded.len() as u64);
    loaded.into_iter().map(|(_, live)| live).collect()
}

/// Leaves those that nobody has forgotten meanwhile.
pub(super) fn keep_live(check: &Check<'_>, live: &mut Vec<Live>) {
    let (rows, _) = rows(check);
    live.retain(|live| rows.contains_key(&live.id));
}

/// Rows of the snapshots that are live in the newest state, and were in the one that is verified; and whether all
/// manifest segments could be read.
fn rows(check: &Check<'_>) -> (BTreeMap<ManifestId, ManifestRow>, bool) {
    let (mut rows, whole) = check.of_newest(|state| {
        let (rows, whole) = live_rows(check, state);
        if whole { Ok((rows, whole)) } else { Err((rows, whole)) }
    });
    rows.retain(|_, row| row.revision <= check.state.revision);
    (rows, whole)
}

/// Where a segment of the index is broken, which was found before, a content in it is as good as
/// missing: it is told once for all of them, not once for each.
pub(super) fn unfound(error: ContentError, id: ContentId) -> ContentError {
    match error {
        ContentError::Index(_) => ContentError::Missing { id },
        other => other,
    }
}

/// Makes a finding of a content that cannot be used. `path` is where a snapshot has it.
pub(super) fn blame(check: &Check<'_>, error: &ContentError, snapshot: &ManifestId, path: &[u8]) {
    let kind = match error {
        // Told once for all of them, with everybody who needs them.
        ContentError::Missing { id } => return check.miss(*id),
        ContentError::Damaged { id, pack, what } => {
            let is_data = check.listing.has(&BlobId::Pack(PackKind::Data, *pack));
            let kind = if is_data { PackKind::Data } else { PackKind::Meta };
            if check.is_bad(pack) {
                return;
            }
            if check.is_removed(&BlobId::Pack(kind, *pack)) {
                // Whoever is live still has it elsewhere.
                return check.miss(*id);
            }
            return check.find_pack(kind, *pack, FindingKind::Damaged, what.clone());
        }
        ContentError::Storage(_) | ContentError::Index(_) => FindingKind::Unreadable,
        _ => FindingKind::Structure,
    };
    blame_entry(check, kind, with_causes(error), snapshot, path);
}

/// Makes a finding of something in a snapshot.
pub(super) fn blame_entry(
    check: &Check<'_>,
    kind: FindingKind,
    what: String,
    snapshot: &ManifestId,
    path: &[u8],
) {
    check.find(Finding {
        snapshots: vec![*snapshot],
        paths: vec![path.to_vec()],
        path_count: 1,
        ..Finding::of(None, kind, what)
    });
}

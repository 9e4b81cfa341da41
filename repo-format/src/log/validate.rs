//! What must hold at the prefix that a record extends (LOG-7).

use super::action::Action;
use super::parts::BlobRef;
use super::row::ManifestRow;
use super::state::{SegmentRows, State};
use crate::codec::{ManifestId, PackId, SegmentId, SlotId};
use crate::format::names::BlobId;

/// Why an action may not be appended. Preparing again from a newer state may find a way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Invalid {
    /// Its contents must be stored again.
    #[error("pack {pack} is doomed, snapshot {manifest} cannot rely on it")]
    PackGone { manifest: ManifestId, pack: PackId },
    /// The map's nodes must be stored again.
    #[error("pack {pack} is doomed, the verification map cannot rely on it")]
    MapPackGone { pack: PackId },
    /// What only the base protected must be named or stored again.
    #[error("snapshot {base}, on which {manifest} is based, is not there any more")]
    BaseGone { manifest: ManifestId, base: ManifestId },
    /// Another compaction was first; this one's segments are of no use.
    #[error("segment {segment} was replaced by another process")]
    SegmentReplaced { segment: SegmentId },
    /// The segment waited too long for its record; it must be written again.
    #[error("segment {segment} is doomed")]
    SegmentGone { segment: SegmentId },
    #[error("there is no snapshot {manifest}")]
    NoSuchManifest { manifest: ManifestId },
    #[error("snapshot {manifest} is not forgotten")]
    NotForgotten { manifest: ManifestId },
    /// A walk that finds every content in packs that are still there can recall it.
    #[error("packs were doomed in revision {doom}, after snapshot {manifest} was forgotten")]
    DoomFollowed { manifest: ManifestId, doom: u64 },
    /// The collector marks again.
    #[error("what was marked at revision {marked} is outdated by revision {by}")]
    MarkOutdated { marked: u64, by: u64 },
    /// The collector takes the blob off its list.
    #[error("{blob} is in use since revision {since}")]
    InUse { blob: BlobRef, since: u64 },
    #[error("{blob} is not doomed")]
    NotDoomed { blob: BlobRef },
    #[error("there is no key slot {slot}")]
    NoSuchSlot { slot: SlotId },
    #[error("key slot {slot} is the last one")]
    LastSlot { slot: SlotId },
    /// Records were lost, and all that is left must be verified first.
    #[error("dooms are held since revision {since}, because records were lost (LOG-9)")]
    Held { since: u64 },
    /// There is no hold, or records were lost once more since it was looked.
    #[error("revision {looked_at} says nothing of the hold that there is (LOG-9)")]
    NotSettled { looked_at: u64 },
    /// A record that is not there yet cannot be trimmed.
    #[error("the floor {floor} is beyond the log's end, revision {revision}")]
    FloorAhead { floor: u64, revision: u64 },
}

impl Action {
    /// The manifests whose rows decide whether this action may be appended.
    pub(super) fn manifests_needed(&self) -> &[ManifestId] {
        match self {
            Action::PutManifest { bases, .. } => bases,
            Action::Recall { manifest, .. } => std::slice::from_ref(manifest),
            _ => &[],
        }
    }
}

impl State {
    /// Checks one action of the record that extends this state. `segments` holds the rows of the
    /// manifest segments if [`State::needs_segments`] asked for them.
    pub(super) fn validate(&self, action: &Action, segments: &SegmentRows) -> Result<(), Invalid> {
        match action {
            Action::AddSegments(added) => added.iter().try_for_each(|s| self.may_add(&s.id)),
            Action::ReplaceSegments { removed, added } => {
                let gone = removed.iter().find(|id| !self.segments.contains_key(id));
                match gone {
                    Some(segment) => Err(Invalid::SegmentReplaced { segment: *segment }),
                    None => added.iter().try_for_each(|segment| self.may_add(&segment.id)),
                }
            }
            Action::PutManifest { row, relied, bases } => {
                self.may_rely(&row.id, std::slice::from_ref(&row.pack))?;
                self.may_rely(&row.id, relied)?;
                bases.iter().try_for_each(|base| match self.manifest(base, segments) {
                    Some(found) if found.is_live() => Ok(()),
                    _ => Err(Invalid::BaseGone { manifest: row.id, base: *base }),
                })
            }
            Action::Recall { manifest, relied } => {
                let row = self.manifest(manifest, segments);
                let row = row.ok_or(Invalid::NoSuchManifest { manifest: *manifest })?;
                self.may_recall(&row, relied)
            }
            Action::VerificationMap { relied, .. } => match self.first_lost(relied) {
                Some(pack) => Err(Invalid::MapPackGone { pack }),
                None => Ok(()),
            },
            Action::Doom { marked, blobs } => self.may_doom(*marked, blobs),
            Action::Reap(blobs) => match blobs.iter().find(|blob| !self.doomed.contains_key(blob)) {
                Some(blob) => Err(Invalid::NotDoomed { blob: *blob }),
                None => Ok(()),
            },
            Action::DropSlot(slot) if !self.slots.contains_key(slot) => {
                Err(Invalid::NoSuchSlot { slot: *slot })
            }
            Action::DropSlot(slot) if self.slots.len() == 1 => Err(Invalid::LastSlot { slot: *slot }),
            Action::Settle { looked_at, verified } => self.may_settle(*looked_at, *verified),
            Action::RaiseFloor(floor) if *floor > self.revision => {
                Err(Invalid::FloorAhead { floor: *floor, revision: self.revision })
            }
            _ => Ok(()),
        }
    }

    fn may_add(&self, segment: &SegmentId) -> Result<(), Invalid> {
        match self.is_gone(&BlobRef::IndexSegment(*segment)) {
            true => Err(Invalid::SegmentGone { segment: *segment }),
            false => Ok(()),
        }
    }

    fn may_rely(&self, manifest: &ManifestId, packs: &[PackId]) -> Result<(), Invalid> {
        match self.first_lost(packs) {
            Some(pack) => Err(Invalid::PackGone { manifest: *manifest, pack }),
            None => Ok(()),
        }
    }

    fn first_lost(&self, packs: &[PackId]) -> Option<PackId> {
        packs.iter().copied().find(|pack| self.is_lost(pack))
    }

    fn may_recall(&self, row: &ManifestRow, relied: &[PackId]) -> Result<(), Invalid> {
        let manifest = row.id;
        let forgotten = row.forgotten.ok_or(Invalid::NotForgotten { manifest })?;
        // Naming packs says that a walk found everything in them.
        if self.last_doom > forgotten && relied.is_empty() {
            return Err(Invalid::DoomFollowed { manifest, doom: self.last_doom });
        }
        self.may_rely(&manifest, relied)
    }

    fn may_doom(&self, marked: u64, blobs: &[BlobRef]) -> Result<(), Invalid> {
        self.check_mark(marked)?;
        let in_use = blobs.iter().find_map(|blob| Some((*blob, self.used_since(blob, marked)?)));
        match in_use {
            Some((blob, since)) => Err(Invalid::InUse { blob, since }),
            None => Ok(()),
        }
    }

    fn may_settle(&self, looked_at: u64, verified: bool) -> Result<(), Invalid> {
        match self.hold {
            Some(hold) if (hold.since..=self.revision).contains(&looked_at) && (hold.found || !verified) => {
                Ok(())
            }
            _ => Err(Invalid::NotSettled { looked_at }),
        }
    }

    /// Checks that a doom may follow that was marked at `marked`, whatever it names.
    ///
    /// # Errors
    /// `Held`; `MarkOutdated`: the collector marks again.
    pub fn check_mark(&self, marked: u64) -> Result<(), Invalid> {
        if let Some(hold) = self.hold {
            return Err(Invalid::Held { since: hold.since });
        }
        let by = self.last_doom.max(self.history.last_recall).max(self.history.from);
        match by > marked || marked > self.revision {
            true => Err(Invalid::MarkOutdated { marked, by }),
            false => Ok(()),
        }
    }

    /// The revision since which a blob must stay, whatever was marked at `marked`; `None` if it may
    /// be doomed.
    pub fn used_since(&self, blob: &BlobRef, marked: u64) -> Option<u64> {
        match blob.blob_id() {
            BlobId::Pack(_, id) => {
                self.history.relied.get(&id).copied().filter(|revision| *revision > marked)
            }
            BlobId::Segment(id) => self.names_segment(&id).then_some(self.revision),
            _ => None,
        }
    }
}

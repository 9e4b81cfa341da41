//! What a record can do to the state (ACT-0 to ACT-18).

use super::parts::{BlobRef, FeatureScope, SlotInfo};
use super::row::ManifestRow;
use crate::cbor::{CborError, Reader, TupleReader, Writer};
use crate::codec::{ContentId, ManifestId, PackId, RecordHash, SegmentId, SlotId};
use crate::format::segment::SegmentRef;

/// Numbers of actions from here up are skipped by readers that do not know them (ACT-0).
const OPTIONAL: u64 = 1000;

/// One change of the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// New index segments.
    AddSegments(Vec<SegmentRef>),
    /// Index segments that take the place of others.
    ReplaceSegments { removed: Vec<SegmentId>, added: Vec<SegmentRef> },
    /// A new snapshot.
    PutManifest {
        row: Box<ManifestRow>,
        /// Every pack that it needs outside its bases.
        relied: Vec<PackId>,
        /// Live snapshots; what they reach is protected by them.
        bases: Vec<ManifestId>,
    },
    /// Snapshots that go.
    Forget(Vec<ManifestId>),
    /// A forgotten snapshot that comes back.
    Recall {
        manifest: ManifestId,
        /// Every pack that it needs, if a walk found them.
        relied: Vec<PackId>,
    },
    /// Advice: do not rely on these blobs any more.
    Condemn(Vec<BlobRef>),
    /// Decree: these blobs end. Nobody may rely on them.
    Doom {
        /// The revision whose live snapshots do not need them.
        marked: u64,
        blobs: Vec<BlobRef>,
    },
    /// These doomed blobs are deleted.
    Reap(Vec<BlobRef>),
    /// These packs are not to be trusted, or are again.
    Quarantine { packs: Vec<PackId>, set: bool },
    /// A parameter's value, or its end.
    PutParameter { name: String, value: Option<Vec<u8>> },
    /// A key slot that is written and was opened.
    AddSlot(SlotInfo),
    /// A key slot that goes.
    DropSlot(SlotId),
    /// A policy's CBOR, or its end.
    PutPolicy { name: String, value: Option<Vec<u8>> },
    /// The map of what was verified when, in place of the one there was.
    VerificationMap {
        root: Option<ContentId>,
        /// Every pack that it needs outside the map whose place it takes.
        relied: Vec<PackId>,
    },
    /// A feature that readers or writers must know from here on.
    RequireFeature { name: String, scope: FeatureScope },
    /// A record that cannot be read counts as empty.
    VoidRecord {
        revision: u64,
        /// The hash its successor chains to; zeros if that is not known.
        hash: RecordHash,
    },
    /// The records below are not needed any more and may be deleted.
    RaiseFloor(u64),
    /// A step towards the end of the hold on dooms that a mended log is under.
    Settle {
        /// The revision that was looked at.
        looked_at: u64,
        /// Whether all was verified; else the manifests that packs show were found.
        verified: bool,
    },
}

impl Action {
    /// The action's number in the format; its name in messages is the variant's.
    fn number(&self) -> u64 {
        match self {
            Action::AddSegments(_) => 1,
            Action::ReplaceSegments { .. } => 2,
            Action::PutManifest { .. } => 3,
            Action::Forget(_) => 4,
            Action::Recall { .. } => 5,
            Action::Condemn(_) => 6,
            Action::Doom { .. } => 7,
            Action::Reap(_) => 8,
            Action::Quarantine { .. } => 9,
            Action::PutParameter { .. } => 10,
            Action::AddSlot(_) => 11,
            Action::DropSlot(_) => 12,
            Action::PutPolicy { .. } => 13,
            Action::VerificationMap { .. } => 14,
            Action::RequireFeature { .. } => 15,
            Action::VoidRecord { .. } => 16,
            Action::RaiseFloor(_) => 17,
            Action::Settle { .. } => 18,
        }
    }

    /// Items in the action's array, its number among them.
    fn width(&self) -> usize {
        match self {
            Action::PutManifest { .. } | Action::AddSlot(_) => 4,
            Action::ReplaceSegments { .. } | Action::Recall { .. } | Action::Doom { .. } => 3,
            Action::Quarantine { .. } | Action::PutParameter { .. } | Action::PutPolicy { .. } => 3,
            Action::VerificationMap { .. } | Action::RequireFeature { .. } => 3,
            Action::VoidRecord { .. } | Action::Settle { .. } => 3,
            _ => 2,
        }
    }

    /// Appends the action's array.
    pub(super) fn write(&self, w: &mut Writer) {
        w.array(self.width()).u64(self.number());
        match self {
            Action::AddSegments(added) => w.put(added),
            Action::ReplaceSegments { removed, added } => w.put(removed).put(added),
            Action::PutManifest { row, relied, bases } => w.put(&**row).put(relied).put(bases),
            Action::Forget(manifests) => w.put(manifests),
            Action::Recall { manifest, relied } => w.put(manifest).put(relied),
            Action::Condemn(blobs) | Action::Reap(blobs) => w.put(blobs),
            Action::Doom { marked, blobs } => w.put(marked).put(blobs),
            Action::Quarantine { packs, set } => w.put(packs).put(set),
            Action::PutParameter { name, value } | Action::PutPolicy { name, value } => {
                w.put(name).put(value)
            }
            Action::AddSlot(slot) => {
                slot.write_items(w);
                w
            }
            Action::DropSlot(slot) => w.put(slot),
            Action::VerificationMap { root, relied } => w.put(root).put(relied),
            Action::RequireFeature { name, scope } => w.put(name).put(scope),
            Action::VoidRecord { revision, hash } => w.put(revision).put(hash),
            Action::RaiseFloor(floor) => w.put(floor),
            Action::Settle { looked_at, verified } => w.put(looked_at).put(verified),
        };
    }

    /// Reads an action's array; `None` is one that this release may skip.
    pub(super) fn read(r: &mut Reader<'_>) -> Result<Option<Action>, CborError> {
        r.tuple(|t| match t.get::<u64>()? {
            number if number >= OPTIONAL => t.skip_all().map(|()| None),
            number => Action::read_fields(number, t).map(Some),
        })
    }

    fn read_fields(number: u64, t: &mut TupleReader<'_, '_>) -> Result<Action, CborError> {
        Ok(match number {
            1 => Action::AddSegments(t.get()?),
            2 => Action::ReplaceSegments { removed: t.get()?, added: t.get()? },
            3 => Action::PutManifest { row: Box::new(t.get()?), relied: t.get()?, bases: t.get()? },
            4 => Action::Forget(t.get()?),
            5 => Action::Recall { manifest: t.get()?, relied: t.get()? },
            6 => Action::Condemn(t.get()?),
            7 => Action::Doom { marked: t.get()?, blobs: t.get()? },
            8 => Action::Reap(t.get()?),
            9 => Action::Quarantine { packs: t.get()?, set: t.get()? },
            10 => Action::PutParameter { name: t.get()?, value: t.get()? },
            11 => {
                let slot = SlotInfo::from_items(t.get()?, t.get()?, t.get()?);
                Action::AddSlot(slot.map_err(|what| t.error(what))?)
            }
            12 => Action::DropSlot(t.get()?),
            13 => Action::PutPolicy { name: t.get()?, value: t.get()? },
            14 => Action::VerificationMap { root: t.get()?, relied: t.get()? },
            15 => Action::RequireFeature { name: t.get()?, scope: t.get()? },
            16 => Action::VoidRecord { revision: t.get()?, hash: t.get()? },
            17 => Action::RaiseFloor(t.get()?),
            18 => Action::Settle { looked_at: t.get()?, verified: t.get()? },
            _ => return Err(t.error("unknown action (ACT-0)")),
        })
    }
}

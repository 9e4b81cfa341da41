//! The plan: which blobs go now, which later, which packs are rewritten. Pure.

use std::collections::{BTreeMap, HashMap};

use super::mark::PackUse;
use super::survey::{Listed, Survey};
use super::{MaintenanceOptions, Space};
use crate::codec::PackId;
use crate::format::names::PackKind;
use crate::log::{BlobRef, State};

/// So many small packs of a kind are put together.
const SMALL_PACKS_MIN: usize = 8;
/// A blob that no record knows is left alone for so long, since a run that goes on will name it.
const UNKNOWN_AGE_MIN_NS: i64 = 3600 * 1_000_000_000;

/// Why a blob is not needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// No live snapshot needs anything of it.
    Unneeded,
    /// No record knows it: a run that was killed left it, or one under way will name it.
    Unknown,
    /// A segment that others took the place of.
    Replaced,
}

/// A blob that was condemned and waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Waiting {
    pub blob: BlobRef,
    pub size: u64,
    pub reason: Reason,
    /// The revision that condemned it.
    pub since: u64,
    /// When it may be doomed, ns since 1970; `None` if that is now.
    pub due_ns: Option<i64>,
}

/// A pack to be rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rewrite {
    pub pack: PackId,
    pub kind: PackKind,
    pub size: u64,
    pub live_raw: u64,
}

/// What there is to do.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Not needed and not condemned yet.
    pub condemn: Vec<(BlobRef, u64, Reason)>,
    /// Condemned, and still not needed.
    pub waiting: Vec<Waiting>,
    /// The emptiest first.
    pub rewrite: Vec<Rewrite>,
    /// Not needed and not condemned, but too new to be sure that nobody will name them.
    pub fresh: u64,
    pub space: Space,
}

/// What a plan is made of.
pub(super) struct Facts<'f> {
    pub state: &'f State,
    pub survey: &'f Survey,
    pub packs: &'f HashMap<PackId, PackUse>,
    pub options: &'f MaintenanceOptions,
    /// Nanoseconds since 1970 UTC.
    pub now_ns: i64,
    /// When a revision was committed; `None` if its record was trimmed, so long ago.
    pub time_of: &'f dyn Fn(u64) -> Option<i64>,
}

/// Makes the plan.
pub(super) fn plan(facts: &Facts<'_>) -> Plan {
    let mut plan = Plan::default();
    let mut kept: Vec<(Rewrite, PackUse)> = Vec::new();
    for (blob, listed) in &facts.survey.blobs {
        if facts.state.doomed.contains_key(blob) {
            plan.space.doomed_bytes += listed.size;
            continue;
        }
        match facts.reason(blob) {
            Some(reason) => facts.unneeded(&mut plan, blob, listed, reason),
            None => {
                if let BlobRef::Pack(kind, pack) = *blob
                    && let Some(found) = facts.packs.get(&pack)
                {
                    plan.space.live(listed.size, found);
                    let rewrite = Rewrite { pack, kind, size: listed.size, live_raw: found.live_raw };
                    kept.push((rewrite, *found));
                } else {
                    plan.space.segment_bytes += listed.size;
                }
            }
        }
    }
    plan.rewrite = facts.rewrites(kept, plan.space.live_bytes);
    plan
}

impl Facts<'_> {
    /// Why a blob is not needed; `None` if it is.
    fn reason(&self, blob: &BlobRef) -> Option<Reason> {
        match blob {
            BlobRef::Pack(_, id) => match self.packs.get(id) {
                None => Some(Reason::Unknown),
                Some(found) if found.live_contents == 0 => Some(Reason::Unneeded),
                Some(_) => None,
            },
            BlobRef::IndexSegment(id) => (!self.state.segments.contains_key(id)).then_some(Reason::Replaced),
            BlobRef::ManifestSegment(id) => {
                (!self.state.names_manifest_segment(id)).then_some(Reason::Replaced)
            }
        }
    }

    fn unneeded(&self, plan: &mut Plan, blob: &BlobRef, listed: &Listed, reason: Reason) {
        plan.space.unneeded(listed.size, reason);
        let grace = match reason {
            Reason::Unknown => self.options.grace_unknown,
            _ => self.options.grace,
        };
        let grace_ns = i64::try_from(grace.as_nanos()).unwrap_or(i64::MAX);
        match self.state.condemned.get(blob) {
            Some(since) => {
                let due = (self.time_of)(*since).map(|time| time.saturating_add(grace_ns));
                plan.waiting.push(Waiting {
                    blob: *blob,
                    size: listed.size,
                    reason,
                    since: *since,
                    due_ns: due.filter(|due| *due > self.now_ns && grace_ns > 0),
                });
            }
            None => {
                // Negative if a clock is wrong: this one's or the storage's.
                let age = self.now_ns.saturating_sub(listed.modified_ns);
                match matches!(reason, Reason::Unknown | Reason::Replaced)
                    && grace_ns > 0
                    && age < UNKNOWN_AGE_MIN_NS.min(grace_ns)
                {
                    true => plan.fresh += 1,
                    false => plan.condemn.push((*blob, listed.size, reason)),
                }
            }
        }
    }

    /// The packs to rewrite: condemned ones that are needed all the same, then the emptiest until
    /// little stays unused, then small ones if there are several.
    fn rewrites(&self, mut kept: Vec<(Rewrite, PackUse)>, live_bytes: u64) -> Vec<Rewrite> {
        let is_condemned =
            |rewrite: &Rewrite| self.state.condemned.contains_key(&BlobRef::Pack(rewrite.kind, rewrite.pack));
        // What cannot be trusted is not copied; it waits for repair.
        kept.retain(|(rewrite, _)| !self.state.quarantined.contains(&rewrite.pack));
        kept.sort_by(|(a, used_a), (b, used_b)| {
            let of = |used: &PackUse| used.live_raw as f64 / used.raw.max(1) as f64;
            of(used_a).total_cmp(&of(used_b)).then(a.pack.cmp(&b.pack))
        });
        let mut unused: u64 = kept.iter().map(|(rewrite, used)| unused_of(rewrite.size, used)).sum();
        let allowed = (live_bytes as f64 * self.options.unused_percent / 100.0) as u64;
        let mut chosen = Vec::new();
        let mut small: BTreeMap<PackKind, Vec<Rewrite>> = BTreeMap::new();
        for (rewrite, used) in kept {
            let waste = unused_of(rewrite.size, &used);
            if is_condemned(&rewrite) || (unused > allowed && waste > 0) {
                unused -= waste;
                chosen.push(rewrite);
            } else if rewrite.size < self.options.small_pack {
                small.entry(rewrite.kind).or_default().push(rewrite);
            }
        }
        let several = small.into_values().filter(|packs| packs.len() >= SMALL_PACKS_MIN);
        chosen.extend(several.flatten());
        chosen
    }
}

/// Stored bytes of a pack that nobody needs, by its share of plaintext.
pub(super) fn unused_of(size: u64, used: &PackUse) -> u64 {
    match used.raw {
        0 => 0,
        raw => (u128::from(size) * u128::from(raw - used.live_raw.min(raw)) / u128::from(raw)) as u64,
    }
}

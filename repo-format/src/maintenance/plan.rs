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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::codec::{ContentId, SegmentId};
    use crate::format::segment::SegmentRef;

    const NOW_NS: i64 = 1_800_000_000_000_000_000;
    const HOUR_NS: i64 = UNKNOWN_AGE_MIN_NS;

    /// What there is, as the plan sees it. Blobs are a day old.
    struct Case {
        state: State,
        survey: Survey,
        packs: HashMap<PackId, PackUse>,
        options: MaintenanceOptions,
        times: BTreeMap<u64, i64>,
    }

    impl Case {
        fn new() -> Case {
            let options = MaintenanceOptions { small_pack: 0, ..MaintenanceOptions::default() };
            let (survey, packs) = (Survey::default(), HashMap::new());
            Case { state: State::default(), survey, packs, options, times: BTreeMap::new() }
        }

        fn list(&mut self, blob: BlobRef, size: u64, age_ns: i64) -> BlobRef {
            self.survey.blobs.insert(blob, Listed { size, modified_ns: NOW_NS - age_ns });
            blob
        }

        /// A pack of which `live` of 100 bytes are needed.
        fn pack(&mut self, number: u8, size: u64, live: u64) -> BlobRef {
            let live_contents = u64::from(live > 0);
            let used = PackUse { kind: PackKind::Data, contents: 4, live_contents, raw: 100, live_raw: live };
            self.packs.insert(PackId([number; 32]), used);
            self.list(data(number), size, 24 * HOUR_NS)
        }

        fn plan(&self) -> Plan {
            plan(&Facts {
                state: &self.state,
                survey: &self.survey,
                packs: &self.packs,
                options: &self.options,
                now_ns: NOW_NS,
                time_of: &|revision| self.times.get(&revision).copied(),
            })
        }

        /// The numbers of the packs that are rewritten, in order.
        fn rewritten(&self) -> Vec<u8> {
            self.plan().rewrite.iter().map(|rewrite| rewrite.pack.0[0]).collect()
        }
    }

    fn data(number: u8) -> BlobRef {
        BlobRef::Pack(PackKind::Data, PackId([number; 32]))
    }

    fn segment(number: u8) -> BlobRef {
        BlobRef::IndexSegment(SegmentId([number; 32]))
    }

    #[test]
    fn every_byte_is_told_once_by_what_becomes_of_it() {
        let mut case = Case::new();
        // Two of each, so that sums are sums.
        for number in [1, 2] {
            case.pack(number, 1000, 75);
            case.pack(10 + number, 20_000, 0);
            case.list(data(20 + number), 300_000, 24 * HOUR_NS);
            let id = SegmentId([number; 32]);
            let named = SegmentRef { id, count: 1, first: ContentId::ZERO, last: ContentId::ZERO, size: 4 };
            case.state.segments.insert(id, named);
            case.list(segment(number), 4_000_000, 24 * HOUR_NS);
            case.list(segment(10 + number), 10_000_000, 24 * HOUR_NS);
            let doomed = case.pack(30 + number, 200_000_000, 50);
            case.state.doomed.insert(doomed, 7);
        }
        let plan = case.plan();
        let space = Space {
            live_packs: 2,
            live_bytes: 1500,
            unused_bytes: 500,
            unneeded_packs: 2,
            unneeded_bytes: 40_000,
            unknown_packs: 2,
            unknown_bytes: 600_000,
            segment_bytes: 8_000_000,
            replaced_bytes: 20_000_000,
            doomed_bytes: 400_000_000,
        };
        assert_eq!(plan.space, space);
        assert_eq!(plan.space.total(), case.survey.blobs.values().map(|listed| listed.size).sum::<u64>());
        let condemned: BTreeMap<_, _> =
            plan.condemn.iter().map(|(blob, size, reason)| (*blob, (*size, *reason))).collect();
        let wanted = [11, 12].map(|number| (data(number), (20_000, Reason::Unneeded)));
        let unknown = [21, 22].map(|number| (data(number), (300_000, Reason::Unknown)));
        let replaced = [11, 12].map(|number| (segment(number), (10_000_000, Reason::Replaced)));
        assert_eq!(condemned, wanted.into_iter().chain(unknown).chain(replaced).collect());
        assert!(plan.waiting.is_empty() && plan.fresh == 0);
    }

    #[test]
    fn what_no_record_names_is_left_alone_while_a_run_may_still_name_it() {
        let mut case = Case::new();
        for (grace, least) in
            [(Duration::from_secs(86_400), HOUR_NS), (Duration::from_secs(60), 60_000_000_000)]
        {
            (case.options.grace, case.options.grace_unknown) = (grace, grace);
            for (age_ns, fresh) in [(least - 1, 2), (least, 0), (least + 1, 0)] {
                case.list(data(1), 10, age_ns);
                case.list(segment(1), 10, age_ns);
                let plan = case.plan();
                assert_eq!(
                    (plan.fresh, plan.condemn.len()),
                    (fresh, 2 - fresh as usize),
                    "{grace:?} {age_ns}"
                );
            }
        }
        // Without grace nothing is too young, not even what a clock has in the future.
        (case.options.grace, case.options.grace_unknown) = (Duration::ZERO, Duration::ZERO);
        case.list(data(1), 10, -HOUR_NS);
        case.list(segment(1), 10, 0);
        assert_eq!((case.plan().fresh, case.plan().condemn.len()), (0, 2));
        // And what was needed once is known.
        let mut case = Case::new();
        case.pack(1, 10, 0);
        case.list(data(1), 10, 0);
        assert_eq!((case.plan().fresh, case.plan().condemn.len()), (0, 1));
    }

    #[test]
    fn what_is_condemned_is_due_a_grace_period_later() {
        let mut case = Case::new();
        (case.options.grace, case.options.grace_unknown) =
            (Duration::from_nanos(100), Duration::from_nanos(900));
        let (unneeded, unknown, late) = (case.pack(1, 10, 0), case.list(data(2), 20, 0), case.pack(3, 30, 0));
        case.state.condemned = [(unneeded, 5), (unknown, 6), (late, 7)].into();
        let due = |case: &Case| case.plan().waiting.iter().map(|it| (it.blob, it.due_ns)).collect::<Vec<_>>();
        // The record of revision 7 was trimmed, so long ago was it.
        case.times = [(5, NOW_NS - 99), (6, NOW_NS - 899)].into();
        assert_eq!(due(&case), [(unneeded, Some(NOW_NS + 1)), (unknown, Some(NOW_NS + 1)), (late, None)]);
        case.times = [(5, NOW_NS - 100), (6, NOW_NS - 900)].into();
        assert_eq!(due(&case), [(unneeded, None), (unknown, None), (late, None)]);
        let waiting = case.plan().waiting[1];
        assert_eq!((waiting.size, waiting.reason, waiting.since), (20, Reason::Unknown, 6));
        // Without grace no clock is asked.
        (case.options.grace, case.options.grace_unknown) = (Duration::ZERO, Duration::ZERO);
        case.times = [(5, NOW_NS + HOUR_NS), (6, NOW_NS + HOUR_NS)].into();
        assert_eq!(due(&case), [(unneeded, None), (unknown, None), (late, None)]);
    }

    #[test]
    fn the_emptiest_packs_are_rewritten_until_little_is_unused() {
        let mut case = Case::new();
        case.options.unused_percent = 10.0;
        // 900 bytes are needed of 1,000 in each; of the last one 100.
        for number in 1..=4 {
            case.pack(number, 1000, 90);
        }
        case.pack(5, 1000, 10);
        // 1,300 bytes are unused and 370 allowed: without the emptiest 400, without one more 300.
        assert_eq!(case.rewritten(), [5, 1]);
        case.options.unused_percent = 100.0 * 400.0 / 3700.0;
        assert_eq!(case.rewritten(), [5], "as much as may be unused");
        case.options.unused_percent = 100.0 * 399.0 / 3700.0;
        assert_eq!(case.rewritten(), [5, 1]);
        case.options.unused_percent = 100.0;
        assert_eq!(case.rewritten(), [0; 0]);
        // A pack that is needed whole gains nothing, unless it is condemned: then it leaves.
        case.options.unused_percent = 0.0;
        let whole = case.pack(6, 1000, 100);
        assert_eq!(case.rewritten(), [5, 1, 2, 3, 4]);
        case.state.condemned.insert(whole, 9);
        assert_eq!(case.rewritten(), [5, 1, 2, 3, 4, 6]);
        // What is not trusted is not copied.
        case.state.quarantined.insert(PackId([5; 32]));
        assert_eq!(case.rewritten(), [1, 2, 3, 4, 6]);
    }

    #[test]
    fn small_packs_are_put_together_if_there_are_several_of_a_kind() {
        let mut case = Case::new();
        case.options.small_pack = 1000;
        let few = SMALL_PACKS_MIN as u8 - 1;
        for number in 1..=few {
            case.pack(number, 999, 100);
        }
        case.pack(100, 1000, 100);
        let meta = PackUse { kind: PackKind::Meta, contents: 1, live_contents: 1, raw: 100, live_raw: 100 };
        case.packs.insert(PackId([101; 32]), meta);
        case.list(BlobRef::Pack(PackKind::Meta, PackId([101; 32])), 10, 0);
        assert_eq!(case.rewritten(), [0; 0], "one too few, one that is not small, and one of another kind");
        case.pack(few + 1, 999, 100);
        assert_eq!(case.rewritten(), (1..=few + 1).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_unused_of_a_pack_is_its_share() {
        let of = |raw, live_raw| {
            unused_of(1000, &PackUse { kind: PackKind::Data, contents: 1, live_contents: 1, raw, live_raw })
        };
        assert_eq!([of(100, 100), of(100, 25), of(100, 0), of(3, 1), of(0, 0)], [0, 750, 1000, 666, 0]);
        // An index that names more than there is.
        assert_eq!(of(100, 200), 0);
        let huge =
            PackUse { kind: PackKind::Data, contents: 1, live_contents: 1, raw: u64::MAX, live_raw: 0 };
        assert_eq!(unused_of(u64::MAX, &huge), u64::MAX);
    }
}

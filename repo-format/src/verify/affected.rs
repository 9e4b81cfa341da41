//! Whom the lost contents hurt: snapshots and paths, for the findings that lost them.

use std::collections::BTreeMap;

use super::check::Check;
use super::lost::Lost;
use super::snapshots::Live;
use crate::codec::ManifestId;
use crate::reach::{Met, Search};

/// Who needs what one finding lost.
#[derive(Default)]
struct Hurt {
    snapshots: Vec<ManifestId>,
    paths: Vec<Vec<u8>>,
    count: u64,
}

impl Hurt {
    fn note(&mut self, met: &Met<'_>, paths_max: usize) {
        if self.snapshots.last() != Some(&met.snapshot) {
            self.snapshots.push(met.snapshot);
        }
        self.count += 1;
        if self.paths.len() < paths_max && self.paths.iter().all(|known| known != met.path) {
            self.paths.push(met.path.to_vec());
        }
    }
}

/// Fills in snapshots and paths of the findings.
pub(super) fn affected(check: &Check<'_>, live: &[Live], lost: &Lost) {
    if lost.is_empty() {
        return;
    }
    let (mut hurt, stopped) = (BTreeMap::<usize, Hurt>::new(), || check.is_stopped());
    let mut note = |met: Met<'_>| hurt.entry(met.group).or_default().note(&met, check.options.paths_max);
    let mut search = Search::new(check.repository.contents(), lost, &stopped, &mut note);
    for snapshot in live {
        search.snapshot(snapshot.id, snapshot.maps());
    }
    for (place, hurt) in hurt {
        check.amend(place, |finding| {
            finding.snapshots = hurt.snapshots;
            finding.paths = hurt.paths;
            finding.path_count = hurt.count;
        });
    }
}

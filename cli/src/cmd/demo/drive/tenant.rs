//! The tenant that is shown, and what goes wrong in it.

use std::collections::{BTreeMap, HashSet};

use graph_sim::model::truth::TrueKind;
use graph_sim::{Call, Fault, Faults, PoisonKind, Rule, SimConfig, SimState, TenantProfile, preset};

use crate::args::DemoDriveArgs;

/// What goes wrong. Families that make a client wait would only show patience.
const FAMILIES: [&str; 4] = ["corrupt", "expired", "disorder", "json"];
/// The name of the one rule that is no fault.
const DELAY: &str = "delay";
/// Before a content begins to come. Loopback is faster than any service, and a backup that is over in a
/// second shows no checkpoint.
const DELAY_MS: u64 = 100;

/// The simulator that is shown.
pub fn config(args: &DemoDriveArgs) -> SimConfig {
    let tenant = TenantProfile {
        users: args.users,
        users_without_drive: 1,
        users_without_license: 1,
        items_per_drive: args.items,
        size_max: 2_000_000,
        ..TenantProfile::default()
    };
    let rules = FAMILIES.iter().filter_map(|name| preset(name)).flat_map(|faults| faults.rules);
    let delay = Rule::new(DELAY, 1.0, &[Call::Download], Fault::Delay { ms: DELAY_MS });
    let rules = rules.chain([delay]).collect();
    // The first is tried for most of a minute before it is given up; one of them is enough to see.
    let poison = vec![PoisonKind::Forbidden, PoisonKind::Malware, PoisonKind::Malware];
    let faults = Faults { poison_per_user: 1, poison, rules, ..Faults::default() };
    SimConfig { tenant, faults, ..SimConfig::default() }
}

/// How much went wrong so far.
pub fn faults(state: &SimState) -> u64 {
    let counts = state.totals().faults;
    counts.iter().filter(|(name, _)| *name != DELAY).map(|(_, count)| count).sum()
}

/// How many files of all drives have content to be fetched.
pub fn files(state: &SimState) -> u64 {
    let items = (0..state.drive_count()).flat_map(|drive| state.true_state(drive));
    items.filter(|item| item.kind == TrueKind::File && item.size > 0).count() as u64
}

/// The files of a drive below a folder: path from there, and hash.
pub fn hashes(
    state: &SimState,
    drive: u32,
    folder: &str,
    withheld: &HashSet<String>,
) -> BTreeMap<String, Option<String>> {
    let items = state.true_state(drive).into_iter();
    let files = items.filter(|item| item.kind == TrueKind::File && !withheld.contains(&item.id));
    files.filter_map(|item| Some((item.path.strip_prefix(folder)?.to_owned(), item.quick_xor_hash))).collect()
}

/// Items that the service holds to be malware: a backup has their names alone.
pub fn malware(state: &SimState) -> HashSet<String> {
    let poisoned = (0..state.drive_count()).flat_map(|drive| state.poisoned(drive));
    poisoned.filter(|item| item.kind == PoisonKind::Malware).map(|item| item.id).collect()
}

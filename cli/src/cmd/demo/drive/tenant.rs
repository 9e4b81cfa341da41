//! The tenant that is shown, and what goes wrong in it.

use graph_sim::model::truth::TrueKind;
use graph_sim::{Faults, PoisonKind, SimConfig, SimState, TenantProfile, preset};

use crate::args::DemoDriveArgs;

/// What goes wrong. Families that make a client wait would only show patience.
const FAMILIES: [&str; 7] = ["reset", "truncate", "corrupt", "expired", "disorder", "json", "transient"];

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
    let rules = FAMILIES.iter().filter_map(|name| preset(name)).flat_map(|faults| faults.rules).collect();
    let poison = vec![PoisonKind::Forbidden, PoisonKind::Malware];
    let faults = Faults { poison_per_user: 1, poison, rules, ..Faults::default() };
    SimConfig { tenant, faults, ..SimConfig::default() }
}

/// How many files a drive has.
pub fn files(state: &SimState, drive: u32) -> u64 {
    state.true_state(drive).iter().filter(|item| item.kind == TrueKind::File).count() as u64
}

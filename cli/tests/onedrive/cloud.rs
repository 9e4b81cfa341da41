//! A simulated Microsoft for one test, and the command that is pointed at it.

use assert_cmd::Command;
use graph_sim::{CLIENT_ID, CLIENT_SECRET, Faults, Sim, SimConfig, SimState, TENANT_ID, TenantProfile};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::common::Place;

/// A place with a repository, and a simulator that answers while it lives.
pub struct Cloud {
    pub place: Place,
    sim: Sim,
    _runtime: Runtime,
}

impl Cloud {
    /// A tenant of this shape.
    pub fn new(tenant: TenantProfile, faults: Faults) -> Cloud {
        Cloud::with(SimConfig { tenant, faults, ..SimConfig::default() })
    }

    pub fn with(config: SimConfig) -> Cloud {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let sim = runtime.block_on(Sim::start(config)).unwrap();
        Cloud { place: Place::with_repository(), sim, _runtime: runtime }
    }

    /// What the simulator knows.
    pub fn state(&self) -> &SimState {
        self.sim.state()
    }

    /// The name of the user who owns a drive.
    pub fn user(&self, drive: u32) -> String {
        self.state().users()[drive as usize].principal_name.clone()
    }

    /// A command that signs in at the simulator.
    pub fn corso(&self, arguments: &[&str]) -> Command {
        let mut command = self.place.corso(arguments);
        for (name, value) in self.environment() {
            command.env(name, value);
        }
        command
    }

    /// What points a command at the simulator.
    pub fn environment(&self) -> [(&'static str, String); 7] {
        [
            ("CORSO_GRAPH_URL", self.sim.api_url().to_string()),
            ("CORSO_LOGIN_URL", self.sim.login_url().to_string()),
            ("AZURE_TENANT_ID", TENANT_ID.to_owned()),
            ("AZURE_CLIENT_ID", CLIENT_ID.to_owned()),
            ("AZURE_CLIENT_SECRET", CLIENT_SECRET.to_owned()),
            ("CORSO_UNITS_PER_SECOND", "100000".to_owned()),
            ("CORSO_TESTING", "1".to_owned()),
        ]
    }

    /// Runs a command that ends with `code`; gives its JSON lines on stdout and stderr.
    pub fn json(&self, arguments: &[&str], code: i32) -> (Vec<Value>, Vec<Value>) {
        let output = self.corso(arguments).arg("--json").output().unwrap();
        let lines = |bytes: &[u8]| -> Vec<Value> {
            String::from_utf8_lossy(bytes).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
        };
        let (shown, told) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {shown}{told}");
        (lines(&output.stdout), lines(&output.stderr))
    }

    /// Backs up as told; gives the summary.
    pub fn back_up(&self, more: &[&str], code: i32) -> Value {
        let (lines, _) = self.json(&[&["backup", "create", "onedrive"], more].concat(), code);
        lines.into_iter().rfind(|line| line["message_type"] == "summary").unwrap()
    }

    /// What earlier runs kept of the service's budget is gone: the simulator's clock may move, ours does not.
    pub fn forget_waits(&self) {
        std::fs::remove_dir_all(self.place.path(".local/state/corso/budget")).unwrap();
    }

    /// Files that were fetched, with repetitions.
    pub fn downloads(&self) -> u64 {
        self.state().downloads().values().map(|count| u64::from(count.starts)).sum()
    }
}

/// A small tenant without surprises.
pub fn tenant(users: u32, items: u32) -> TenantProfile {
    TenantProfile {
        users,
        users_without_drive: 0,
        users_without_license: 0,
        items_per_drive: items,
        size_max: 200_000,
        ..TenantProfile::default()
    }
}

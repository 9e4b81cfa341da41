//! A scriptable Microsoft Graph on loopback, with a seeded tenant and fault knobs.
//!
//! [`Sim::start`] takes a [`SimConfig`] and listens on two ports: one for the API and the sign-in, one for
//! pre-authenticated URLs. [`Sim::state`] is the truth in process: what each drive held at any time, the
//! broken rules, the counters, the faults in force. The same stands under `/__sim/` over HTTP. Nothing in
//! here knows of backups.

#![forbid(unsafe_code)]

mod api;
mod clock;
mod config;
mod control;
mod faults;
mod judge;
mod limit;
mod login;
pub mod model;
mod seed;
mod serve;
mod sim;
mod state;
mod wire;

pub use api::Call;
pub use clock::SimClock;
pub use config::{
    AppConfig, CLIENT_ID, CLIENT_SECRET, DeviceFlow, DeviceOutcome, SimConfig, TENANT_DOMAIN, TENANT_ID,
    TenantProfile, WireConfig,
};
pub use faults::{BodyForm, Fault, Faults, LocationForm, PRESETS, PoisonKind, RetryAfter, Rule, preset};
pub use judge::{DownloadCount, Totals, Violation, ViolationKind};
pub use limit::ThrottleTier;
pub use seed::Seed;
pub use serve::tls::TlsFiles;
pub use sim::{Sim, SimError};
pub use state::{Mutation, MutatorPace, Poisoned, SimState};

//! What a simulator is started with.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::clock::SimClock;
use crate::faults::Faults;
use crate::limit::ThrottleTier;
use crate::serve::tls::TlsFiles;
use crate::state::MutatorPace;

/// The tenant's GUID.
pub const TENANT_ID: &str = "6babcaad-604b-40ac-a9d7-9fd97c0b779f";
/// The tenant's domain.
pub const TENANT_DOMAIN: &str = "contoso.onmicrosoft.com";
/// The client id of the one app that every tenant has.
pub const CLIENT_ID: &str = "b7e86ed2-40c8-4f19-8a0a-6c2b9f0cbb61";
/// That app's secret.
pub const CLIENT_SECRET: &str = "sim-secret";

/// All that a simulator can be told. The default is a small, healthy tenant on free ports.
#[derive(Clone, Debug)]
pub struct SimConfig {
    pub tenant: TenantProfile,
    pub faults: Faults,
    /// `None`: nothing is throttled.
    pub throttle: Option<ThrottleTier>,
    /// Multiplies every limit of the tier.
    pub throttle_factor: f64,
    /// The part, 0 to 1, of the tenant's units in 5 minutes that other apps use up, evenly over time.
    pub other_app: f64,
    /// Requests in flight in each bucket; those above are refused and written down.
    pub in_flight_max: Option<u32>,
    /// Where the API and the sign-in listen. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where pre-authenticated URLs point to. Never the same as `listen`.
    pub content_listen: SocketAddr,
    /// Answers https in place of http.
    pub tls: Option<TlsFiles>,
    /// Shared with a client that is to live in the same time.
    pub clock: SimClock,
    pub app: AppConfig,
    pub wire: WireConfig,
    /// Drives that change by themselves from the start on.
    pub mutator: Option<MutatorPace>,
}

impl Default for SimConfig {
    fn default() -> Self {
        SimConfig {
            tenant: TenantProfile::default(),
            faults: Faults::default(),
            throttle: None,
            throttle_factor: 1.0,
            other_app: 0.0,
            in_flight_max: None,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            content_listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls: None,
            clock: SimClock::default(),
            app: AppConfig::default(),
            wire: WireConfig::default(),
            mutator: None,
        }
    }
}

/// The shape of the seeded tenant.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TenantProfile {
    pub seed: u64,
    /// Users who have a drive.
    pub users: u32,
    /// Further users without a drive: 404 `ResourceNotFound`, "mysite not found".
    pub users_without_drive: u32,
    /// Further users without a licence: 400, "Tenant does not have a SPO license".
    pub users_without_license: u32,
    /// Items in each drive, the root not counted.
    pub items_per_drive: u32,
    /// Which part of the items are folders.
    pub folders: f64,
    /// Length of one chain of folders in each drive.
    pub chain: u32,
    /// Files in one wide folder of each drive.
    pub wide: u32,
    /// Median size of files, in bytes; sizes are log-normal.
    pub size_median: u64,
    /// Standard deviation of the size's logarithm: 2.9 puts 1 % over 833 times the median.
    pub size_sigma: f64,
    /// No file is larger.
    pub size_max: u64,
    /// Part of the files with no bytes.
    pub empty: f64,
    /// Part of the files whose content another file has, too.
    pub duplicates: f64,
    /// Part of the items with permissions of their own.
    pub shared: f64,
    /// Part of the items that are OneNote notebooks.
    pub packages: f64,
    /// Part of the items that are shortcuts into another drive.
    pub shortcuts: f64,
    /// Part of the files that are flagged as malware.
    pub malware: f64,
}

impl Default for TenantProfile {
    fn default() -> Self {
        TenantProfile {
            seed: 1,
            users: 3,
            users_without_drive: 1,
            users_without_license: 1,
            items_per_drive: 100,
            folders: 0.08,
            chain: 6,
            wide: 10,
            size_median: 20_000,
            size_sigma: 1.5,
            size_max: 4_000_000,
            empty: 0.02,
            duplicates: 0.15,
            shared: 0.02,
            packages: 0.0,
            shortcuts: 0.0,
            malware: 0.0,
        }
    }
}

/// The app registration, and how sign-in behaves.
#[derive(Clone)]
pub struct AppConfig {
    pub tenant_id: String,
    pub client_id: String,
    pub client_secret: String,
    /// Certificates (DER) whose assertions are accepted.
    pub certificates: Vec<Vec<u8>>,
    /// Federated tokens that are accepted as assertions, word for word.
    pub federated_tokens: Vec<String>,
    /// Application permissions that were consented to.
    pub roles: Vec<String>,
    /// How long access tokens live, in seconds.
    pub token_lifetime_s: u32,
    /// What becomes of device codes.
    pub device: DeviceFlow,
}

impl std::fmt::Debug for AppConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AppConfig")
            .field("client_id", &self.client_id)
            .field("roles", &self.roles)
            .finish_non_exhaustive()
    }
}

impl Default for AppConfig {
    fn default() -> Self {
        let roles = ["Files.ReadWrite.All", "Sites.FullControl.All", "User.Read.All"];
        AppConfig {
            tenant_id: TENANT_ID.into(),
            client_id: CLIENT_ID.into(),
            client_secret: CLIENT_SECRET.into(),
            certificates: Vec::new(),
            federated_tokens: Vec::new(),
            roles: roles.map(String::from).into(),
            token_lifetime_s: 3599,
            device: DeviceFlow::default(),
        }
    }
}

/// How a device code ends.
#[derive(Clone, Copy, Debug)]
pub struct DeviceFlow {
    /// Polls that are answered `authorization_pending` first.
    pub pending_polls: u32,
    pub outcome: DeviceOutcome,
    /// Seconds between polls that the client is told.
    pub interval_s: u32,
}

impl Default for DeviceFlow {
    fn default() -> Self {
        DeviceFlow { pending_polls: 1, outcome: DeviceOutcome::Granted, interval_s: 1 }
    }
}

/// What the user at the other device does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum DeviceOutcome {
    Granted,
    Declined,
    Expired,
}

/// Details of the wire that differ between services, or that no source settles.
#[derive(Clone, Debug)]
pub struct WireConfig {
    /// Items of a page of delta or children when `$top` is absent.
    pub page_default: u32,
    /// Larger `$top`s are clamped to this.
    pub page_max: u32,
    /// How long pre-authenticated URLs live, in simulated seconds.
    pub url_lifetime_s: u32,
    /// Whether `Authorization` on a pre-authenticated URL is let pass (it is counted anyway).
    pub lenient_preauth: bool,
    /// Whether delta pages carry `cTag`; business drives do not.
    pub delta_ctag: bool,
    /// Delta tells parents before their children in a first walk; else only mostly.
    pub ordered_feed: bool,
    /// JSON is compressed for who takes gzip.
    pub gzip: bool,
    /// How long delta tokens live, in simulated seconds.
    pub delta_token_lifetime_s: u64,
    /// Part of the deletions of folders whose descendants are told, too.
    pub tell_descendants: f64,
    /// Milliseconds of the wall's time within which a call may still have been on its way when a fence
    /// went up.
    pub fence_grace_ms: u64,
}

impl Default for WireConfig {
    fn default() -> Self {
        WireConfig {
            page_default: 200,
            page_max: 1000,
            url_lifetime_s: 3600,
            lenient_preauth: false,
            delta_ctag: false,
            ordered_feed: false,
            gzip: true,
            delta_token_lifetime_s: 30 * 86_400,
            tell_descendants: 0.5,
            fence_grace_ms: 250,
        }
    }
}

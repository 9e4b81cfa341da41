//! A simulated tenant, and a client that lives in its time.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use graph_client::auth::{Cloud, Credential};
use graph_client::clock::{Clock, Sleep};
use graph_client::{Graph, GraphConfig, Pace};
use graph_sim::{CLIENT_ID, CLIENT_SECRET, Sim, SimClock, SimConfig, TENANT_ID};

/// The simulator's clock as the client's.
#[derive(Debug)]
struct Shared {
    clock: SimClock,
    start_ms: i64,
}

impl Clock for Shared {
    fn now(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.clock.now_ms() - self.start_ms).unwrap_or(0))
    }

    fn wall(&self) -> SystemTime {
        self.clock.now()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        let clock = self.clock.clone();
        // Its milliseconds are whole ones: never a wake too early.
        Box::pin(async move { clock.sleep(duration + Duration::from_millis(1)).await })
    }
}

/// Starts a tenant whose time runs `scale` times as fast.
pub async fn start(config: SimConfig, scale: f64) -> Sim {
    let clock = SimClock::new(1_700_000_000_000, scale);
    Sim::start(SimConfig { clock, ..config }).await.unwrap()
}

/// A client of it that keeps to `pace`.
pub fn client(sim: &Sim, pace: Pace) -> Graph {
    Graph::new(settings(sim, pace)).unwrap()
}

/// The settings of such a client.
pub fn settings(sim: &Sim, pace: Pace) -> GraphConfig {
    let clock = sim.state().clock().clone();
    let start_ms = clock.now_ms();
    let cloud = Cloud::Custom { login_url: sim.login_url(), graph_url: sim.api_url() };
    let credential = Credential::Secret(CLIENT_SECRET.into());
    GraphConfig {
        cloud,
        pace,
        parallelism: 8,
        clock: Arc::new(Shared { clock, start_ms }),
        ..GraphConfig::new(TENANT_ID, CLIENT_ID, credential)
    }
}

/// Fails if the simulator saw the client break a rule.
pub fn assert_no_violations(sim: &Sim) {
    let violations = sim.state().violations();
    assert!(violations.is_empty(), "{} violations, first {:?}", violations.len(), violations.first());
}

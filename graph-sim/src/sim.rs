//! Starting and stopping.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use url::Url;

use crate::config::SimConfig;
use crate::serve::{Listener, bind};
use crate::state::{Mutation, SimState};
use crate::wire::ask::Port;

/// Why a simulator did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimError {
    /// The port is taken, or may not be.
    #[error("cannot listen on {address}")]
    Bind { address: SocketAddr, source: std::io::Error },
    #[error("cannot tell the address of a listener")]
    Address { source: std::io::Error },
    /// The files of keys and certificates cannot be made or used.
    #[error("cannot set up https")]
    Tls { source: Box<dyn std::error::Error + Send + Sync> },
}

/// A running simulator. Dropping it ends it.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), graph_sim::SimError> {
/// let sim = graph_sim::Sim::start(graph_sim::SimConfig::default()).await?;
/// assert!(sim.api_url().as_str().starts_with("http://127.0.0.1:"));
/// assert_eq!(sim.state().true_state(0).len(), 101);
/// sim.stop().await;
/// # Ok(()) }
/// ```
pub struct Sim {
    state: Arc<SimState>,
    api: Listener,
    content: Listener,
    mutator: JoinHandle<()>,
    scheme: &'static str,
}

impl Sim {
    /// Builds the tenant and listens.
    ///
    /// # Errors
    ///
    /// Any [`SimError`].
    pub async fn start(config: SimConfig) -> Result<Sim, SimError> {
        let tls = config.tls.as_ref().map(|files| files.acceptor()).transpose()?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let (api, content) = (bind(config.listen).await?, bind(config.content_listen).await?);
        let state = Arc::new(SimState::new(config));
        let content = Listener::serve(content, state.clone(), Port::Content, tls.clone())?;
        // Set before the first request can be answered: the API is not served yet.
        let _ = state.content_origin.set(format!("{scheme}://{}", content.address));
        let api = Listener::serve(api, state.clone(), Port::Api, tls)?;
        let mutator = tokio::spawn(mutate_now_and_then(state.clone()));
        Ok(Sim { state, api, content, mutator, scheme })
    }

    /// Where the API is: `http://127.0.0.1:PORT/`, the Graph root being `v1.0` below it.
    pub fn api_url(&self) -> Url {
        self.url(self.api.address)
    }

    /// Where tokens are given: the same host.
    pub fn login_url(&self) -> Url {
        self.url(self.api.address)
    }

    /// Where pre-authenticated URLs point to.
    pub fn content_url(&self) -> Url {
        self.url(self.content.address)
    }

    /// The tenant, the rules and the books.
    pub fn state(&self) -> &SimState {
        &self.state
    }

    /// Ends all connections and frees the ports.
    pub async fn stop(self) {
        drop(self);
        // The tasks end when they are next polled.
        tokio::task::yield_now().await;
    }

    fn url(&self, address: SocketAddr) -> Url {
        Url::parse(&format!("{}://{address}/", self.scheme)).expect("an address and a scheme make a URL")
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.mutator.abort();
    }
}

/// Changes the drives one after another, at the pace that is set.
async fn mutate_now_and_then(state: Arc<SimState>) {
    let mut turn = 0;
    loop {
        let pace = state.mutator();
        let Some(pace) = pace.filter(|_| state.drive_count() > 0) else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        state.clock().sleep(Duration::from_millis(pace.interval_ms.max(1))).await;
        let drive = Some(turn % state.drive_count());
        state.mutate(&Mutation { drive, seed: None, count: pace.count });
        turn += 1;
        // At a great scale the sleep may take no time at all.
        tokio::task::yield_now().await;
    }
}

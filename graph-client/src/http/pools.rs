//! Connections: one pool for Graph, one for contents, and fresh ones after trouble.
//!
//! Graph speaks HTTP/2, many calls on a connection. Contents and uploads go over HTTP/1.1, one a
//! connection, so that none stands in another's way. No pool follows a redirect: that would carry the
//! token along.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use reqwest::header::{HeaderMap, HeaderValue, USER_AGENT};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client};

use super::call::Kind;
use crate::clock::Clock;
use crate::config::GraphConfig;
use crate::error::GraphError;

/// A pool is not made anew more often than this.
const RENEWAL_MIN: Duration = Duration::from_secs(10);
/// An idle connection is kept for so long.
const IDLE: Duration = Duration::from_secs(50);

/// Both pools.
#[derive(Debug)]
pub struct Pools {
    api: Pool,
    content: Pool,
    clock: Arc<dyn Clock>,
}

#[derive(Debug)]
struct Pool {
    settings: PoolSettings,
    current: RwLock<Current>,
}

#[derive(Debug)]
struct Current {
    client: Client,
    since: Duration,
}

#[derive(Debug, Clone)]
struct PoolSettings {
    user_agent: HeaderValue,
    connect: Duration,
    roots: Vec<Certificate>,
    idle_max: usize,
    is_api: bool,
}

impl PoolSettings {
    fn client(&self) -> Result<Client, GraphError> {
        let headers = HeaderMap::from_iter([(USER_AGENT, self.user_agent.clone())]);
        let builder = Client::builder()
            .default_headers(headers)
            .redirect(Policy::none())
            .referer(false)
            .connect_timeout(self.connect)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(self.idle_max)
            .tcp_nodelay(true)
            .tls_certs_merge(self.roots.iter().cloned());
        // A content must come as it is: its length and ranges count bytes of the file.
        let builder = if self.is_api { builder } else { builder.http1_only().gzip(false) };
        builder.build().map_err(|_| GraphError::Setup { what: "no TLS client can be made here".into() })
    }
}

impl Pools {
    /// Pools as the settings say.
    ///
    /// # Errors
    ///
    /// `Setup` if the company's name cannot stand in a header, or a root is no certificate.
    pub fn new(config: &GraphConfig) -> Result<Self, GraphError> {
        let agent = format!("ISV|{}|Corso/{}", config.company, env!("CARGO_PKG_VERSION"));
        let user_agent = HeaderValue::from_str(&agent).map_err(|_| GraphError::Setup {
            what: "the company's name has characters that cannot stand in a header".into(),
        })?;
        let roots = config.extra_roots.as_deref().map(Certificate::from_pem_bundle).transpose();
        let roots = roots.map_err(|_| GraphError::Setup { what: "extra roots: not PEM".into() })?;
        let settings = PoolSettings {
            user_agent,
            connect: config.deadlines.connect,
            roots: roots.unwrap_or_default(),
            idle_max: config.parallelism.max(1),
            is_api: true,
        };
        let clock = config.clock.clone();
        let pool = |settings: PoolSettings| -> Result<Pool, GraphError> {
            let current = Current { client: settings.client()?, since: clock.now() };
            Ok(Pool { settings, current: RwLock::new(current) })
        };
        let content = PoolSettings { is_api: false, ..settings.clone() };
        Ok(Self { api: pool(settings)?, content: pool(content)?, clock: clock.clone() })
    }

    /// The pool for calls of this kind.
    pub fn client(&self, kind: Kind) -> Client {
        self.pool(kind).current.read().client.clone()
    }

    /// The next calls of this kind make new connections: those at hand may lead to a sick server.
    pub fn renew(&self, kind: Kind) {
        let (pool, now) = (self.pool(kind), self.clock.now());
        let mut current = pool.current.write();
        if now.saturating_sub(current.since) < RENEWAL_MIN {
            return;
        }
        // Built once before with the same settings; should it fail now, the old one still works.
        if let Ok(client) = pool.settings.client() {
            *current = Current { client, since: now };
        }
    }

    fn pool(&self, kind: Kind) -> &Pool {
        if kind == Kind::PreAuth { &self.content } else { &self.api }
    }
}

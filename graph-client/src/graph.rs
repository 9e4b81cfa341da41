//! The client: what every call of it shares.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use serde::de::DeserializeOwned;
use url::Url;

use crate::auth::{Claims, TokenSource};
use crate::budget::{DaySpent, Standing, Workload, price};
use crate::clock::Clock;
use crate::config::GraphConfig;
use crate::error::{Fault, GraphError, Place};
use crate::http::{Call, Http, Opened, Repeat};
use crate::json;
use crate::metrics::Metrics;
use crate::model::{Page, PageReader};

/// Microsoft Graph, as one application sees one tenant. Clones share everything.
#[derive(Debug, Clone)]
pub struct Graph {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    http: Arc<Http>,
    tokens: TokenSource,
    /// With the version: `https://graph.microsoft.com/v1.0`.
    root: Url,
    clock: Arc<dyn Clock>,
}

/// What a sign-in shows of itself. For people: nothing is decided by it.
#[derive(Debug, Clone, PartialEq)]
pub struct SignIn {
    /// What the token says; empty for an opaque one.
    pub claims: Claims,
    /// By how many milliseconds the service's clock is ahead of ours; its dates count whole seconds.
    pub skew_ms: i64,
    /// Resource units a second that each budget grants at present, by its name.
    pub rates: Vec<(&'static str, f64)>,
}

impl Graph {
    /// A client of these settings. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// `Setup` if they cannot work: an address, a certificate or a company's name that is none.
    pub fn new(config: GraphConfig) -> Result<Self, GraphError> {
        let http = Arc::new(Http::new(&config)?);
        let tokens = TokenSource::new(&config, http.clone())?;
        let root = config.cloud.graph_url()?.join("v1.0");
        let root = root.map_err(|_| GraphError::Setup { what: "Graph's address has no path".into() })?;
        Ok(Self { inner: Arc::new(Inner { http, tokens, root, clock: config.clock }) })
    }

    /// Signs in, if that is not done yet, and tells what came of it.
    ///
    /// # Errors
    ///
    /// `SignIn` with a hint if Microsoft refuses; otherwise what kept it from answering.
    pub async fn check_sign_in(&self) -> Result<SignIn, GraphError> {
        let claims = self.inner.tokens.claims().await?;
        let http = self.http();
        let rate = |workload: Workload| (workload.name(), http.gate(workload).rate());
        Ok(SignIn {
            claims,
            skew_ms: http.counters().skew_ms(),
            rates: [Workload::Directory, Workload::Files].map(rate).into(),
        })
    }

    /// How the budget for files stands.
    pub fn standing(&self) -> Standing {
        self.http().gate(Workload::Files).standing()
    }

    /// Resource units that this client spent on files today. The service counts them by the application
    /// and the tenant, whoever spends them: keep them, and tell others.
    pub fn spent_today(&self) -> DaySpent {
        self.http().gate(Workload::Files).spent_today()
    }

    /// Units that others spent on files today with the same application and tenant, earlier runs among
    /// them. It replaces what was told before; of another day it counts for nothing.
    pub fn spent_elsewhere(&self, spent: DaySpent) {
        self.http().gate(Workload::Files).spent_elsewhere(spent);
    }

    /// How long nothing may go in each budget, because the service asked for it: keep it, and tell others.
    pub fn fences(&self) -> Vec<(Workload, Duration)> {
        Workload::ALL
            .into_iter()
            .map(|workload| (workload, self.http().gate(workload).fenced_for()))
            .collect()
    }

    /// The service asked others, who have the same budget, to wait; an earlier run, say. Nothing goes for so
    /// long.
    pub fn quiet(&self, workload: Workload, wait: Duration) {
        self.http().gate(workload).quiet(wait);
    }

    /// What was counted so far.
    pub fn metrics(&self) -> Metrics {
        self.http().counters().snapshot()
    }

    /// Where tokens come from.
    pub fn tokens(&self) -> &TokenSource {
        &self.inner.tokens
    }

    pub(crate) fn http(&self) -> &Http {
        &self.inner.http
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        self.inner.clock.as_ref()
    }

    /// The address of what `segments` lead to; they are encoded. `query` stands as it is.
    pub(crate) fn url(&self, segments: &[&str], query: &str) -> Result<Url, GraphError> {
        let mut url = self.inner.root.clone();
        match url.path_segments_mut() {
            Ok(mut path) => path.extend(segments),
            Err(()) => return Err(GraphError::Setup { what: "Graph's address has no path".into() }),
        };
        url.set_query((!query.is_empty()).then_some(query));
        Ok(url)
    }

    /// The address that a page gave for another. It is followed as it is, but to Graph alone: the
    /// token goes there, too.
    pub(crate) fn link(&self, link: &str) -> Result<Url, GraphError> {
        let place = || Place::of("GET a link".into());
        let elsewhere = |what| GraphError::Protocol { what, place: place() };
        let url = Url::parse(link).map_err(|_| elsewhere("a link that is no address"))?;
        let is_ours = url.origin() == self.inner.root.origin();
        if is_ours { Ok(url) } else { Err(elsewhere("a link that leads out of Graph")) }
    }

    /// Makes a call to Graph and reads its JSON.
    pub(crate) async fn json<T: DeserializeOwned>(&self, call: &Call) -> Result<T, GraphError> {
        let read = |body: &[u8]| json::decode(body).map_err(Fault::from);
        self.http().run(call, Some(&self.inner.tokens), |reply| read(&reply.body)).await
    }

    /// Makes a call to Graph and reads a page, item by item as its bytes come.
    pub(crate) async fn page<T: DeserializeOwned>(&self, call: &Call) -> Result<Page<T>, GraphError> {
        self.http().run_into(call, Some(&self.inner.tokens), |_| PageReader::default()).await
    }

    /// Makes a call to Graph that answers nothing.
    pub(crate) async fn done(&self, call: &Call) -> Result<(), GraphError> {
        self.http().run(call, Some(&self.inner.tokens), |_| Ok(())).await
    }

    /// Makes a call to Graph, and leaves the body of its answer to be read.
    pub(crate) async fn open_api(&self, call: &Call) -> Result<Opened, GraphError> {
        self.http().open(call, Some(&self.inner.tokens)).await
    }

    /// Makes a call to an address that lets its bearer in.
    pub(crate) async fn open_pre_auth(&self, call: &Call) -> Result<Opened, GraphError> {
        self.http().open(call, None).await
    }

    /// A read of what concerns files.
    pub(crate) fn get_files(&self, segments: &[&str], query: &str, price: u32) -> Result<Call, GraphError> {
        Ok(Call::get(self.url(segments, query)?, Workload::Files, price))
    }

    /// A change of what concerns files.
    pub(crate) fn change_files(
        &self,
        method: Method,
        segments: &[&str],
        query: &str,
        repeat: Repeat,
    ) -> Result<Call, GraphError> {
        Ok(Call::api(method, self.url(segments, query)?, Workload::Files, price::LIST, repeat))
    }
}

/// A value as it may stand in a query.
pub(crate) fn in_query(value: &str) -> String {
    value.replace('%', "%25").replace('&', "%26").replace('+', "%2B").replace('#', "%23")
}

//! One logical call: what is asked, and what may be done to get it answered.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{HeaderName, HeaderValue};
use url::Url;

use crate::budget::{Priority, Workload, price};
use crate::error::{GraphError, Place};
use crate::secret::Secret;

/// To whom a call goes, which decides what it carries and how refusals are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Graph: with a token, over the pool for pages.
    Api,
    /// An address that lets its bearer in: without a token, over the pool for contents.
    PreAuth,
    /// The token endpoint: without a token.
    SignIn,
}

/// Whether a call may be made twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// Twice is as good as once.
    Safe,
    /// Only if the first one has certainly not been done.
    Never,
}

/// What a call carries.
#[derive(Clone)]
pub enum Payload {
    None,
    Json(Bytes),
    /// A form, encoded. It holds secrets.
    Form(Secret),
    Bytes(Bytes),
}

/// One logical call. `Debug` shows what messages may show.
#[derive(Clone)]
pub struct Call {
    pub method: Method,
    pub url: Url,
    /// Method and path, for messages.
    pub shown: String,
    pub kind: Kind,
    pub repeat: Repeat,
    pub payload: Payload,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub workload: Workload,
    /// In resource units.
    pub price: u32,
    pub priority: Priority,
    /// On whose behalf: they take turns.
    pub resource: Arc<str>,
    /// A page of a list: it may be asked for in smaller pieces.
    pub is_page: bool,
}

impl Call {
    /// A read from Graph.
    pub fn get(url: Url, workload: Workload, price: u32) -> Self {
        Self::api(Method::GET, url, workload, price, Repeat::Safe)
    }

    /// Any call to Graph.
    pub fn api(method: Method, url: Url, workload: Workload, price: u32, repeat: Repeat) -> Self {
        Self {
            shown: shown(&method, &url),
            method,
            url,
            kind: Kind::Api,
            repeat,
            payload: Payload::None,
            headers: Vec::new(),
            workload,
            price,
            priority: Priority::Page,
            resource: "".into(),
            is_page: false,
        }
    }

    /// A call to an address that lets its bearer in. `what` stands for it in messages.
    pub fn pre_auth(method: Method, url: Url, what: &str) -> Self {
        let shown = format!("{method} {what}");
        let call = Self::api(method, url, Workload::Files, price::ITEM, Repeat::Safe);
        Self { shown, kind: Kind::PreAuth, priority: Priority::Content, ..call }
    }

    /// A form for the token endpoint.
    pub fn sign_in(url: Url, form: Secret) -> Self {
        let call = Self::api(Method::POST, url, Workload::SignIn, 1, Repeat::Safe);
        Self { kind: Kind::SignIn, payload: Payload::Form(form), ..call }
    }

    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    pub fn prefer(self, list: &'static str) -> Self {
        self.header(HeaderName::from_static("prefer"), HeaderValue::from_static(list))
    }

    pub fn json(mut self, body: &serde_json::Value) -> Self {
        self.payload = Payload::Json(body.to_string().into());
        self
    }

    pub fn bytes(mut self, body: Bytes) -> Self {
        self.payload = Payload::Bytes(body);
        self
    }

    pub fn page(mut self) -> Self {
        self.is_page = true;
        self
    }

    pub fn on_behalf_of(mut self, resource: &str) -> Self {
        self.resource = resource.into();
        self
    }

    /// Whether a content is asked for, rather than sent.
    pub fn is_download(&self) -> bool {
        self.kind == Kind::PreAuth && self.method == Method::GET
    }

    /// The place that messages name, before there is an answer.
    pub fn place(&self) -> Place {
        Place::of(self.shown.clone())
    }

    pub fn protocol(&self, what: &'static str) -> GraphError {
        GraphError::Protocol { what, place: self.place() }
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// Method and path for messages: without query, mail addresses, and paths of names (`root:/…:`).
fn shown(method: &Method, url: &Url) -> String {
    let mut shown = method.to_string();
    shown.push(' ');
    let mut in_names = false;
    for segment in url.path().split('/').skip(1) {
        let ends = segment.ends_with(':');
        if in_names {
            shown.push_str(if ends { "/…:" } else { "" });
            in_names = !ends;
            continue;
        }
        in_names = ends;
        let is_address = segment.contains('@') || segment.contains("%40");
        // Tokens can stand in a path: delta(token='…').
        let shorn = segment.split('(').next().unwrap_or_default();
        shown.push('/');
        shown.push_str(if is_address { "…" } else { shorn });
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_no_query_no_address_and_no_file() {
        let shown = |path: &str| shown(&Method::GET, &Url::parse(&format!("https://h{path}")).unwrap());
        assert_eq!(shown("/v1.0/users/ann@x.org/drive?a=b"), "GET /v1.0/users/…/drive");
        assert_eq!(
            shown("/v1.0/drives/b!1/root:/My%20taxes/2020.pdf:/content"),
            "GET /v1.0/drives/b!1/root:/…:/content"
        );
        assert_eq!(shown("/v1.0/drives/b!1/root:/secret"), "GET /v1.0/drives/b!1/root:");
        assert_eq!(shown("/v1.0/drives/1/root/delta(token='x')"), "GET /v1.0/drives/1/root/delta");
    }
}

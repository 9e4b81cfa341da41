//! The API without sockets: requests in, answers out.

mod delta_law;
mod mishaps;
mod optimum;
mod schema;
mod uploads;
mod violations;

use bytes::Bytes;
use hyper::{HeaderMap, Method};
use serde_json::Value;

use super::handle::{Reply, handle};
use crate::config::{CLIENT_ID, CLIENT_SECRET, SimConfig, TENANT_ID, TenantProfile};
use crate::state::SimState;
use crate::wire::answer::Payload;
use crate::wire::ask::{Ask, Port};

/// A client that does all as it should.
pub struct Client {
    pub state: SimState,
    token: String,
}

impl Client {
    pub fn new(config: SimConfig) -> Self {
        let state = SimState::new(config);
        state.content_origin.set("http://content".into()).unwrap();
        let mut client = Client { state, token: String::new() };
        let form = format!(
            "grant_type=client_credentials&client_id={CLIENT_ID}&client_secret={CLIENT_SECRET}&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default"
        );
        let reply = client.send(Method::POST, &format!("/{TENANT_ID}/oauth2/v2.0/token"), &[], form.into());
        client.token = json(&reply)["access_token"].as_str().unwrap().into();
        client
    }

    /// Sends a request to a path or URL; those of the content port without a token.
    pub fn send(&self, method: Method, url: &str, headers: &[(&'static str, &str)], body: Bytes) -> Reply {
        let content = url.starts_with("http://content");
        let target = url.trim_start_matches("http://content").trim_start_matches("http://api");
        let mut all = HeaderMap::new();
        if !content {
            all.insert("authorization", format!("Bearer {}", self.token).parse().unwrap());
            all.insert("user-agent", "ISV|Test|Corso/0".parse().unwrap());
            all.insert("client-request-id", "1".parse().unwrap());
        }
        for (name, value) in headers {
            all.insert(*name, value.parse().unwrap());
        }
        let port = if content { Port::Content } else { Port::Api };
        handle(&self.state, &Ask::new(method, port, "http://api".into(), target, all, body))
    }

    pub fn get(&self, url: &str) -> Reply {
        self.send(Method::GET, url, &[], Bytes::new())
    }

    /// A GET that must be answered by 200 and JSON.
    pub fn json(&self, url: &str) -> Value {
        let reply = self.get(url);
        assert_eq!(reply.answer.status, 200, "{url}");
        json(&reply)
    }
}

/// A small tenant with all kinds of items.
pub fn mixed(items: u32) -> SimConfig {
    let tenant = TenantProfile {
        users: 2,
        items_per_drive: items,
        packages: 0.03,
        shortcuts: 0.03,
        shared: 0.1,
        malware: 0.02,
        ..TenantProfile::default()
    };
    SimConfig { tenant, ..SimConfig::default() }
}

/// The JSON of an answer.
pub fn json(reply: &Reply) -> Value {
    let Payload::Bytes(bytes) = &reply.answer.body else { panic!("content in place of JSON") };
    serde_json::from_slice(bytes).unwrap()
}

/// The bytes of an answer.
pub fn bytes(client: &Client, reply: &Reply) -> Vec<u8> {
    match &reply.answer.body {
        Payload::Bytes(bytes) => bytes.to_vec(),
        Payload::Content(content, range) => {
            let mut bytes = Vec::new();
            while range.start + (bytes.len() as u64) < range.end {
                bytes.extend_from_slice(
                    &client.state.piece(content, range.start + bytes.len() as u64).unwrap(),
                );
            }
            bytes.truncate((range.end - range.start) as usize);
            bytes
        }
    }
}

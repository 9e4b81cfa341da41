//! What the judge writes down, and what it does not.

use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use serde_json::json;

use super::{Client, json as body_of, mixed};
use crate::api::Call;
use crate::config::{SimConfig, WireConfig};
use crate::faults::{BodyForm, Fault, Faults, RetryAfter, Rule};
use crate::judge::ViolationKind;
use crate::limit::ThrottleTier;
use crate::model::truth::TrueKind;

fn kinds(client: &Client) -> Vec<ViolationKind> {
    client.state.ledger.counts().into_keys().collect()
}

fn url_of_a_file(client: &Client) -> (String, String) {
    let drive = client.state.drive_id(0);
    let file = client
        .state
        .true_state(0)
        .into_iter()
        .find(|item| item.kind == TrueKind::File && !item.malware)
        .unwrap();
    let item = client.json(&format!("/v1.0/drives/{drive}/items/{}", file.id));
    (file.id, item["@microsoft.graph.downloadUrl"].as_str().unwrap().into())
}

#[test]
fn a_good_client_breaks_no_rule() {
    let client = Client::new(mixed(50));
    let (id, url) = url_of_a_file(&client);
    assert_eq!(client.get(&url).answer.status, 200);
    let redirect = client.get(&format!("/v1.0/drives/{}/items/{id}/content", client.state.drive_id(0)));
    assert_eq!(redirect.answer.status, 302);
    assert_eq!(client.get(redirect.answer.header("location").unwrap()).answer.status, 200);
    assert_eq!(kinds(&client), []);
    assert_eq!(client.state.downloads()[&(0, id)].starts, 2);
}

#[test]
fn authorization_on_a_preauthenticated_url_is_refused() {
    let client = Client::new(mixed(50));
    let (_, url) = url_of_a_file(&client);
    let reply = client.send(Method::GET, &url, &[("authorization", "Bearer x")], Bytes::new());
    assert_eq!(reply.answer.status, 401);
    assert_eq!(kinds(&client), [ViolationKind::AuthorizationOnPreauth]);
}

#[test]
fn an_expired_url_is_refused() {
    let client = Client::new(mixed(50));
    let (_, url) = url_of_a_file(&client);
    client.state.clock().advance(Duration::from_secs(3700));
    assert_eq!(client.get(&url).answer.status, 401);
    assert_eq!(kinds(&client), [ViolationKind::ExpiredUrl]);
}

#[test]
fn a_link_with_another_option_is_seen() {
    let client = Client::new(mixed(50));
    let url = format!("/v1.0/drives/{}/root/delta?$top=5", client.state.drive_id(0));
    let next = client.json(&url)["@odata.nextLink"].as_str().unwrap().to_string();
    client.json(&next);
    assert_eq!(kinds(&client), []);
    client.json(&format!("{next}&$top=10"));
    assert_eq!(kinds(&client), [ViolationKind::AlteredLink]);
    let broken = format!("{}A", &next[..next.len() - 1]);
    assert!([400, 200].contains(&client.get(&broken).answer.status));
}

#[test]
fn undecorated_calls_are_seen() {
    let client = Client::new(mixed(10));
    client.send(
        Method::GET,
        "/v1.0/users",
        &[("user-agent", "curl/8"), ("client-request-id", "")],
        Bytes::new(),
    );
    assert_eq!(kinds(&client), [ViolationKind::UndecoratedUserAgent, ViolationKind::MissingRequestId]);
}

#[test]
fn permissions_are_priced_and_needless_ones_seen() {
    let client = Client::new(mixed(80));
    let items = format!("/v1.0/drives/{}/items", client.state.drive_id(0));
    let state = client.state.true_state(0);
    let shared = state.iter().find(|item| item.shared).unwrap();
    let before = client.state.totals().resource_units;
    let list = client.json(&format!("{items}/{}/permissions", shared.id));
    assert!(list["value"].as_array().unwrap().len() >= 2);
    assert_eq!(client.state.totals().resource_units - before, 5);
    assert_eq!(kinds(&client), []);
    let plain = state.iter().find(|item| !item.shared && item.parent_id.is_some()).unwrap();
    client.json(&format!("{items}/{}/permissions", plain.id));
    assert_eq!(kinds(&client), [ViolationKind::NeedlessPermissions]);
    let invite =
        json!({ "recipients": [{ "email": "x@y.example" }], "roles": ["read"], "sendInvitation": true });
    let reply =
        client.send(Method::POST, &format!("{items}/{}/invite", plain.id), &[], invite.to_string().into());
    assert_eq!(body_of(&reply)["value"][0]["grantedToV2"]["user"]["email"], "x@y.example");
    assert!(kinds(&client).contains(&ViolationKind::SentInvitation));
    let item = client.json(&format!("{items}/{}", plain.id));
    assert_eq!(item["shared"]["scope"], "users");
}

#[test]
fn a_retry_inside_the_fence_is_a_violation_and_after_it_is_none() {
    let wire = WireConfig { fence_grace_ms: 0, ..WireConfig::default() };
    let tier = Some(ThrottleTier::UpTo1k);
    let client = Client::new(SimConfig { throttle: tier, throttle_factor: 0.01, wire, ..mixed(20) });
    let url = format!("/v1.0/drives/{}/root/delta", client.state.drive_id(0));
    let refused = (0..20).map(|_| client.get(&url)).find(|reply| reply.answer.status == 429).unwrap();
    let wait: u64 = refused.answer.header("retry-after").unwrap().parse().unwrap();
    assert_eq!(kinds(&client), []);
    client.get(&url);
    assert_eq!(kinds(&client), [ViolationKind::InsideFence]);
    client.state.clock().advance(Duration::from_secs(wait));
    let reply = client.get(&url);
    assert_eq!(reply.answer.status, 200);
    assert_eq!(client.state.violations().len(), 1);
}

/// A client whose first call of each of these kinds is told to wait for five seconds, and the grace
/// is long: only who was told is early.
fn throttled_once(on: &[Call]) -> Client {
    let refused =
        Fault::Status { status: 429, code: None, retry_after: RetryAfter::Seconds(5), body: BodyForm::Json };
    let wire = WireConfig { fence_grace_ms: 600_000, ..WireConfig::default() };
    let client = Client::new(SimConfig { wire, ..mixed(20) });
    let rule = Rule { attempts: Some(1), ..Rule::new("429", 1.0, on, refused) };
    client.state.set_faults(Faults { rules: vec![rule], ..Faults::default() });
    client
}

fn open_session(client: &Client, name: &str) -> String {
    let root = format!("/v1.0/drives/{}/root", client.state.drive_id(0));
    let url = format!("{root}:/{name}:/createUploadSession");
    let reply = client.send(Method::POST, &url, &[], "{}".into());
    body_of(&reply)["uploadUrl"].as_str().unwrap().into()
}

fn put_all(client: &Client, url: &str) -> u16 {
    client.send(Method::PUT, url, &[("content-range", "bytes 0-3/4")], "body".into()).answer.status
}

#[test]
fn two_sessions_that_are_gone_are_two_callers() {
    let client = throttled_once(&[Call::UploadRange]);
    let faults = client.state.faults();
    client.state.set_faults(Faults::default());
    let urls = ["a.bin", "b.bin"].map(|name| open_session(&client, name));
    for url in &urls {
        assert_eq!(put_all(&client, url), 201);
        assert_eq!(put_all(&client, url), 404, "it is gone");
    }
    client.state.set_faults(faults);
    assert_eq!(urls.each_ref().map(|url| put_all(&client, url)), [429, 429]);
    assert_eq!(kinds(&client), [], "the second may have been on its way");
    for (url, early) in urls.iter().zip(1..) {
        assert_eq!(put_all(&client, url), 429);
        assert_eq!(client.state.violations().len(), early, "it was told, and came at once");
    }
    client.state.clock().advance(Duration::from_secs(5));
    assert_eq!(put_all(&client, &urls[0]), 404);
    assert_eq!(client.state.violations().len(), 2);
    assert!(client.state.violations()[0].detail.contains("it was told"));
}

#[test]
fn two_sessions_of_one_target_are_two_callers() {
    let client = throttled_once(&[Call::UploadRange]);
    let urls = [(); 2].map(|()| open_session(&client, "same.bin"));
    assert_eq!(urls.each_ref().map(|url| put_all(&client, url)), [429, 429]);
    assert_eq!(kinds(&client), []);
    assert_eq!(client.get(&urls[0]).answer.status, 429, "to ask is another call than to send");
    assert_eq!(kinds(&client), []);
    assert_eq!(put_all(&client, &urls[0]), 429);
    assert_eq!(kinds(&client), [ViolationKind::InsideFence]);
}

#[test]
fn two_folders_made_in_one_are_two_calls() {
    let client = throttled_once(&[Call::Write]);
    let url = format!("/v1.0/drives/{}/root/children", client.state.drive_id(0));
    let make = |name: &str| {
        let body = json!({ "name": name, "folder": {} }).to_string();
        client.send(Method::POST, &url, &[], body.into()).answer.status
    };
    assert_eq!([make("one"), make("other")], [429, 429]);
    assert_eq!(kinds(&client), []);
    assert_eq!(make("other"), 429);
    assert_eq!(kinds(&client), [ViolationKind::InsideFence]);
}

#[test]
fn permissions_with_an_item_cost_as_much_and_are_judged_the_same() {
    let client = Client::new(mixed(80));
    let state = client.state.true_state(0);
    let ask = |shared: bool| {
        let item = state.iter().find(|item| item.shared == shared && item.parent_id.is_some()).unwrap();
        let drive = client.state.drive_id(0);
        client.json(&format!("/v1.0/drives/{drive}/items/{}?$expand=permissions", item.id));
    };
    ask(true);
    assert_eq!(kinds(&client), []);
    ask(false);
    assert_eq!(kinds(&client), [ViolationKind::NeedlessPermissions]);
    assert_eq!(client.state.totals().resource_units, 10);
}

#[test]
fn more_in_flight_than_agreed_on_are_refused_and_seen() {
    let client = Client::new(SimConfig { in_flight_max: Some(2), ..mixed(20) });
    let drives: Vec<String> =
        (0..2).map(|drive| format!("/v1.0/drives/{}", client.state.drive_id(drive))).collect();
    let users = client.get("/v1.0/users");
    let mut flying: Vec<_> = drives.iter().map(|url| client.get(url)).collect();
    let one_more = client.get(&format!("{}/root", drives[0]));
    let asked = (one_more.answer.status, one_more.answer.header("retry-after"));
    assert_eq!(asked, (429, Some("1")));
    assert_eq!(body_of(&one_more)["error"]["code"], "ApplicationThrottled");
    assert_eq!(kinds(&client), [ViolationKind::OverConcurrency]);
    assert_eq!(users.answer.status, 200, "another bucket has room of its own");
    flying.pop();
    assert_eq!(client.get(&format!("{}/root", drives[1])).answer.status, 200);
    assert_eq!(client.state.violations().len(), 1);
}

#[test]
fn tokens_are_checked_and_end() {
    let client = Client::new(mixed(10));
    let bad = client.send(Method::GET, "/v1.0/users", &[("authorization", "Bearer a.b.c")], Bytes::new());
    assert_eq!(body_of(&bad)["error"]["code"], "InvalidAuthenticationToken");
    client.state.clock().advance(Duration::from_secs(3600));
    let old = client.get("/v1.0/users");
    assert_eq!(old.answer.status, 401);
}

#[test]
fn batches_answer_each_part() {
    let client = Client::new(mixed(20));
    let drive = client.state.drive_id(0);
    let batch = json!({ "requests": [
        { "id": "1", "method": "GET", "url": format!("/drives/{drive}") },
        { "id": "2", "method": "GET", "url": "/users/nobody", "dependsOn": ["1"] },
        { "id": "3", "method": "GET", "url": "/users", "dependsOn": ["2"] },
        { "id": "4", "method": "POST", "url": format!("/drives/{drive}/root/children"), "body": { "name": "N", "folder": {} },
          "headers": { "Content-Type": "application/json" } },
    ] });
    let reply = client.send(Method::POST, "/v1.0/$batch", &[], batch.to_string().into());
    let reply = body_of(&reply);
    let statuses: Vec<_> =
        reply["responses"].as_array().unwrap().iter().map(|part| part["status"].as_u64()).collect();
    assert_eq!(statuses, [Some(200), Some(404), Some(424), Some(201)]);
    assert_eq!(reply["responses"][0]["body"]["driveType"], "business");
    let many: Vec<_> =
        (0..21).map(|id| json!({ "id": id.to_string(), "method": "GET", "url": "/users" })).collect();
    let reply =
        client.send(Method::POST, "/v1.0/$batch", &[], json!({ "requests": many }).to_string().into());
    assert_eq!(reply.answer.status, 400);
}

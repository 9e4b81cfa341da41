//! What clients write: uploads in one request and in ranges, folders, renames, conflicts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::Method;
use serde_json::{Value, json};

use super::{Client, bytes, json as body_of, mixed};
use crate::api::handle::Reply;
use crate::model::quickxor;

const STEP: usize = 327_680;

fn root(client: &Client) -> String {
    format!("/v1.0/drives/{}/root", client.state.drive_id(0))
}

fn post(client: &Client, url: &str, body: &Value) -> Reply {
    client.send(Method::POST, url, &[("content-type", "application/json")], body.to_string().into())
}

fn open(client: &Client, name: &str, body: &Value) -> String {
    let reply = post(client, &format!("{}:/{name}:/createUploadSession", root(client)), body);
    assert_eq!(reply.answer.status, 200);
    body_of(&reply)["uploadUrl"].as_str().unwrap().into()
}

fn put_range(client: &Client, url: &str, whole: &[u8], from: usize, to: usize) -> Reply {
    let range = format!("bytes {from}-{}/{}", to - 1, whole.len());
    client.send(Method::PUT, url, &[("content-range", &range)], Bytes::copy_from_slice(&whole[from..to]))
}

fn noise(length: usize) -> Vec<u8> {
    (0..length as u64).map(|index| crate::seed::mix(index ^ 77) as u8).collect()
}

#[test]
fn a_simple_upload_is_there_with_its_hash_and_bytes() {
    let client = Client::new(mixed(20));
    let content = noise(5000);
    let url = format!("{}:/new%20file.bin:/content", root(&client));
    let reply = client.send(Method::PUT, &url, &[], content.clone().into());
    assert_eq!(reply.answer.status, 201);
    let item = body_of(&reply);
    assert_eq!(item["file"]["hashes"]["quickXorHash"], STANDARD.encode(quickxor::hash(&content)));
    let download = client.get(item["@microsoft.graph.downloadUrl"].as_str().unwrap());
    assert_eq!(bytes(&client, &download), content);
    assert_eq!(client.state.content(0, item["id"].as_str().unwrap()).unwrap(), content);
    let again = client.send(Method::PUT, &url, &[], "shorter".into());
    assert_eq!((again.answer.status, body_of(&again)["id"].clone()), (200, item["id"].clone()));
    let fail =
        client.send(Method::PUT, &format!("{url}?@microsoft.graph.conflictBehavior=fail"), &[], "x".into());
    assert_eq!(
        (fail.answer.status, body_of(&fail)["error"]["code"].as_str()),
        (409, Some("nameAlreadyExists"))
    );
    let rename =
        client.send(Method::PUT, &format!("{url}?@microsoft.graph.conflictBehavior=rename"), &[], "x".into());
    assert_eq!((rename.answer.status, body_of(&rename)["name"].as_str()), (200, Some("new file 1.bin")));
}

#[test]
fn a_session_takes_ranges_in_order_and_can_be_resumed() {
    let client = Client::new(mixed(20));
    let content = noise(2 * STEP + 1000);
    let times =
        json!({ "createdDateTime": "2020-02-29T01:02:03Z", "lastModifiedDateTime": "2021-01-01T00:00:00Z" });
    let wish = json!({ "item": { "@microsoft.graph.conflictBehavior": "fail", "name": "big.bin", "fileSystemInfo": times } });
    let url = open(&client, "big.bin", &wish);
    assert_eq!(put_range(&client, &url, &content, 0, STEP).answer.status, 202);
    let status = client.json(&url);
    assert_eq!(status["nextExpectedRanges"], json!([format!("{STEP}-")]));
    let again = put_range(&client, &url, &content, 0, STEP);
    assert_eq!(
        (again.answer.status, body_of(&again)["error"]["innerError"]["code"].as_str()),
        (416, Some("fragmentOverlap"))
    );
    let ahead = put_range(&client, &url, &content, 2 * STEP, content.len());
    assert_eq!(ahead.answer.status, 416);
    assert_eq!(put_range(&client, &url, &content, STEP, 2 * STEP).answer.status, 202);
    let done = put_range(&client, &url, &content, 2 * STEP, content.len());
    assert_eq!(done.answer.status, 201);
    let item = body_of(&done);
    assert_eq!(item["fileSystemInfo"], times);
    assert_eq!(client.state.content(0, item["id"].as_str().unwrap()).unwrap(), content);
    assert_eq!(client.get(&url).answer.status, 404, "a session ends with its commit");
    assert!(client.state.violations().is_empty());
}

#[test]
fn crooked_ranges_are_refused_and_written_down() {
    let client = Client::new(mixed(20));
    let content = noise(STEP);
    let url = open(&client, "crooked.bin", &json!({}));
    assert_eq!(put_range(&client, &url, &content, 0, 1000).answer.status, 400);
    let lying = client.send(Method::PUT, &url, &[("content-range", "bytes 0-99/100")], "short".into());
    assert_eq!(lying.answer.status, 400);
    assert_eq!(client.send(Method::DELETE, &url, &[], Bytes::new()).answer.status, 204);
    assert_eq!(client.get(&url).answer.status, 404);
    assert_eq!(client.state.violations().len(), 2);
}

#[test]
fn a_name_that_was_taken_meanwhile_is_told_at_the_end() {
    let client = Client::new(mixed(20));
    let url = open(&client, "late.bin", &json!({ "item": { "@microsoft.graph.conflictBehavior": "fail" } }));
    client.send(Method::PUT, &format!("{}:/late.bin:/content", root(&client)), &[], "first".into());
    let content = noise(100);
    let done = put_range(&client, &url, &content, 0, 100);
    assert_eq!(
        (done.answer.status, body_of(&done)["error"]["code"].as_str()),
        (409, Some("nameAlreadyExists"))
    );
}

#[test]
fn folders_are_made_renamed_moved_and_deleted() {
    let client = Client::new(mixed(20));
    let children = format!("{}/children", root(&client));
    let made = post(&client, &children, &json!({ "name": "A", "folder": {} }));
    assert_eq!(made.answer.status, 201);
    let a = body_of(&made)["id"].as_str().unwrap().to_string();
    assert_eq!(post(&client, &children, &json!({ "name": "a", "folder": {} })).answer.status, 409);
    let again = post(
        &client,
        &format!("{children}?@microsoft.graph.conflictBehavior=replace"),
        &json!({ "name": "A", "folder": {} }),
    );
    assert_eq!(body_of(&again)["id"], a.as_str());
    assert_eq!(post(&client, &children, &json!({ "name": "a|b", "folder": {} })).answer.status, 400);
    let items = format!("/v1.0/drives/{}/items", client.state.drive_id(0));
    let b = post(&client, &format!("{items}/{a}/children"), &json!({ "name": "B", "folder": {} }));
    let b = body_of(&b)["id"].as_str().unwrap().to_string();
    let patch = |id: &str, body: Value| {
        client.send(Method::PATCH, &format!("{items}/{id}"), &[], body.to_string().into())
    };
    assert_eq!(patch(&a, json!({ "parentReference": { "id": b } })).answer.status, 400, "into itself");
    assert_eq!(patch(&b, json!({ "name": "B2", "parentReference": { "id": "root" } })).answer.status, 200);
    let by_path = client.json(&format!("{}:/B2", root(&client)));
    assert_eq!(by_path["id"], b.as_str());
    let stale =
        client.send(Method::DELETE, &format!("{items}/{b}"), &[("if-match", "\"{x},99\"")], Bytes::new());
    assert_eq!(stale.answer.status, 412);
    assert_eq!(client.send(Method::DELETE, &format!("{items}/{b}"), &[], Bytes::new()).answer.status, 204);
    assert_eq!(client.get(&format!("{items}/{b}")).answer.status, 404);
    let versions = client.json(&format!("{items}/{}/versions", file(&client)));
    assert_eq!(versions["value"][0]["id"], "1.0");
}

fn file(client: &Client) -> String {
    let is_file = |item: &crate::model::truth::TrueItem| item.kind == crate::model::truth::TrueKind::File;
    client.state.true_state(0).into_iter().find(is_file).unwrap().id
}

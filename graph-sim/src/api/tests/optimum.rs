//! What was spent, beside what would have been enough.

use bytes::Bytes;
use hyper::Method;
use serde_json::{Value, json};

use super::{Client, mixed};
use crate::api::Call;
use crate::faults::{BodyForm, Fault, Faults, RetryAfter, Rule};
use crate::state::Mutation;

fn spent(client: &Client) -> (u64, u64) {
    let totals = client.state.totals();
    (totals.resource_units, totals.optimum_units)
}

/// Walks a feed from a first call or a link to its end: its items, and the delta link.
fn walk(client: &Client, first: &str) -> (Vec<Value>, String) {
    let (mut url, mut items) = (first.to_owned(), Vec::new());
    loop {
        let page = client.json(&url);
        items.extend(page["value"].as_array().unwrap().iter().cloned());
        match page["@odata.nextLink"].as_str() {
            Some(next) => url = next.into(),
            None => return (items, page["@odata.deltaLink"].as_str().unwrap().into()),
        }
    }
}

fn delta(client: &Client) -> String {
    format!("/v1.0/drives/{}/root/delta?$top=20", client.state.drive_id(0))
}

/// Downloads each file once; malware cannot be had.
fn download(client: &Client, items: &[Value]) -> u64 {
    let urls = items.iter().filter_map(|item| item["@microsoft.graph.downloadUrl"].as_str());
    urls.filter(|url| client.get(url).answer.status == 200).count() as u64
}

#[test]
fn a_thrifty_backup_costs_the_optimum_and_each_repetition_is_over_it() {
    let client = Client::new(mixed(90));
    client.json("/v1.0/users");
    assert_eq!(client.state.totals().optimum_directory_units, 2);
    let (items, link) = walk(&client, &delta(&client));
    let pages = 90_u64.div_ceil(20);
    assert_eq!(spent(&client), (1 + pages, 1 + pages), "the first call costs two");
    let files = download(&client, &items);
    let refused = client.state.totals().calls[&Call::Download] - files;
    assert_eq!(spent(&client), (1 + pages + files + refused, 1 + pages + files));
    client.state.clear_books();

    let mut sound = items.iter().filter(|item| item.get("malware").is_none());
    let url = sound.find_map(|item| item["@microsoft.graph.downloadUrl"].as_str()).unwrap();
    for _ in 0..2 {
        client.send(Method::GET, url, &[("range", "bytes=0-9")], Bytes::new());
    }
    assert_eq!(spent(&client), (2, 1), "a version is needed once, in one piece");
    let (drive, id) = (client.state.drive_id(0), items[1]["id"].as_str().unwrap());
    client.json(&format!("/v1.0/drives/{drive}/items/{id}"));
    assert_eq!(spent(&client), (3, 1), "the feed has told of it");
    client.state.clear_books();

    // Nothing new: one call tells so, and a second one tells nothing.
    walk(&client, &link);
    assert_eq!(spent(&client), (1, 1));
    walk(&client, &link);
    assert_eq!(spent(&client), (2, 1));
    client.state.mutate(&Mutation { drive: Some(0), seed: Some(1), count: 3 });
    walk(&client, &link);
    let (units, enough) = spent(&client);
    assert!(enough > 1, "now there is news");
    assert_eq!((units - enough, client.state.totals().units_over_optimum()), (1, 1));
}

#[test]
fn a_second_walk_of_the_same_state_is_over_the_optimum() {
    let client = Client::new(mixed(90));
    walk(&client, &delta(&client));
    let (_, enough) = spent(&client);
    walk(&client, &delta(&client));
    assert_eq!(spent(&client), (enough * 2, enough));
}

#[test]
fn what_faults_cost_is_over_the_optimum() {
    let refused =
        Fault::Status { status: 503, code: None, retry_after: RetryAfter::Missing, body: BodyForm::Empty };
    for fault in [refused, Fault::CutJson, Fault::ResetBeforeHeaders] {
        let client = Client::new(mixed(10));
        let rule = Rule { attempts: Some(2), ..Rule::new("it", 1.0, &[Call::Delta], fault) };
        client.state.set_faults(Faults { rules: vec![rule], ..Faults::default() });
        for _ in 0..3 {
            client.get(&delta(&client));
        }
        assert_eq!(spent(&client), (6, 2));
    }
}

#[test]
fn permissions_are_needed_of_what_is_shared_and_changes_as_they_are_made() {
    let client = Client::new(mixed(80));
    let items = format!("/v1.0/drives/{}/items", client.state.drive_id(0));
    let state = client.state.true_state(0);
    let shared = state.iter().find(|item| item.shared && item.parent_id.is_some()).unwrap();
    let plain = state.iter().find(|item| !item.shared && item.parent_id.is_some()).unwrap();
    for id in [&shared.id, &shared.id, &plain.id] {
        client.json(&format!("{items}/{id}/permissions"));
    }
    assert_eq!(spent(&client), (15, 5));
    client.state.clear_books();
    let folder = json!({ "name": "made", "folder": {}, "@microsoft.graph.conflictBehavior": "fail" });
    let children = format!("/v1.0/drives/{}/root/children", client.state.drive_id(0));
    let made: Vec<u16> = (0..2)
        .map(|_| client.send(Method::POST, &children, &[], folder.to_string().into()).answer.status)
        .collect();
    assert_eq!(made, [201, 409]);
    assert_eq!(spent(&client), (4, 2));
}

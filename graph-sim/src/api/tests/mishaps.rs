//! Faults: each kind strikes, poison is for ever, and the same seed makes the same mishaps.

use std::collections::BTreeMap;

use bytes::Bytes;
use hyper::Method;

use super::{Client, json as body_of, mixed};
use crate::api::Call;
use crate::config::{AppConfig, SimConfig};
use crate::faults::{BodyForm, Fault, Faults, LocationForm, PRESETS, RetryAfter, Rule, preset};
use crate::model::truth::TrueKind;

fn with_rule(on: &[Call], fault: Fault) -> Client {
    let rules = vec![Rule::new("it", 1.0, on, fault)];
    Client::new(SimConfig { faults: Faults { rules, ..Faults::default() }, ..mixed(60) })
}

fn delta(client: &Client) -> String {
    format!("/v1.0/drives/{}/root/delta?$top=10", client.state.drive_id(0))
}

#[test]
fn retry_after_has_all_its_forms() {
    for (form, expected) in [
        (RetryAfter::Missing, None),
        (RetryAfter::Seconds(0), Some("0")),
        (RetryAfter::Seconds(3600), Some("3600")),
        (RetryAfter::Float(2.128), Some("2.128")),
    ] {
        let fault = Fault::Status { status: 429, code: None, retry_after: form, body: BodyForm::Json };
        let client = with_rule(&[Call::Delta], fault);
        let reply = client.get(&delta(&client));
        assert_eq!((reply.answer.status, reply.answer.header("retry-after")), (429, expected));
    }
    let fault =
        Fault::Status { status: 503, code: None, retry_after: RetryAfter::Date(9), body: BodyForm::Html };
    let client = with_rule(&[Call::Delta], fault);
    let reply = client.get(&delta(&client));
    let date = httpdate::parse_http_date(reply.answer.header("retry-after").unwrap()).unwrap();
    let wait = date.duration_since(client.state.clock().now()).unwrap();
    assert!((8..=11).contains(&wait.as_secs()), "{wait:?}");
    assert!(reply.answer.header("content-type").unwrap().starts_with("text/html"));
}

#[test]
fn a_dead_token_is_told_in_both_ways_and_in_mid_paging() {
    for (upload, code) in [(false, "resyncChangesApplyDifferences"), (true, "resyncChangesUploadDifferences")]
    {
        let client =
            with_rule(&[Call::DeltaNext], Fault::Gone { upload, location: LocationForm::DoubleEncoded });
        let first = client.json(&delta(&client));
        let reply = client.get(first["@odata.nextLink"].as_str().unwrap());
        assert_eq!(reply.answer.status, 410);
        assert_eq!(body_of(&reply)["error"]["innerError"]["code"], code);
        assert!(reply.answer.header("location").unwrap().contains("%2521"));
    }
}

#[test]
fn a_loop_of_links_is_the_same_link_again() {
    let client = with_rule(&[Call::DeltaNext], Fault::RepeatedLink);
    let next = client.json(&delta(&client))["@odata.nextLink"].as_str().unwrap().to_string();
    assert_eq!(client.json(&next)["@odata.nextLink"], next.as_str());
}

#[test]
fn poison_is_for_ever_and_listed() {
    let faults = Faults { poison_per_user: 2, ..Faults::default() };
    let client = Client::new(SimConfig { faults, ..mixed(60) });
    for drive in 0..client.state.drive_count() {
        let poisoned = client.state.poisoned(drive);
        assert_eq!(poisoned.len(), 2);
        for one in &poisoned {
            let item =
                client.json(&format!("/v1.0/drives/{}/items/{}", client.state.drive_id(drive), one.id));
            let Some(url) = item["@microsoft.graph.downloadUrl"].as_str() else { continue };
            for _ in 0..6 {
                let reply = client.get(url);
                assert!([500, 503, 403].contains(&reply.answer.status), "{:?}", one.kind);
            }
        }
        let healthy = client
            .state
            .true_state(drive)
            .into_iter()
            .filter(|item| item.kind == TrueKind::File && !item.malware);
        for item in healthy.filter(|item| poisoned.iter().all(|one| one.id != item.id)) {
            let found =
                client.json(&format!("/v1.0/drives/{}/items/{}", client.state.drive_id(drive), item.id));
            assert_eq!(
                client.get(found["@microsoft.graph.downloadUrl"].as_str().unwrap()).answer.status,
                200
            );
        }
    }
}

#[test]
fn a_poisoned_page_is_only_had_when_it_is_small() {
    let fault =
        Fault::Status { status: 503, code: None, retry_after: RetryAfter::Missing, body: BodyForm::Empty };
    let rule =
        Rule { from_position: 0, top_min: 20, always: true, ..Rule::new("page", 1.0, &[Call::Delta], fault) };
    let client =
        Client::new(SimConfig { faults: Faults { rules: vec![rule], ..Faults::default() }, ..mixed(60) });
    let base = format!("/v1.0/drives/{}/root/delta", client.state.drive_id(0));
    for _ in 0..6 {
        assert_eq!(client.get(&base).answer.status, 503);
    }
    assert_eq!(client.get(&format!("{base}?$top=19")).answer.status, 200);
}

#[test]
fn size_and_hash_lies_are_steady_and_the_content_is_true() {
    let rules = vec![
        Rule::new("size", 0.3, &[], Fault::SizeLie),
        Rule::new("stale", 0.3, &[], Fault::StaleHash),
        Rule::new("none", 0.2, &[], Fault::NoHash),
    ];
    let client = Client::new(SimConfig { faults: Faults { rules, ..Faults::default() }, ..mixed(100) });
    let look = || {
        let page = client.json(&format!("/v1.0/drives/{}/root/delta?$top=200", client.state.drive_id(0)));
        let lines = page["value"].as_array().unwrap().iter();
        let files = lines.filter(|item| item.get("file").is_some());
        files
            .map(|item| (item["id"].to_string(), (item["size"].clone(), item["file"]["hashes"].clone())))
            .collect::<BTreeMap<_, _>>()
    };
    let (first, second) = (look(), look());
    assert_eq!(first, second);
    let truth = client.state.true_state(0);
    let lies = truth
        .iter()
        .filter(|item| first.get(&format!("\"{}\"", item.id)).is_some_and(|(size, _)| *size != item.size));
    assert!(lies.count() > 10);
}

#[test]
fn the_same_seed_makes_the_same_mishaps() {
    let run = |order: &[usize]| {
        let app = AppConfig { token_lifetime_s: 1_000_000, ..AppConfig::default() };
        let client = Client::new(SimConfig { faults: preset("all").unwrap(), app, ..mixed(60) });
        let files: Vec<String> = client.state.true_state(0).into_iter().map(|item| item.id).collect();
        let drive = client.state.drive_id(0);
        let mut seen = BTreeMap::new();
        for place in order {
            let id = &files[*place];
            let reply =
                client.send(Method::GET, &format!("/v1.0/drives/{drive}/items/{id}"), &[], Bytes::new());
            seen.insert(*place, (reply.reset, reply.answer.status, format!("{:?}", reply.shape)));
            // Fences hang on time; here only the decisions are looked at.
            client.state.clock().advance(std::time::Duration::from_secs(400));
        }
        seen
    };
    let forward: Vec<usize> = (0..50).collect();
    let backward: Vec<usize> = (0..50).rev().collect();
    let seen = run(&forward);
    assert_eq!(seen, run(&backward));
    assert!(seen.values().any(|(reset, status, _)| *reset || *status != 200));
}

#[test]
fn every_preset_exists_and_reads_back() {
    for name in PRESETS {
        let faults = preset(name).unwrap();
        assert_eq!(*name == "none", faults == Faults::default());
        let text = serde_json::to_string(&faults).unwrap();
        assert_eq!(serde_json::from_str::<Faults>(&text).unwrap(), faults);
    }
    assert!(preset("nothing of the kind").is_none());
}

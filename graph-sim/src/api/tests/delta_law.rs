//! The law of delta: the fold of all pages is the true state, whatever the history.

use std::collections::HashMap;

use serde_json::Value;

use super::{Client, mixed};
use crate::api::Call;
use crate::config::SimConfig;
use crate::faults::{Fault, Faults, Rule};
use crate::state::Mutation;

/// What a client knows of an item.
#[derive(Clone, PartialEq, Debug)]
struct Known {
    parent: Option<String>,
    name: String,
    etag: String,
    hash: Option<String>,
    size: u64,
}

/// A client that follows delta by the book: upserts by id, the last occurrence wins, what hangs on
/// nothing at the end of a round is gone.
#[derive(Default)]
struct Fold {
    items: HashMap<String, Known>,
    link: Option<String>,
}

impl Fold {
    /// Runs one round; answers how many entries it had. `between` is called after each page.
    fn round(&mut self, client: &Client, drive: u32, mut between: impl FnMut()) -> usize {
        let first = format!("/v1.0/drives/{}/root/delta?$top=7", client.state.drive_id(drive));
        let mut url = self.link.clone().unwrap_or(first);
        let mut entries = 0;
        for _ in 0..10_000 {
            let page = client.json(&url);
            for entry in page["value"].as_array().unwrap() {
                self.apply(entry);
                entries += 1;
            }
            between();
            match page["@odata.nextLink"].as_str() {
                Some(next) => url = next.into(),
                None => {
                    self.link = Some(page["@odata.deltaLink"].as_str().unwrap().into());
                    self.drop_orphans();
                    return entries;
                }
            }
        }
        panic!("the feed does not end");
    }

    fn apply(&mut self, entry: &Value) {
        let id = entry["id"].as_str().unwrap().to_string();
        if entry.get("deleted").is_some() {
            self.items.remove(&id);
            return;
        }
        let text = |value: &Value| value.as_str().map(String::from);
        let known = Known {
            parent: text(&entry["parentReference"]["id"]),
            name: text(&entry["name"]).unwrap(),
            etag: text(&entry["eTag"]).unwrap(),
            hash: text(&entry["file"]["hashes"]["quickXorHash"]),
            size: entry["size"].as_u64().unwrap(),
        };
        self.items.insert(id, known);
    }

    fn drop_orphans(&mut self) {
        loop {
            let lost =
                |known: &Known| known.parent.as_ref().is_some_and(|parent| !self.items.contains_key(parent));
            let gone: Vec<String> =
                self.items.iter().filter(|(_, known)| lost(known)).map(|(id, _)| id.clone()).collect();
            if gone.is_empty() {
                return;
            }
            gone.iter().for_each(|id| drop(self.items.remove(id)));
        }
    }

    fn assert_true(&self, client: &Client, drive: u32) {
        let truth = client.state.true_state(drive);
        assert_eq!(truth.len(), self.items.len());
        for item in truth {
            let known = self.items.get(&item.id).unwrap_or_else(|| panic!("{} is missing", item.path));
            assert_eq!(known.parent, item.parent_id, "parent of {}", item.path);
            assert_eq!(known.name, item.name);
            assert_eq!(known.hash, item.quick_xor_hash, "hash of {}", item.path);
            assert_eq!(known.size, item.size);
            assert!(known.etag.ends_with(&format!(",{}\"", item.etag)), "eTag of {}", item.path);
        }
    }
}

fn history(config: SimConfig, seed: u64) {
    let client = Client::new(config);
    let mut fold = Fold::default();
    let mut turn = 0;
    let mut mutate = |count: u32| {
        turn += 1;
        client.state.mutate(&Mutation { drive: Some(0), seed: Some(seed * 1000 + turn), count });
    };
    fold.round(&client, 0, || {});
    fold.assert_true(&client, 0);
    for round in 0..4 {
        mutate(1 + (seed as u32 + round) % 12);
        // In some rounds the drive goes on changing while pages are read.
        let mut changes = if round % 2 == 1 { 3 } else { 0 };
        fold.round(&client, 0, || {
            if changes > 0 {
                changes -= 1;
                mutate(2);
            }
        });
        while fold.round(&client, 0, || {}) > 0 {}
        fold.assert_true(&client, 0);
    }
    assert!(client.state.violations().is_empty(), "{:?}", client.state.violations());
}

#[test]
fn random_histories_fold_to_the_truth() {
    for seed in 0..60 {
        history(mixed(40 + seed as u32 % 50), seed);
    }
}

#[test]
fn a_drive_that_changes_during_the_first_walk_is_caught_up_with() {
    for seed in 0..30 {
        let client = Client::new(mixed(80));
        let mut fold = Fold::default();
        let mut turn = 0;
        fold.round(&client, 0, || {
            turn += 1;
            client.state.mutate(&Mutation { drive: Some(0), seed: Some(seed * 77 + turn), count: 2 });
        });
        while fold.round(&client, 0, || {}) > 0 {}
        fold.assert_true(&client, 0);
    }
}

#[test]
fn disorder_does_not_change_the_fold() {
    let faults = [
        Fault::DuplicateInPage,
        Fault::DuplicateAcrossPages,
        Fault::ChildBeforeParent,
        Fault::UnchangedAncestors,
        Fault::GhostDelete,
        Fault::EmptyPage,
        Fault::ParenthesisedLinks,
        Fault::UnknownProperties,
        Fault::LongFractions,
    ];
    let rule =
        |fault: &Fault| Rule::new(&format!("{fault:?}"), 0.3, &[Call::Delta, Call::DeltaNext], fault.clone());
    for seed in 0..20 {
        // A round never seems empty when ghosts or ancestors are told: the fold is looked at after a few.
        let faults = Faults { seed, rules: faults.iter().map(rule).collect(), ..Faults::default() };
        let client = Client::new(SimConfig { faults, ..mixed(60) });
        let mut fold = Fold::default();
        for turn in 0..4 {
            fold.round(&client, 0, || {});
            fold.round(&client, 0, || {});
            fold.assert_true(&client, 0);
            client.state.mutate(&Mutation { drive: Some(0), seed: Some(seed + turn), count: 6 });
        }
        assert!(client.state.violations().is_empty(), "{:?}", client.state.violations());
    }
}

#[test]
fn the_true_state_of_the_past_is_kept() {
    let client = Client::new(mixed(60));
    let mut past = vec![(0, client.state.true_state(0))];
    for turn in 0..20 {
        client.state.mutate(&Mutation { drive: Some(0), seed: Some(turn), count: 3 });
        past.push((client.state.seq(0), client.state.true_state(0)));
    }
    for (seq, state) in past {
        assert_eq!(client.state.true_state_at(0, seq), state);
    }
}

#[test]
fn equal_seeds_give_equal_tenants() {
    let (one, other) = (Client::new(mixed(100)), Client::new(mixed(100)));
    for client in [&one, &other] {
        client.state.mutate(&Mutation { drive: None, seed: Some(5), count: 30 });
    }
    // Changes take their times from the clock, which the two do not share.
    let timeless = |client: &Client| {
        let mut items = client.state.true_state(1);
        items.iter_mut().for_each(|item| (item.created, item.modified) = (0, 0));
        items
    };
    assert_eq!(timeless(&one), timeless(&other));
    let other = SimConfig { tenant: crate::TenantProfile { seed: 2, ..mixed(100).tenant }, ..mixed(100) };
    assert_ne!(timeless(&Client::new(other)), timeless(&one));
}

#[test]
fn tokens_of_all_kinds_begin_where_they_should() {
    let client = Client::new(mixed(50));
    let base = format!("/v1.0/drives/{}/root/delta", client.state.drive_id(0));
    let latest = client.json(&format!("{base}?token=latest"));
    assert_eq!(latest["value"].as_array().unwrap().len(), 0);
    let before = crate::wire::time::from_ms(client.state.now_ms() - 1000).replace(':', "%3A");
    client.state.mutate(&Mutation { drive: Some(0), seed: Some(1), count: 5 });
    for url in [latest["@odata.deltaLink"].as_str().unwrap(), &format!("{base}(token='{before}')")] {
        assert!(!client.json(url)["value"].as_array().unwrap().is_empty(), "{url}");
    }
    client.state.expire_delta_tokens(0);
    let reply = client.get(latest["@odata.deltaLink"].as_str().unwrap());
    assert_eq!(reply.answer.status, 410);
    assert!(reply.answer.header("location").unwrap().ends_with("/root/delta"));
    assert_eq!(super::json(&reply)["error"]["code"], "resyncRequired");
}

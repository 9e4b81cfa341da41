//! Fresh addresses from delta pages that were read before.

use std::collections::HashMap;
use std::time::Duration;

use graph_client::files::{DeltaFrom, DownloadOf};
use graph_client::model::{DeltaPage, DriveId, ItemId, ItemKind};
use graph_client::{Graph, GraphError, Pace};
use graph_sim::{Call, Fault, Faults, Mutation, Rule, Sim, SimConfig, TenantProfile};

use crate::tenant::{assert_no_violations, client, start};

const PAGE: u32 = 50;

/// A drive, and its pages as they were read.
async fn tenant() -> (Sim, Graph, DriveId, Vec<DeltaPage>) {
    let tenant =
        TenantProfile { items_per_drive: 220, users: 1, size_max: 60_000, ..TenantProfile::default() };
    let sim = start(SimConfig { tenant, ..SimConfig::default() }, 50.0).await;
    let graph = client(&sim, Pace::unlimited());
    let drive = DriveId::from(sim.state().drive_id(0));
    let mut pages = graph.delta(&drive, DeltaFrom::Start).page_size(PAGE);
    let mut read = Vec::new();
    while let Some(page) = pages.next().await.unwrap() {
        read.push(page);
    }
    (sim, graph, drive, read)
}

/// The files of a page.
fn files(page: &DeltaPage) -> Vec<ItemId> {
    page.items.iter().filter(|item| item.kind() == ItemKind::File).map(|item| item.id.clone()).collect()
}

async fn read(graph: &Graph, of: DownloadOf) -> Vec<u8> {
    let mut download = graph.download(of, 0).await.unwrap();
    let mut bytes = Vec::new();
    while let Some(chunk) = download.next().await.unwrap() {
        bytes.extend_from_slice(&chunk);
    }
    bytes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn expired_addresses_are_renewed_by_the_page() {
    let (sim, graph, drive, pages) = tenant().await;
    sim.state().clock().advance(Duration::from_secs(2 * 60 * 60));
    let before = graph.metrics().units["files"];
    let mut contents = 0;
    for page in &pages {
        let listed: HashMap<_, _> = page.items.iter().map(|item| (&item.id, item)).collect();
        let fresh = graph.refresh_page(&drive, &page.from).await.unwrap();
        for id in files(page) {
            let (then, now) = (listed[&id], &fresh[&id]);
            assert!(DownloadOf::item(&drive, then).is_still(now));
            assert_ne!(then.download_url, now.download_url);
            let content = read(&graph, DownloadOf::item(&drive, now)).await;
            assert_eq!(Some(content), sim.state().content(0, id.as_str()));
            contents += 1;
        }
    }
    // Two for the first page, as it was then; no address was asked for by itself.
    let units = graph.metrics().units["files"] - before;
    assert_eq!(units, 1 + pages.len() as u64 + contents);
    assert_no_violations(&sim);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_changed_since_is_told_as_it_is_now() {
    let (sim, graph, drive, pages) = tenant().await;
    sim.state().mutate(&Mutation { drive: Some(0), seed: Some(3), count: 120 });
    let truth: HashMap<_, _> =
        sim.state().true_state(0).into_iter().map(|item| (ItemId::from(item.id.clone()), item)).collect();
    let mut changed = 0;
    for page in &pages {
        let fresh = graph.refresh_page(&drive, &page.from).await.unwrap();
        for then in page.items.iter().filter(|item| item.kind() == ItemKind::File) {
            let Some(now) = fresh.get(&then.id) else {
                changed += 1;
                continue;
            };
            assert!(truth.contains_key(&now.id), "who is gone has no address");
            changed += usize::from(!DownloadOf::item(&drive, then).is_still(now));
            let content = read(&graph, DownloadOf::item(&drive, now)).await;
            assert_eq!(Some(content), sim.state().content(0, now.id.as_str()));
        }
    }
    assert!(changed > 5, "{changed} changes were met");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_page_is_told_and_costs_one_request() {
    let (sim, graph, drive, pages) = tenant().await;
    let rule = |status| {
        let (retry_after, body) = Default::default();
        let fault = Fault::Status { status, code: None, retry_after, body };
        Rule { always: true, ..Rule::new("gone", 1.0, &[Call::DeltaNext], fault) }
    };
    sim.state().set_faults(Faults { rules: vec![rule(404)], ..Faults::default() });
    let before = graph.metrics().requests;
    let error = graph.refresh_page(&drive, &pages[1].from).await.unwrap_err();
    assert!(matches!(error, GraphError::NotFound { .. }), "{error}");
    sim.state().set_faults(Faults::default());
    sim.state().expire_delta_tokens(0);
    let error = graph.refresh_page(&drive, &pages[1].from).await.unwrap_err();
    assert!(matches!(error, GraphError::Resync { .. }), "{error}");
    let error = graph.refresh_page(&drive, "https://graph.example/delta?token=x").await.unwrap_err();
    assert!(matches!(error, GraphError::Resync { .. }), "{error}");
    assert_eq!(graph.metrics().requests - before, 2);
    // The items are there all the same.
    let found = graph.refresh_download_urls(&drive, &files(&pages[1])).await.unwrap();
    assert!(found.iter().all(|(_, item)| item.is_ok()));
}

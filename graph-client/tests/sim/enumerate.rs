//! Users, drives, feeds and contents, under each family of faults.

use std::collections::{BTreeMap, BTreeSet};

use graph_client::files::{DeltaFrom, DownloadOf};
use graph_client::model::{DriveId, DriveItem, ItemKind};
use graph_client::{Absence, Graph, GraphError, Pace, UserFilter};
use graph_sim::{PRESETS, Sim, SimConfig, TenantProfile, preset};

use crate::tenant::{assert_no_violations, client, start};

/// All items of a drive, as the feed gives them: the last occurrence counts.
async fn enumerate(graph: &Graph, drive: &DriveId, page_size: u32) -> BTreeMap<String, DriveItem> {
    for _ in 0..30 {
        let mut items = BTreeMap::new();
        let mut pages = graph.delta(drive, DeltaFrom::Start).page_size(page_size);
        loop {
            match pages.next().await {
                Ok(Some(page)) => {
                    for item in page.items {
                        match item.is_deleted() {
                            true => items.remove(item.id.as_str()),
                            false => items.insert(item.id.to_string(), item),
                        };
                    }
                }
                Ok(None) => return items,
                Err(GraphError::Resync { .. }) => break,
                Err(error) => panic!("{error}"),
            }
        }
    }
    panic!("thirty enumerations in a row were broken off");
}

/// A content, tried again if its bytes are not those that were listed.
async fn fetch(graph: &Graph, drive: &DriveId, item: &DriveItem) -> Result<Vec<u8>, GraphError> {
    let mut tries = 0;
    loop {
        let mut bytes = Vec::new();
        let result = async {
            let mut download = graph.download(DownloadOf::item(drive, item), 0).await?;
            while let Some(chunk) = download.next().await? {
                bytes.extend_from_slice(&chunk);
            }
            Ok(())
        };
        tries += 1;
        match result.await {
            Ok(()) => return Ok(bytes),
            Err(GraphError::HashMismatch { .. }) if tries < 5 => {}
            Err(error) => return Err(error),
        }
    }
}

/// Every drive as it truly is, every content byte for byte, but for what can never be had.
async fn judge(sim: &Sim, graph: &Graph, hashes_lie: bool) {
    let users = graph.users(&UserFilter::without_guests()).unwrap().all().await.unwrap();
    let mut drives = 0;
    for user in &users {
        let drive = match graph.drive_of(user).await {
            Ok(drive) => drive,
            Err(GraphError::ResourceAbsent { absence, .. }) => {
                assert!(matches!(absence, Absence::Drive | Absence::Licence));
                continue;
            }
            Err(error) => panic!("{error}"),
        };
        drives += 1;
        let number = sim.state().drive_number(drive.id.as_str()).unwrap();
        let items = enumerate(graph, &drive.id, 1000).await;
        let truth = sim.state().true_state(number);
        let found: BTreeSet<_> = items.keys().cloned().collect();
        assert_eq!(found, truth.iter().map(|item| item.id.clone()).collect());
        let poisoned: BTreeSet<_> = sim.state().poisoned(number).into_iter().map(|item| item.id).collect();
        for item in truth {
            let listed = &items[&item.id];
            // Raw control characters are put into names on their way, and taken for what they are.
            let name: String =
                listed.name.iter().flat_map(|name| name.chars()).filter(|c| !c.is_control()).collect();
            assert!(item.parent_id.is_none() || name == item.name, "{name} is not {}", item.name);
            let parent =
                listed.parent.as_ref().and_then(|parent| parent.id.as_ref()).map(ToString::to_string);
            assert!(item.parent_id.is_none() || parent == item.parent_id);
            if listed.kind() != ItemKind::File {
                continue;
            }
            match fetch(graph, &drive.id, listed).await {
                Ok(bytes) => assert_eq!(Some(bytes), sim.state().content(number, &item.id), "{}", item.id),
                Err(GraphError::HashMismatch { .. }) if hashes_lie => {}
                Err(error) => assert!(poisoned.contains(&item.id), "{} is not poisoned: {error}", item.id),
            }
        }
    }
    assert_eq!(drives, sim.state().drive_count());
}

/// A drive of many small pages, enumerated and compared with the truth.
async fn run_pages(name: &str) -> graph_client::Metrics {
    let tenant = TenantProfile { items_per_drive: 3_000, users: 1, ..TenantProfile::default() };
    let config = SimConfig { tenant, faults: preset(name).unwrap(), ..SimConfig::default() };
    let sim = start(config, 500.0).await;
    let graph = client(&sim, Pace::unlimited());
    let users = graph.users(&UserFilter::all()).unwrap().all().await.unwrap();
    let drive = graph.drive_of(&users[0]).await.unwrap();
    let items = enumerate(&graph, &drive.id, 60).await;
    let found: BTreeSet<_> = items.into_keys().collect();
    let truth = sim.state().true_state(sim.state().drive_number(drive.id.as_str()).unwrap());
    assert_eq!(found, truth.into_iter().map(|item| item.id).collect());
    assert_no_violations(&sim);
    graph.metrics()
}

async fn run(name: &str, items: u32) -> graph_client::Metrics {
    let tenant =
        TenantProfile { items_per_drive: items, users: 2, size_max: 60_000, ..TenantProfile::default() };
    let config = SimConfig { tenant, faults: preset(name).unwrap(), ..SimConfig::default() };
    let sim = start(config, 200.0).await;
    let graph = client(&sim, Pace::unlimited());
    judge(&sim, &graph, matches!(name, "lies" | "all")).await;
    assert_no_violations(&sim);
    let metrics = graph.metrics();
    sim.stop().await;
    metrics
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_healthy_tenant_costs_what_it_must() {
    let metrics = run("none", 300).await;
    assert_eq!((metrics.retries, metrics.refused), (0, 0));
    // For each of two users: the drive, one page, the downloads. Two more users have none.
    let files = metrics.units["files"];
    assert!(files <= 4 + 2 * (2 + 300), "{files} units");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_family_of_faults_is_lived_through() {
    for name in PRESETS.iter().filter(|name| !matches!(**name, "none" | "all" | "slow")) {
        println!("{name}: {:?}", run(name, 120).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_pages_come_through_each_family_of_faults() {
    for name in PRESETS {
        println!("{name}: {:?}", run_pages(name).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_faults_at_once_are_lived_through() {
    println!("{:?}", run("all", 400).await);
}

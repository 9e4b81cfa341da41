//! Fresh addresses for many items, from a service that fails in passing.

use graph_client::budget::Limits;
use graph_client::files::DeltaFrom;
use graph_client::model::{DriveId, ItemId, ItemKind};
use graph_client::{Graph, Pace};
use graph_sim::{Faults, Sim, SimConfig, TenantProfile, preset};

use crate::tenant::{assert_no_violations, client, start};

/// How many times as fast as ours the service's time runs.
const TIME_SCALE: f64 = 50.0;

/// A drive of some hundred items, and the files in it.
async fn tenant() -> (Sim, Graph, DriveId, Vec<ItemId>) {
    let tenant = TenantProfile { items_per_drive: 440, users: 1, ..TenantProfile::default() };
    let sim = start(SimConfig { tenant, ..SimConfig::default() }, TIME_SCALE).await;
    // The enumeration leaves enough for all batches: what they wait for is not the rate.
    let files = Limits { burst: 2000.0, ..Pace::default().files };
    let graph = client(&sim, Pace { files, ..Pace::default() });
    let drive = DriveId::from(sim.state().drive_id(0));
    let mut pages = graph.delta(&drive, DeltaFrom::Start);
    let mut files = Vec::new();
    while let Some(page) = pages.next().await.unwrap() {
        files.extend(page.items.into_iter().filter(|item| item.kind() == ItemKind::File).map(|item| item.id));
    }
    (sim, graph, drive, files)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passing_failures_cost_some_more_batches_and_no_pace() {
    for family in ["none", "reset", "transient", "errors"] {
        let (sim, graph, drive, files) = tenant().await;
        let rate = graph.check_sign_in().await.unwrap().rates;
        sim.state().set_faults(preset(family).unwrap());
        let (requests, begun) = (graph.metrics().requests, sim.state().clock().now_ms());
        let found = graph.refresh_download_urls(&drive, &files).await.unwrap();
        let requests = graph.metrics().requests - requests;
        let seconds = (sim.state().clock().now_ms() - begun) as f64 / 1000.0;
        let answered = found.iter().filter(|(_, item)| item.is_ok()).count();
        println!("{family}: {} items, {answered} answered, {requests} requests, {seconds:.1} s", files.len());
        assert!(answered * 100 >= files.len() * 98, "{family}: {answered} of {}", files.len());
        let batches = files.len().div_ceil(20) as u64;
        assert!(requests <= 2 * batches, "{family}: {requests} requests for {batches} batches");
        if family != "errors" {
            let now = graph.check_sign_in().await.unwrap().rates;
            assert_eq!(now, rate, "{family}: nobody said that we are too fast");
        }
        sim.state().set_faults(Faults::default());
        assert_no_violations(&sim);
    }
}

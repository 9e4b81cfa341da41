//! The smallest tenant's budget: used, and not overrun.

use std::sync::Arc;

use futures::stream::{self, StreamExt};
use graph_client::files::{DeltaFrom, DownloadOf};
use graph_client::model::{DriveItem, ItemKind};
use graph_client::{Pace, UserFilter};
use graph_sim::{SimConfig, TenantProfile, ThrottleTier};

use crate::tenant::{assert_no_violations, client, start};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_smallest_budget_is_not_overrun() {
    let tenant =
        TenantProfile { users: 2, items_per_drive: 2_500, size_max: 2_000, ..TenantProfile::default() };
    let config = SimConfig { tenant, throttle: Some(ThrottleTier::UpTo1k), ..SimConfig::default() };
    let sim = start(config, 20.0).await;
    let graph = Arc::new(client(&sim, Pace::default()));
    let begin = sim.state().now_ms();
    let users = graph.users(&UserFilter::all()).unwrap().all().await.unwrap();
    for user in users.iter().take(2) {
        let drive = graph.drive_of(user).await.unwrap().id;
        let mut files: Vec<DriveItem> = Vec::new();
        let mut pages = graph.delta(&drive, DeltaFrom::Start);
        while let Some(page) = pages.next().await.unwrap() {
            files.extend(page.items.into_iter().filter(|item| item.kind() == ItemKind::File));
        }
        let downloads = stream::iter(files).map(|item| {
            let (graph, drive) = (graph.clone(), drive.clone());
            async move {
                let mut download = graph.download(DownloadOf::item(&drive, &item), 0).await.unwrap();
                while download.next().await.unwrap().is_some() {}
            }
        });
        downloads.buffer_unordered(8).collect::<Vec<()>>().await;
    }
    let minutes = (sim.state().now_ms() - begin) as f64 / 60_000.0;
    let metrics = graph.metrics();
    let used = metrics.units["files"] as f64 / (1250.0 * minutes);
    println!("{minutes:.2} minutes, {used:.3} of the budget, {metrics:?}");
    assert!(metrics.refused as f64 <= 0.01 * metrics.requests as f64, "{metrics:?}");
    assert_no_violations(&sim);
}

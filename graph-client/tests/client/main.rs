//! The client against a server that says what it is told.

mod batches;
mod calls;
mod downloads;
mod feeds;
mod scripted;
mod sign_in;
mod uploads;

/// Everything may go from one thread to another, futures included.
#[test]
fn calls_may_run_on_any_thread() {
    fn sendable<T: Send>(_: &T) {}
    let server = scripted::Server::with_tokens(|_| scripted::json("{}"));
    let graph = server.graph();
    let drive = graph_client::model::DriveId::from("d");
    let mut pages = graph.delta(&drive, graph_client::files::DeltaFrom::Start);
    sendable(&graph);
    sendable(&pages.next());
    let item = graph_client::model::DriveItem::default();
    let of = graph_client::files::DownloadOf::item(&drive, &item);
    sendable(&async { graph.download(of, 0).await?.next().await });
}

//! Writing to a simulated drive: folders, small and large files, names, links.

use bytes::Bytes;
use graph_client::files::{
    Conflict, DownloadOf, FRAGMENT_UNIT, ItemPatch, LinkScope, LinkType, NewFile, Recipient, UploadStep,
    UploadTo,
};
use graph_client::model::{DriveId, ItemId, ItemKind, Moment};
use graph_client::quickxor::QuickXorHash;
use graph_client::{Graph, GraphError, Pace, UserFilter};
use graph_sim::{Sim, SimConfig, preset};

use crate::tenant::{assert_no_violations, client, start};

async fn tenant(faults: &str) -> (Sim, Graph, DriveId, ItemId) {
    let sim = start(SimConfig { faults: preset(faults).unwrap(), ..SimConfig::default() }, 200.0).await;
    let graph = client(&sim, Pace::unlimited());
    let users = graph.users(&UserFilter::all()).unwrap().all().await.unwrap();
    let drive = graph.drive_of(&users[0]).await.unwrap().id;
    let root = graph.root(&drive).await.unwrap().id;
    (sim, graph, drive, root)
}

fn times() -> NewFile {
    let at = |text: &str| Some(Moment(text.into()));
    NewFile { created: at("2019-01-02T03:04:05Z"), last_modified: at("2020-01-02T03:04:05Z") }
}

/// A folder, though an answer may be lost: whoever may or may not have been done is looked for.
async fn folder(graph: &Graph, drive: &DriveId, parent: &ItemId, name: &str) -> ItemId {
    for _ in 0..10 {
        match graph.create_folder(drive, parent, name, Conflict::Fail, &NewFile::default()).await {
            Ok(folder) => return folder.id,
            Err(GraphError::Ambiguous { .. } | GraphError::NameTaken { .. }) => {
                match graph.item_by_path(drive, parent, &[name]).await {
                    Ok(folder) => return folder.id,
                    Err(GraphError::NotFound { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            Err(error) => panic!("{error}"),
        }
    }
    panic!("no folder after ten tries");
}

/// Uploads in fragments. A session that is gone may have ended with a reply that was lost: then the file
/// is there, and is not sent once more.
async fn upload(graph: &Graph, drive: &DriveId, parent: &ItemId, name: &str, content: &Bytes) -> ItemId {
    let to = UploadTo::New { parent: parent.clone(), name: name.into(), conflict: Conflict::Replace };
    let total = content.len() as u64;
    let mut session = graph.create_upload_session(drive, &to, &times(), total).await.unwrap();
    for _ in 0..50 {
        let from = usize::try_from(session.next()).unwrap();
        let end = content.len().min(from + FRAGMENT_UNIT);
        match session.put(content.slice(from..end)).await {
            Ok(UploadStep::Done(item)) => return item.id,
            Ok(_) => {}
            Err(GraphError::SessionGone { .. }) => match graph.item_by_path(drive, parent, &[name]).await {
                Ok(item) => return item.id,
                Err(GraphError::NotFound { .. }) => {
                    session = graph.create_upload_session(drive, &to, &times(), total).await.unwrap();
                }
                Err(error) => panic!("{error}"),
            },
            Err(error) => panic!("{error}"),
        }
    }
    panic!("not done after fifty fragments");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_is_there_with_its_times() {
    let (sim, graph, drive, root) = tenant("none").await;
    let parent = folder(&graph, &drive, &root, "Restored 50% #1").await;
    let twice =
        graph.create_folder(&drive, &root, "Restored 50% #1", Conflict::Fail, &NewFile::default()).await;
    assert!(matches!(twice, Err(GraphError::NameTaken { .. })), "{twice:?}");

    let content = Bytes::from(vec![42; 2 * FRAGMENT_UNIT + 11]);
    let large = upload(&graph, &drive, &parent, "große Datei.bin", &content).await;
    let item = graph.item(&drive, &large).await.unwrap();
    let mut hash = QuickXorHash::new();
    hash.update(&content);
    assert_eq!(item.quick_xor(), Some(hash.finish()));
    let info = item.file_system_info.as_ref().unwrap();
    let written = info.last_modified.as_ref().and_then(Moment::timestamp);
    assert_eq!(written, times().last_modified.as_ref().and_then(Moment::timestamp));

    let to = UploadTo::New { parent: parent.clone(), name: "empty".into(), conflict: Conflict::Fail };
    let small = graph.put_small(&drive, &to, Bytes::new()).await.unwrap();
    assert_eq!((small.kind(), small.size_bytes()), (ItemKind::File, Some(0)));

    let patch = ItemPatch { name: Some("moved".into()), parent: Some(root.clone()), ..ItemPatch::default() };
    graph.patch_item(&drive, &small.id, &patch).await.unwrap();
    assert_eq!(graph.item_by_path(&drive, &root, &["moved"]).await.unwrap().id, small.id);
    let children = graph.children(&drive, &parent).unwrap().all().await.unwrap();
    assert_eq!(children.iter().map(|child| &child.id).collect::<Vec<_>>(), [&large]);

    let people = [Recipient::Email("someone@contoso.com".into())];
    graph.invite(&drive, &large, &people, &["read"]).await.unwrap();
    graph.create_link(&drive, &large, LinkType::View, LinkScope::Organization).await.unwrap();
    let permissions = graph.permissions(&drive, &large).await.unwrap();
    assert!(permissions.iter().any(|permission| permission.link.is_some()), "{permissions:?}");

    graph.delete_item(&drive, &small.id).await.unwrap();
    graph.delete_item(&drive, &small.id).await.unwrap();
    let gone = graph.item(&drive, &small.id).await;
    assert!(matches!(gone, Err(GraphError::NotFound { .. })), "{gone:?}");
    assert_no_violations(&sim);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_are_refreshed_in_one_call() {
    let (sim, graph, drive, root) = tenant("none").await;
    let mut ids: Vec<_> = graph.children(&drive, &root).unwrap().all().await.unwrap();
    ids.retain(|item| item.kind() == ItemKind::File);
    let mut ids: Vec<_> = ids.into_iter().map(|item| item.id).collect();
    ids.push("01NOSUCHITEM".into());
    let before = graph.metrics().requests;
    let found = graph.refresh_download_urls(&drive, &ids).await.unwrap();
    assert_eq!(graph.metrics().requests - before, ids.len().div_ceil(20) as u64);
    let (last, items) = found.split_last().unwrap();
    assert!(matches!(last.1, Err(GraphError::NotFound { .. })), "{last:?}");
    for (id, item) in items {
        let item = item.as_ref().unwrap();
        assert_eq!(&item.id, id);
        let mut download = graph.download(DownloadOf::item(&drive, item), 0).await.unwrap();
        while download.next().await.unwrap().is_some() {}
    }
    assert_no_violations(&sim);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_live_through_faults_without_doing_anything_twice() {
    for faults in ["reset", "throttle", "errors"] {
        let (sim, graph, drive, root) = tenant(faults).await;
        let parent = folder(&graph, &drive, &root, "once").await;
        let content = Bytes::from(vec![7; 5 * FRAGMENT_UNIT + 3]);
        for number in 0..6 {
            upload(&graph, &drive, &parent, &format!("file {number}"), &content).await;
        }
        let children = graph.children(&drive, &parent).unwrap().all().await.unwrap();
        assert_eq!(children.len(), 6, "{faults}");
        assert_no_violations(&sim);
    }
}

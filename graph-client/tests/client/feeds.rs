//! Feeds of changes: pages to the end of a round, dead links, circles.

use crate::scripted::{Asked, Say, Server, json, reply};
use graph_client::files::DeltaFrom;
use graph_client::model::DriveId;
use graph_client::{GraphError, Resync};

fn drive() -> DriveId {
    "b!d".into()
}

fn page(asked: &Asked, items: &str, link: &str, token: &str) -> Say {
    let url = format!("{}/v1.0/drives/b!d/root/delta?token={token}", asked.origin);
    json(format!(r#"{{"value":[{items}],"@odata.{link}":"{url}"}}"#))
}

#[tokio::test]
async fn a_round_ends_with_the_link_of_the_next() {
    let server = Server::with_tokens(|asked| match asked.target.rsplit_once("token=").map(|(_, at)| at) {
        None => page(asked, r#"{"id":"root","root":{}},{"id":"f","file":{},"size":3}"#, "nextLink", "2"),
        Some("2") => page(asked, "", "nextLink", "3"),
        Some("3") => page(asked, r#"{"id":"f","deleted":{"state":"deleted"}}"#, "deltaLink", "next"),
        Some(_) => page(asked, "", "deltaLink", "next"),
    });
    let graph = server.graph();
    let mut pages = graph.delta(&drive(), DeltaFrom::Start);
    let mut items = Vec::new();
    let mut links = Vec::new();
    while let Some(page) = pages.next().await.unwrap() {
        items.extend(page.items.iter().map(|item| (item.id.to_string(), item.is_deleted())));
        links.push((page.next.is_some(), page.delta));
    }
    assert_eq!(items, [("root".into(), false), ("f".into(), false), ("f".into(), true)]);
    assert_eq!(links.iter().map(|(next, _)| *next).collect::<Vec<_>>(), [true, true, false]);
    assert!(pages.next().await.unwrap().is_none());
    let first = &server.asked()[0];
    assert!(first.target.contains("$top=") && first.target.contains("$select=id,name"), "{}", first.target);
    assert!(first.header("prefer").unwrap().contains("deltashowremovedasdeleted"));

    let link = links[2].1.clone().unwrap();
    let mut round = graph.delta(&drive(), DeltaFrom::Link(link.clone()));
    let page = round.next().await.unwrap().unwrap();
    assert!(page.items.is_empty() && page.delta.as_ref() == Some(&link));
    assert!(round.next().await.unwrap().is_none());
    assert_eq!(format!("{}{}", server.url, server.asked()[3].target), link, "followed as it was given");
    let units = graph.metrics().units["files"];
    assert_eq!(units, 2 + 1 + 1 + 1);
    assert!(!format!("{page:?} {round:?}").contains("token="));
}

#[tokio::test]
async fn a_dead_link_is_told_also_in_the_middle() {
    let dead = |status: u16, code: &'static str| async move {
        let server = Server::with_tokens(move |asked| match asked.target.contains("token=") {
            false => page(asked, "", "nextLink", "2"),
            true => reply(
                status,
                "Location: http://elsewhere/\r\n",
                &format!(r#"{{"error":{{"code":"{code}"}}}}"#),
            ),
        });
        let mut pages = server.graph().delta(&drive(), DeltaFrom::Start);
        pages.next().await.unwrap().unwrap();
        match pages.next().await {
            Err(GraphError::Resync { kind, .. }) => kind,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(dead(410, "resyncRequired").await, Resync::Unspecified);
    assert_eq!(dead(410, "resyncChangesApplyDifferences").await, Resync::ApplyDifferences);
    assert_eq!(dead(410, "ResyncUploadDifferences").await, Resync::UploadDifferences);
    assert_eq!(dead(410, "").await, Resync::Unspecified);
    assert_eq!(dead(404, "itemNotFound").await, Resync::Unspecified);
}

#[tokio::test]
async fn a_link_of_another_cloud_is_a_dead_one() {
    let server = Server::with_tokens(|_| json("{}"));
    let link = DeltaFrom::Link("https://graph.example/v1.0/drives/b!d/root/delta?token=x".into());
    let error = server.graph().delta(&drive(), link).next().await.unwrap_err();
    assert!(matches!(error, GraphError::Resync { .. }), "{error}");
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn a_circle_and_a_feed_without_end_are_told() {
    let server = Server::with_tokens(|asked| page(asked, "", "nextLink", "2"));
    let mut pages = server.graph().delta(&drive(), DeltaFrom::Start);
    pages.next().await.unwrap().unwrap();
    let error = pages.next().await.unwrap_err();
    assert!(matches!(error, GraphError::Protocol { .. }), "{error}");
    let server = Server::with_tokens(|_| json(r#"{"value":[]}"#));
    let error = server.graph().delta(&drive(), DeltaFrom::Start).next().await.unwrap_err();
    assert!(matches!(error, GraphError::Protocol { .. }), "{error}");
}

#[tokio::test]
async fn a_page_with_raw_control_characters_is_read() {
    let server = Server::with_tokens(|asked| {
        page(asked, "{\"id\":\"f\",\"name\":\"a\x01b\",\"size\":\"12\",\"file\":null}", "deltaLink", "2")
    });
    let page = server.graph().delta(&drive(), DeltaFrom::Start).next().await.unwrap().unwrap();
    assert_eq!(page.items[0].name.as_deref(), Some("a\u{1}b"));
    assert_eq!(page.items[0].size_bytes(), Some(12));
}

#[tokio::test]
async fn a_page_that_keeps_failing_is_asked_for_in_smaller_pieces() {
    let server = Server::with_tokens(|asked| {
        let small = asked.headers.iter().any(|(_, value)| value.contains("maxpagesize"));
        if small { page(asked, "", "deltaLink", "2") } else { reply(504, "", "") }
    });
    server.graph().delta(&drive(), DeltaFrom::Start).next().await.unwrap().unwrap();
}

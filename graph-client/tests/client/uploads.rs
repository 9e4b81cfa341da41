//! Uploads: fragments in order, sessions resumed, answers that were lost.

use crate::scripted::{Asked, Say, Server, json, reply};
use bytes::Bytes;
use graph_client::GraphError;
use graph_client::files::{Conflict, FRAGMENT_UNIT, ItemPatch, NewFile, UploadSession, UploadStep, UploadTo};
use graph_client::model::{DriveId, ItemId, Moment};

const TOTAL: u64 = 2 * FRAGMENT_UNIT as u64 + 5;

fn drive() -> DriveId {
    "b!d".into()
}

fn new_file() -> UploadTo {
    UploadTo::New { parent: ItemId::from("01P"), name: "50% off #1.bin".into(), conflict: Conflict::Fail }
}

/// A server that makes a session, and leaves its address to `session`.
fn server(session: impl Fn(&Asked) -> Say + Send + Sync + 'static) -> Server {
    Server::with_tokens(move |asked| {
        if asked.target.starts_with("/v1.0") {
            return json(format!(
                r#"{{"uploadUrl":"{}/up?auth=hush","nextExpectedRanges":["0-"]}}"#,
                asked.origin
            ));
        }
        assert_eq!(asked.header("authorization"), None);
        session(asked)
    })
}

async fn begin(server: &Server) -> UploadSession {
    let times = NewFile { last_modified: Some(Moment("2020-01-01T00:00:00Z".into())), ..NewFile::default() };
    server.graph().create_upload_session(&drive(), &new_file(), &times, TOTAL).await.unwrap()
}

fn piece(session: &UploadSession) -> Bytes {
    let left = usize::try_from(session.total() - session.next()).unwrap();
    Bytes::from(vec![7; left.min(FRAGMENT_UNIT)])
}

/// Sends until it is done, in at most `most` steps.
async fn finish(session: &mut UploadSession, most: usize) -> Result<String, GraphError> {
    for _ in 0..most {
        if let UploadStep::Done(item) = session.put(piece(session)).await? {
            return Ok(item.id.to_string());
        }
    }
    panic!("not done after {most} fragments: {session:?}")
}

fn range(asked: &Asked) -> (u64, u64) {
    let range = asked.header("content-range").unwrap().strip_prefix("bytes ").unwrap();
    let (from, rest) = range.split_once('-').unwrap();
    let (to, total) = rest.split_once('/').unwrap();
    assert_eq!(total, TOTAL.to_string());
    (from.parse().unwrap(), to.parse().unwrap())
}

fn taken(asked: &Asked) -> Say {
    match range(asked) {
        (_, to) if to + 1 == TOTAL => reply(201, "", r#"{"id":"01N","file":{}}"#),
        (_, to) => reply(202, "", &format!(r#"{{"nextExpectedRanges":["{}-"]}}"#, to + 1)),
    }
}

#[tokio::test]
async fn fragments_go_in_order_and_the_last_gives_the_item() {
    let server = server(taken);
    let mut session = begin(&server).await;
    assert_eq!(finish(&mut session, 3).await.unwrap(), "01N");
    let asked = server.asked();
    assert_eq!(asked[0].target, "/v1.0/drives/b!d/items/01P:/50%25%20off%20%231.bin:/createUploadSession");
    let body: serde_json::Value = serde_json::from_slice(&asked[0].body).unwrap();
    assert_eq!(body["item"]["@microsoft.graph.conflictBehavior"], "fail");
    assert_eq!(body["item"]["fileSystemInfo"]["lastModifiedDateTime"], "2020-01-01T00:00:00Z");
    assert!(!format!("{session:?}").contains("hush"));
}

#[tokio::test]
async fn a_fragment_that_it_has_already_is_passed_over() {
    // The first answer is lost; the second says that the bytes are there.
    let server = server(|asked| match (asked.method.as_str(), asked.before) {
        ("PUT", 0) => Say::Raw(Vec::new()),
        ("PUT", 1) => reply(416, "", r#"{"error":{"code":"invalidRange"}}"#),
        ("GET", _) => json(format!(r#"{{"nextExpectedRanges":["{FRAGMENT_UNIT}-"]}}"#)),
        _ => taken(asked),
    });
    assert_eq!(finish(&mut begin(&server).await, 4).await.unwrap(), "01N");
}

#[tokio::test]
async fn a_session_is_resumed_where_the_service_says() {
    let server = server(|asked| match asked.method.as_str() {
        "GET" => json(format!(r#"{{"nextExpectedRanges":["{}-"]}}"#, 2 * FRAGMENT_UNIT)),
        _ => taken(asked),
    });
    let session = begin(&server).await;
    let (url, to) = (session.url().clone(), ItemId::from("01P"));
    let mut session = server.graph().resume_upload(&drive(), &to, url, TOTAL).await.unwrap();
    assert_eq!(session.next(), 2 * FRAGMENT_UNIT as u64);
    assert_eq!(finish(&mut session, 1).await.unwrap(), "01N");
}

#[tokio::test]
async fn a_session_that_is_gone_is_told() {
    let server =
        server(|asked| if asked.method == "DELETE" { reply(204, "", "") } else { reply(404, "", "") });
    let mut session = begin(&server).await;
    let error = session.put(piece(&session)).await.unwrap_err();
    assert!(matches!(error, GraphError::SessionGone { .. }), "{error}");
    assert_eq!(server.asked().len(), 3, "a new session is given a little time");
    session.cancel().await.unwrap();
    let url = format!("{}/up", server.url).as_str().into();
    let gone = server.graph().resume_upload(&drive(), &"01P".into(), url, TOTAL).await;
    assert!(matches!(gone, Err(GraphError::SessionGone { .. })), "{gone:?}");
}

#[tokio::test]
async fn a_name_that_is_taken_is_told_at_the_end() {
    let server = server(|asked| match range(asked) {
        (_, to) if to + 1 == TOTAL => reply(409, "", r#"{"error":{"code":"nameAlreadyExists"}}"#),
        _ => taken(asked),
    });
    let error = finish(&mut begin(&server).await, 3).await.unwrap_err();
    assert!(matches!(error, GraphError::NameTaken { .. }), "{error}");
}

#[tokio::test]
async fn what_makes_no_fragment_is_not_sent() {
    let server = server(taken);
    let mut session = begin(&server).await;
    for length in [0, FRAGMENT_UNIT - 1, 3 * FRAGMENT_UNIT] {
        let error = session.put(Bytes::from(vec![0; length])).await.unwrap_err();
        assert!(matches!(error, GraphError::Setup { .. }), "{error}");
    }
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn small_files_go_in_one_piece() {
    let server = Server::with_tokens(|_| json(r#"{"id":"01N","file":{}}"#));
    let item = server.graph().put_small(&drive(), &new_file(), Bytes::from_static(b"abc")).await.unwrap();
    assert_eq!(item.id.as_str(), "01N");
    let asked = &server.asked()[0];
    assert_eq!((asked.method.as_str(), asked.body.as_slice()), ("PUT", b"abc".as_slice()));
    assert!(asked.target.ends_with("/content?@microsoft.graph.conflictBehavior=fail"), "{}", asked.target);
}

#[tokio::test]
async fn an_item_is_renamed_moved_and_dated_in_one_call() {
    let server = Server::with_tokens(|asked| match asked.method.as_str() {
        "DELETE" => reply(404, "", r#"{"error":{"code":"itemNotFound"}}"#),
        _ => json(r#"{"id":"01N","name":"b"}"#),
    });
    let patch = ItemPatch {
        name: Some("b".into()),
        parent: Some("01Q".into()),
        times: NewFile { created: Some(Moment("2019-05-06T07:08:09Z".into())), ..NewFile::default() },
        e_tag: Some("\"{G},3\"".into()),
        ..ItemPatch::default()
    };
    server.graph().patch_item(&drive(), &"01N".into(), &patch).await.unwrap();
    let asked = &server.asked()[0];
    let body: serde_json::Value = serde_json::from_slice(&asked.body).unwrap();
    let expected = serde_json::json!({"name": "b", "parentReference": {"id": "01Q"},
        "fileSystemInfo": {"createdDateTime": "2019-05-06T07:08:09Z"}});
    assert_eq!((asked.method.as_str(), body), ("PATCH", expected));
    assert_eq!(asked.header("if-match"), Some("\"{G},3\""));
    server.graph().delete_item(&drive(), &"01N".into()).await.unwrap();
}

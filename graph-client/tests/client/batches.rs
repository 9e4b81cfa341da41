//! Many items in one request: what is asked for again, how often, and what it does to the pace.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::scripted::{Asked, Say, Server, json, reply};
use graph_client::model::{DriveId, ItemId};
use graph_client::{Graph, GraphConfig, GraphError, Pace};

/// The path of an item in a batch.
struct Part {
    item: String,
    /// How often it was asked for before.
    before: usize,
}

/// A server of batches, each part answered by what `part` says: status, headers, body.
fn server(part: impl Fn(&Part) -> (u16, String, String) + Send + Sync + 'static) -> Server {
    let seen: Mutex<HashMap<String, usize>> = Mutex::default();
    Server::with_tokens(move |asked| match asked.target.as_str() {
        "/v1.0/$batch" => answers(asked, &seen, &part),
        other => panic!("{other} is asked for by itself"),
    })
}

fn answers(
    asked: &Asked,
    seen: &Mutex<HashMap<String, usize>>,
    part: &impl Fn(&Part) -> (u16, String, String),
) -> Say {
    let batch: serde_json::Value = serde_json::from_slice(&asked.body).unwrap();
    let mut seen = seen.lock().unwrap();
    let answers = batch["requests"].as_array().unwrap().iter().map(|request| {
        let item = request["url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        let count = seen.entry(item.clone()).or_default();
        *count += 1;
        let (status, headers, body) = part(&Part { item, before: *count - 1 });
        let body = if body.is_empty() { "null".into() } else { body };
        format!(r#"{{"id":{},"status":{status},"headers":{{{headers}}},"body":{body}}}"#, request["id"])
    });
    json(format!(r#"{{"responses":[{}]}}"#, answers.collect::<Vec<_>>().join(",")))
}

fn good(part: &Part) -> (u16, String, String) {
    let body =
        format!(r#"{{"id":"{}","file":{{}},"@microsoft.graph.downloadUrl":"http://fresh/{0}"}}"#, part.item);
    (200, String::new(), body)
}

fn bad(status: u16, headers: &str, code: &str) -> (u16, String, String) {
    let body = if code.is_empty() { String::new() } else { format!(r#"{{"error":{{"code":"{code}"}}}}"#) };
    (status, headers.to_owned(), body)
}

fn items(count: usize) -> Vec<ItemId> {
    (0..count).map(|number| ItemId::from(format!("I{number}"))).collect()
}

fn drive() -> DriveId {
    "d".into()
}

/// Units a second that the files' budget grants.
async fn rate(graph: &Graph) -> f64 {
    let rates = graph.check_sign_in().await.unwrap().rates;
    rates.iter().find(|(name, _)| *name == "files").unwrap().1
}

#[tokio::test]
async fn what_fails_in_passing_is_gathered_and_costs_no_pace() {
    let server = server(|part| {
        let number: usize = part.item[1..].parse().unwrap();
        match number % 8 {
            _ if part.before >= 2 => good(part),
            0 => bad(408, "", ""),
            1 => bad(400, "", "invalidRequest"),
            2 => bad(500, "", "generalException"),
            3 => bad(504, "", "UnknownError"),
            4 => (404, String::new(), String::new()),
            5 => bad(503, r#""Retry-After":"0""#, "serviceNotAvailable"),
            _ => good(part),
        }
    });
    let graph = Graph::new(GraphConfig { pace: Pace::default(), ..server.config() }).unwrap();
    let before = rate(&graph).await;
    let ids = items(200);
    let found = graph.refresh_download_urls(&drive(), &ids).await.unwrap();
    assert!(found.iter().map(|(id, _)| id).eq(&ids), "in the order asked for");
    for (id, item) in &found {
        assert_eq!(&item.as_ref().unwrap().id, id);
    }
    // 150 of 200 fail twice: ten batches, and twice eight.
    assert_eq!(server.asked().len(), 10 + 8 + 8);
    assert_eq!(rate(&graph).await, before, "nobody said that we are too fast");
    assert_eq!(graph.metrics().refused, 0);
}

#[tokio::test]
async fn what_is_never_answered_stands_beside_its_item_in_the_end() {
    let server = server(|part| match part.item.as_str() {
        "I1" => bad(500, "", "generalException"),
        "I2" => bad(404, "", "itemNotFound"),
        "I3" => (404, String::new(), String::new()),
        _ => good(part),
    });
    let found = server.graph().refresh_download_urls(&drive(), &items(5)).await.unwrap();
    assert!(matches!(found[1].1, Err(GraphError::Exhausted { attempts: 4, .. })), "{:?}", found[1]);
    assert!(matches!(found[2].1, Err(GraphError::NotFound { .. })), "{:?}", found[2]);
    assert!(matches!(found[3].1, Err(GraphError::NotFound { .. })), "{:?}", found[3]);
    assert!(found[0].1.is_ok() && found[4].1.is_ok());
    assert_eq!(server.asked().len(), 4);
}

#[tokio::test]
async fn refused_parts_fence_the_bucket_once_and_for_the_longest_wait() {
    let server = server(|part| match (part.before, part.item.as_str()) {
        (0, "I3") => bad(429, r#""retry-after":"100""#, "activityLimitReached"),
        (0, "I4" | "I5" | "I6") => bad(429, r#""Retry-After":"200""#, "activityLimitReached"),
        (0, "I7") => bad(503, r#""Retry-After":"50""#, "serviceNotAvailable"),
        _ => good(part),
    });
    let graph = Graph::new(GraphConfig { pace: Pace::default(), ..server.config() }).unwrap();
    let before = rate(&graph).await;
    let start = Instant::now();
    let found = graph.refresh_download_urls(&drive(), &items(20)).await.unwrap();
    assert!(found.iter().all(|(_, item)| item.is_ok()));
    assert!(start.elapsed() >= Duration::from_millis(400), "200 s at 500 times the pace of time");
    assert_eq!((server.asked().len(), graph.metrics().refused), (2, 1));
    assert!((rate(&graph).await - 0.7 * before).abs() < 1e-6, "cut once");
}

#[tokio::test]
async fn a_token_that_parts_do_not_take_is_renewed_once() {
    let server = server(|part| match part.before {
        0 => bad(401, "", "InvalidAuthenticationToken"),
        _ => good(part),
    });
    let found = server.graph().refresh_download_urls(&drive(), &items(45)).await.unwrap();
    assert!(found.iter().all(|(_, item)| item.is_ok()));
    assert_eq!((server.sign_ins(), server.asked().len()), (2, 6));
}

#[tokio::test]
async fn a_batch_that_is_refused_is_told_of_its_items_alone() {
    let server = Server::with_tokens(|asked| {
        if String::from_utf8_lossy(&asked.body).contains("/items/I0\"") {
            return reply(400, "", r#"{"error":{"code":"BadRequest"}}"#);
        }
        answers(asked, &Mutex::default(), &good)
    });
    let found = server.graph().refresh_download_urls(&drive(), &items(30)).await.unwrap();
    let refused = found.iter().filter(|(_, item)| matches!(item, Err(GraphError::Refused { .. }))).count();
    assert_eq!((refused, found.len()), (20, 30));
}

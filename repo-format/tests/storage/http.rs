//! What an S3 server may answer, from a server that answers by script.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use repo_format::storage::{
    Credentials, Location, Property, Put, Storage, StorageError, StorageOptions, testing,
};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::name;

/// One answer: a status line and headers with a body, or none and the connection is reset.
type Answer = Option<(&'static str, &'static str)>;

const RESET: Answer = None;
const OK: Answer = Some(("200 OK\r\netag: \"1\"", ""));
const EXISTS: Answer = Some(("412 Precondition Failed", ""));
const ERROR: Answer = Some(("500 Internal Server Error", "<Code>InternalError</Code>"));
const MISSING: Answer = Some(("404 Not Found", "<Code>NoSuchKey</Code>"));

fn blob(body: &'static str) -> Answer {
    Some(("200 OK\r\netag: \"1\"\r\nlast-modified: Sun, 22 Nov 2026 08:00:00 GMT", body))
}

/// A server that gives these answers in turn, and the heads of the requests it saw.
struct Script {
    storage: Storage,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Script {
    async fn new(answers: &[Answer]) -> Script {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (answers, log) = (answers.to_vec(), seen.clone());
        tokio::spawn(async move {
            for answer in answers {
                let (stream, _) = listener.accept().await.unwrap();
                let request = serve(stream, answer).await;
                log.lock().push(request);
            }
        });
        Script { storage: open(&endpoint), seen }
    }

    async fn put(&self) -> Result<Put, StorageError> {
        self.storage.put_new(&name("log/1"), Bytes::from("ours")).await
    }

    fn methods(&self) -> Vec<String> {
        let seen = self.seen.lock();
        seen.iter().map(|request| request.split(' ').next().unwrap().to_string()).collect()
    }
}

fn open(endpoint: &str) -> Storage {
    let location: Location = format!("s3://bucket?endpoint={endpoint}").parse().unwrap();
    let keys = |name: &str| {
        let known = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].contains(&name);
        known.then(|| "test".to_string())
    };
    let credentials = Credentials::from_environment(&location, &keys).unwrap();
    Storage::open(&location, &StorageOptions { credentials, ..testing::impatient() }).unwrap()
}

/// Reads one request and answers it; every connection carries one.
async fn serve(stream: TcpStream, answer: Answer) -> String {
    let mut stream = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head.push_str(&line);
        if line.trim().is_empty() {
            break;
        }
    }
    stream.read_exact(&mut vec![0; length]).await.unwrap();
    match answer {
        Some((head, body)) => {
            let size = body.len();
            let text =
                format!("HTTP/1.1 {head}\r\ncontent-length: {size}\r\nconnection: close\r\n\r\n{body}");
            stream.write_all(text.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
        }
        None => drop(stream),
    }
    head
}

#[tokio::test]
async fn a_create_is_conditional_and_asks_once() {
    let script = Script::new(&[OK]).await;
    assert_eq!(script.put().await.unwrap(), Put::Mine);
    assert_eq!(script.methods(), ["PUT"]);
    let head = script.seen.lock()[0].to_ascii_lowercase();
    assert!(head.contains("if-none-match: *"), "{head}");
}

#[tokio::test]
async fn exists_and_conflict_are_settled_by_reading() {
    for status in ["412 Precondition Failed", "409 Conflict"] {
        let script = Script::new(&[Some((status, "")), blob("theirs")]).await;
        assert_eq!(script.put().await.unwrap(), Put::Theirs("theirs".into()), "{status}");
        let script = Script::new(&[Some((status, "")), blob("ours")]).await;
        assert_eq!(script.put().await.unwrap(), Put::Mine, "{status}");
        assert_eq!(script.methods(), ["PUT", "GET"]);
    }
}

#[tokio::test]
async fn a_conflict_that_left_nothing_is_repeated() {
    let script = Script::new(&[Some(("409 Conflict", "")), MISSING, OK]).await;
    assert_eq!(script.put().await.unwrap(), Put::Mine);
    assert_eq!(script.methods(), ["PUT", "GET", "PUT"]);
}

#[tokio::test]
async fn resets_and_server_errors_are_settled_by_reading() {
    for failure in [RESET, ERROR] {
        let script = Script::new(&[failure, blob("ours")]).await;
        assert_eq!(script.put().await.unwrap(), Put::Mine, "{failure:?}");
        let script = Script::new(&[failure, MISSING, EXISTS, blob("theirs")]).await;
        assert_eq!(script.put().await.unwrap(), Put::Theirs("theirs".into()), "{failure:?}");
    }
}

#[tokio::test]
async fn throttling_is_heeded_and_needs_no_reading() {
    for status in ["503 Slow Down\r\nretry-after: 1", "429 Too Many\r\nretry-after: 1"] {
        let script = Script::new(&[Some((status, "<Code>SlowDown</Code>")), OK]).await;
        let began = Instant::now();
        assert_eq!(script.put().await.unwrap(), Put::Mine);
        assert!(began.elapsed() >= Duration::from_secs(1), "{status}");
        assert_eq!(script.methods(), ["PUT", "PUT"]);
    }
}

#[tokio::test]
async fn reads_are_repeated_after_resets_and_errors() {
    let script = Script::new(&[RESET, ERROR, blob("bytes")]).await;
    assert_eq!(script.storage.get(&name("blob")).await.unwrap(), "bytes");
}

#[tokio::test]
async fn refusals_are_told_apart_and_not_repeated() {
    let get = async |answer| {
        let script = Script::new(&[answer]).await;
        script.storage.get(&name("blob")).await.unwrap_err()
    };
    assert!(matches!(get(MISSING).await, StorageError::NotFound { .. }));
    let bucket = get(Some(("404 Not Found", "<Code>NoSuchBucket</Code>"))).await;
    assert!(matches!(bucket, StorageError::LocationMissing { .. }), "{bucket:?}");
    for status in ["401 Unauthorized", "403 Forbidden"] {
        let denied = get(Some((status, "<Code>AccessDenied</Code>"))).await;
        assert!(matches!(denied, StorageError::Denied { .. }), "{denied:?}");
    }
    let odd = get(Some(("400 Bad Request", "<Code>Odd</Code>"))).await;
    assert!(matches!(odd, StorageError::Refused { .. }), "{odd:?}");
}

#[tokio::test]
async fn a_full_server_is_full() {
    let script = Script::new(&[Some(("507 Insufficient Storage", ""))]).await;
    let full = script.put().await.unwrap_err();
    assert!(matches!(full, StorageError::Full { .. }), "{full:?}");
}

#[tokio::test]
async fn a_server_without_conditional_writes_is_refused() {
    let deletions = [OK; 3];
    let script = Script::new(&[&[Some(("501 Not Implemented", ""))], deletions.as_slice()].concat()).await;
    let refused = script.storage.probe().await.unwrap_err();
    let property = Property::CreateIfAbsent;
    assert!(
        matches!(&refused, StorageError::MissingProperty { property: found, .. } if *found == property),
        "{refused:?}"
    );
}

#[tokio::test]
async fn an_oversized_blob_is_refused_by_its_announced_size() {
    let script = Script::new(&[blob("0123456789")]).await;
    let refused = script.storage.get_bounded(&name("blob"), 9).await.unwrap_err();
    assert!(matches!(refused, StorageError::TooLarge { size: 10, .. }), "{refused:?}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = open(&endpoint).get(&name("blob")).await.unwrap_err();
    assert!(matches!(error, StorageError::Unreachable { .. }), "{error:?}");
}

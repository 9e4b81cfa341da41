//! Contents: whole, verified, resumed, and told apart when they are not what was listed.

use crate::scripted::{Asked, Say, Server, json, reply};
use graph_client::files::{Download, DownloadOf};
use graph_client::model::{DriveId, ItemId};
use graph_client::quickxor::QuickXorHash;
use graph_client::{Graph, GraphError};

const CONTENT: &[u8] = b"The quick brown fox jumps over the lazy dog";
const HASH: &str = "bMSlbysmxJL6S75XwfMcQZOpcr4=";

/// A server whose item is as listed, and whose content is what `content` says.
fn server(content: impl Fn(&Asked, usize) -> Say + Send + Sync + 'static) -> Server {
    server_with(HASH, content)
}

fn server_with(hash: &'static str, content: impl Fn(&Asked, usize) -> Say + Send + Sync + 'static) -> Server {
    Server::with_tokens(move |asked| {
        if asked.target.starts_with("/v1.0/drives") {
            let url = format!("{}/content?tempauth=fresh{}", asked.origin, asked.before);
            return json(format!(
                r#"{{"id":"01A","size":{},"file":{{"hashes":{{"quickXorHash":"{hash}"}}}},
                     "@microsoft.graph.downloadUrl":"{url}"}}"#,
                CONTENT.len()
            ));
        }
        assert_eq!(asked.header("authorization"), None);
        assert_eq!(asked.header("accept-encoding"), None);
        let start = asked.header("range").map_or(0, |range| {
            range.strip_prefix("bytes=").and_then(|range| range.strip_suffix('-')).unwrap().parse().unwrap()
        });
        content(asked, start)
    })
}

fn listed(server: &Server, url: &str) -> DownloadOf {
    DownloadOf {
        drive: DriveId::from("b!d"),
        item: ItemId::from("01A"),
        url: Some(format!("{}/{url}", server.url).into()),
        size: Some(CONTENT.len() as u64),
        hash: Some(HASH.parse().unwrap()),
        c_tag: None,
        e_tag: None,
    }
}

/// The rest from `start`, as a good server gives it.
fn good(start: usize) -> Say {
    if start == 0 {
        return Say::Reply(200, String::new(), CONTENT.to_vec());
    }
    let (end, total) = (CONTENT.len() - 1, CONTENT.len());
    if start >= total {
        return reply(416, &format!("Content-Range: bytes */{total}\r\n"), "");
    }
    Say::Reply(206, format!("Content-Range: bytes {start}-{end}/{total}\r\n"), CONTENT[start..].to_vec())
}

/// A whole head, and then only so many bytes from `start`.
fn cut(start: usize, bytes: usize) -> Say {
    let total = CONTENT.len();
    let head = match start {
        0 => format!("HTTP/1.1 200 OK\r\nContent-Length: {total}\r\n\r\n"),
        _ => format!(
            "HTTP/1.1 206 Partial\r\nContent-Length: {}\r\nContent-Range: bytes {start}-{}/{total}\r\n\r\n",
            total - start,
            total - 1
        ),
    };
    Say::Raw([head.as_bytes(), &CONTENT[start..(start + bytes).min(total)]].concat())
}

async fn read(mut download: Download) -> Result<Vec<u8>, GraphError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = download.next().await? {
        bytes.extend_from_slice(&chunk);
    }
    let received = download.received().unwrap();
    assert_eq!(received.length, CONTENT.len() as u64);
    assert!(received.verified);
    Ok(bytes)
}

async fn fetch(graph: &Graph, of: DownloadOf) -> Result<Vec<u8>, GraphError> {
    read(graph.download(of, 0).await?).await
}

#[tokio::test]
async fn a_content_comes_whole_and_without_a_token() {
    let server = server(|_, start| good(start));
    let graph = server.graph();
    let download = graph.download(listed(&server, "content?tempauth=x"), 0).await.unwrap();
    assert_eq!(download.length(), Some(CONTENT.len() as u64));
    assert_eq!(read(download).await.unwrap(), CONTENT);
    assert_eq!(server.sign_ins(), 0, "nobody had to sign in");
    assert!(graph.metrics().bytes_down >= CONTENT.len() as u64);
}

#[tokio::test]
async fn a_broken_transfer_goes_on_from_where_it_was() {
    let server = server(|_, start| cut(start, 7));
    assert_eq!(fetch(&server.graph(), listed(&server, "content")).await.unwrap(), CONTENT);
    let ranges: Vec<_> =
        server.asked().iter().filter_map(|asked| asked.header("range").map(str::to_owned)).collect();
    assert_eq!(ranges[..3], ["bytes=7-", "bytes=14-", "bytes=21-"]);
}

#[tokio::test]
async fn answers_that_miss_the_range_are_coped_with() {
    // The whole again; a range that begins earlier; a range that begins later, twice.
    let server = server(|asked, start| match (start, asked.before) {
        (0, _) => cut(0, 10),
        (_, 1) => cut(0, 20),
        (20, 2) => cut(15, 8),
        (_, 3 | 4) => cut(start + 1, 3),
        _ => good(start),
    });
    assert_eq!(fetch(&server.graph(), listed(&server, "content")).await.unwrap(), CONTENT);
}

#[tokio::test]
async fn a_length_that_is_too_short_or_too_long_is_coped_with() {
    let short = server(|asked, start| match asked.before {
        0 => Say::Reply(200, String::new(), CONTENT[..20].to_vec()),
        _ => good(start),
    });
    assert_eq!(fetch(&short.graph(), listed(&short, "content")).await.unwrap(), CONTENT);
    let long = server(|asked, start| match asked.before {
        0 => {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", CONTENT.len() + 9);
            Say::Raw([head.as_bytes(), CONTENT].concat())
        }
        _ => good(start),
    });
    assert_eq!(fetch(&long.graph(), listed(&long, "content")).await.unwrap(), CONTENT);
}

#[tokio::test]
async fn an_expired_address_is_refreshed_in_the_middle() {
    for status in [401, 403, 404, 410] {
        let server = server(move |asked, start| match asked.target.contains("fresh") {
            false if start == 0 => cut(0, 12),
            false => reply(status, "", "<html>"),
            true => good(start),
        });
        assert_eq!(fetch(&server.graph(), listed(&server, "content?tempauth=old")).await.unwrap(), CONTENT);
    }
}

#[tokio::test]
async fn no_address_is_asked_for_first() {
    let server = server(|_, start| good(start));
    let of = DownloadOf { url: None, ..listed(&server, "") };
    assert_eq!(fetch(&server.graph(), of).await.unwrap(), CONTENT);
}

#[tokio::test]
async fn what_is_not_as_listed_is_told_apart() {
    let wrong = |asked: &Asked, _: usize| {
        let mut bytes = CONTENT.to_vec();
        bytes[asked.before] ^= 1;
        Say::Reply(200, String::new(), bytes)
    };
    let same = server(wrong);
    let error = fetch(&same.graph(), listed(&same, "content")).await.unwrap_err();
    assert!(matches!(error, GraphError::HashMismatch { length: 43, .. }), "{error}");

    let other = server_with("aCgDG9jwBhDc4Q1yawMZAAAAAAA=", wrong);
    let error = fetch(&other.graph(), listed(&other, "content")).await.unwrap_err();
    assert!(matches!(error, GraphError::Changed { .. }), "{error}");

    let gone = Server::with_tokens(|asked| match asked.target.starts_with("/v1.0") {
        true => reply(404, "", r#"{"error":{"code":"itemNotFound"}}"#),
        false => reply(404, "", ""),
    });
    let error = fetch(&gone.graph(), listed(&gone, "content")).await.unwrap_err();
    assert!(matches!(error, GraphError::Vanished { .. }), "{error}");

    let sick = server(|_, _| reply(403, "X-Virus-Infected: yes\r\n", ""));
    let error = fetch(&sick.graph(), listed(&sick, "content")).await.unwrap_err();
    assert!(matches!(error, GraphError::Malware { .. }), "{error}");

    let shut = server(|_, _| reply(401, "", ""));
    let error = fetch(&shut.graph(), listed(&shut, "content?tempauth=hush")).await.unwrap_err();
    assert!(matches!(error, GraphError::Expired { .. }), "{error}");
    assert_eq!(error.to_string().matches("hush").count(), 0);
}

#[tokio::test]
async fn who_is_denied_at_fresh_addresses_too_is_not_told_that_they_expired() {
    let denied = || reply(403, "", r#"{"error":{"code":"accessDenied"}}"#);
    let shut = server(move |_, _| denied());
    let error = fetch(&shut.graph(), listed(&shut, "content")).await.unwrap_err();
    assert!(matches!(error, GraphError::Forbidden { .. }), "{error}");
    let told = "not permitted: GET content of 01A: status 403, accessDenied";
    assert!(error.to_string().starts_with(told), "{error}");

    let sick = Server::with_tokens(move |asked| match asked.target.starts_with("/v1.0") {
        true => json(format!(
            r#"{{"id":"01A","size":{},"file":{{"hashes":{{"quickXorHash":"{HASH}"}}}},"malware":{{}},
                 "@microsoft.graph.downloadUrl":"{}/content?tempauth=fresh"}}"#,
            CONTENT.len(),
            asked.origin
        )),
        false => denied(),
    });
    let error = fetch(&sick.graph(), listed(&sick, "content")).await.unwrap_err();
    assert!(matches!(error, GraphError::Malware { .. }), "{error}");
    assert_eq!(sick.asked().len(), 2, "it is told at the first look");
}

#[tokio::test]
async fn a_transfer_that_brings_nothing_is_given_up() {
    let server = server(|_, start| cut(start, 0));
    let error = fetch(&server.graph(), listed(&server, "content")).await.unwrap_err();
    assert!(matches!(error, GraphError::Exhausted { attempts: 8, .. }), "{error}");
}

#[tokio::test]
async fn a_download_from_the_middle_goes_on_hashing() {
    let server = server(|_, start| good(start));
    let graph = server.graph();
    let mut before = QuickXorHash::new();
    before.update(&CONTENT[..10]);
    let download = graph.download(listed(&server, "content"), 10).await.unwrap();
    assert_eq!(read(download.continue_hash(before)).await.unwrap(), &CONTENT[10..]);
    let mut download = graph.download(listed(&server, "content"), 10).await.unwrap();
    while download.next().await.unwrap().is_some() {}
    assert_eq!(download.received().map(|received| (received.hash, received.verified)), Some((None, false)));
}

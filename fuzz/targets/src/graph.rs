//! What Microsoft Graph answers: pages of changes, refusals, and waits.

use std::time::{Duration, SystemTime};

use graph_client::json;
use graph_client::model::{DeltaPage, DriveItem, GraphErrorBody, Page, PageReader};
use graph_client::retry_after;

/// A page of a drive's changes; in pieces it is the same.
pub fn delta_page(data: &[u8]) -> bool {
    let size = 1 + usize::from(data.last().copied().unwrap_or(0)) % 40;
    let mut pieces = PageReader::<DriveItem>::default();
    let pushed = data.chunks(size).try_for_each(|piece| pieces.push(piece));
    let in_pieces = pushed.and_then(|()| pieces.finish()).ok();
    let whole = json::decode::<Page<DriveItem>>(data).ok();
    // Of what is nested too deep for the one, the other has seen two brackets less.
    let nested = data.iter().filter(|byte| matches!(byte, b'[' | b'{')).count();
    assert!(nested > 100 || in_pieces == whole, "pieces say what the whole says");
    let Ok(page) = DeltaPage::decode(data, String::new()) else { return false };
    for item in &page.items {
        // What callers ask of every item.
        let size = item.size_bytes();
        assert!(size.is_none_or(|size| size <= i64::MAX as u64), "no size is more than a number of Graph's");
        let _moments = [&item.created, &item.last_modified].map(|moment| moment.as_ref()?.timestamp());
        if let Some(hash) = item.quick_xor() {
            assert_eq!(hash.to_string().parse(), Ok(hash), "a hash has one form");
        }
    }
    true
}

pub fn delta_page_seeds() -> Vec<Vec<u8>> {
    vec![
        br#"{"value":[{"id":"01A","name":"a.txt","size":12,"file":{"hashes":{"quickXorHash":"aCgDG9jwBhDc4Q1yawMZAAAAAAA="}},
            "createdDateTime":"2020-01-01T00:00:00.1234567Z","parentReference":{"id":"01R"},"new":[{}],
            "@microsoft.graph.downloadUrl":"https://contoso.example/download?tempauth=x"}],
            "@odata.nextLink":"https://graph.example/v1.0/drives/b/root/delta?token=1"}"#
            .to_vec(),
        br#"{"value":[{"id":"01B","deleted":{"state":"deleted"},"size":"7"},{"id":"01R","root":{}}],
            "@odata.deltaLink":"https://graph.example/v1.0/drives/b/root/delta?token=2"}"#
            .to_vec(),
        b"{\"value\":[{\"id\":\"01C\",\"name\":\"raw \x01 control\",\"package\":{\"type\":\"oneNote\"}}]}".to_vec(),
    ]
}

/// The body of a refusal.
pub fn error_body(data: &[u8]) -> bool {
    let Ok(body) = GraphErrorBody::decode(data) else { return false };
    assert!(body.codes().all(|code| !code.is_empty()), "a code is a word");
    let _said = body.says("mysite not found");
    true
}

pub fn error_body_seeds() -> Vec<Vec<u8>> {
    vec![
        br#"{"error":{"code":"invalidRange","message":"Overlap","innererror":{"code":"fragmentOverlap"}}}"#
            .to_vec(),
        br#"{"error":{"code":"TooManyRequests","innerError":{"code":"429","status":"429"},"message":null}}"#
            .to_vec(),
    ]
}

/// `Retry-After`, as a line of text.
pub fn wait(data: &[u8]) -> bool {
    let line = std::str::from_utf8(data).ok().and_then(|text| text.strip_suffix('\n'));
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let Some(wait) = line.and_then(|value| retry_after::parse(value, now)) else { return false };
    assert!(wait <= Duration::from_secs(24 * 60 * 60), "nobody waits longer than a day");
    true
}

pub fn wait_seeds() -> Vec<Vec<u8>> {
    let lines =
        ["120\n", "2.128\n", "0\n", "Wed, 15 Nov 2023 00:00:00 GMT\n", "Wednesday, 15-Nov-23 00:00:00 GMT\n"];
    lines.map(|line| line.as_bytes().to_vec()).into()
}

//! The one conformance suite: what a repository takes for granted, asked of a real storage.

use bytes::Bytes;
use futures::future::join_all;
use futures::{StreamExt, stream};

use crate::storage::{BlobName, Put, Storage, StorageError};

/// More names than fit on one page of a listing.
const MANY: usize = 1100;

/// Runs the whole suite in an empty storage, and leaves it empty.
///
/// # Panics
///
/// At the first property that does not hold.
pub async fn conformance(storage: &Storage) {
    storage.probe().await.expect("the probe passes");
    a_name_is_created_once(storage).await;
    racing_creates_have_one_winner(storage).await;
    reads_give_what_was_written(storage).await;
    short_and_oversized_answers_are_errors(storage).await;
    missing_blobs_are_told_from_failures(storage).await;
    listings_are_sorted_and_go_on(storage).await;
    large_blobs_come_back_whole(storage).await;
    let left = storage.list("").await.expect("list");
    for blob in &left {
        storage.delete(&blob.name).await.expect("delete");
    }
    assert!(storage.list("").await.expect("list").is_empty());
}

fn name(text: &str) -> BlobName {
    BlobName::new(text).expect("a name of the suite")
}

async fn put(storage: &Storage, text: &str, bytes: &[u8]) -> Put {
    storage.put_new(&name(text), Bytes::copy_from_slice(bytes)).await.expect("put_new")
}

async fn a_name_is_created_once(storage: &Storage) {
    assert_eq!(put(storage, "once/blob", b"first").await, Put::Mine);
    assert_eq!(put(storage, "once/blob", b"second").await, Put::Theirs("first".into()));
    assert_eq!(put(storage, "once/blob", b"first").await, Put::Mine, "equal bytes are ours");
    assert_eq!(put(storage, "once/empty", b"").await, Put::Mine);
    assert_eq!(storage.get(&name("once/empty")).await.expect("get"), "");
    storage.delete(&name("once/blob")).await.expect("delete");
    assert_eq!(put(storage, "once/blob", b"third").await, Put::Mine, "a free name is free again");
}

async fn racing_creates_have_one_winner(storage: &Storage) {
    for round in 0..10 {
        let text = format!("race/{round}");
        let racers = (0..8u8).map(|racer| {
            let text = text.clone();
            async move { (racer, put(storage, &text, &[racer; 64]).await) }
        });
        let outcomes = join_all(racers).await;
        let winners: Vec<u8> =
            outcomes.iter().filter(|(_, put)| *put == Put::Mine).map(|(racer, _)| *racer).collect();
        assert_eq!(winners.len(), 1, "round {round}: {winners:?}");
        let bytes = Bytes::copy_from_slice(&[winners[0]; 64]);
        for (racer, outcome) in outcomes.iter().filter(|(racer, _)| *racer != winners[0]) {
            assert_eq!(*outcome, Put::Theirs(bytes.clone()), "round {round}, racer {racer}");
        }
    }
}

async fn reads_give_what_was_written(storage: &Storage) {
    let blob = name("read/a.b_c-d/0");
    let bytes: Vec<u8> = (0..=255).cycle().take(10_000).collect();
    assert_eq!(put(storage, blob.as_str(), &bytes).await, Put::Mine);
    assert_eq!(storage.get(&blob).await.expect("get"), bytes);
    assert_eq!(storage.size(&blob).await.expect("size"), Some(10_000));
    for range in [0..1, 0..10_000, 9_999..10_000, 255..257, 4_000..4_000] {
        let expected = &bytes[range.start as usize..range.end as usize];
        assert_eq!(storage.get_range(&blob, range).await.expect("get_range"), expected);
    }
}

async fn short_and_oversized_answers_are_errors(storage: &Storage) {
    let blob = name("short");
    put(storage, "short", &[7; 100]).await;
    for range in [50..101, 99..200, 100..101, 1000..1001] {
        let error = storage.get_range(&blob, range.clone()).await.expect_err("a short answer");
        assert!(matches!(error, StorageError::WrongLength { .. }), "{range:?}: {error:?}");
    }
    let error = storage.get_bounded(&blob, 99).await.expect_err("an oversized blob");
    assert!(matches!(error, StorageError::TooLarge { size: 100, max: 99, .. }), "{error:?}");
    assert_eq!(storage.get_bounded(&blob, 100).await.expect("get_bounded").len(), 100);
}

async fn missing_blobs_are_told_from_failures(storage: &Storage) {
    let missing = name("missing/blob");
    assert!(storage.get(&missing).await.expect_err("missing").is_not_found());
    assert!(storage.get_range(&missing, 0..1).await.expect_err("missing").is_not_found());
    assert_eq!(storage.size(&missing).await.expect("size"), None);
    storage.delete(&missing).await.expect("deleting what is not there");
    assert!(storage.list("missing/").await.expect("list").is_empty());
}

async fn listings_are_sorted_and_go_on(storage: &Storage) {
    let names: Vec<String> = (0..MANY).map(|number| format!("many/{number:020}")).collect();
    let puts = names.iter().map(|text| put(storage, text, b"x"));
    let all_mine = stream::iter(puts).buffer_unordered(16).all(async |put| put == Put::Mine);
    assert!(all_mine.await);
    put(storage, "many.not", b"a name with the same beginning").await;

    let listed = storage.list("many/").await.expect("list");
    assert!(listed.iter().map(|blob| blob.name.as_str()).eq(names.iter().map(String::as_str)));
    assert!(listed.iter().all(|blob| blob.size == 1));
    let part = storage.list("many/0000000000000000109").await.expect("list");
    assert_eq!(part.len(), 10, "a prefix may end within a segment");

    let after = async |from: &str, limit| {
        let from = format!("many/{from}");
        storage.list_after("many/", &from, limit).await
    };
    let tail = after(&format!("{:020}", MANY - 3), 10).await.expect("list_after");
    assert!(tail.iter().map(|blob| blob.name.as_str()).eq(names[MANY - 2..].iter().map(String::as_str)));
    let between = after("00000000000000000006x", 2).await.expect("list_after");
    assert_eq!(between[0].name.as_str(), names[7]);
    assert_eq!(between.len(), 2);
    assert!(after("zzz", 5).await.expect("list_after").is_empty());
    assert_eq!(storage.list_after("many/", "", 1050).await.expect("list_after").len(), 1050);

    let deletions = names.iter().map(|text| async move { storage.delete(&name(text)).await });
    let deleted = stream::iter(deletions).buffer_unordered(16).all(async |done| done.is_ok());
    assert!(deleted.await);
    assert!(storage.list("many/").await.expect("list").is_empty());
}

async fn large_blobs_come_back_whole(storage: &Storage) {
    let bytes: Bytes = (0..9u32 << 20).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let blob = name("large");
    assert_eq!(storage.put_new(&blob, bytes.clone()).await.expect("put_new"), Put::Mine);
    assert_eq!(storage.get(&blob).await.expect("get"), bytes);
    let range = 5_000_000..8_000_000;
    let part = storage.get_range(&blob, range.clone()).await.expect("get_range");
    assert_eq!(part, bytes.slice(range.start as usize..range.end as usize));
}

/// What a few calls cost in requests, on a storage that does not fail.
///
/// # Panics
///
/// If one of them costs more than it must.
pub async fn counters_count(storage: &Storage) {
    let before = storage.counters();
    put(storage, "count", b"12345").await;
    storage.get(&name("count")).await.expect("get");
    storage.list_after("count", "", 1).await.expect("list_after");
    let after = storage.counters();
    assert_eq!(after.puts - before.puts, 1);
    assert_eq!(after.gets - before.gets, 1);
    assert_eq!(after.lists - before.lists, 1, "one name is one page");
    assert_eq!(after.bytes_up - before.bytes_up, 5);
    assert_eq!(after.bytes_down - before.bytes_down, 5);
    storage.delete(&name("count")).await.expect("delete");
}

//! A writer whose storage failed says so to whoever flushes it, and lets nobody wait.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use corso_tests::faults::{Request, Rule, Spoil, SpoiltStore, When};
use corso_tests::{init, open, runtime, storage};
use object_store::memory::InMemory;
use repo_format::content::{ContentKind, WriteContent, WriterOptions};
use repo_format::repository::OpenOptions;

#[test]
fn a_flush_after_a_failure_ends_though_frames_were_taken_meanwhile() {
    let runtime = runtime();
    let inner = Arc::new(InMemory::new());
    init(&runtime, storage(inner.clone()), OpenOptions::default());
    let rule = Rule { request: Request::Put, place: "packs/", spoil: Spoil::NoSpace, when: When::Forever };
    let repository = open(&runtime, storage(SpoiltStore::new(inner, rule)), OpenOptions::default());
    let options =
        WriterOptions { data_frame_size: 4 << 10, data_pack_size: 8 << 10, ..WriterOptions::default() };
    let writer = repository.writer(options).expect("may write");

    let mut refused = 0;
    for number in 0..4000_u32 {
        let content: Vec<u8> = number.to_le_bytes().into_iter().cycle().take(1000).collect();
        refused += u32::from(writer.put(ContentKind::Data, &content).is_err());
    }
    assert!(refused > 100, "{refused} were refused");

    let (tell, told) = channel();
    thread::spawn(move || tell.send((0..2).all(|_| writer.flush().is_err())));
    assert_eq!(told.recv_timeout(Duration::from_secs(30)), Ok(true), "each flush tells of the failure");
}

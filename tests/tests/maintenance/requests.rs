//! How often maintenance asks the storage.

use super::*;

/// Behind a network each request is a round trip. The log is listed once to open it, once for the catalog, and
/// once for what is below the floor; whoever keeps a repository open lists it once more to begin.
#[test]
fn a_run_with_nothing_to_do_asks_little() {
    let (runtime, storage, cache) = (runtime(), Storage::memory(), tempfile::tempdir().unwrap());
    let cached = OpenOptions { cache: Some(cache.path().to_owned()), ..OpenOptions::default() };
    let repository = init(&runtime, storage.clone(), cached.clone());
    let mut files = Files::new();
    churn(&mut files, 0, 1);
    back_up(&repository, "source", &files);
    // Each leaves something to the next, down to the segment that names no pack that is gone.
    (0..4).for_each(|_| drop(maintain(&repository, &at_once())));
    for (acts_at_once, most) in [(true, 17), (false, 19)] {
        let before = storage.counters();
        let repository = open(&runtime, storage.clone(), OpenOptions { acts_at_once, ..cached.clone() });
        let report = maintain(&repository, &MaintenanceOptions::default());
        assert_eq!((report.condemned, report.deleted), (0, 0), "{report:?}");
        let (asked, lists) = (storage.counters().requests(), storage.counters().lists);
        let (asked, lists) = (asked - before.requests(), lists - before.lists);
        println!("acts at once: {acts_at_once}: {asked} requests, {lists} of them lists");
        assert!(asked <= most, "{asked} requests, {lists} of them lists");
    }
}

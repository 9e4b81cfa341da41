//! Months of daily changes and backups, retention, maintenance, other keys, damage and repair: every snapshot
//! that is kept is as it was, and the repository is hardly larger than one made today.
//!
//! `CORSO_TEST_MONTHS=N` lives N months of 30 days; 2 if it is not set.

use std::collections::BTreeMap;
use std::sync::Arc;

use corso_tests::living::{Living, Owed, jump};
use corso_tests::plain::{Files, PlainFile};
use corso_tests::{at_once, noise, setting, tell};
use repo_format::maintenance::MaintenanceOptions;
use repo_format::policy::Policy;
use repo_format::storage::testing::Random;

const DAY_NS: i64 = 24 * 3600 * 1_000_000_000;
const PACK_SIZE: usize = 1 << 20;
const FILES: u64 = 150;

/// A day's work: a percent or two of the files are new, some grow, some go.
fn work(files: &mut Files, random: &mut Random, changes: u64) {
    for _ in 0..changes {
        let number = random.below(FILES);
        let folder = files.entry(format!("folder {}", number % 12)).or_default();
        let name = format!("file {number}");
        match random.below(8) {
            0 => drop(folder.remove(&name)),
            _ => {
                let bytes = noise(random.number(), 2_000 + random.below(60_000) as usize);
                folder.insert(name, PlainFile { version: random.number() >> 2, bytes: Arc::new(bytes) });
            }
        }
    }
}

/// The files of a snapshot as a source has them.
fn as_files(flat: &BTreeMap<String, Vec<u8>>, version: u64) -> Files {
    let mut files = Files::new();
    for (path, bytes) in flat {
        let (folder, name) = path.split_once('/').expect("every file is in a folder");
        let file = PlainFile { version, bytes: Arc::new(bytes.clone()) };
        files.entry(folder.to_owned()).or_default().insert(name.to_owned(), file);
    }
    files
}

#[test]
fn after_months_every_kept_snapshot_is_as_it_was_and_no_room_is_wasted() {
    let months = setting("CORSO_TEST_MONTHS", 2);
    let mut random = Random(months);
    let mut living = Living::new(&["first", "second"], PACK_SIZE);
    living.sources.iter_mut().for_each(|(_, files)| work(files, &mut random, 2 * FILES));
    let policy = Policy {
        keep_daily: Some(7),
        keep_weekly: Some(4),
        keep_monthly: Some(12),
        keep_yearly: Some(3),
        ..Policy::default()
    };
    let maintenance = MaintenanceOptions { threads: 2, ..at_once() };
    let (mut forgotten, mut damaged, mut died) = (0, Vec::new(), 0);
    for month in 0..months {
        // Half a year passes without damage, the other half has some every month.
        let bad_day = (month % 12 >= 6 || month % 2 == 1).then(|| 3 + random.below(24));
        for day in 0..30 {
            jump(DAY_NS);
            for source in 0..2 {
                work(&mut living.sources[source].1, &mut random, 3);
                if random.below(20) == 0 {
                    living.back_up_and_die(source, random.below(12));
                    died += 1;
                }
                living.back_up(source).unwrap_or_else(|error| panic!("month {month}, day {day}: {error:?}"));
            }
            forgotten += living.retain(&policy).expect("forgets");
            if bad_day == Some(day) {
                damaged.push(living.damage(&mut random));
                living.repair().unwrap_or_else(|error| panic!("{}: {error:?}", damaged.last().expect("one")));
            }
        }
        living.maintain(&maintenance).expect("maintains");
        living.change_key().expect("changes the key");
        living.check().unwrap_or_else(|error| panic!("month {month}: {error:?}"));
    }
    // Once more, for what the last month's repairs left.
    (0..2).for_each(|_| drop(living.maintain(&maintenance).expect("maintains")));
    living.check().expect("at last");

    let mut fresh = Living::new(&["first", "second"], PACK_SIZE);
    for (version, (source, flat)) in living.contents().expect("reads").into_iter().enumerate() {
        fresh.sources[source].1 = as_files(&flat, version as u64);
        fresh.back_up(source).expect("backs up");
    }
    let whole = living.live.values().filter(|owed| matches!(owed, Owed::Whole(_))).count();
    let (old, new) = (living.pack_bytes(), fresh.pack_bytes());
    let more = 100.0 * (old as f64 / new as f64 - 1.0);
    tell(&format!(
        "soak: {months} months, {forgotten} snapshots forgotten, {} kept ({whole} whole), {} damages, {died} \
         processes died; {old} bytes of packs, {new} in a fresh repository: {more:+.2} %",
        living.live.len(),
        damaged.len(),
    ));
    assert!(more <= 3.0, "{more:.2} % more than a fresh repository");
}

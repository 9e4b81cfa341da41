//! Random histories of a drive, its feed with all that is allowed to be wrong with it, and a run that
//! is killed, resumed and started over: in the end ledger and tree are those of the drive.
//!
//! `CORSO_HISTORIES=100000` sets the number of histories, `CORSO_SEED=n` the first of them.

mod drive;
mod rules;
mod run;

use drive::{Drive, Feed, Random};
use run::{Backup, Kit};

use super::Scope;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// A history with backups in between, and one at rest.
fn history(seed: u64) {
    let mut random = Random::new(seed);
    let mut drive = Drive::new(random.chance(50));
    let kit = Kit::new();
    let part = random.chance(30).then(|| ["a", "b"].split_at(random.below(2)).1.to_vec());
    let scope = part.as_ref().map(|names| Scope::of(&[names.join("/")])).unwrap_or_default();
    let mut backup = Backup::of(scope.clone());
    (0..random.below(40)).for_each(|_| drive.change(&mut random));
    for _ in 0..random.below(5) {
        (0..random.below(12)).for_each(|_| drive.change(&mut random));
        backup.run(&kit, &mut drive, &mut random, false);
    }
    backup.run(&kit, &mut drive, &mut random, true);
    backup.run(&kit, &mut drive, &mut random, true);
    let truth = part.map_or_else(|| drive.tree(&kit), |names| drive.part(&kit, &names));
    assert_eq!(backup.root(), Some(&truth), "seed {seed}: the tree is the drive's");

    let mut fresh = Backup::of(scope);
    fresh.run(&kit, &mut drive, &mut Random::new(0), true);
    assert_eq!(fresh.root(), backup.root(), "seed {seed}: a full enumeration gives the same tree");
    assert_eq!(fresh.ledger(), backup.ledger(), "seed {seed}: and the same ledger");
    assert_eq!(fresh.counts(), backup.counts(), "seed {seed}: and the same counts");
}

#[test]
fn any_history_ends_in_the_ledger_and_tree_of_a_full_enumeration() {
    let first = number("CORSO_SEED", 0);
    for seed in first..first + number("CORSO_HISTORIES", 2000) {
        if let Err(panic) = std::panic::catch_unwind(|| history(seed)) {
            println!("history of seed {seed}");
            std::panic::resume_unwind(panic);
        }
    }
}

#[test]
fn a_feed_at_rest_ends_with_an_empty_page() {
    let mut random = Random::new(7);
    let mut drive = Drive::new(false);
    (0..20).for_each(|_| drive.change(&mut random));
    let mut feed = Feed::from_link(None, &drive);
    while feed.page(&mut drive, &mut random, true).is_some() {}
    let mut next = Feed::from_link(Some(&feed.link()), &drive);
    assert_eq!(next.page(&mut drive, &mut random, true), Some(Vec::new()));
}

//! Writers, maintainers, keepers and readers on one storage, interleaved by a seed, with kills, lost replies,
//! sleeps of years and a jumping clock: what was promised is always there.
//!
//! A seed plays the same story each time, to the last name of a blob, and the first 200 are played twice to see
//! that they do.
//!
//! `CORSO_TEST_SEEDS=N` plays N seeds, 5,000 if it is not set, from `CORSO_TEST_SEED` on, 0 if it is not set. The story
//! of one seed alone is printed.
//! `CORSO_TEST_IMAGES=all` checks the storage as it was after every single change.

use std::collections::BTreeSet;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use corso_tests::simulation::world::{Beginning, World, hazards};
use corso_tests::simulation::{Ended, Hazards, Image, Life, ProcessStore, Simulation, Step, WRONG, alone};
use corso_tests::{setting, tell};
use parking_lot::Mutex;
use repo_format::log::State;
use repo_format::storage::testing::Random;

fn life<'a>(name: &str, body: impl FnOnce(&ProcessStore) -> Result<(), String> + Send + 'a) -> Life<'a> {
    Life { name: name.to_owned(), body: Box::new(body) }
}

/// What a seed came to.
struct Played {
    trace: Vec<Step>,
    images: u64,
    killed: u64,
    /// Processes that ended with an error, excused or not.
    failed: u64,
}

/// What many did.
#[derive(Default)]
struct Total {
    steps: u64,
    images: u64,
    killed: u64,
}

/// Those who work on the repository.
fn lives<'a>(world: &'a World<'_>, random: &mut Random) -> Vec<Life<'a>> {
    let mut lives = Vec::new();
    for number in 0..3 {
        let (source, random) = (number % 2, Random(random.number()));
        lives.push(life("writer", move |store| world.write(store, source, random)));
    }
    for source in 0..2 {
        let random = Random(random.number());
        lives.push(life("keeper", move |store| world.keep(store, source, random)));
    }
    for _ in 0..2 {
        let random = Random(random.number());
        lives.push(life("maintainer", move |store| world.maintain(store, random)));
    }
    let reading = Random(random.number());
    lives.push(life("reader", move |store| world.read(store, reading)));
    lives
}

/// A world's processes, to their ends. If they `may_fail`, an error is none of theirs; they may do nothing wrong.
fn run(simulation: &Simulation, lives: Vec<Life<'_>>, may_fail: bool) -> Vec<Ended> {
    let ended = simulation.run(lives);
    let is_wrong = |ended: &Ended| ended.result.as_ref().is_err_and(|error| error.starts_with(WRONG));
    let failed = |ended: &&Ended| is_wrong(ended) || ended.result.is_err() && !ended.excused && !may_fail;
    let failures: Vec<&Ended> = ended.iter().filter(failed).collect();
    if !failures.is_empty() || setting("CORSO_TEST_SEEDS", 0) == 1 {
        simulation.trace().iter().for_each(|step| println!("{step}"));
    }
    assert!(failures.is_empty(), "{failures:#?}");
    ended
}

/// Where all of a seed's decisions come from.
fn decisions(seed: u64) -> Random {
    Random(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x5851_f42d)
}

/// Lets a world's processes live, and looks at its images as a whole repository's.
fn play_with<'w>(
    world: &'w World<'_>,
    simulation: &Simulation,
    seed: u64,
    lags: u64,
    lives: Vec<Life<'w>>,
) -> Played {
    let ended = run(simulation, lives, lags > 0);
    let images = simulation.images();
    alone(seed, || {
        let mut last = None;
        for Image { step, store, .. } in &images {
            last = Some(world.check(store, *step));
        }
        world.go_on(&last.expect("the last one"));
    });
    Played {
        trace: simulation.trace(),
        images: images.len() as u64,
        killed: ended.iter().filter(|ended| ended.excused).count() as u64,
        failed: ended.iter().filter(|ended| ended.result.is_err()).count() as u64,
    }
}

/// Plays a seed. With lists that lag, processes may fail; they may do nothing wrong.
fn play(beginning: &Beginning, seed: u64, lags: u64, image_one_in: u64) -> Played {
    let mut random = decisions(seed);
    let hazards = Hazards { lags, ..hazards(&mut random) };
    let simulation = Simulation::new(random.number(), beginning.store.fork(), hazards, image_one_in);
    let world = &World::new(beginning, simulation.clone());
    play_with(world, &simulation, seed, lags, lives(world, &mut random))
}

/// Plays a seed in which two repair what is whole.
fn play_mended(beginning: &Beginning, seed: u64) -> Played {
    let mut random = decisions(seed);
    let hazards = hazards(&mut random);
    let simulation = Simulation::new(random.number(), beginning.store.fork(), hazards, 25);
    let world = &World::new(beginning, simulation.clone());
    let mut lives = lives(world, &mut random);
    for _ in 0..2 {
        let random = Random(random.number());
        lives.push(life("mender", move |store| world.mend(store, random)));
    }
    play_with(world, &simulation, seed, 0, lives)
}

/// Plays a seed that begins with damage, which three repair beside everybody else. Gives whether a snapshot had lost
/// something.
fn play_hurt(beginning: &Beginning, seed: u64) -> bool {
    let mut random = decisions(seed);
    let hazards = hazards(&mut random);
    let hurt = &alone(seed, || beginning.hurt(&mut random));
    if setting("CORSO_TEST_SEEDS", 0) == 1 {
        println!("hurt: {:?}", hurt.blobs);
    }
    let simulation = Simulation::new(random.number(), hurt.store.fork(), hazards, 10_000);
    let world = &World::new(beginning, simulation.clone());
    let mut lives = lives(world, &mut random);
    for _ in 0..3 {
        let random = Random(random.number());
        lives.push(life("mender", move |store| world.mend_hurt(store, hurt, random)));
    }
    run(&simulation, lives, true);
    let images = simulation.images();
    alone(seed, || world.heal(&images.last().expect("the last one").store, hurt));
    hurt.whole.len() < beginning.snapshots().count()
}

/// Plays a seed whose log loses something, before or while it is used, which three mend beside everybody else. Gives how
/// many repairs had something to do.
fn play_lost(beginning: &Beginning, seed: u64) -> u64 {
    let mut random = decisions(seed);
    let hazards = hazards(&mut random);
    let is_lost_before = random.below(3) > 0;
    let store = match is_lost_before {
        true => alone(seed, || beginning.lose(&mut random)),
        false => beginning.store.fork(),
    };
    let simulation = Simulation::new(random.number(), store, hazards, 10_000);
    let (world, mended) = (&World::new(beginning, simulation.clone()), &AtomicU64::new(0));
    let once_open = |Life { name, body }| {
        let may_doom = name == "maintainer";
        life(&name, move |store: &ProcessStore| {
            let is_ready = |state: &State| !may_doom || state.hold.is_none();
            // Its log may be broken at any time: no failure is one, but what it finds wrong.
            match world.once(store, is_ready, || body(store)) {
                Err(error) if error.starts_with(WRONG) => Err(error),
                _ => Ok(()),
            }
        })
    };
    let mut lives: Vec<Life<'_>> = lives(world, &mut random).into_iter().map(once_open).collect();
    for _ in 0..3 {
        let random = Random(random.number());
        lives.push(life("mender", move |store| world.mend_log(store, random, mended)));
    }
    if !is_lost_before {
        let random = Random(random.number());
        lives.push(life("vandal", move |store| world.spoil(store, random).or(Ok(()))));
    }
    run(&simulation, lives, false);
    let images = simulation.images();
    let end = images.last().expect("the last one");
    alone(seed, || world.find_again(&end.store, end.step));
    mended.load(Ordering::SeqCst)
}

/// Plays a seed in which the repository is copied, by two who do not know of each other, and the copy read; both
/// are verified, and keys come and go. Gives how many different states the copy was found in.
fn play_copied(beginning: &Beginning, seed: u64) -> u64 {
    let mut random = decisions(seed);
    let hazards = hazards(&mut random);
    let simulation = Simulation::new(random.number(), beginning.store.fork(), hazards, 10);
    let world = &World::new(beginning, simulation.clone());
    let mut lives = lives(world, &mut random);
    for _ in 0..2 {
        let random = Random(random.number());
        lives.push(life("copier", move |store| world.copy(store, random)));
    }
    let mut other = || Random(random.number());
    let [reading, verifying, verifying_copy, keys] = [other(), other(), other(), other()];
    lives.push(life("reader of the copy", move |store| world.read_copy(store, reading)));
    lives.push(life("verifier", move |store| world.verify(store, verifying)));
    lives.push(life("verifier of the copy", move |store| world.verify_copy(store, verifying_copy)));
    lives.push(life("keeper of keys", move |store| world.keep_keys(store, keys)));
    run(&simulation, lives, false);
    let images = simulation.images();
    alone(seed, || {
        let end = images.last().expect("the last one");
        let source = world.check(&end.store, end.step);
        let states = images.iter().map(|image| world.check_copy(&source, &image.copy, image.step));
        let states: BTreeSet<u64> = states.collect();
        world.copy_on(&source, &end.store, &end.copy);
        states.len() as u64
    })
}

/// One that begins once the copy is promoted, and is there.
fn life_there<'a>(
    world: &'a World<'_>,
    name: &str,
    body: impl FnOnce(&ProcessStore) -> Result<(), String> + Send + 'a,
) -> Life<'a> {
    life(name, move |store| world.once_promoted(store, body))
}

/// Plays a seed in which the copy is promoted while it is made, and gone on with: backed up to, thinned out,
/// maintained, read and verified beside those who still copy to it. Gives whether it was promoted.
fn play_promoted(beginning: &Beginning, seed: u64) -> bool {
    let mut random = decisions(seed);
    let hazards = hazards(&mut random);
    let simulation = Simulation::new(random.number(), beginning.store.fork(), hazards, 10);
    let world = &World::new(beginning, simulation.clone());
    let promoted = &world.beside();
    let mut other = || Random(random.number());
    let mut lives = Vec::new();
    let [writing, keeping, maintaining] = [other(), other(), other()];
    lives.push(life("writer", move |store| world.write(store, 0, writing)));
    lives.push(life("keeper", move |store| world.keep(store, 1, keeping)));
    lives.push(life("maintainer", move |store| world.maintain(store, maintaining)));
    for random in [other(), other()] {
        lives.push(life("copier", move |store| world.copy_until_promoted(store, random)));
    }
    for random in [other(), other()] {
        lives.push(life("promoter", move |store| promoted.promote(store, random)));
    }
    let [one, two, thinning, trimming, reading, verifying] =
        [other(), other(), other(), other(), other(), other()];
    lives.push(life_there(promoted, "writer there", move |store| promoted.write(store, 0, one)));
    lives.push(life_there(promoted, "another writer there", move |store| promoted.write(store, 1, two)));
    lives.push(life_there(promoted, "thinner there", move |store| promoted.thin(store, thinning)));
    lives.push(life_there(promoted, "maintainer there", move |store| promoted.maintain(store, trimming)));
    lives.push(life_there(promoted, "reader there", move |store| promoted.read(store, reading)));
    lives.push(life_there(promoted, "verifier there", move |store| promoted.verify(store, verifying)));
    run(&simulation, lives, false);
    let images = simulation.images();
    alone(seed, || {
        let is_promoted = images.iter().map(|image| promoted.check_promoted(world, image));
        let is_promoted = is_promoted.last() == Some(true);
        let end = images.last().expect("the last one");
        world.check(&end.store, end.step);
        if is_promoted {
            promoted.go_on(&promoted.check(&end.copy, end.step));
        }
        is_promoted
    })
}

/// Plays seeds on all processors, and says which one failed. A world stays on one of them: only one of its threads
/// runs at a time, and waking the next one elsewhere takes longer than what it does.
fn each_seed(seeds: Range<u64>, play: impl Fn(u64) + Sync) {
    let next = AtomicU64::new(seeds.start);
    let worker = &|| {
        loop {
            let seed = next.fetch_add(1, Ordering::SeqCst);
            if seed >= seeds.end {
                return;
            }
            catch_unwind(AssertUnwindSafe(|| play(seed))).unwrap_or_else(|panic| {
                println!("seed {seed} failed: CORSO_TEST_SEED={seed} CORSO_TEST_SEEDS=1");
                next.fetch_add(seeds.end - seeds.start, Ordering::SeqCst);
                resume_unwind(panic)
            });
        }
    };
    let processors = core_affinity::get_core_ids().unwrap_or_default();
    assert!(!processors.is_empty(), "the system says what processors it has");
    thread::scope(|scope| {
        for processor in processors {
            scope.spawn(move || {
                core_affinity::set_for_current(processor);
                worker();
            });
        }
    });
}

#[test]
fn whatever_the_schedule_everything_promised_is_there() {
    let beginning = Beginning::make();
    let (first, count) = (setting("CORSO_TEST_SEED", 0), setting("CORSO_TEST_SEEDS", 5000));
    let image_one_in = if std::env::var("CORSO_TEST_IMAGES").is_ok_and(|all| all == "all") { 1 } else { 25 };
    let total = Mutex::new(Total::default());
    each_seed(first..first + count, |seed| {
        let played = play(&beginning, seed, 0, image_one_in);
        let mut total = total.lock();
        total.steps += played.trace.len() as u64;
        total.images += played.images;
        total.killed += played.killed;
    });
    let Total { steps, images, killed } = total.into_inner();
    tell(&format!(
        "simulation: {count} seeds from {first}: {steps} requests, {images} images, {killed} killed or refused"
    ));
}

#[test]
fn a_seed_plays_the_same_story_each_time() {
    let (first, count) = (setting("CORSO_TEST_SEED", 0), setting("CORSO_TEST_SEEDS", 200).min(200));
    // What worlds begin with is made anew, too.
    let beginnings = [Beginning::make(), Beginning::make()];
    each_seed(first..first + count, |seed| {
        let [once, again] = beginnings.each_ref().map(|beginning| play(beginning, seed, 0, 0).trace);
        let differ = once.iter().zip(&again).position(|(one, other)| one != other);
        if let Some(at) = differ.or((once.len() != again.len()).then(|| once.len().min(again.len()))) {
            let around = |trace: &[Step]| -> String {
                let steps = trace.iter().enumerate().skip(at.saturating_sub(5)).take(10);
                steps.map(|(number, step)| format!("{number}  {step}\n")).collect()
            };
            panic!("it differs from step {at} on:\n{}\nand\n{}", around(&once), around(&again));
        }
    });
}

/// Whoever copies has no keys, and nobody waits for it: a copy is a state that its source has had, at every moment.
#[test]
fn a_copy_is_what_its_source_was_whatever_the_schedule() {
    let beginning = Beginning::make();
    let (first, count) = (setting("CORSO_TEST_SEED", 0), setting("CORSO_TEST_SEEDS", 300));
    let states = AtomicU64::new(0);
    each_seed(first..first + count, |seed| {
        states.fetch_add(play_copied(&beginning, seed), Ordering::SeqCst);
    });
    let states = states.into_inner();
    assert!(states > count, "{states} states in {count} seeds");
    tell(&format!("copies: {count} seeds from {first}, {states} states of the copy"));
}

/// What is damaged from the beginning is mended beside everybody else, and nothing is lost but what had to be.
#[test]
fn damage_takes_nothing_with_it_whatever_the_schedule() {
    let beginning = Beginning::make();
    let (first, count) = (setting("CORSO_TEST_SEED", 0), setting("CORSO_TEST_SEEDS", 200));
    let lost = AtomicU64::new(0);
    each_seed(first..first + count, |seed| {
        lost.fetch_add(u64::from(play_hurt(&beginning, seed)), Ordering::SeqCst);
    });
    tell(&format!("damage: {count} seeds from {first}, snapshots lost something in {}", lost.into_inner()));
}

/// What a log loses, before it is used or meanwhile, is found again beside everybody else.
#[test]
fn a_log_that_loses_something_takes_nothing_with_it_whatever_the_schedule() {
    let beginning = Beginning::make();
    let (first, count) = (setting("CORSO_TEST_SEED", 0), setting("CORSO_TEST_SEEDS", 200));
    let mended = AtomicU64::new(0);
    each_seed(first..first + count, |seed| {
        mended.fetch_add(play_lost(&beginning, seed), Ordering::SeqCst);
    });
    let mended = mended.into_inner();
    assert!(count < 100 || mended > count / 2, "{mended} repairs in {count} seeds");
    tell(&format!("lost logs: {count} seeds from {first}, {mended} repairs had something to do"));
}

/// Whoever repairs waits for nobody either, and takes nothing that goes on beside it for damage.
#[test]
fn repair_finds_nothing_in_what_is_whole_whatever_the_schedule() {
    let beginning = Beginning::make();
    let (first, count) = (setting("CORSO_TEST_SEED", 0), setting("CORSO_TEST_SEEDS", 200));
    let images = AtomicU64::new(0);
    each_seed(first..first + count, |seed| {
        images.fetch_add(play_mended(&beginning, seed).images, Ordering::SeqCst);
    });
    tell(&format!("repairs: {count} seeds from {first}, {} images", images.into_inner()));
}

/// Promotion waits for nobody who copies: what is committed to the promoted copy stays, whatever else is still put there.
#[test]
fn a_promoted_copy_keeps_what_it_promises_whatever_the_schedule() {
    let beginning = Beginning::make();
    let (first, count) = (setting("CORSO_TEST_SEED", 0), setting("CORSO_TEST_SEEDS", 150));
    let promoted = AtomicU64::new(0);
    each_seed(first..first + count, |seed| {
        promoted.fetch_add(u64::from(play_promoted(&beginning, seed)), Ordering::SeqCst);
    });
    let promoted = promoted.into_inner();
    assert!(count < 100 || promoted > count / 4, "{promoted} of {count} copies were promoted");
    tell(&format!("promotions: {promoted} in {count} seeds from {first}"));
}

/// No storage that Corso accepts does this (STO-4): one listing of ten misses some of the last eight changes.
/// Processes may fail then. They may not read anything wrong, and what they say they did is there.
#[test]
fn lists_that_lag_lose_nothing() {
    let beginning = Beginning::make();
    let (first, count) = (setting("CORSO_TEST_SEED", 0), setting("CORSO_TEST_SEEDS", 300).min(10_000));
    let failed = AtomicU64::new(0);
    each_seed(first..first + count, |seed| {
        failed.fetch_add(play(&beginning, seed, 100, 25).failed, Ordering::SeqCst);
    });
    let (failed, all) = (failed.into_inner(), 8 * count);
    tell(&format!("lists that lag: {count} seeds from {first}: {failed} of {all} processes failed"));
}

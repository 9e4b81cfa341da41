//! Random histories of a repository, each step beside a plain model: backup, forget, recall, maintenance,
//! rewriting, another key, processes that die, damage, repair.
//!
//! `CORSO_TEST_HISTORIES=N` plays N of them, 150 if it is not set, from `CORSO_TEST_SEED` on.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use corso_tests::living::{Failure, Living};
use corso_tests::plain::PlainFile;
use corso_tests::{at_once, noise, setting, tell};
use repo_format::codec::ManifestId;
use repo_format::maintenance::MaintenanceOptions;
use repo_format::storage::testing::Random;

/// What happens in one step.
#[derive(Debug, Clone, Copy)]
enum Step {
    BackUp,
    Forget,
    Recall,
    Maintain,
    MaintainWithGrace,
    Rewrite,
    ChangeKey,
    BackUpAndDie,
    MaintainAndDie,
    Damage,
    Repair,
}

/// As often as they stand here.
const STEPS: [Step; 20] = [
    Step::BackUp,
    Step::BackUp,
    Step::BackUp,
    Step::BackUp,
    Step::BackUp,
    Step::Forget,
    Step::Forget,
    Step::Forget,
    Step::Recall,
    Step::Maintain,
    Step::Maintain,
    Step::MaintainWithGrace,
    Step::Rewrite,
    Step::ChangeKey,
    Step::BackUpAndDie,
    Step::BackUpAndDie,
    Step::MaintainAndDie,
    Step::Damage,
    Step::Repair,
    Step::Repair,
];

fn change(living: &mut Living, source: usize, random: &mut Random) {
    let files = &mut living.sources[source].1;
    for _ in 0..1 + random.below(6) {
        let folder = files.entry(format!("folder {}", random.below(3))).or_default();
        let name = format!("file {}", random.below(8));
        match random.below(6) {
            0 => drop(folder.remove(&name)),
            _ => {
                let bytes = noise(1 + random.below(60), 300 + 97 * random.below(60) as usize);
                folder.insert(name, PlainFile { version: random.number() >> 2, bytes: Arc::new(bytes) });
            }
        }
    }
}

fn pick<T: Copy>(all: impl Iterator<Item = T>, random: &mut Random) -> Option<T> {
    let all: Vec<T> = all.collect();
    (!all.is_empty()).then(|| all[random.below(all.len() as u64) as usize])
}

fn take(living: &mut Living, step: Step, random: &mut Random) -> Result<(), Failure> {
    let source = random.below(2) as usize;
    let maintain = MaintenanceOptions { threads: 1, ..at_once() };
    match step {
        Step::BackUp => {
            change(living, source, random);
            living.back_up(source).map(drop)
        }
        Step::BackUpAndDie => {
            change(living, source, random);
            living.back_up_and_die(source, random.below(25));
            Ok(())
        }
        Step::Forget => {
            let id: Option<ManifestId> = pick(living.live.keys().copied(), random);
            id.map_or(Ok(()), |id| living.forget(&[id]))
        }
        Step::Recall => {
            let id: Option<ManifestId> = pick(living.forgotten.keys().copied(), random);
            id.map_or(Ok(()), |id| living.recall(&id))
        }
        Step::Maintain => living.maintain(&maintain).map(drop),
        Step::MaintainWithGrace => {
            let grace = Duration::from_secs(3600);
            living.maintain(&MaintenanceOptions { grace, grace_unknown: grace, ..maintain }).map(drop)
        }
        Step::Rewrite => living.maintain(&MaintenanceOptions { unused_percent: 0.0, ..maintain }).map(drop),
        Step::ChangeKey => living.change_key(),
        Step::MaintainAndDie => {
            living.maintain_and_die(random.below(40));
            Ok(())
        }
        Step::Damage => {
            living.damage(random);
            Ok(())
        }
        Step::Repair => living.repair(),
    }
}

/// Whether a step may be refused while something is damaged and nobody has repaired it.
fn may_fail(step: Step) -> bool {
    !matches!(step, Step::Repair | Step::ChangeKey)
}

fn play(seed: u64) {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x51ed);
    let mut living = Living::new(&["first", "second"], 8 << 10);
    let mut told = Vec::new();
    let ended = catch_unwind(AssertUnwindSafe(|| {
        for _ in 0..30 {
            let step = STEPS[random.below(STEPS.len() as u64) as usize];
            told.push(format!("{step:?}"));
            let was_hurt = living.is_hurt;
            match take(&mut living, step, &mut random) {
                Ok(()) => {}
                Err(error) if was_hurt && may_fail(step) => told.push(format!("refused: {error}")),
                Err(error) => panic!("{step:?}: {error:?}"),
            }
            if !living.is_hurt {
                living.check().unwrap_or_else(|error| panic!("after {step:?}: {error:?}"));
            }
        }
        living.repair().unwrap_or_else(|error| panic!("the last repair: {error:?}"));
        living.check().unwrap_or_else(|error| panic!("at last: {error:?}"));
    }));
    if let Err(panic) = ended {
        println!("CORSO_TEST_SEED={seed} CORSO_TEST_HISTORIES=1 failed after: {}", told.join(", "));
        resume_unwind(panic);
    }
}

#[test]
fn whatever_happens_what_is_owed_is_there() {
    let (first, count) = (setting("CORSO_TEST_SEED", 0), setting("CORSO_TEST_HISTORIES", 150));
    let next = AtomicU64::new(first);
    thread::scope(|scope| {
        let worker = || {
            loop {
                let seed = next.fetch_add(1, Ordering::SeqCst);
                if seed >= first + count {
                    return;
                }
                if let Err(panic) = catch_unwind(|| play(seed)) {
                    next.fetch_add(count, Ordering::SeqCst);
                    resume_unwind(panic);
                }
            }
        };
        (0..thread::available_parallelism().map_or(2, usize::from)).for_each(|_| drop(scope.spawn(worker)));
    });
    tell(&format!("histories: {count} of 30 steps, from seed {first}"));
}

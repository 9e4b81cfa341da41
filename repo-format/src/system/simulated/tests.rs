use std::sync::Arc;
use std::time::Duration;

use super::*;

/// What several threads say, in the order in which they say it.
fn said(seed: u64) -> Vec<u64> {
    let said = Mutex::new(Vec::new());
    let (sender, receiver) = bounded(2);
    let speak = |who: u64| {
        for number in 0..5 {
            said.lock().push(who * 10 + number);
            pause();
        }
    };
    Process::new(seed, Arc::new(Clock::new(0))).run(|| {
        scope(|scope| {
            for who in 0..3 {
                let sender = &sender;
                scope.spawn(move || {
                    speak(who);
                    sender.send(who).expect("somebody listens");
                });
            }
            for _ in 0..3 {
                let who = receiver.recv().expect("somebody speaks");
                said.lock().push(100 + who);
            }
        });
    });
    said.into_inner()
}

#[test]
fn a_seed_decides_the_order_of_threads() {
    assert_eq!(said(1).len(), 18);
    assert_eq!(said(1), said(1));
    let orders: std::collections::BTreeSet<_> = (0..20).map(said).collect();
    assert_eq!(orders.len(), 20);
}

#[test]
fn what_ships_takes_the_systems_bytes() {
    let bytes = || {
        let mut bytes = [0; 16];
        fill(&mut bytes).expect("the system has some");
        bytes
    };
    assert_ne!(bytes(), bytes());
    let clock = Arc::new(Clock::new(0));
    let process = || Process::new(1, clock.clone());
    assert_eq!(process().run(bytes), process().run(bytes));
}

#[test]
fn time_passes_when_all_wait() {
    let long = Duration::from_secs(365 * 24 * 3600);
    let (sender, receiver) = bounded::<()>(1);
    Process::new(1, Arc::new(Clock::new(0))).run(|| {
        let begun = now();
        assert!(receiver.recv_deadline(begun + long).is_err_and(|error| error.is_timeout()));
        assert!(now() - begun >= long);
        drop(sender);
        assert!(receiver.recv_deadline(begun + 2 * long).is_err_and(|error| error.is_disconnected()));
    });
}

#[test]
fn a_lock_that_is_held_across_a_pause_is_waited_for() {
    let (lock, moved) = (Mutex::new(0), Condvar::new());
    Process::new(3, Arc::new(Clock::new(0))).run(|| {
        scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mut held = lock.lock();
                    pause();
                    *held += 1;
                    moved.notify_all();
                });
            }
            moved.wait_while(&mut lock.lock(), |count| *count < 4);
        });
    });
    assert_eq!(lock.into_inner(), 4);
}

#[test]
#[should_panic(expected = "all threads wait for each other")]
fn threads_that_wait_for_each_other_are_found() {
    let (_sender, receiver) = bounded::<()>(1);
    let _ = Process::new(1, Arc::new(Clock::new(0))).run(|| receiver.recv());
}

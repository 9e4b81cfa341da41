//! Work under way that a flush waits for.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::system::{Condvar, Mutex};

/// Gives tickets to work as it begins, so that a flush can wait for all that began before it. Clones
/// give the same ones.
#[derive(Clone, Default)]
pub(super) struct Tickets(Arc<Given>);

#[derive(Default)]
struct Given {
    numbers: Mutex<Numbers>,
    moved: Condvar,
}

#[derive(Default)]
struct Numbers {
    last: u64,
    open: BTreeSet<u64>,
    given_up: bool,
}

/// Work that has begun. Where it is dropped before it is done, it failed or panicked.
pub(super) struct Ticket {
    tickets: Tickets,
    number: u64,
}

/// Work was begun, and ended without being done: nobody may rely on it.
#[derive(Debug)]
pub(super) struct GivenUp;

/// All work that had begun at some moment.
#[derive(Clone, Copy)]
pub(super) struct Begun(u64);

impl Tickets {
    pub fn give(&self) -> Ticket {
        let mut numbers = self.0.numbers.lock();
        numbers.last += 1;
        let number = numbers.last;
        numbers.open.insert(number);
        Ticket { tickets: self.clone(), number }
    }

    pub fn begun(&self) -> Begun {
        Begun(self.0.numbers.lock().last)
    }

    /// Waits until all that had begun has ended.
    ///
    /// # Errors
    /// `GivenUp` if any work ever was, also later.
    pub fn wait(&self, begun: Begun) -> Result<(), GivenUp> {
        let mut numbers = self.0.numbers.lock();
        let is_open = |numbers: &mut Numbers| numbers.open.first().is_some_and(|first| *first <= begun.0);
        self.0.moved.wait_while(&mut numbers, is_open);
        if numbers.given_up { Err(GivenUp) } else { Ok(()) }
    }

    fn end(&self, number: u64, is_done: bool) {
        let mut numbers = self.0.numbers.lock();
        if numbers.open.remove(&number) {
            numbers.given_up |= !is_done;
        }
        self.0.moved.notify_all();
    }
}

impl Ticket {
    pub fn done(self) {
        self.tickets.end(self.number, true);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.tickets.end(self.number, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_panics_is_not_waited_for_and_told() {
        let tickets = Tickets::default();
        let (first, second) = (tickets.give(), tickets.give());
        let begun = tickets.begun();
        let later = tickets.give();
        second.done();
        let panics = std::thread::spawn(move || {
            let _first = first;
            panic!("as any work may");
        });
        assert!(tickets.wait(begun).is_err());
        assert!(panics.join().is_err());
        later.done();
        assert!(tickets.wait(tickets.begun()).is_err(), "it stays so");
    }

    #[test]
    fn work_that_began_later_is_not_waited_for() {
        let tickets = Tickets::default();
        let (first, begun) = (tickets.give(), tickets.begun());
        let later = tickets.give();
        let ends = std::thread::spawn(move || first.done());
        tickets.wait(begun).unwrap();
        ends.join().unwrap();
        later.done();
        tickets.wait(tickets.begun()).unwrap();
    }
}

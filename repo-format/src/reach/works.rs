//! A stack of work that several threads take from and add to.

use crate::system::{Condvar, Mutex};

/// Pieces of work; taken from the end, so that a walk goes down first and the stack stays short.
pub(crate) struct Works<T> {
    queue: Mutex<Queue<T>>,
    moved: Condvar,
}

struct Queue<T> {
    waiting: Vec<T>,
    /// Threads that may still add to it.
    busy: usize,
}

impl<T> Works<T> {
    /// What there is to begin with.
    pub fn new(waiting: Vec<T>) -> Works<T> {
        Works { queue: Mutex::new(Queue { waiting, busy: 0 }), moved: Condvar::new() }
    }

    /// Does pieces of work, which may add more, until none is left on any thread or somebody says
    /// `stopped`. Each thread calls this once.
    pub fn run(&self, stopped: impl Fn() -> bool, mut work: impl FnMut(T, &mut Vec<T>)) {
        let mut more = Vec::new();
        while let Some(piece) = self.next(&stopped) {
            work(piece, &mut more);
            let mut queue = self.queue.lock();
            queue.waiting.append(&mut more);
            queue.busy -= 1;
            self.moved.notify_all();
        }
    }

    /// The next piece; nothing when all is done or the walk is stopped.
    fn next(&self, stopped: &impl Fn() -> bool) -> Option<T> {
        let mut queue = self.queue.lock();
        loop {
            if stopped() {
                return None;
            }
            if let Some(piece) = queue.waiting.pop() {
                queue.busy += 1;
                return Some(piece);
            }
            if queue.busy == 0 {
                return None;
            }
            self.moved.wait(&mut queue);
        }
    }
}

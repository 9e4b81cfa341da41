//! How far a backup of many users is: the sum of what each of them is.

use std::sync::Arc;

use graph_client::Graph;
use parking_lot::Mutex;
use repo_format::engine::progress::Progress;

use super::team::Team;
use crate::progress::Watched;
use crate::report::message::{ItemFailure, Status};

/// Who is at work, and what those did who have ended.
pub struct Board {
    graph: Graph,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    users_total: u64,
    users_done: u64,
    /// What ended users came to.
    ended: Status,
    active: Vec<(String, Arc<Progress>)>,
    /// Events of ended users that nobody took yet.
    events: Vec<ItemFailure>,
}

impl Board {
    pub fn new(graph: Graph) -> Board {
        Board { graph, state: Mutex::default() }
    }

    /// Says how many users there are.
    pub fn expect(&self, users: u64) {
        self.state.lock().users_total = users;
    }

    /// A user's backup begins.
    pub fn begin(&self, name: &str) -> Arc<Progress> {
        let progress = Arc::new(Progress::default());
        self.state.lock().active.push((name.to_owned(), progress.clone()));
        progress
    }

    /// A user's backup is over, or never began.
    pub fn end(&self, name: &str) {
        let mut state = self.state.lock();
        state.users_done += 1;
        let Some(place) = state.active.iter().position(|(active, _)| active == name) else { return };
        let (_, progress) = state.active.swap_remove(place);
        let done = progress.status();
        add(&mut state.ended, &done);
        let events = of_user(name, &progress);
        state.events.extend(events);
    }
}

impl Watched for Team<'_> {
    fn status(&self) -> Status {
        let state = self.board.state.lock();
        let mut status = state.ended.clone();
        for (_, progress) in &state.active {
            add(&mut status, &progress.status());
        }
        let metrics = self.board.graph.metrics();
        status.users_done = Some(state.users_done);
        status.users_total = Some(state.users_total);
        status.units_spent = Some(metrics.units.values().sum());
        status.throttled_seconds = Some(metrics.throttled_seconds);
        status
    }

    fn take_failures(&self) -> Vec<ItemFailure> {
        let mut state = self.board.state.lock();
        let mut events = std::mem::take(&mut state.events);
        for (name, progress) in &state.active {
            events.extend(of_user(name, progress));
        }
        events
    }
}

/// Totals are left out: what is unknown of one user is unknown of all.
fn add(sum: &mut Status, status: &Status) {
    sum.items_done += status.items_done;
    sum.bytes_done += status.bytes_done;
    sum.bytes_stored += status.bytes_stored;
    sum.failed += status.failed;
    sum.skipped += status.skipped;
    sum.checkpoints += status.checkpoints;
    sum.current = status.current.clone().or(sum.current.take());
}

fn of_user(name: &str, progress: &Progress) -> Vec<ItemFailure> {
    let mut events = progress.take_failures();
    events.iter_mut().for_each(|event| event.user = Some(name.to_owned()));
    events
}

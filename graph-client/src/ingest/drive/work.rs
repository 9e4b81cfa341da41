//! What threads of a run tell each other.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};
use repo_format::content::ContentError;
use repo_format::engine::feed::Stored;
use repo_format::engine::source::ItemError;

use super::addresses::Address;
use crate::error::GraphError;
use crate::ingest::Facts;
use crate::model::{DeltaPage, DriveItem, ItemId};

/// Something to be fetched.
pub(super) enum Job {
    /// The content that these facts list; an address, if there is one that may still hold.
    Content { facts: Box<Facts>, address: Option<Address> },
    /// The permissions of the item with this ID.
    Permissions { id: String },
    /// The addresses of these items' contents.
    Addresses { ids: Vec<ItemId> },
    /// A page that was read before, for the addresses that it tells.
    Page { from: Arc<str> },
}

/// An item that was asked for, or why it was not to be had.
pub(super) type Found = (ItemId, Result<DriveItem, GraphError>);
/// Items of a page that was read again.
pub(super) type Renewed = Result<HashMap<ItemId, DriveItem>, GraphError>;

/// A page, or why there is none; nothing after the last of a round.
pub(super) type Paged = Result<Option<Box<DeltaPage>>, GraphError>;

/// What became of a job, or of an order to the pager.
pub(super) enum Event {
    /// The page that was ordered.
    Page(Paged),
    /// What became of the content that these facts list.
    Content { facts: Box<Facts>, outcome: Outcome },
    /// An item's permissions in JSON; `None` if they were not to be had.
    Permissions { id: String, json: Option<Vec<u8>> },
    /// Items that were asked for, with their addresses; or why none can be had.
    Addresses(Result<Vec<Found>, GraphError>),
    /// A content whose address was too old to be tried, and the page that told it.
    Stale { facts: Box<Facts>, page: Option<Arc<str>> },
    /// A page was read again.
    Renewed { page: Arc<str>, found: Renewed },
}

/// What became of a content.
pub(super) enum Outcome {
    /// Stored. `odd`: it has another hash than was listed, twice the same.
    Stored { stored: Stored, odd: bool },
    /// Not to be had; the run goes on.
    Failed(ItemError),
    /// The run was told to stop.
    Stopped,
    /// Nothing else can be fetched either.
    Fatal(GraphError),
    /// Nothing else can be stored either.
    Broken(Arc<ContentError>),
}

/// Jobs that wait, first come, first served.
#[derive(Default)]
pub(super) struct Jobs {
    waiting: Mutex<(VecDeque<Job>, bool)>,
    moved: Condvar,
}

impl Jobs {
    pub fn push(&self, job: Job) {
        self.waiting.lock().0.push_back(job);
        self.moved.notify_one();
    }

    /// Before all others: many wait for what it brings.
    pub fn push_first(&self, job: Job) {
        self.waiting.lock().0.push_front(job);
        self.moved.notify_one();
    }

    /// The next job; waits for it. `None` once they are closed.
    pub fn take(&self) -> Option<Job> {
        let mut waiting = self.waiting.lock();
        loop {
            if waiting.1 {
                return None;
            }
            if let Some(job) = waiting.0.pop_front() {
                return Some(job);
            }
            self.moved.wait(&mut waiting);
        }
    }

    /// Ends it: whoever takes gets nothing more.
    pub fn close(&self) {
        self.waiting.lock().1 = true;
        self.moved.notify_all();
    }
}

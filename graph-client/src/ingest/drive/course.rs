//! The course of a run: rounds of pages, contents beside them, checkpoints in between.

use std::collections::{HashMap, HashSet};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use repo_format::engine::BackupError;
use repo_format::tree::Entry;

use super::addresses::{Address, Renewal};
use super::convert::change_of;
use super::failures::{Paths, error_of};
use super::fetch::Fetcher;
use super::pager::Order;
use super::work::{Event, Job, Jobs, Outcome, Paged};
use super::{DriveError, DriveOptions};
use crate::error::GraphError;
use crate::files::DeltaFrom;
use crate::ingest::scope::Inside;
use crate::ingest::{
    Applied, Cursor, DriveLedger, Facts, Item, ItemChange, Mark, Past, Phase, apply, finish_enumeration,
};
use crate::model::DeltaPage;

/// Changes of the ledger that wait for a checkpoint, in bytes of memory, at most.
const PENDING_BYTES_MAX: usize = 48 << 20;
/// Enumerations that a run begins, at most: a service that always starts over never ends.
const RESYNCS_MAX: u32 = 3;
/// How often the clock and the wish to stop are looked at.
const TICK: Duration = Duration::from_millis(50);

/// How a run came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// The feed has nothing more to tell, and everything was tried.
    Rest,
    /// Somebody wanted it, or the first failure did.
    Interrupted,
}

/// What a run counts.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    pub odd_hashes: u64,
    pub recovered: u64,
    pub fetched: u64,
    pub fetched_bytes: u64,
    pub new_files: u64,
    pub changed_files: u64,
    pub enumerated: bool,
}

/// A run under way. All of it belongs to one thread.
pub(super) struct Course<'c, 'r> {
    pub fetcher: &'c Fetcher<'c, 'r>,
    pub options: &'c DriveOptions,
    pub ledger: DriveLedger<'r>,
    pub cursor: Cursor,
    pub past: Past<'r>,
    /// The root that goes with the ledger's base.
    pub base: Option<Entry>,
    pub jobs: &'c Jobs,
    pub order: Sender<Order>,
    pub events: Receiver<Event>,
    /// A page was ordered and has not come.
    pub page_is_due: bool,
    /// Contents that are waited for, as they were listed.
    pub under_way: HashMap<String, Facts>,
    /// Addresses are asked for, so many times.
    pub asking: usize,
    /// Addresses that grew old before their turn came.
    pub renewal: Renewal,
    /// Items that failed in this run: they are not tried twice.
    pub failed: HashSet<String>,
    pub tally: Tally,
}

/// Why the course was left.
pub(super) enum Left {
    Stopped,
    Error(DriveError),
}

impl<E: Into<DriveError>> From<E> for Left {
    fn from(error: E) -> Left {
        Left::Error(error.into())
    }
}

impl Course<'_, '_> {
    /// Goes on until the drive is at rest.
    pub fn go(&mut self) -> Result<Ended, DriveError> {
        match self.rounds() {
            Ok(()) => Ok(Ended::Rest),
            Err(Left::Stopped) => Ok(Ended::Interrupted),
            Err(Left::Error(error)) => Err(error),
        }
    }

    fn rounds(&mut self) -> Result<(), Left> {
        self.want_what_is_lost()?;
        let mut telling = 0;
        loop {
            let changed = self.round()?;
            // Of a part of the drive, who belongs to it is known only now.
            if telling == 0 || !self.options.scope.is_all() {
                self.try_again()?;
            }
            let failed_before = self.failed.len();
            while !self.under_way.is_empty() || self.asking > 0 {
                self.take_event()?;
            }
            // A content that is another by now is listed anew by the next round.
            let moved = self.failed.len() > failed_before;
            telling += 1;
            if (changed == 0 && !moved) || telling >= self.options.rounds_max {
                return Ok(());
            }
        }
    }

    /// One round, to the link of the next. Gives how many items it told something new of.
    fn round(&mut self) -> Result<u64, Left> {
        let mut resyncs = 0;
        let mut changed = 0;
        self.begin_round()?;
        loop {
            if !self.page_is_due && self.under_way.len() < self.options.waiting_max {
                self.order(Order::Next)?;
                self.page_is_due = true;
            }
            match self.take_event()? {
                None => {}
                Some(Ok(Some(page))) => {
                    changed += self.take_page(&page)?;
                    if page.delta.is_some() && page.next.is_none() {
                        return Ok(changed);
                    }
                }
                Some(Ok(None)) => return Ok(changed),
                Some(Err(GraphError::Resync { .. })) if resyncs < RESYNCS_MAX => {
                    tracing::info!("the drive's feed has to start over; what is stored is kept");
                    resyncs += 1;
                    self.cursor.start_over();
                    self.begin_round()?;
                    self.ledger.remember_ids()?;
                }
                Some(Err(error)) => return Err(error.into()),
            }
        }
    }

    fn begin_round(&mut self) -> Result<(), Left> {
        // What another enumeration met says nothing of this one.
        if self.cursor.link.is_none() && self.ledger.has_items()? {
            self.cursor.start_over();
        }
        self.tally.enumerated |= self.cursor.phase != Phase::Following;
        let from = self.cursor.link.clone().map_or(DeltaFrom::Start, DeltaFrom::Link);
        self.order(Order::Begin(from))
    }

    /// The pager ends before the run only if the run is to end.
    fn order(&self, order: Order) -> Result<(), Left> {
        self.order.send(order).map_err(|_| Left::Stopped)
    }

    /// Applies a page; gives how many items it told something new of.
    fn take_page(&mut self, page: &DeltaPage) -> Result<u64, Left> {
        let changes: Vec<ItemChange> = page.items.iter().map(change_of).collect();
        let applied = apply(&mut self.ledger, &mut self.cursor, &changes)?;
        self.cursor.link = page.next.clone().or(page.delta.clone());
        if page.next.is_none() && page.delta.is_some() {
            finish_enumeration(&mut self.ledger, &mut self.cursor)?;
        }
        self.fetcher.run.count(applied.unchanged, 0);
        let changed = applied.changed;
        self.follow(applied, &self.addresses_of(page))?;
        Ok(changed)
    }

    /// Has fetched and read what follows from items that were applied.
    pub(super) fn follow(
        &mut self,
        applied: Applied,
        addresses: &HashMap<&str, Address>,
    ) -> Result<(), Left> {
        let (fetch, shared) = (self.of_scope(applied.fetch)?, self.of_scope(applied.shared)?);
        for id in &fetch {
            self.failed.remove(id);
            self.fetch(id, addresses.get(id.as_str()).cloned())?;
        }
        for id in shared.iter().filter(|_| self.options.permissions) {
            self.read_permissions(id)?;
        }
        for id in &applied.refused {
            tracing::warn!(bytes = id.len(), "an item whose ID is too long for any key is left out");
        }
        Ok(())
    }

    /// Those of the items that are inside the scope, as far as that is known by now.
    pub(super) fn of_scope(&self, ids: Vec<String>) -> Result<Vec<String>, Left> {
        if self.options.scope.is_all() {
            return Ok(ids);
        }
        let mut inside = Inside::new(&self.options.scope, &self.ledger, &self.cursor.root);
        let mut kept = Vec::new();
        for id in ids {
            let is_inside = match self.ledger.item(&id)? {
                Some(item) => inside.has(&item)?,
                None => false,
            };
            kept.extend(is_inside.then_some(id));
        }
        Ok(kept)
    }

    /// Has an item's permissions read, unless that is under way.
    pub(super) fn read_permissions(&mut self, id: &str) -> Result<(), Left> {
        if let Some(item) = self.ledger.item(id)?
            && self.under_way.insert(permissions_of(id), item.known.facts).is_none()
        {
            self.ledger.note_shared(id, true);
            self.jobs.push(Job::Permissions { id: id.to_owned() });
        }
        Ok(())
    }

    /// Has the content fetched that the ledger lists, unless that is under way.
    pub(super) fn fetch(&mut self, id: &str, address: Option<Address>) -> Result<(), Left> {
        let Some(item) = self.ledger.item(id)? else { return Ok(()) };
        let facts = item.known.facts;
        if self.under_way.get(id).is_some_and(|other| other.same_content(&facts)) {
            return Ok(());
        }
        self.under_way.insert(id.to_owned(), facts.clone());
        self.jobs.push(Job::Content { facts: Box::new(facts), address });
        Ok(())
    }

    /// Where packs are lost, whatever was stored in them is fetched once more.
    fn want_what_is_lost(&mut self) -> Result<(), Left> {
        if self.fetcher.run.is_whole() {
            return Ok(());
        }
        for mut item in self.ledger.stored()? {
            if item.object.is_some_and(|object| !self.fetcher.run.is_alive(object)) {
                item.object = None;
                item.known.mark = Mark::Pending;
                self.ledger.want(&item.known.facts.id, false);
                self.ledger.put(&item);
            }
        }
        Ok(())
    }

    /// Takes one event, if one comes soon, and looks at the clock. Pages are given back.
    pub(super) fn take_event(&mut self) -> Result<Option<Paged>, Left> {
        if self.fetcher.run.is_stopped() {
            return Err(Left::Stopped);
        }
        let due = self.fetcher.run.is_due() || self.ledger.pending_bytes() > PENDING_BYTES_MAX;
        // A large file alone changes nothing in the ledger until it is whole.
        let is_news = self.ledger.has_changes() || self.fetcher.run.has_grown();
        if due && is_news && !self.fetcher.run.is_dry() {
            self.checkpoint()?;
        }
        match self.events.recv_timeout(TICK) {
            Ok(Event::Page(page)) => {
                self.page_is_due = false;
                Ok(Some(page))
            }
            Ok(event) => self.take_result(event).map(|()| None),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            // Nobody is left to tell anything: they end only when the run is to end.
            Err(RecvTimeoutError::Disconnected) => Err(Left::Stopped),
        }
    }

    fn take_result(&mut self, event: Event) -> Result<(), Left> {
        match event {
            Event::Page(_) => Ok(()),
            Event::Permissions { id, json } => {
                self.under_way.remove(&permissions_of(&id));
                self.take_permissions(&id, json)
            }
            Event::Addresses(found) => {
                self.asking -= 1;
                self.take_addresses(found?)
            }
            Event::Stale { facts, page } => {
                self.renew(*facts, page);
                Ok(())
            }
            Event::Renewed { page, found } => {
                self.asking -= 1;
                self.take_renewed(&page, found)
            }
            Event::Content { facts, outcome } => {
                if self.under_way.get(&facts.id).is_some_and(|listed| listed.same_content(&facts)) {
                    self.under_way.remove(&facts.id);
                }
                self.renewal.forget(&facts.id);
                self.take_content(&facts, outcome)
            }
        }
    }

    /// Without an answer they are asked for again by the next run.
    fn take_permissions(&mut self, id: &str, json: Option<Vec<u8>>) -> Result<(), Left> {
        let Some(json) = json else { return Ok(()) };
        self.ledger.note_shared(id, false);
        if let Some(mut item) = self.ledger.item(id)?
            && item.known.facts.permissions != json
        {
            item.known.facts.permissions = json;
            self.ledger.put(&item);
        }
        Ok(())
    }

    fn take_content(&mut self, facts: &Facts, outcome: Outcome) -> Result<(), Left> {
        let id = facts.id.as_str();
        // Gone meanwhile, or listed with another content, which is fetched by itself.
        let known = self.ledger.item(id)?.filter(|item| item.known.facts.same_content(facts));
        match outcome {
            Outcome::Stored { stored, odd } => {
                self.tally.fetched += 1;
                self.tally.fetched_bytes += stored.read;
                self.tally.odd_hashes += u64::from(odd);
                self.fetcher.run.count(1, 0);
                let Some(mut item) = known else { return Ok(()) };
                // A tree of an interrupted run has files without their contents.
                let before = self.past.item(id)?.filter(|before| before.object.is_some());
                match before {
                    None => self.tally.new_files += 1,
                    Some(_) => self.tally.changed_files += 1,
                }
                let failed_before = matches!(item.known.mark, Mark::Failed { .. });
                self.tally.recovered += u64::from(failed_before && !self.failed.contains(id));
                self.failed.remove(id);
                item.known.mark = Mark::Stored;
                item.object = Some(stored.object);
                self.ledger.put(&item);
                self.ledger.satisfy(id);
                Ok(())
            }
            Outcome::Failed(error) => {
                let Some(mut item) = known else { return Ok(()) };
                let (cause, message) = (error.cause.name().to_owned(), error.message.clone());
                item.object = None;
                item.known.mark = match error.cause.is_failure() {
                    true => Mark::Failed { cause, message, attempts: error.attempts },
                    false => Mark::Skipped { cause, message },
                };
                self.failed.insert(id.to_owned());
                self.ledger.put(&item);
                self.tell(&item)?;
                match self.fetcher.run.is_fail_fast() && error.cause.is_failure() {
                    true => Err(Left::Stopped),
                    false => Ok(()),
                }
            }
            Outcome::Stopped => Ok(()),
            Outcome::Fatal(error) => Err(error.into()),
            Outcome::Broken(error) => Err(BackupError::Content(error).into()),
        }
    }

    fn tell(&self, item: &Item) -> Result<(), Left> {
        if let Some(error) = error_of(item) {
            let path = Paths::new(&self.ledger, &self.cursor.root).of(item)?;
            self.fetcher.run.report(&path, &error);
        }
        Ok(())
    }

    /// What came while everybody ended: contents that are stored are marked all the same.
    pub fn take_leave(&mut self) {
        let (order, _) = std::sync::mpsc::channel();
        // The pager ends once nobody can give orders.
        self.order = order;
        while let Ok(event) = self.events.recv() {
            if let Err(Left::Error(error)) = self.take_result(event) {
                tracing::warn!(%error, "while a run ended");
            }
        }
    }
}

/// What permissions are waited for under, like a content: a key that no item has.
fn permissions_of(id: &str) -> String {
    format!("permissions of {id}")
}

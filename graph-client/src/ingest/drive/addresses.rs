//! Addresses of contents: from pages, for items that are tried again, and anew for those that waited
//! too long.
//!
//! An address lets its bearer in for about an hour. One that grew old in the line is not tried: the page
//! that told it is read again, which costs one resource unit for all of its items.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::convert::change_of;
use super::course::{Course, Left};
use super::outcome::is_tried_again;
use super::work::{Found, Job, Renewed};
use crate::ingest::{Facts, ItemChange, Mark, apply};
use crate::model::{DeltaPage, ItemId};
use crate::secret::Secret;

/// Addresses asked for at once: a batch.
const ADDRESSES_AT_ONCE: usize = 20;
/// Items of the retry list that are looked at together.
const WANTED_AT_ONCE: usize = 1000;

/// Where a content is.
#[derive(Clone)]
pub(super) struct Address {
    pub url: Secret,
    /// When it was told, by the client's clock.
    pub told: Duration,
    /// Link of the page that told it, if one did.
    pub page: Option<Arc<str>>,
}

/// Addresses that grew old before their turn came.
#[derive(Default)]
pub(super) struct Renewal {
    /// Contents that wait for their page to be read again.
    waiting: HashMap<Arc<str>, Vec<Facts>>,
    /// What pages told of items whose turn is to come yet, by ID.
    fresh: HashMap<String, Address>,
}

impl Renewal {
    /// An item was fetched, or failed.
    pub fn forget(&mut self, id: &str) {
        self.fresh.remove(id);
    }
}

impl Course<'_, '_> {
    /// The addresses that a page tells, by ID.
    pub(super) fn addresses_of<'p>(&self, page: &'p DeltaPage) -> HashMap<&'p str, Address> {
        let from: Arc<str> = page.from.as_str().into();
        let told = page.items.iter().filter_map(|item| {
            let address = self.fresh(item.download_url.clone(), Some(&from))?;
            Some((item.id.as_str(), address))
        });
        told.collect()
    }

    fn fresh(&self, url: Option<Secret>, page: Option<&Arc<str>>) -> Option<Address> {
        Some(Address { url: url?, told: self.fetcher.graph.clock().now(), page: page.cloned() })
    }

    /// The address of a content has grown old: it goes back into the line with another one.
    pub(super) fn renew(&mut self, facts: Facts, page: Option<Arc<str>>) {
        if let Some(address) = self.renewal.fresh.remove(&facts.id) {
            self.jobs.push_first(Job::Content { facts: Box::new(facts), address: Some(address) });
            return;
        }
        let Some(page) = page else {
            self.jobs.push_first(Job::Content { facts: Box::new(facts), address: None });
            return;
        };
        let waiting = self.renewal.waiting.entry(page.clone()).or_default();
        waiting.push(facts);
        if waiting.len() == 1 {
            self.asking += 1;
            self.jobs.push_first(Job::Page { from: page });
        }
    }

    /// A page was read again.
    pub(super) fn take_renewed(&mut self, page: &Arc<str>, found: Renewed) -> Result<(), Left> {
        let items = match found {
            Ok(items) => items,
            Err(error) if error.stops_everything() => return Err(error.into()),
            // Whoever waited for it asks for itself.
            Err(_) => HashMap::new(),
        };
        for (id, item) in items {
            let Some(facts) = self.under_way.get(id.as_str()) else { continue };
            // One that changed meanwhile is told as such when it is looked at.
            if self.fetcher.download_of(facts, None).is_still(&item)
                && let Some(address) = self.fresh(item.download_url, Some(page))
            {
                self.renewal.fresh.insert(id.as_str().to_owned(), address);
            }
        }
        for facts in self.renewal.waiting.remove(page).unwrap_or_default() {
            self.renew(facts, None);
        }
        Ok(())
    }

    /// What earlier runs failed to fetch, or did not come to.
    pub(super) fn try_again(&mut self) -> Result<(), Left> {
        let unread = if self.options.permissions { self.ledger.unread()? } else { Vec::new() };
        for id in self.of_scope(unread)? {
            self.read_permissions(&id)?;
        }
        let mut from = String::new();
        loop {
            let ids = self.ledger.wanted(&from, WANTED_AT_ONCE)?;
            let Some(last) = ids.last() else { return Ok(()) };
            from = format!("{last}\0");
            let mut due = Vec::new();
            for id in self.of_scope(ids)? {
                due.extend(self.is_due(&id)?.then(|| ItemId::from(id)));
            }
            for ids in due.chunks(ADDRESSES_AT_ONCE) {
                self.asking += 1;
                self.jobs.push_first(Job::Addresses { ids: ids.to_vec() });
                while self.under_way.len() + self.asking * ADDRESSES_AT_ONCE >= self.options.waiting_max {
                    self.take_event()?;
                }
            }
        }
    }

    /// Whether an item is wanted, and nobody is at it.
    fn is_due(&self, id: &str) -> Result<bool, Left> {
        if self.under_way.contains_key(id) || self.failed.contains(id) {
            return Ok(false);
        }
        Ok(match self.ledger.item(id)?.map(|item| item.known.mark) {
            Some(Mark::Pending | Mark::Failed { .. }) => true,
            Some(Mark::Skipped { cause, .. }) => is_tried_again(&cause),
            Some(Mark::Stored | Mark::Nothing) | None => false,
        })
    }

    /// Fetches items whose addresses were asked for, as they are now: the listing that failed may have
    /// been a stale one, and the feed need not tell them again.
    pub(super) fn take_addresses(&mut self, found: Vec<Found>) -> Result<(), Left> {
        let mut due = Vec::new();
        for (id, item) in found {
            due.extend(self.is_due(id.as_str())?.then_some((id, item.ok())));
        }
        let items = due.iter().filter_map(|(_, item)| item.as_ref());
        let changes: Vec<ItemChange> = items.clone().map(change_of).collect();
        let told =
            items.filter_map(|item| Some((item.id.as_str(), self.fresh(item.download_url.clone(), None)?)));
        let addresses: HashMap<&str, Address> = told.collect();
        let applied = apply(&mut self.ledger, &mut self.cursor, &changes)?;
        self.follow(applied, &addresses)?;
        // What is as it was when it failed. Whoever is gone or cannot be asked for fails when it is
        // fetched, with its cause.
        for (id, _) in &due {
            if self.is_due(id.as_str())? {
                self.fetch(id.as_str(), addresses.get(id.as_str()).cloned())?;
            }
        }
        Ok(())
    }
}

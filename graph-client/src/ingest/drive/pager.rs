//! Asking for pages, beside everything else.

use std::sync::mpsc::{Receiver, Sender};

use super::fetch::{Fetcher, wait};
use super::work::Event;
use crate::files::{DeltaFrom, DeltaPages};

/// What the pager is told to do.
pub(super) enum Order {
    /// Begin a round there.
    Begin(DeltaFrom),
    /// The next page of the round.
    Next,
}

/// Answers each order `Next` with one event, until nobody gives orders or the run is to end. A page
/// that is not to be had is told as the failure that it is.
pub(super) fn page(with: &Fetcher<'_, '_>, orders: &Receiver<Order>, tell: &Sender<Event>) {
    let mut round: Option<DeltaPages> = None;
    while let Ok(order) = orders.recv() {
        match order {
            Order::Begin(from) => round = Some(with.graph.delta(with.drive, from)),
            Order::Next => {
                let Some(pages) = &mut round else { continue };
                let Some(page) = wait(with.runtime, with.run, pages.next()) else { return };
                if tell.send(Event::Page(page.map(|page| page.map(Box::new)))).is_err() {
                    return;
                }
            }
        }
    }
}

//! What a client that asks for nothing in vain would have needed of a service without faults.
//!
//! Each page of users and of a delta once, each drive looked for once, each version of a content once,
//! the permissions of what is shared once in each of its states, and each change that was made. Single
//! items, children, redirects and versions are not in it: all they tell stands in the delta.

use super::handle::Reply;
use super::route::{Call, Route};
use crate::limit::Bucket;
use crate::model::item::{Item, flag};
use crate::seed::{Seed, hash_bytes};
use crate::state::SimState;
use crate::wire::ask::Ask;

/// Counts what an answer was needed for, the first time that it was had.
///
/// `whole` says that no fault kept the client from having it.
pub fn count(state: &SimState, ask: &Ask, route: &Route, reply: &Reply, price: (Bucket, u64), whole: bool) {
    if !(200..300).contains(&reply.answer.status) {
        return;
    }
    let (bucket, units) = price;
    match need(state, ask, route) {
        Need::Made => state.counters.made(bucket, units),
        Need::Had(what) if whole => state.counters.needed(bucket, what, units),
        Need::Had(_) | Need::Nothing => {}
    }
}

enum Need {
    /// A change, which is made even if nobody hears of it.
    Made,
    /// Something to be had once, as a number.
    Had(u64),
    Nothing,
}

fn need(state: &SimState, ask: &Ask, route: &Route) -> Need {
    let drive = route.drive.unwrap_or(0);
    let seed = Seed(route.call as u64).with(u64::from(drive));
    let of_item = |tag: fn(&Item) -> u32| {
        let index = route.place.item()?;
        let item = state.read_drive(drive, |found| found.item(index).copied()).flatten()?;
        Some((item, seed.with(u64::from(index)).with(u64::from(tag(&item))).0))
    };
    match route.call {
        Call::Users => Need::Had(seed.with(hash_bytes(ask.target.as_bytes())).0),
        Call::Drive => Need::Had(seed.with(route.user.map_or(u64::MAX, u64::from)).0),
        Call::Delta | Call::DeltaNext => Need::Had(super::delta::page_key(state, ask, drive)),
        Call::Download => of_item(|item| item.ctag).map_or(Need::Nothing, |(_, what)| Need::Had(what)),
        Call::Write | Call::Upload => Need::Made,
        Call::Permissions if ask.method != hyper::Method::GET => Need::Made,
        Call::Permissions => match of_item(|item| item.etag) {
            Some((item, what)) if item.has(flag::SHARED) => Need::Had(what),
            _ => Need::Nothing,
        },
        _ => Need::Nothing,
    }
}

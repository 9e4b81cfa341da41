//! The URL of an upload session: ranges in order, status, cancel, commit.

use hyper::Method;

use super::place::Place;
use super::route::{Call, Route};
use super::upload::{Session, commit, keep};
use crate::faults::Plan;
use crate::judge::ViolationKind;
use crate::model::uploads::Stored;
use crate::state::SimState;
use crate::wire::answer::{Answer, Outcome, Refusal};
use crate::wire::ask::Ask;
use crate::wire::json::Json;
use crate::wire::time;

/// All ranges but the last are multiples of this.
const STEP: u64 = 327_680;
/// Each request is smaller than this.
const REQUEST_MAX: u64 = 60 << 20;

/// First byte of the range that is sent; 0 without `Content-Range`.
pub fn range_start(ask: &Ask) -> u64 {
    parse_content_range(ask.header("content-range")).map_or(0, |(first, ..)| first)
}

/// Answers a request to a session's URL.
pub fn range(state: &SimState, ask: &Ask, route: &Route, plan: &Plan) -> Outcome {
    super::download::refuse_authorization(state, ask)?;
    let gone = || {
        Refusal::new(404, "itemNotFound", "The upload session was not found").inner("uploadSessionNotFound")
    };
    let number = route.session.ok_or_else(gone)?.number;
    let session =
        state.sessions.get(number).filter(|session| state.now_ms() < session.expires_ms).ok_or_else(gone)?;
    match ask.method {
        Method::GET => Ok(status(&session, 200)),
        Method::DELETE => {
            state.sessions.remove(number);
            Ok(Answer::empty(204))
        }
        Method::POST if session.total == Some(session.received) => finish(state, ask, plan, number, session),
        Method::PUT => put(state, ask, plan, number, session),
        _ => Err(Refusal::invalid("The method is not allowed here.")),
    }
}

fn put(state: &SimState, ask: &Ask, plan: &Plan, number: u64, mut session: Session) -> Outcome {
    let broken = |message: &str| {
        state.ledger.record(ViolationKind::BadUploadRange, state.now_ms(), "PUT upload session");
        Refusal::invalid(message)
    };
    let (first, end, total) = parse_content_range(ask.header("content-range"))
        .ok_or_else(|| broken("The Content-Range header is not valid."))?;
    let length = end - first;
    if length != ask.body.len() as u64 {
        return Err(broken("Content-Range and length differ.").inner("fragmentLengthMismatch"));
    }
    if length >= REQUEST_MAX || (end != total && length % STEP != 0) {
        return Err(broken("The fragment's size is not allowed."));
    }
    if session.total.is_some_and(|known| known != total) {
        return Err(broken("The total size changed.").inner("fragmentRowCountCheckFailed"));
    }
    if first < session.received {
        let refusal = Refusal::new(416, "invalidRange", "Uploaded fragment overlaps with existing data.");
        return Err(refusal.inner("fragmentOverlap"));
    }
    if first > session.received {
        let refusal = Refusal::new(416, "invalidRange", "The fragment is out of order.");
        return Err(refusal.inner("fragmentOutOfOrder"));
    }
    if session.total.is_none() {
        session.total = Some(total);
        session.at = state.tenant.uploads.reserve(total);
    }
    keep(state, session.at + first, &ask.body)?;
    session.hash.update(&ask.body);
    session.received = end;
    state.counters.add(|totals| totals.uploaded_bytes += length);
    if end == total && !session.defer_commit {
        return finish(state, ask, plan, number, session);
    }
    let answer = status(&session, 202);
    state.sessions.put(number, session);
    Ok(answer)
}

/// Makes the item. A name that was taken meanwhile leaves the session as it is.
fn finish(state: &SimState, ask: &Ask, plan: &Plan, number: u64, session: Session) -> Outcome {
    let stored = Stored { at: session.at, size: session.received, hash: session.hash.finish() };
    let is_new = matches!(session.target, Place::Free { .. });
    let route =
        Route { drive: Some(session.drive), place: session.target.clone(), ..Route::of(Call::UploadRange) };
    let status = if is_new { 201 } else { 200 };
    let (conflict, times) = (session.conflict, session.times);
    let outcome = commit(state, ask, &route, plan, status, stored, conflict, times);
    match &outcome {
        Ok(_) => drop(state.sessions.remove(number)),
        Err(_) => state.sessions.put(number, session),
    }
    outcome
}

fn status(session: &Session, status: u16) -> Answer {
    let mut json = Json::default();
    json.open()
        .text("expirationDateTime", &time::from_ms(session.expires_ms))
        .key("nextExpectedRanges")
        .open_list();
    if session.total != Some(session.received) {
        json.value(&format!("{}-", session.received));
    }
    json.close_list().close();
    Answer::json(status, json)
}

/// First byte, end and total of `bytes a-b/total`.
fn parse_content_range(header: &str) -> Option<(u64, u64, u64)> {
    let (range, total) = header.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last, total): (u64, u64, u64) =
        (first.parse().ok()?, last.parse().ok()?, total.parse().ok()?);
    let end = last.checked_add(1)?;
    (first < end && end <= total).then_some((first, end, total))
}

#[cfg(test)]
mod tests {
    use super::parse_content_range;

    #[test]
    fn content_ranges_are_checked() {
        assert_eq!(parse_content_range("bytes 0-25/128"), Some((0, 26, 128)));
        assert_eq!(parse_content_range("bytes 0-128/128"), None);
        assert_eq!(parse_content_range("bytes 5-4/128"), None);
        assert_eq!(parse_content_range("bytes 0-18446744073709551615/1"), None);
        assert_eq!(parse_content_range("0-1/2"), None);
    }
}

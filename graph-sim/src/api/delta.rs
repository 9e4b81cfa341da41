//! The delta feed of a drive.
//!
//! Without a token, pages walk the table as it is at the time of each page, in the order of indexes
//! shuffled within windows; the delta link carries the number of the change that was newest when the walk
//! began. So what changes during the walk is told in the next round and may have been seen already. With
//! a token, pages walk the log: each changed item once, in its latest state, after its ancestors.

use std::collections::HashSet;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::item_json::{ItemWriter, select_bits};
use super::route::Route;
use crate::faults::{PageFaults, Plan};
use crate::judge::ViolationKind;
use crate::model::drive::{Drive, ROOT};
use crate::model::item::{ChangeKind, Item, flag};
use crate::seed::{Seed, hash_bytes};
use crate::state::SimState;
use crate::wire::answer::{Answer, Outcome, Refusal};
use crate::wire::ask::{Ask, skeleton_of};
use crate::wire::json::Json;
use crate::wire::{time, token};

/// Rows that are shuffled together in a full walk.
const WINDOW: u32 = 32;
const NEXT: u64 = 0;
const DELTA: u64 = 1;
const EXCLUDE_PARENT: u64 = 1;
const SHOW_SHARING: u64 = 2;

/// What a link's token holds.
#[derive(Clone, Copy, Debug)]
struct Cursor {
    kind: u64,
    /// A walk over the table, not over the log.
    full: bool,
    since: u32,
    until: u32,
    at: u32,
    top: u32,
    select: u32,
    prefer: u64,
}

/// Whether a token is that of a next link; tokens of other forms are not.
pub fn is_next(text: &str) -> bool {
    let head = text.get(..4).and_then(|head| URL_SAFE_NO_PAD.decode(head).ok());
    head.is_some_and(|bytes| u64::from(bytes[0]) == NEXT)
}

/// Where in the feed the page begins that a link asks for, and its size: for decisions on faults.
pub fn position(state: &SimState, ask: &Ask) -> Option<(u64, u32)> {
    let sealed =
        ask.query.get("token").and_then(|text| token::unseal::<12>(state.tenant.seed(), "delta", text).ok());
    sealed.map(|fields| (fields[6], fields[7] as u32))
}

/// The page that is asked for, as a number: the same each time, for as long as a first call or a delta
/// link would be answered by the same.
pub fn page_key(state: &SimState, ask: &Ask, drive: u32) -> u64 {
    let (epoch, seq) = state.read_drive(drive, |found| (found.epoch, found.seq())).unwrap_or_default();
    let text = ask.query.get("token").unwrap_or("");
    let page = match token::unseal::<12>(state.tenant.seed(), "delta", text) {
        Ok([NEXT, full, epoch, _, since, until, at, ..]) => [NEXT, full, epoch, since, until, at],
        Ok([kind, _, epoch, _, since, ..]) => [kind, 0, epoch, since, u64::from(seq), 0],
        // A first call, or one by a word or a time.
        Err(_) => [DELTA, 1, u64::from(epoch), hash_bytes(text.as_bytes()), u64::from(seq), 0],
    };
    page.iter().fold(Seed(u64::from(drive)).named("page"), |seed, field| seed.with(*field)).0
}

/// Answers one page.
pub fn page(state: &SimState, ask: &Ask, route: &Route, plan: &Plan) -> Outcome {
    let drive_number = route.drive.unwrap_or(0);
    let whole_drive = route.place.item() == Some(ROOT);
    if !whole_drive {
        return Err(Refusal::new(
            400,
            "notSupported",
            "Parameter 'DeltaToken' not supported for this request.",
        ));
    }
    let answer = state.read_drive(drive_number, |drive| {
        let cursor = start(state, ask, drive)?;
        let sealed =
            ask.query.get("token").is_some_and(|text| text != "latest" && time::parse_ms(text).is_none());
        if let Some((upload, location)) = plan.gone.filter(|_| sealed) {
            return Err(super::handle::gone(ask, &state.drive_id(drive.index), upload, location));
        }
        Ok(write_page(state, ask, drive, cursor, plan))
    });
    answer.unwrap_or_else(|| Err(Refusal::not_found()))
}

/// Reads the token, or begins a new round.
fn start(state: &SimState, ask: &Ask, drive: &Drive) -> Result<Cursor, Refusal> {
    let wire = &state.config.wire;
    let prefers = |wish, bit| if ask.prefers(wish) { bit } else { 0 };
    let fresh = Cursor {
        kind: DELTA,
        full: true,
        since: drive.seq(),
        until: drive.seq(),
        at: 0,
        top: ask.query.top().unwrap_or(wire.page_default).clamp(1, wire.page_max),
        select: select_bits(ask.query.get("select")),
        prefer: prefers("deltaExcludeParent", EXCLUDE_PARENT)
            | prefers("deltashowsharingchanges", SHOW_SHARING),
    };
    let Some(text) = ask.query.get("token").filter(|text| !text.is_empty()) else { return Ok(fresh) };
    if text.eq_ignore_ascii_case("latest") {
        return Ok(Cursor { full: false, at: fresh.until, ..fresh });
    }
    if let Some(at_ms) = time::parse_ms(text) {
        let since = drive.seq_at(at_ms);
        return Ok(Cursor { full: false, since, at: since, ..fresh });
    }
    let fields = token::unseal::<12>(state.tenant.seed(), "delta", text);
    let Ok([kind, full, epoch, number, since, until, at, top, select, prefer, link, issued_s]) = fields
    else {
        state.ledger.record(ViolationKind::AlteredLink, state.now_ms(), "a token that was not given");
        return Err(Refusal::invalid("The provided token is malformed."));
    };
    if link != hash_bytes(ask.skeleton().as_bytes()) {
        state.ledger.record(ViolationKind::AlteredLink, state.now_ms(), "a link with other options or path");
    }
    let age_s = (state.now_ms() / 1000) as u64 - issued_s.min((state.now_ms() / 1000) as u64);
    if number != u64::from(drive.index)
        || epoch != u64::from(drive.epoch)
        || age_s > wire.delta_token_lifetime_s
    {
        return Err(super::handle::gone(
            ask,
            &state.drive_id(drive.index),
            false,
            crate::faults::LocationForm::Fresh,
        ));
    }
    let (since, at, top) = (since as u32, at as u32, top as u32);
    if kind == DELTA {
        let prefer = prefer | fresh.prefer;
        return Ok(Cursor { full: false, since, at: since, top, select: select as u32, prefer, ..fresh });
    }
    Ok(Cursor { kind, full: full == 1, since, until: until as u32, at, top, select: select as u32, prefer })
}

/// One line of a page.
enum Line {
    Latest(u32),
    Older(u32, Item),
    Ghost,
}

fn write_page(state: &SimState, ask: &Ask, drive: &Drive, cursor: Cursor, plan: &Plan) -> Answer {
    let faults = plan.page;
    let back = if faults.duplicate_across && cursor.kind == NEXT { 5 } else { 0 };
    let (mut lines, next) = if faults.empty {
        (Vec::new(), Some(cursor.at))
    } else if cursor.full {
        walk_table(drive, cursor.at.saturating_sub(back), cursor.top, state.config.wire.ordered_feed)
    } else {
        walk_log(drive, &cursor, back)
    };
    disturb(drive, faults, &mut lines);
    let mut json = Json::with_capacity(lines.len() * 1200 + 500);
    json.open().plain("@odata.context", &[&ask.link("/$metadata#Collection(driveItem)")]);
    json.key("value").open_list();
    let mut writer = ItemWriter::new(state, drive, cursor.select, true);
    (writer.faults, writer.lies) = (faults, plan.lies);
    for line in &lines {
        match line {
            Line::Latest(index)
                if cursor.prefer & SHOW_SHARING != 0 && shared_since(drive, *index, &cursor) =>
            {
                writer.write_shared(*index, &mut json);
            }
            Line::Latest(index) => writer.write(*index, &mut json),
            Line::Older(index, item) => writer.write_state(*index, item, &mut json),
            Line::Ghost => writer.write_ghost(cursor.at, &mut json),
        }
    }
    json.close_list();
    match next {
        Some(at) => {
            let at = if faults.repeated_link && cursor.kind == NEXT { cursor.at } else { at };
            let link = link(state, ask, drive, &Cursor { kind: NEXT, at, ..cursor }, faults);
            json.text("@odata.nextLink", &link);
        }
        None => {
            let since = if cursor.full { cursor.since } else { cursor.until };
            let link = link(state, ask, drive, &Cursor { kind: DELTA, since, at: 0, ..cursor }, faults);
            json.text("@odata.deltaLink", &link);
        }
    }
    json.close();
    Answer::json(200, json)
}

/// Items from a place of the shuffled table on; answers where the next page begins.
fn walk_table(drive: &Drive, from: u32, top: u32, ordered: bool) -> (Vec<Line>, Option<u32>) {
    let rows = drive.rows();
    let end = 1 + (rows - 1).div_ceil(WINDOW) * WINDOW;
    let mut lines = Vec::with_capacity(top as usize);
    let mut order = (u32::MAX, [0; WINDOW as usize]);
    for place in from..end {
        if lines.len() == top as usize {
            return (lines, Some(place));
        }
        let index = if place == 0 || ordered {
            place
        } else {
            let window = (place - 1) / WINDOW;
            if order.0 != window {
                order = (window, shuffled(drive, window));
            }
            1 + window * WINDOW + order.1[((place - 1) % WINDOW) as usize]
        };
        if drive.item(index).is_some() {
            lines.push(Line::Latest(index));
        }
    }
    (lines, None)
}

/// The order of a window: mostly ascending, every fourth place swapped with another.
fn shuffled(drive: &Drive, window: u32) -> [u32; WINDOW as usize] {
    let mut order = std::array::from_fn(|place| place as u32);
    let seed = drive.seed.named("window").with(u64::from(drive.index)).with(u64::from(window));
    for place in (0..WINDOW as usize).step_by(4) {
        order.swap(place, seed.with(place as u64).below(u64::from(WINDOW)) as usize);
    }
    order
}

/// Changed items and their ancestors, from a place of the log on.
fn walk_log(drive: &Drive, cursor: &Cursor, back: u32) -> (Vec<Line>, Option<u32>) {
    let mut lines = Vec::new();
    let mut told = HashSet::new();
    let from = cursor.at.saturating_sub(back).max(cursor.since);
    for at in from..cursor.until {
        if lines.len() >= cursor.top as usize {
            return (lines, Some(at));
        }
        let change = drive.log()[at as usize];
        // Each item once, where it first appears after `since`; what it shows is its latest state.
        if change.previous > cursor.since || change.silent {
            continue;
        }
        if cursor.prefer & EXCLUDE_PARENT == 0 && drive.item(change.item).is_some() {
            let above = drive.ancestors(change.item);
            lines.extend(
                above.iter().rev().filter(|above| told.insert(**above)).map(|above| Line::Latest(*above)),
            );
        }
        if told.insert(change.item) {
            lines.push(Line::Latest(change.item));
        }
    }
    (lines, None)
}

fn disturb(drive: &Drive, faults: PageFaults, lines: &mut Vec<Line>) {
    if faults.ancestors {
        let mut above = HashSet::new();
        for line in lines.iter() {
            if let Line::Latest(index) = line
                && drive.item(*index).is_some()
            {
                above.extend(drive.ancestors(*index));
            }
        }
        let mut above: Vec<u32> = above.into_iter().collect();
        above.sort_unstable();
        lines.extend(above.into_iter().take(50).map(Line::Latest));
    }
    if faults.child_first {
        lines.reverse();
    }
    if faults.duplicate_in_page {
        let mut doubled = Vec::with_capacity(lines.len() * 2);
        for (place, line) in lines.drain(..).enumerate() {
            if let Line::Latest(index) = line
                && place % 5 == 0
            {
                doubled.push(older(drive, index));
            }
            doubled.push(line);
        }
        *lines = doubled;
    }
    if faults.ghost {
        lines.push(Line::Ghost);
    }
}

/// What an item was before its last change, if it was there; else what it is.
fn older(drive: &Drive, index: u32) -> Line {
    let last = drive.row(index).map_or(0, |item| item.last_seq);
    match drive.log().get((last as usize).wrapping_sub(1)).and_then(|change| change.before) {
        Some(before) if !before.has(flag::DELETED) => Line::Older(index, before),
        _ => Line::Latest(index),
    }
}

fn shared_since(drive: &Drive, index: u32, cursor: &Cursor) -> bool {
    let mut at = drive.row(index).map_or(0, |item| item.last_seq);
    while at > cursor.since && !cursor.full {
        let change = &drive.log()[at as usize - 1];
        if change.what == ChangeKind::Share {
            return true;
        }
        at = change.previous;
    }
    false
}

fn link(state: &SimState, ask: &Ask, drive: &Drive, cursor: &Cursor, faults: PageFaults) -> String {
    let id = state.drive_id(drive.index);
    let (before, after) = if faults.parentheses {
        let root = drive.id(ROOT);
        (format!("{}/drives('{id}')/items('{root}')/microsoft.graph.delta(token='", ask.prefix), "')")
    } else {
        (format!("{}/drives/{id}/root/delta?token=", ask.prefix), "")
    };
    let mark = hash_bytes(skeleton_of(&format!("{before}{after}")).as_bytes());
    let fields = [
        cursor.kind,
        u64::from(cursor.full && cursor.kind == NEXT),
        u64::from(drive.epoch),
        u64::from(drive.index),
        u64::from(cursor.since),
        u64::from(cursor.until),
        u64::from(cursor.at),
        u64::from(cursor.top),
        u64::from(cursor.select),
        cursor.prefer,
        mark,
        (state.now_ms() / 1000) as u64,
    ];
    format!("{}{before}{}{after}", ask.origin, token::seal(state.tenant.seed(), "delta", &fields))
}

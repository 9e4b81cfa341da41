//! One item, and the children of a folder in pages.

use super::item_json::{ItemWriter, select_bits};
use super::route::Route;
use crate::faults::Plan;
use crate::judge::ViolationKind;
use crate::model::drive::Drive;
use crate::state::SimState;
use crate::wire::answer::{Answer, Outcome, Refusal};
use crate::wire::ask::Ask;
use crate::wire::json::Json;
use crate::wire::token;

/// Answers a driveItem.
pub fn item(state: &SimState, ask: &Ask, route: &Route, plan: &Plan) -> Outcome {
    with_item(state, route, |drive, index| {
        let tag = ask.header("if-none-match");
        if !tag.is_empty() && drive.item(index).is_some_and(|item| tag.contains(&format!(",{}\"", item.etag)))
        {
            return Ok(Answer::empty(304));
        }
        Ok(one(state, drive, index, ask, plan, 200))
    })
}

/// The answer that consists of one item.
pub fn one(state: &SimState, drive: &Drive, index: u32, ask: &Ask, plan: &Plan, status: u16) -> Answer {
    let mut writer = ItemWriter::new(state, drive, select_bits(ask.query.get("select")), false);
    (writer.faults, writer.lies) = (plan.page, plan.lies);
    let mut json = Json::with_capacity(1500);
    writer.write(index, &mut json);
    Answer::json(status, json)
}

/// Looks at the item of a route.
pub fn with_item(state: &SimState, route: &Route, look: impl FnOnce(&Drive, u32) -> Outcome) -> Outcome {
    let (Some(drive), Some(index)) = (route.drive, route.place.item()) else {
        return Err(Refusal::not_found());
    };
    state.read_drive(drive, |found| look(found, index)).unwrap_or_else(|| Err(Refusal::not_found()))
}

/// The child after which a page begins: for decisions on faults.
pub fn position(state: &SimState, ask: &Ask) -> u64 {
    let sealed =
        ask.query.get("skiptoken").and_then(|text| token::unseal(state.tenant.seed(), "children", text).ok());
    sealed.map_or(0, |[after, _, _]: [u64; 3]| after)
}

/// Answers a page of children.
pub fn page(state: &SimState, ask: &Ask, route: &Route, plan: &Plan) -> Outcome {
    let wire = &state.config.wire;
    let (mut after, mut top) = (0, ask.query.top().unwrap_or(wire.page_default).clamp(1, wire.page_max));
    let mut select = select_bits(ask.query.get("select"));
    if let Some(text) = ask.query.get("skiptoken") {
        let Ok(fields) = token::unseal::<3>(state.tenant.seed(), "children", text) else {
            state.ledger.record(ViolationKind::AlteredLink, state.now_ms(), "a skiptoken that was not given");
            return Err(Refusal::invalid("The provided skiptoken is malformed."));
        };
        [after, top, select] = fields.map(|field| field as u32);
    }
    with_item(state, route, |drive, parent| {
        let all = drive.children(parent);
        let start = if after == 0 { 0 } else { all.partition_point(|child| *child <= after) };
        let shown = &all[start..all.len().min(start + top as usize)];
        let mut json = Json::with_capacity(shown.len() * 1300 + 500);
        json.open().plain("@odata.context", &[&ask.link("/$metadata#Collection(driveItem)")]);
        if ask.query.get("count").is_some_and(|count| count == "true") {
            json.number("@odata.count", all.len() as u64);
        }
        json.key("value").open_list();
        let mut writer = ItemWriter::new(state, drive, select, false);
        (writer.faults, writer.lies) = (plan.page, plan.lies);
        shown.iter().for_each(|child| writer.write(*child, &mut json));
        json.close_list();
        if let Some(last) = shown.last().filter(|_| start + shown.len() < all.len()) {
            let fields = [*last, top, select].map(u64::from);
            let skip = token::seal(state.tenant.seed(), "children", &fields);
            let path = format!(
                "/drives/{}/items/{}/children?$skiptoken={skip}",
                state.drive_id(drive.index),
                drive.id(parent)
            );
            json.text("@odata.nextLink", &ask.link(&path));
        }
        json.close();
        Ok(Answer::json(200, json))
    })
}

//! The list of a file's versions.

use super::children::with_item;
use super::route::Route;
use crate::model::item::Item;
use crate::state::SimState;
use crate::wire::answer::{Answer, Outcome, Refusal};
use crate::wire::ask::Ask;
use crate::wire::json::Json;

/// Answers the versions, newest first. Their contents are not served.
pub fn versions(state: &SimState, ask: &Ask, route: &Route) -> Outcome {
    if route.rest.len() > 1 {
        return Err(Refusal::new(404, "itemNotFound", "The content of versions is not kept."));
    }
    with_item(state, route, |drive, index| {
        let Some(item) = drive.item(index).filter(|item| item.is_file()) else {
            return Err(Refusal::invalid("The item is not a file."));
        };
        let user = &state.tenant.users()[drive.index as usize];
        let mut json = Json::default();
        json.open().plain("@odata.context", &[&ask.link("/$metadata#versions")]).key("value").open_list();
        let mut next = Some(*item);
        let mut last_written = 0;
        while let Some(version) = next {
            // States that share a cTag differ in metadata only.
            if version.ctag != last_written {
                last_written = version.ctag;
                json.open()
                    .text("id", &format!("{}.0", version.ctag))
                    .time("lastModifiedDateTime", version.modified);
                json.number("size", version.size).key("lastModifiedBy").open().key("user").open();
                json.text("displayName", &user.display_name).text("id", &user.id).close().close().close();
            }
            next = before(drive.log(), &version);
        }
        json.close_list().close();
        Ok(Answer::json(200, json))
    })
}

fn before(log: &[crate::model::item::Change], version: &Item) -> Option<Item> {
    log.get((version.last_seq as usize).checked_sub(1)?)?.before
}

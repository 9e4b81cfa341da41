//! Creating folders, changing and deleting items.

use hyper::Method;
use serde::Deserialize;

use super::place::Place;
use super::route::Route;
use crate::faults::Plan;
use crate::model::edit::{Conflict, EditError, Patch};
use crate::state::SimState;
use crate::wire::answer::{Answer, Outcome, Refusal};
use crate::wire::ask::Ask;
use crate::wire::time;

/// What a client may send of a driveItem.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ItemBody {
    pub name: Option<String>,
    pub folder: Option<serde::de::IgnoredAny>,
    pub parent_reference: Option<ParentBody>,
    pub file_system_info: Option<TimesBody>,
    #[serde(rename = "@microsoft.graph.conflictBehavior", alias = "@name.conflictBehavior")]
    pub conflict: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ParentBody {
    pub id: Option<String>,
    pub drive_id: Option<String>,
    pub path: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TimesBody {
    pub created_date_time: Option<String>,
    pub last_modified_date_time: Option<String>,
}

impl TimesBody {
    /// Seconds since 1970 of both; times that cannot be read are refused.
    pub fn seconds(&self) -> Result<(Option<u32>, Option<u32>), Refusal> {
        let read = |text: &Option<String>| match text {
            None => Ok(None),
            Some(text) => time::parse_ms(text)
                .and_then(|at_ms| u32::try_from(at_ms / 1000).ok())
                .map(Some)
                .ok_or_else(|| Refusal::invalid("The date is not valid.")),
        };
        Ok((read(&self.created_date_time)?, read(&self.last_modified_date_time)?))
    }
}

/// Answers POST children, PATCH and DELETE.
pub fn write(state: &SimState, ask: &Ask, route: &Route, plan: &Plan) -> Outcome {
    match ask.method {
        Method::POST => create_folder(state, ask, route, plan),
        Method::PATCH => update(state, ask, route, plan),
        _ => delete(state, ask, route),
    }
}

fn create_folder(state: &SimState, ask: &Ask, route: &Route, plan: &Plan) -> Outcome {
    let body: ItemBody = parse(ask)?;
    let name = body.name.as_deref().ok_or_else(|| Refusal::invalid("The name is missing."))?;
    if body.folder.is_none() {
        return Err(Refusal::invalid("Only folders can be created here."));
    }
    let conflict = conflict_of(ask, body.conflict.as_deref(), Conflict::Fail)?;
    let parent = route.place.item().ok_or_else(Refusal::not_found)?;
    let times = body.file_system_info.unwrap_or_default().seconds()?;
    changed(state, ask, route, plan, 201, |drive, now_ms| {
        let before = drive.rows();
        let index = drive.create_folder(parent, name, conflict, now_ms)?;
        if drive.rows() > before && times != (None, None) {
            set_times(drive, index, times, now_ms)?;
        }
        Ok(index)
    })
}

/// Sets the client's times of an item.
pub fn set_times(
    drive: &mut crate::model::drive::Drive,
    index: u32,
    (created, modified): (Option<u32>, Option<u32>),
    now_ms: i64,
) -> Result<(), EditError> {
    drive.update(index, &Patch { created, modified, ..Patch::default() }, Conflict::Fail, now_ms)
}

fn update(state: &SimState, ask: &Ask, route: &Route, plan: &Plan) -> Outcome {
    let body: ItemBody = parse(ask)?;
    let index = route.place.item().ok_or_else(Refusal::not_found)?;
    check_match(state, ask, route, index)?;
    let conflict = conflict_of(ask, body.conflict.as_deref(), Conflict::Fail)?;
    let (created, modified) = body.file_system_info.unwrap_or_default().seconds()?;
    let parent = match &body.parent_reference {
        None => None,
        Some(wanted) => Some(parent_of(state, route, wanted)?),
    };
    let patch = Patch { name: body.name, parent, created, modified };
    changed(state, ask, route, plan, 200, |drive, now_ms| {
        drive.update(index, &patch, conflict, now_ms).map(|()| index)
    })
}

fn parent_of(state: &SimState, route: &Route, wanted: &ParentBody) -> Result<u32, Refusal> {
    let drive = route.drive.unwrap_or(0);
    if wanted.drive_id.as_ref().is_some_and(|id| *id != state.drive_id(drive)) {
        return Err(Refusal::new(501, "notSupported", "Moving between drives is not supported here."));
    }
    if let Some(id) = &wanted.id {
        return state.read_drive(drive, |found| found.find(id)).flatten().ok_or_else(Refusal::not_found);
    }
    let path = wanted.path.as_deref().and_then(|path| path.split_once("root:")).map(|(_, path)| path);
    let path = path.ok_or_else(|| Refusal::invalid("The parent is not given."))?;
    let mut segments = vec!["root:".to_string()];
    segments.extend(path.split('/').filter(|name| !name.is_empty()).map(crate::wire::ask::decode));
    match super::place::find(state, drive, &segments).0 {
        Place::Item(index) => Ok(index),
        _ => Err(Refusal::not_found()),
    }
}

fn delete(state: &SimState, ask: &Ask, route: &Route) -> Outcome {
    let index = route.place.item().ok_or_else(Refusal::not_found)?;
    check_match(state, ask, route, index)?;
    let tell = crate::seed::Seed(u64::from(index)).chance(state.config.wire.tell_descendants);
    let now_ms = state.now_ms();
    let deleted = state.change_drive(route.drive.unwrap_or(0), |drive| drive.delete(index, tell, now_ms));
    deleted.unwrap_or(Err(EditError::NotFound)).map_err(refusal)?;
    Ok(Answer::empty(204))
}

/// Holds `If-Match` against the item's eTag.
pub fn check_match(state: &SimState, ask: &Ask, route: &Route, index: u32) -> Result<(), Refusal> {
    let wanted = ask.header("if-match");
    let drive = route.drive.unwrap_or(0);
    let etag = state.read_drive(drive, |found| found.item(index).map_or(0, |item| item.etag)).unwrap_or(0);
    if wanted.is_empty() || wanted == "*" || wanted.trim_end_matches('"').ends_with(&format!("}},{etag}")) {
        return Ok(());
    }
    Err(Refusal::new(412, "resourceModified", "ETag does not match current item's value")
        .inner("entityTagDoesNotMatch"))
}

/// Does a change and answers with the item as it then is.
pub fn changed(
    state: &SimState,
    ask: &Ask,
    route: &Route,
    plan: &Plan,
    status: u16,
    change: impl FnOnce(&mut crate::model::drive::Drive, i64) -> Result<u32, EditError>,
) -> Outcome {
    let now_ms = state.now_ms();
    let done = state.change_drive(route.drive.unwrap_or(0), |drive| {
        let index = change(drive, now_ms).map_err(refusal)?;
        Ok(super::children::one(state, drive, index, ask, plan, status))
    });
    done.unwrap_or_else(|| Err(Refusal::not_found()))
}

/// What is to be done when a name is taken: told in the body, or as a parameter of the URL.
pub fn conflict_of(ask: &Ask, body: Option<&str>, default: Conflict) -> Result<Conflict, Refusal> {
    let word = ask
        .query
        .get("@microsoft.graph.conflictBehavior")
        .or(ask.query.get("@name.conflictBehavior"))
        .or(body);
    match word {
        None => Ok(default),
        Some(word) => {
            Conflict::parse(word).ok_or_else(|| Refusal::invalid("The conflict behavior is not known."))
        }
    }
}

/// The JSON of a request; an empty body is an empty object.
pub fn parse<T: serde::de::DeserializeOwned + Default>(ask: &Ask) -> Result<T, Refusal> {
    if ask.body.is_empty() {
        return Ok(T::default());
    }
    serde_json::from_slice(&ask.body)
        .map_err(|_| Refusal::new(400, "BadRequest", "Unable to read JSON request payload."))
}

/// A refused change in Graph's form.
pub fn refusal(error: EditError) -> Refusal {
    match error {
        EditError::NotFound => Refusal::not_found(),
        EditError::Exists => Refusal::new(409, "nameAlreadyExists", error.to_string()),
        EditError::BadName(_) | EditError::Invalid(_) => Refusal::invalid(error.to_string()),
    }
}

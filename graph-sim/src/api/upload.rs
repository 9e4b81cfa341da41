//! Uploads in one request, and the opening of sessions.

use std::collections::HashMap;

use hyper::Method;
use parking_lot::Mutex;
use serde::Deserialize;

use super::place::Place;
use super::route::Route;
use super::write::{ItemBody, changed, check_match, conflict_of, parse, set_times};
use crate::faults::Plan;
use crate::model::drive::Content;
use crate::model::edit::Conflict;
use crate::model::quickxor::{self, QuickXor};
use crate::model::uploads::Stored;
use crate::state::SimState;
use crate::wire::answer::{Answer, Outcome, Refusal};
use crate::wire::ask::Ask;
use crate::wire::json::Json;
use crate::wire::{time, token};

/// Bytes that one PUT may carry.
const SIMPLE_MAX: usize = 250 << 20;
const SESSION_LIFETIME_MS: i64 = 7 * 86_400_000;

/// The sessions that are open, by number.
#[derive(Default)]
pub struct UploadSessions {
    open: Mutex<HashMap<u64, Session>>,
    last: Mutex<u64>,
}

/// An upload in the making.
#[derive(Clone)]
pub struct Session {
    pub drive: u32,
    pub target: Place,
    pub conflict: Conflict,
    /// Seconds of creation and modification, as the client wants them.
    pub times: (Option<u32>, Option<u32>),
    pub expires_ms: i64,
    /// The item is only made when the client asks for it by an empty POST.
    pub defer_commit: bool,
    /// Known from the first range on.
    pub total: Option<u64>,
    /// Where its bytes are kept.
    pub at: u64,
    pub received: u64,
    pub hash: QuickXor,
}

/// What a session's URL says of it, also when it is gone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SessionName {
    pub number: u64,
    pub drive: u32,
    /// [`Place::key`] of its target when it was opened.
    pub target: u64,
}

impl SessionName {
    fn seal(self, state: &SimState) -> String {
        let fields = [self.number, u64::from(self.drive), self.target];
        token::seal(state.tenant.seed(), "upload", &fields)
    }

    /// The session that the URL of a request names, if its seal is whole.
    pub fn of(state: &SimState, ask: &Ask) -> Option<SessionName> {
        let text = ask.query.get("tempauth")?.strip_prefix("v1.")?;
        let [number, drive, target] = token::unseal(state.tenant.seed(), "upload", text).ok()?;
        Some(SessionName { number, drive: u32::try_from(drive).ok()?, target })
    }
}

impl UploadSessions {
    fn add(&self, session: Session) -> u64 {
        let mut last = self.last.lock();
        *last += 1;
        self.open.lock().insert(*last, session);
        *last
    }

    pub fn get(&self, number: u64) -> Option<Session> {
        self.open.lock().get(&number).cloned()
    }

    pub fn put(&self, number: u64, session: Session) {
        self.open.lock().insert(number, session);
    }

    pub fn remove(&self, number: u64) -> Option<Session> {
        self.open.lock().remove(&number)
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SessionBody {
    item: ItemBody,
    #[serde(rename = "deferCommit")]
    defer_commit: bool,
}

/// Answers PUT content and POST createUploadSession.
pub fn upload(state: &SimState, ask: &Ask, route: &Route, plan: &Plan) -> Outcome {
    if let Place::Item(index) = route.place {
        check_match(state, ask, route, index)?;
    }
    if ask.method == Method::PUT { simple(state, ask, route, plan) } else { open(state, ask, route) }
}

fn simple(state: &SimState, ask: &Ask, route: &Route, plan: &Plan) -> Outcome {
    if ask.body.len() > SIMPLE_MAX {
        return Err(Refusal::new(
            413,
            "requestEntityTooLarge",
            "The request is too large; use an upload session.",
        ));
    }
    let conflict = conflict_of(ask, None, Conflict::Replace)?;
    let at = state.tenant.uploads.reserve(ask.body.len() as u64);
    keep(state, at, &ask.body)?;
    state.counters.add(|totals| totals.uploaded_bytes += ask.body.len() as u64);
    let stored = Stored { at, size: ask.body.len() as u64, hash: quickxor::hash(&ask.body) };
    let is_new = matches!(route.place, Place::Free { .. });
    commit(state, ask, route, plan, if is_new { 201 } else { 200 }, stored, conflict, (None, None))
}

fn open(state: &SimState, ask: &Ask, route: &Route) -> Outcome {
    let body: SessionBody = parse(ask)?;
    let conflict = conflict_of(ask, body.item.conflict.as_deref(), Conflict::Replace)?;
    let times =
        body.item.file_system_info.as_ref().map_or(Ok((None, None)), super::write::TimesBody::seconds)?;
    let target = match (&route.place, body.item.name) {
        // A name in the body stands for the one in the path.
        (Place::Free { parent, .. }, Some(name)) => Place::Free { parent: *parent, name },
        (place, _) => place.clone(),
    };
    match (&target, conflict) {
        (Place::Nowhere, _) => return Err(Refusal::not_found()),
        (Place::Item(_), Conflict::Fail) => {
            return Err(Refusal::new(
                409,
                "nameAlreadyExists",
                "An item with the same name already exists under the parent.",
            ));
        }
        _ => {}
    }
    let now_ms = state.now_ms();
    let session = Session {
        drive: route.drive.unwrap_or(0),
        target,
        conflict,
        times,
        expires_ms: now_ms + SESSION_LIFETIME_MS,
        defer_commit: body.defer_commit,
        total: None,
        at: 0,
        received: 0,
        hash: QuickXor::default(),
    };
    let expires = time::from_ms(session.expires_ms);
    let (drive, target) = (session.drive, session.target.key());
    let number = state.sessions.add(session);
    let seal = SessionName { number, drive, target }.seal(state);
    let origin = state.content_origin.get().map_or("", String::as_str);
    let mut json = Json::default();
    json.open().plain("@odata.context", &[&ask.link("/$metadata#microsoft.graph.uploadSession")]);
    json.text("expirationDateTime", &expires).key("nextExpectedRanges").open_list().value("0-").close_list();
    json.plain(
        "uploadUrl",
        &[origin, "/personal/_api/v2.0/uploadSession?guid=", &number.to_string(), "&tempauth=v1.", &seal],
    );
    json.close();
    Ok(Answer::json(200, json))
}

/// Writes uploaded bytes to their place.
pub fn keep(state: &SimState, at: u64, bytes: &[u8]) -> Result<(), Refusal> {
    let kept = state.tenant.uploads.write(at, bytes);
    kept.map_err(|_| Refusal::new(507, "quotaLimitReached", "There is no room for the upload."))
}

/// Makes the item of an upload whose bytes are all there.
#[expect(clippy::too_many_arguments, reason = "both kinds of uploads end here, with all that they know")]
pub fn commit(
    state: &SimState,
    ask: &Ask,
    route: &Route,
    plan: &Plan,
    status: u16,
    stored: Stored,
    conflict: Conflict,
    times: (Option<u32>, Option<u32>),
) -> Outcome {
    let place = route.place.clone();
    changed(state, ask, route, plan, status, |drive, now_ms| {
        let content = Content::Stored(stored);
        let index = match place {
            Place::Nowhere => return Err(crate::model::edit::EditError::NotFound),
            Place::Free { parent, name } => drive.put_file(parent, &name, content, conflict, now_ms)?.0,
            Place::Item(index) if conflict == Conflict::Replace => {
                drive.edit(index, content, now_ms)?;
                index
            }
            Place::Item(index) => {
                let item = *drive.item(index).ok_or(crate::model::edit::EditError::NotFound)?;
                let name = drive.name(index, &item);
                drive.put_file(item.parent, &name, content, conflict, now_ms)?.0
            }
        };
        if times != (None, None) {
            set_times(drive, index, times, now_ms)?;
        }
        Ok(index)
    })
}

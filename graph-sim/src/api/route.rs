//! Which call a request is, and what it is about.

use hyper::Method;
use serde::{Deserialize, Serialize};

use super::place::Place;
use super::upload::SessionName;
use crate::limit::Bucket;
use crate::seed::{Seed, hash_bytes};
use crate::state::SimState;
use crate::wire::answer::Refusal;
use crate::wire::ask::{Ask, Port};

/// The kinds of calls that faults, prices and counters tell apart.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    Token,
    DeviceCode,
    /// Discovery, and all else on the sign-in host.
    Login,
    /// The list of users, and one user.
    Users,
    /// A user's drive or drives, a drive.
    Drive,
    Item,
    Children,
    /// A first call, or one with a delta link.
    Delta,
    /// A call with a next link.
    DeltaNext,
    /// `/content`, answered by a redirect.
    Content,
    /// A pre-authenticated URL.
    Download,
    Versions,
    Permissions,
    /// Create, change, delete.
    Write,
    /// A simple upload, or the opening of a session.
    Upload,
    /// A request to a session's URL.
    UploadRange,
    Batch,
    Unknown,
    /// Below `/__sim`.
    Control,
}

impl Call {
    /// The bucket it belongs to, and its resource units.
    pub fn price(self, ask: &Ask, route: &Route) -> Option<(Bucket, u64)> {
        let has = |option: &str| ask.query.get(option).is_some();
        Some(match self {
            Call::Token | Call::DeviceCode => (Bucket::Login, 1),
            Call::Users => {
                let small = ask.query.top().is_some_and(|top| top < 20);
                let units = 2 + u64::from(has("expand")) - u64::from(has("select")) - u64::from(small);
                (Bucket::Directory, units.max(1))
            }
            Call::Permissions => (Bucket::SharePoint, 5),
            _ if has("expand")
                && ask.query.get("expand").is_some_and(|what| what.contains("permissions")) =>
            {
                (Bucket::SharePoint, 5)
            }
            Call::Item | Call::Content | Call::Download | Call::DeltaNext => (Bucket::SharePoint, 1),
            Call::Delta if has("token") => (Bucket::SharePoint, 1),
            // What a range costs is not documented; a session is paid for when it is opened.
            Call::UploadRange => (Bucket::SharePoint, 0),
            Call::Drive | Call::Children | Call::Delta | Call::Versions | Call::Write | Call::Upload => {
                (Bucket::SharePoint, 2)
            }
            Call::Unknown if route.drive.is_some() => (Bucket::SharePoint, 1),
            Call::Login | Call::Batch | Call::Unknown | Call::Control => return None,
        })
    }

    /// Whether Graph answers it, so that it needs a token and decoration.
    pub fn is_graph(self) -> bool {
        !matches!(
            self,
            Call::Token | Call::DeviceCode | Call::Login | Call::Download | Call::UploadRange | Call::Control
        )
    }
}

/// What a request is about.
#[derive(Clone, Debug)]
pub struct Route {
    pub call: Call,
    pub user: Option<u32>,
    pub drive: Option<u32>,
    pub place: Place,
    /// The session that an upload's URL names, whether it is open or gone.
    pub session: Option<SessionName>,
    /// The segments after the item.
    pub rest: Vec<String>,
    /// Set when the user or drive is not there.
    pub refusal: Option<Refusal>,
}

impl Route {
    pub fn of(call: Call) -> Self {
        Route {
            call,
            user: None,
            drive: None,
            place: Place::Nowhere,
            session: None,
            rest: Vec::new(),
            refusal: None,
        }
    }

    /// The request without its tokens, as a number. `position` tells pages and ranges apart.
    ///
    /// It is the same whatever came before: sessions count by their target, not by their number.
    pub fn key(&self, ask: &Ask, position: u64) -> u64 {
        let place = self.session.map_or_else(|| self.place.key(), |session| session.target);
        let seed = Seed(self.call as u64).named(ask.method.as_str()).named(&self.rest.join("/"));
        let owner = u64::from(self.drive.map_or(u32::MAX, |drive| drive)) << 32
            | u64::from(self.user.map_or(u32::MAX, |user| user));
        seed.with(owner).with(place).with(position).0
    }

    /// Who comes with this request, by its `key`: what one caller was told is no news to another. Two
    /// sessions of one target are two, and so are two things that are made in one folder, which differ
    /// in the body alone.
    pub fn caller(&self, ask: &Ask, key: u64) -> u64 {
        match (self.session, self.call) {
            (Some(session), _) => Seed(key).with(session.number).0,
            (None, Call::Write | Call::Permissions) => Seed(key).with(hash_bytes(&ask.body)).0,
            _ => key,
        }
    }
}

/// Finds out which call a request is.
pub fn route(state: &SimState, ask: &Ask) -> Route {
    if ask.port == Port::Content {
        return content_route(state, ask);
    }
    let segments: Vec<&str> = ask.segments.iter().map(String::as_str).collect();
    if ask.prefix.is_empty() {
        return login_route(&segments);
    }
    let folded: Vec<String> = segments.iter().map(|segment| segment.to_ascii_lowercase()).collect();
    let folded: Vec<&str> = folded.iter().map(String::as_str).collect();
    match folded.as_slice() {
        ["$batch"] => Route::of(Call::Batch),
        ["users"] | ["users", "$count"] => Route::of(Call::Users),
        ["users", _, rest @ ..] => user_route(state, ask, segments[1], rest),
        ["drives", _, ..] => match state.tenant.find_drive(segments[1]) {
            Some(drive) => drive_route(state, ask, drive, 2, None),
            None => Route { refusal: Some(Refusal::not_found()), ..Route::of(Call::Drive) },
        },
        _ => Route { rest: ask.segments.clone(), ..Route::of(Call::Unknown) },
    }
}

fn login_route(segments: &[&str]) -> Route {
    match segments {
        ["__sim", ..] => Route::of(Call::Control),
        [_, "oauth2", "v2.0", "token"] | [_, "oauth2", "token"] => Route::of(Call::Token),
        [_, "oauth2", "v2.0", "devicecode"] => Route::of(Call::DeviceCode),
        [] | [_] | [_, "v2.0", ".well-known", "openid-configuration"] | ["common", ..] => {
            Route::of(Call::Login)
        }
        _ => Route::of(Call::Unknown),
    }
}

fn content_route(state: &SimState, ask: &Ask) -> Route {
    match ask.segments.last().map(String::as_str) {
        Some("download.aspx") => match super::download::named(state, ask) {
            Some((drive, place)) => Route { drive: Some(drive), place, ..Route::of(Call::Download) },
            None => Route::of(Call::Download),
        },
        Some("uploadSession") => {
            let session = SessionName::of(state, ask);
            let drive = session.map(|session| session.drive);
            Route { drive, session, ..Route::of(Call::UploadRange) }
        }
        _ => Route::of(Call::Unknown),
    }
}

fn user_route(state: &SimState, ask: &Ask, key: &str, rest: &[&str]) -> Route {
    let Some(user) = state.tenant.find_user(key) else {
        let message = format!(
            "Resource '{key}' does not exist or one of its queried reference-property objects are not present."
        );
        let refusal = Refusal::new(404, "Request_ResourceNotFound", message);
        return Route { refusal: Some(refusal), ..Route::of(Call::Users) };
    };
    let named = Route { user: Some(user), ..Route::of(Call::Users) };
    match rest {
        [] => named,
        ["drives"] => Route { call: Call::Drive, rest: vec!["drives".into()], ..named },
        ["drive", ..] => match super::users::drive_of(state, user) {
            Ok(drive) => drive_route(state, ask, drive, 3, Some(user)),
            Err(refusal) => Route { call: Call::Drive, refusal: Some(refusal), ..named },
        },
        _ => Route { call: Call::Unknown, rest: ask.segments.clone(), ..named },
    }
}

/// Of the segments from `at` on, which stand after the drive's id or `drive`.
fn drive_route(state: &SimState, ask: &Ask, drive: u32, at: usize, user: Option<u32>) -> Route {
    let (place, rest) = super::place::find(state, drive, &ask.segments[at..]);
    let bare = ask.segments.len() == at;
    let rest: Vec<String> = rest.iter().map(|segment| segment.to_ascii_lowercase()).collect();
    let call = if bare { Call::Drive } else { item_call(ask, &rest) };
    Route { user, drive: Some(drive), place, rest, ..Route::of(call) }
}

fn item_call(ask: &Ask, rest: &[String]) -> Call {
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    match (&ask.method, rest.as_slice()) {
        (&Method::GET, []) => Call::Item,
        (&Method::PATCH | &Method::DELETE, []) => Call::Write,
        (&Method::GET, ["children"]) => Call::Children,
        (&Method::POST, ["children"]) => Call::Write,
        (&Method::GET, ["delta"]) => match ask.query.get("token").map(super::delta::is_next) {
            Some(true) => Call::DeltaNext,
            _ => Call::Delta,
        },
        (&Method::GET, ["content"]) => Call::Content,
        (&Method::PUT, ["content"]) | (&Method::POST, ["createuploadsession"]) => Call::Upload,
        (&Method::GET, ["versions", ..]) => Call::Versions,
        (&Method::GET | &Method::DELETE, ["permissions", ..]) => Call::Permissions,
        (&Method::POST, ["invite" | "createlink"]) => Call::Permissions,
        _ => Call::Unknown,
    }
}

//! What an answer means: done, try again, or a failure, and which.
//!
//! Decided by status and code, the deepest known code first, in any case. Messages are looked at for
//! the few refusals that have no code of their own.

use reqwest::header::HeaderMap;

use super::call::{Call, Kind};
use crate::error::{Absence, GraphError, Place, Resync, Said};
use crate::json;
use crate::model::GraphErrorBody;

/// How often a refusal that may pass is believed not to be meant.
const DOUBTS: u32 = 3;

/// What is to be done about an answer.
#[derive(Debug)]
pub enum Verdict {
    /// It is what was asked for.
    Done,
    /// The token is not taken: get another.
    NewToken(Place),
    /// Too much was asked: wait as told.
    Throttled(Place),
    /// Ask again later.
    Later(Place),
    /// No use in asking again.
    Failed(GraphError),
}

/// An answer that has been read.
pub struct Answer<'a> {
    pub status: u16,
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
    /// By our own name.
    pub request_id: &'a str,
    /// How often this call has failed before.
    pub failures: u32,
}

impl Answer<'_> {
    /// Whether this status answers the call. A range past a content's end is an answer, too.
    pub fn may_be_done(status: u16, call: &Call) -> bool {
        matches!(status, 200..=299 | 302 | 304) || (status == 416 && call.kind == Kind::PreAuth)
    }

    /// The verdict on it as an answer to `call`.
    pub fn verdict(&self, call: &Call) -> Verdict {
        if Self::may_be_done(self.status, call) {
            return Verdict::Done;
        }
        if call.kind == Kind::SignIn && matches!(self.status, 400 | 401) {
            return Verdict::Failed(self.sign_in());
        }
        let body = GraphErrorBody::decode(self.body).unwrap_or_default();
        let codes: Vec<String> = body.codes().map(str::to_ascii_lowercase).collect();
        let place = self.place(call, &body);
        let by_code = codes.iter().rev().find_map(|code| self.by_code(code, call, &place));
        by_code.or_else(|| self.by_message(&body, &place)).unwrap_or_else(|| self.by_status(call, place))
    }

    fn by_code(&self, code: &str, call: &Call, place: &Place) -> Option<Verdict> {
        let place = || place.clone();
        let failed = |error| Some(Verdict::Failed(error));
        match code {
            "activitylimitreached" | "throttledrequest" | "toomanyrequests" | "applicationthrottled" => {
                Some(Verdict::Throttled(place()))
            }
            "invalidauthenticationtoken" if self.status == 401 => Some(Verdict::NewToken(place())),
            "malwaredetected" | "virussuspicious" => failed(GraphError::Malware { place: place() }),
            "resyncrequired" | "syncstatenotfound" | "syncstateinvalid" => {
                failed(GraphError::Resync { kind: Resync::Unspecified, place: place() })
            }
            _ if code.ends_with("applydifferences") => {
                failed(GraphError::Resync { kind: Resync::ApplyDifferences, place: place() })
            }
            _ if code.ends_with("uploaddifferences") => {
                failed(GraphError::Resync { kind: Resync::UploadDifferences, place: place() })
            }
            "cannotsnapshottree" | "serviceunavailable" | "servicenotavailable" => {
                Some(Verdict::Later(place()))
            }
            "request_resourcenotfound" | "errorinvaliduser" => absent(Absence::User, place()),
            "mailboxnotenabledforrestapi" => absent(Absence::Mailbox, place()),
            "namealreadyexists" => failed(GraphError::NameTaken { place: place() }),
            "quotalimitreached" | "insufficientstorage" => failed(GraphError::QuotaFull { place: place() }),
            "uploadsessionnotfound" => failed(GraphError::SessionGone { place: place() }),
            "entitytagdoesnotmatch" | "resourcemodified" | "lockmismatch" | "resourcelocked" => {
                failed(GraphError::Precondition { place: place() })
            }
            "errorcorruptdata" => failed(GraphError::Refused { place: place() }),
            "itemnotfound" if self.status == 404 && call.kind == Kind::Api => {
                failed(GraphError::NotFound { place: place() })
            }
            _ => None,
        }
    }

    fn by_message(&self, body: &GraphErrorBody, place: &Place) -> Option<Verdict> {
        if self.status < 400 || self.status >= 500 {
            return None;
        }
        if body.says("mysite not found") || body.says("user's mysite") {
            return absent(Absence::Drive, place.clone());
        }
        if body.says("does not have a spo license") {
            return absent(Absence::Licence, place.clone());
        }
        None
    }

    fn by_status(&self, call: &Call, place: Place) -> Verdict {
        let in_doubt =
            self.failures < DOUBTS && call.method == reqwest::Method::GET && call.kind == Kind::Api;
        match self.status {
            // Seen to pass: see GRAPH's rules on empty 404 and on invalidRequest for drives.
            404 if in_doubt && self.body.is_empty() => Verdict::Later(place),
            400 if in_doubt && is_invalid_request(&place) => Verdict::Later(place),
            401 if call.kind == Kind::Api => Verdict::NewToken(place),
            403 if self.headers.contains_key("x-virus-infected") => {
                Verdict::Failed(GraphError::Malware { place })
            }
            401 | 403 | 404 | 410 if call.kind == Kind::PreAuth => {
                Verdict::Failed(GraphError::Expired { place })
            }
            401 | 403 => Verdict::Failed(GraphError::Forbidden { place }),
            404 => Verdict::Failed(GraphError::NotFound { place }),
            409 | 412 | 423 => Verdict::Failed(GraphError::Precondition { place }),
            410 => Verdict::Failed(GraphError::Resync { kind: Resync::Unspecified, place }),
            429 | 509 => Verdict::Throttled(place),
            408 | 500 | 502..=504 => Verdict::Later(place),
            507 => Verdict::Failed(GraphError::QuotaFull { place }),
            300..=399 => Verdict::Failed(GraphError::Protocol { what: "an unexpected redirect", place }),
            _ => Verdict::Failed(GraphError::Refused { place }),
        }
    }

    /// What messages tell of the answer.
    pub fn place(&self, call: &Call, body: &GraphErrorBody) -> Place {
        let header = self.headers.get("request-id").and_then(|id| id.to_str().ok());
        // A code is a word; anything else might be a text of somebody's.
        let is_word =
            |code: &&str| code.len() < 64 && code.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let code = body.codes().filter(is_word).last();
        let said = Said {
            call: call.shown.clone(),
            status: Some(self.status),
            code: code.map(str::to_owned),
            request_id: Some(header.unwrap_or(self.request_id).chars().take(64).collect()),
        };
        said.into()
    }

    fn sign_in(&self) -> GraphError {
        let body: OAuthError = json::decode(self.body).unwrap_or_default();
        body.into_error()
    }
}

fn absent(absence: Absence, place: Place) -> Option<Verdict> {
    Some(Verdict::Failed(GraphError::ResourceAbsent { absence, place }))
}

fn is_invalid_request(place: &Place) -> bool {
    place.code.as_deref().is_some_and(|code| code.eq_ignore_ascii_case("invalidRequest"))
}

/// How the token endpoint refuses.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct OAuthError {
    error: String,
    error_description: String,
    error_codes: Vec<u32>,
    trace_id: Option<String>,
}

impl OAuthError {
    fn into_error(self) -> GraphError {
        let described = self.error_description.strip_prefix("AADSTS").unwrap_or_default();
        let digits: String = described.chars().take_while(char::is_ascii_digit).collect();
        let code = self.error_codes.first().copied().or_else(|| digits.parse().ok());
        let is_word =
            self.error.len() < 64 && self.error.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        GraphError::SignIn {
            code,
            hint: hint(code, &self.error),
            error: if is_word { self.error } else { String::new() },
            trace_id: self.trace_id.map(|id| id.chars().take(64).collect()),
        }
    }
}

/// What to mend.
fn hint(code: Option<u32>, error: &str) -> &'static str {
    match code {
        Some(7_000_215) => "the client secret is wrong (it is the secret's value that is needed, not its ID)",
        Some(7_000_222) => "the client secret has expired; make a new one",
        Some(700_016) => "the tenant has no application of this client ID",
        Some(90_002 | 900_023) => "there is no such tenant",
        Some(70_011) => "the scope is not one that this cloud knows; is it the right cloud?",
        Some(700_027) => "the certificate is not one of the application's",
        Some(700_024) => "the assertion is not of this time; is this machine's clock right?",
        Some(65_001) => "an administrator has not consented to the application's permissions yet",
        Some(700_211..=700_213 | 700_021) => "the application trusts no such federated token",
        Some(7_000_112) => "the application is disabled in this tenant",
        _ => match error {
            "authorization_pending" => "nobody has signed in yet",
            "authorization_declined" => "the sign-in was declined",
            "expired_token" => "the code has expired; start again",
            "invalid_grant" => "what was presented is no longer valid; sign in again",
            _ => "Microsoft does not take these credentials",
        },
    }
}

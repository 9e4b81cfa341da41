//! What can go wrong with a call, told apart by what a caller can do about it.

use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use crate::json::JsonError;
use crate::quickxor::QuickXor;

/// Which call, and what the service said to it last. It reads as [`Said`]; the box keeps errors small.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place(Box<Said>);

/// All that a message tells of a call: no query, no address that lets its bearer in, no mail address,
/// no name of an item.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// `GET /v1.0/drives/…`: method and path, names and mail addresses left out.
    pub call: String,
    /// HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// The deepest code that is known, or else the outermost.
    pub code: Option<String>,
    /// What the service calls the request, for its support; or else what we called it.
    pub request_id: Option<String>,
}

impl Place {
    /// A call, before there is an answer.
    pub fn of(call: String) -> Self {
        Said { call, ..Said::default() }.into()
    }
}

impl From<Said> for Place {
    fn from(said: Said) -> Self {
        Self(Box::new(said))
    }
}

impl Deref for Place {
    type Target = Said;

    fn deref(&self) -> &Said {
        &self.0
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.call)?;
        if let Some(status) = self.status {
            write!(f, ": status {status}")?;
        }
        if let Some(code) = &self.code {
            write!(f, ", {code}")?;
        }
        if let Some(id) = &self.request_id {
            write!(f, " (request {id})")?;
        }
        Ok(())
    }
}

/// Why there is nothing to back up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Absence {
    /// The directory has no such user.
    User,
    /// The user never opened their OneDrive.
    Drive,
    /// No licence that includes it.
    Licence,
    /// The user has no mailbox.
    Mailbox,
}

impl fmt::Display for Absence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "no such user",
            Self::Drive => "no drive",
            Self::Licence => "no licence",
            Self::Mailbox => "no mailbox",
        })
    }
}

/// What a full enumeration has to do, the service says; a backup does the same for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resync {
    /// Take the service's state.
    ApplyDifferences,
    /// Keep what only we have.
    UploadDifferences,
    /// It does not say, or the link leads nowhere any more.
    Unspecified,
}

/// How the last of many attempts failed, when no answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// No connection could be made.
    #[error("no connection")]
    Connect,
    /// The connection broke.
    #[error("the connection broke")]
    Reset,
    /// Nothing came in time.
    #[error("no answer in time")]
    TimedOut,
    /// The body ended too early.
    #[error("the answer was cut off")]
    Cut,
    /// The service failed by its own account.
    #[error("the service failed")]
    Server,
    /// The body is no JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
}

/// Why a call gave no result.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// The settings cannot work: a key that is none, an address that is none. Mend them.
    #[error("{what}")]
    Setup { what: String },
    /// Microsoft refused the sign-in. `hint` says what to mend.
    #[error("sign-in refused{}: {hint}", aadsts(*.code))]
    SignIn {
        /// `7000215` of `AADSTS7000215`.
        code: Option<u32>,
        /// The OAuth error: `invalid_client`, `authorization_pending`, …
        error: String,
        hint: &'static str,
        /// For Microsoft's support.
        trace_id: Option<String>,
    },
    /// Signed in, but this is not permitted: a permission or its consent is missing.
    #[error("not permitted: {place}")]
    Forbidden { place: Place },
    /// The service asked to wait for longer than the call may take. Try again later.
    #[error("throttled for {} s, and asked to wait for {} s more: {place}", waited.as_secs(), asked.as_secs())]
    ThrottledOut { place: Place, waited: Duration, asked: Duration },
    /// There is nothing to back up, which is no failure.
    #[error("{absence}: {place}")]
    ResourceAbsent { absence: Absence, place: Place },
    /// There is no such thing.
    #[error("not found: {place}")]
    NotFound { place: Place },
    /// The item was there when it was listed and is gone now.
    #[error("gone since it was listed: {place}")]
    Vanished { place: Place },
    /// The content is another than when it was listed. The next list has it.
    #[error("changed since it was listed: {place}")]
    Changed { place: Place },
    /// The link of a delta feed is dead. Enumerate from the start.
    #[error("the feed of changes has to start over: {place}")]
    Resync { kind: Resync, place: Place },
    /// The service holds the content to be malware, and keeps it.
    #[error("held to be malware: {place}")]
    Malware { place: Place },
    /// The address that let us in does so no longer, and a fresh one does not either.
    #[error("the address has expired: {place}")]
    Expired { place: Place },
    /// The bytes are not those of the listed hash, and the item has not changed. If a second try finds
    /// the same hash, then the listing is wrong.
    #[error("{length} bytes with hash {found} where {expected} was listed: {place}")]
    HashMismatch { place: Place, expected: QuickXor, found: QuickXor, length: u64 },
    /// The name is taken by another item.
    #[error("the name is taken: {place}")]
    NameTaken { place: Place },
    /// The item is in another state than the call demanded, or is locked.
    #[error("not in the state that was asked for: {place}")]
    Precondition { place: Place },
    /// No space is left.
    #[error("no space left: {place}")]
    QuotaFull { place: Place },
    /// The upload session is gone. Look whether the file is there; otherwise begin anew.
    #[error("the upload session is gone: {place}")]
    SessionGone { place: Place },
    /// The service will not do it, however often it is asked.
    #[error("refused: {place}")]
    Refused { place: Place },
    /// It may work another time, but all attempts failed.
    #[error("failed {attempts} times: {place}")]
    Exhausted { place: Place, attempts: u32, source: Fault },
    /// It may have been done or not, and must not be done twice. Look which it is.
    #[error("may or may not have been done: {place}")]
    Ambiguous { place: Place, source: Fault },
    /// The answer breaks the rules of the protocol.
    #[error("{what}: {place}")]
    Protocol { what: &'static str, place: Place },
}

impl GraphError {
    /// The call that failed; `None` for settings and sign-in.
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::Setup { .. } | Self::SignIn { .. } => None,
            Self::Forbidden { place }
            | Self::ThrottledOut { place, .. }
            | Self::ResourceAbsent { place, .. }
            | Self::NotFound { place }
            | Self::Vanished { place }
            | Self::Changed { place }
            | Self::Resync { place, .. }
            | Self::Malware { place }
            | Self::Expired { place }
            | Self::HashMismatch { place, .. }
            | Self::NameTaken { place }
            | Self::Precondition { place }
            | Self::QuotaFull { place }
            | Self::SessionGone { place }
            | Self::Refused { place }
            | Self::Exhausted { place, .. }
            | Self::Ambiguous { place, .. }
            | Self::Protocol { place, .. } => Some(place),
        }
    }

    /// Whether no other call can succeed either: there is no use in going on with the next item.
    pub fn stops_everything(&self) -> bool {
        matches!(self, Self::Setup { .. } | Self::SignIn { .. } | Self::ThrottledOut { .. })
    }
}

fn aadsts(code: Option<u32>) -> String {
    code.map(|code| format!(" (AADSTS{code})")).unwrap_or_default()
}

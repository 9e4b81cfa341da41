//! The knobs, as they are written in JSON.

use serde::{Deserialize, Serialize};

use crate::api::Call;

/// All that can be set wrong. The default is nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    pub seed: u64,
    /// After so many faults in a row the same request is let through once; rules that say `always` are
    /// not counted.
    pub row_max: u32,
    /// Files of each drive whose content can never be had.
    pub poison_per_user: u32,
    /// In which ways; drives take them in turn.
    pub poison: Vec<PoisonKind>,
    /// Whether an injected 429 with `Retry-After` fences its whole bucket, as a real one does.
    pub fence_bucket: bool,
    pub rules: Vec<Rule>,
}

impl Default for Faults {
    fn default() -> Self {
        Faults {
            seed: 1,
            row_max: 3,
            poison_per_user: 0,
            poison: vec![
                PoisonKind::Unavailable,
                PoisonKind::Internal,
                PoisonKind::Forbidden,
                PoisonKind::Malware,
            ],
            fence_bucket: true,
            rules: Vec::new(),
        }
    }
}

/// How a file's content is refused for ever.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoisonKind {
    /// 503 `serviceNotAvailable`.
    Unavailable,
    /// 500 `generalException`.
    Internal,
    /// 403 `accessDenied`.
    Forbidden,
    /// 403 `malwareDetected`, though the item bears no `malware` facet.
    Malware,
    /// 404 without a body.
    Gone,
    /// Other bytes than the hash tells, each time.
    Corrupt,
}

/// One way to go wrong, for some of the requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub name: String,
    /// Part of the fitting requests, 0 to 1.
    pub rate: f64,
    pub fault: Fault,
    /// Kinds of calls; empty: all but those below `/__sim`.
    #[serde(default)]
    pub on: Vec<Call>,
    /// Only this drive, by number.
    #[serde(default)]
    pub drive: Option<u32>,
    /// Only the first so many comings of the same request.
    #[serde(default)]
    pub attempts: Option<u64>,
    /// Only comings of the same request from this one on, counted from 0.
    #[serde(default)]
    pub after_attempts: u64,
    /// Only from so many simulated milliseconds after the start on, and before.
    #[serde(default)]
    pub from_ms: i64,
    #[serde(default)]
    pub until_ms: Option<i64>,
    /// Only pages that begin at or after this place of the feed, and before the other.
    #[serde(default)]
    pub from_position: u64,
    #[serde(default)]
    pub until_position: Option<u64>,
    /// Only when at least so many items are asked for in a page.
    #[serde(default)]
    pub top_min: u32,
    /// Also when the same request failed `row_max` times in a row.
    #[serde(default)]
    pub always: bool,
}

impl Rule {
    /// A rule that fits all comings of some calls.
    pub fn new(name: &str, rate: f64, on: &[Call], fault: Fault) -> Self {
        Rule {
            name: name.into(),
            rate,
            fault,
            on: on.to_vec(),
            drive: None,
            attempts: None,
            after_attempts: 0,
            from_ms: 0,
            until_ms: None,
            from_position: 0,
            until_position: None,
            top_min: 0,
            always: false,
        }
    }
}

/// What `Retry-After` looks like.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryAfter {
    #[default]
    Missing,
    Seconds(u64),
    Float(f64),
    /// So many seconds from now, as an HTTP date.
    Date(u64),
}

/// What an error's body is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BodyForm {
    #[default]
    Json,
    Empty,
    Html,
}

/// What `Location` of a 410 says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LocationForm {
    #[default]
    None,
    Fresh,
    /// Percent-encoded once too often; asking it gives 500.
    DoubleEncoded,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// An error in place of the answer. Without `code`, the usual one of the status.
    Status {
        status: u16,
        #[serde(default)]
        code: Option<String>,
        #[serde(default)]
        retry_after: RetryAfter,
        #[serde(default)]
        body: BodyForm,
    },
    /// The connection is reset before anything is sent, and nothing is done; on HTTP/2 the stream alone
    /// (RST_STREAM).
    ResetBeforeHeaders,
    /// It is reset after so many bytes, headers included. On HTTP/2 the stream is reset before its
    /// headers. What was asked for is done, and the answer lost.
    ResetInHeaders { bytes: u64 },
    /// It is reset after so many bytes of the body; on HTTP/2 the stream alone.
    ResetAfter { bytes: u64 },
    /// It ends properly after so many bytes of the body, with `Content-Length` right.
    Truncate { bytes: u64 },
    /// A chunked body that ends without its last chunk; a stream of HTTP/2 is reset.
    TruncateChunked { bytes: u64 },
    /// The answer is whole, and its connection takes no further requests: GOAWAY on HTTP/2,
    /// `Connection: close` on HTTP/1.1.
    GoAway,
    /// A complete answer whose JSON is cut in the middle.
    CutJson,
    /// `Content-Length` and body are so many bytes short, and nothing else tells.
    ShortLength { by: u64 },
    /// `Content-Length` and body are so many bytes too long.
    ExtraBytes { by: u64 },
    /// 206 with another range than was asked for, truly told in `Content-Range`.
    WrongRange,
    /// 206 with the right bytes and a wrong `Content-Range`.
    WrongContentRange,
    /// 200 with everything, though a range was asked for.
    IgnoreRange,
    /// One byte of the content is another.
    CorruptByte,
    /// The URL counts as expired, answered with 401, 403, 404 or 410.
    Expired { status: u16 },
    /// The same, only when bytes after the first are asked for.
    ExpiredAtResume { status: u16 },
    /// 410, on a call with a token.
    Gone {
        /// `resyncChangesUploadDifferences` in place of `…ApplyDifferences`.
        #[serde(default)]
        upload: bool,
        #[serde(default)]
        location: LocationForm,
    },
    /// So many bytes a second of the wall's time.
    Drip { bytes_per_s: u64 },
    /// A pause in mid-body, of simulated milliseconds.
    Stall { after: u64, ms: u64 },
    /// A pause before the answer, of simulated milliseconds.
    Delay { ms: u64 },
    /// Items twice in a page, an older state first.
    DuplicateInPage,
    /// The last items of the page before stand in this one again.
    DuplicateAcrossPages,
    /// Children before their parents.
    ChildBeforeParent,
    /// Ancestors of each item, though nothing changed them.
    UnchangedAncestors,
    /// A deletion of an item that nobody ever saw.
    GhostDelete,
    /// No items, and a next link.
    EmptyPage,
    /// A next link that is the same again.
    RepeatedLink,
    /// Links of the form `/drives('…')/items('…')/microsoft.graph.delta(token='…')`.
    ParenthesisedLinks,
    /// Of the items (not of the requests): a size that is not the content's.
    SizeLie,
    /// Of the items: a hash that is not the content's.
    StaleHash,
    /// Of the items: no hash.
    NoHash,
    /// Raw control characters in names.
    ControlCharacters,
    /// Properties that nobody documented.
    UnknownProperties,
    /// `@odata.type` of something new.
    UnknownType,
    /// `null` where a collection or facet would be.
    NullCollections,
    /// Sizes as strings.
    IntegersAsStrings,
    /// Times with seven digits of a second.
    LongFractions,
}

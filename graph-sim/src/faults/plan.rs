//! What was decided for one request.

use crate::seed::Seed;

use super::rules::{BodyForm, LocationForm, RetryAfter};

/// How a response's bytes are tampered with, once it is made.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Shape {
    /// Simulated milliseconds before the answer.
    pub delay_ms: u64,
    /// Bytes of the body after which it ends, and how.
    pub cut: Option<(u64, Ending)>,
    /// Bytes of the connection after which it is reset.
    pub cut_connection: Option<u64>,
    /// The body is sent without `Content-Length`.
    pub chunked: bool,
    pub drip_bytes_per_s: Option<u64>,
    /// (bytes, simulated milliseconds)
    pub stall: Option<(u64, u64)>,
    /// Bytes the body is longer (or shorter) than it should be.
    pub excess: i64,
    /// A number that chooses which byte is changed.
    pub corrupt: Option<u64>,
    /// JSON is cut here, in parts of a thousand of its length.
    pub cut_json: Option<u64>,
    pub wrong_content_range: bool,
    /// The connection takes no further requests.
    pub go_away: bool,
}

/// How a body ends before its time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    Close,
    Reset,
}

/// What is odd about the pages or items of an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PageFaults {
    pub duplicate_in_page: bool,
    pub duplicate_across: bool,
    pub child_first: bool,
    pub ancestors: bool,
    pub ghost: bool,
    pub empty: bool,
    pub repeated_link: bool,
    pub parentheses: bool,
    pub control_characters: bool,
    pub unknown_properties: bool,
    pub unknown_type: bool,
    pub nulls: bool,
    pub integers_as_strings: bool,
    pub long_fractions: bool,
}

/// For which items sizes and hashes lie: (rate, seed) of each kind.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct ItemLies {
    pub size: Option<(f64, Seed)>,
    pub stale_hash: Option<(f64, Seed)>,
    pub no_hash: Option<(f64, Seed)>,
}

impl ItemLies {
    /// Whether a kind of lie is told of an item, for as long as its content is this.
    pub fn tells(lie: Option<(f64, Seed)>, item: u32, ctag: u32) -> bool {
        lie.is_some_and(|(rate, seed)| seed.with(u64::from(item)).with(u64::from(ctag)).chance(rate))
    }
}

/// An error that stands in for the answer.
#[derive(Clone, PartialEq, Debug)]
pub struct Substitute {
    pub status: u16,
    pub code: Option<String>,
    pub retry_after: RetryAfter,
    pub body: BodyForm,
}

/// All that was decided.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Plan {
    /// Names of the rules that struck.
    pub struck: Vec<String>,
    pub substitute: Option<Substitute>,
    /// (resync by upload, location)
    pub gone: Option<(bool, LocationForm)>,
    pub reset: bool,
    pub wrong_range: bool,
    pub ignore_range: bool,
    pub shape: Shape,
    pub page: PageFaults,
    pub lies: ItemLies,
}

impl Plan {
    /// Whether the client will have to ask again.
    pub fn is_failure(&self) -> bool {
        let shape = &self.shape;
        self.substitute.is_some()
            || self.gone.is_some()
            || self.reset
            || self.wrong_range
            || shape.cut.is_some()
            || shape.cut_connection.is_some()
            || shape.excess != 0
            || shape.corrupt.is_some()
            || shape.cut_json.is_some()
            || shape.wrong_content_range
            || self.page.empty
            || self.page.repeated_link
    }
}

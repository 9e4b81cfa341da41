//! Named sets of faults: one for each family, and all of them at modest rates.

use super::rules::{BodyForm, Fault, Faults, LocationForm, RetryAfter, Rule};
use crate::api::Call;

/// The names that [`preset`] knows.
pub const PRESETS: &[&str] = &[
    "none",
    "all",
    "throttle",
    "errors",
    "reset",
    "truncate",
    "lengths",
    "corrupt",
    "expired",
    "resync",
    "poison",
    "token",
    "slow",
    "disorder",
    "links",
    "lies",
    "json",
    "transient",
];

const READS: &[Call] = &[Call::Users, Call::Drive, Call::Item, Call::Children, Call::Delta, Call::DeltaNext];
const PAGES: &[Call] = &[Call::Delta, Call::DeltaNext];
const NEXT: &[Call] = &[Call::DeltaNext];
const DOWNLOAD: &[Call] = &[Call::Download];
const GRAPH: &[Call] = &[
    Call::Users,
    Call::Drive,
    Call::Item,
    Call::Children,
    Call::Delta,
    Call::DeltaNext,
    Call::Content,
    Call::Download,
    Call::Permissions,
];
const WRITES: &[Call] = &[Call::Write, Call::Upload, Call::UploadRange];

/// The faults of a name; `None` if it is not one of [`PRESETS`].
pub fn preset(name: &str) -> Option<Faults> {
    let one = |rules: Vec<Rule>| Faults { rules, ..Faults::default() };
    Some(match name {
        "none" => Faults::default(),
        "all" => Faults { poison_per_user: 1, ..one(everything()) },
        "poison" => Faults { poison_per_user: 1, ..Faults::default() },
        family => one(rules_of(family, 1.0)?),
    })
}

/// Every family; rates such that most requests pass.
fn everything() -> Vec<Rule> {
    let families = PRESETS.iter().filter(|name| !matches!(**name, "none" | "all" | "poison"));
    families.flat_map(|name| rules_of(name, 0.15).unwrap_or_default()).collect()
}

fn rules_of(family: &str, factor: f64) -> Option<Vec<Rule>> {
    let mut rules = match family {
        "throttle" => throttle(),
        "errors" => errors(),
        "reset" => vec![
            Rule::new("reset before headers", 0.03, GRAPH, Fault::ResetBeforeHeaders),
            Rule::new("reset in headers", 0.03, GRAPH, Fault::ResetInHeaders { bytes: 40 }),
            Rule::new("go away", 0.03, GRAPH, Fault::GoAway),
            Rule::new("reset in body", 0.05, DOWNLOAD, Fault::ResetAfter { bytes: 5_000 }),
            Rule::new("reset in page", 0.03, READS, Fault::ResetAfter { bytes: 500 }),
            Rule::new("reset of a write", 0.03, WRITES, Fault::ResetBeforeHeaders),
            // The write is done; only its answer is lost.
            Rule::new("lost answer of a write", 0.03, WRITES, Fault::ResetInHeaders { bytes: 10 }),
        ],
        "truncate" => vec![
            Rule::new("truncated body", 0.06, DOWNLOAD, Fault::Truncate { bytes: 3_000 }),
            Rule::new("truncated chunks", 0.06, DOWNLOAD, Fault::TruncateChunked { bytes: 7_000 }),
            Rule::new("truncated page", 0.04, READS, Fault::TruncateChunked { bytes: 700 }),
            Rule::new("cut JSON", 0.04, READS, Fault::CutJson),
        ],
        "lengths" => vec![
            Rule::new("short length", 0.04, DOWNLOAD, Fault::ShortLength { by: 10 }),
            Rule::new("extra bytes", 0.04, DOWNLOAD, Fault::ExtraBytes { by: 10 }),
            Rule::new("wrong range", 0.1, DOWNLOAD, Fault::WrongRange),
            Rule::new("wrong content range", 0.1, DOWNLOAD, Fault::WrongContentRange),
            Rule::new("range ignored", 0.1, DOWNLOAD, Fault::IgnoreRange),
        ],
        "corrupt" => vec![Rule::new("corrupt byte", 0.05, DOWNLOAD, Fault::CorruptByte)],
        "expired" => vec![
            Rule::new("expired 401", 0.03, DOWNLOAD, Fault::Expired { status: 401 }),
            Rule::new("expired 403", 0.01, DOWNLOAD, Fault::Expired { status: 403 }),
            Rule::new("expired 404", 0.01, DOWNLOAD, Fault::Expired { status: 404 }),
            Rule::new("expired 410", 0.01, DOWNLOAD, Fault::Expired { status: 410 }),
            Rule::new("expired at resume", 0.3, DOWNLOAD, Fault::ExpiredAtResume { status: 401 }),
        ],
        "resync" => vec![
            Rule { on: vec![Call::Delta], ..gone("resync at once", 0.05, false, LocationForm::Fresh) },
            gone("resync apply", 0.02, false, LocationForm::None),
            gone("resync upload", 0.02, true, LocationForm::Fresh),
            gone("resync double", 0.01, false, LocationForm::DoubleEncoded),
        ],
        "token" => token(),
        "slow" => vec![
            Rule::new("drip", 0.01, DOWNLOAD, Fault::Drip { bytes_per_s: 200_000 }),
            Rule::new("stall", 0.02, DOWNLOAD, Fault::Stall { after: 2_000, ms: 3_000 }),
            Rule::new("delay", 0.05, READS, Fault::Delay { ms: 1_500 }),
        ],
        "disorder" => vec![
            Rule::new("duplicate in page", 0.3, PAGES, Fault::DuplicateInPage),
            Rule::new("duplicate across pages", 0.3, NEXT, Fault::DuplicateAcrossPages),
            Rule::new("child before parent", 0.3, PAGES, Fault::ChildBeforeParent),
            Rule::new("unchanged ancestors", 0.2, PAGES, Fault::UnchangedAncestors),
            Rule::new("ghost delete", 0.2, PAGES, Fault::GhostDelete),
        ],
        "links" => vec![
            Rule::new("empty page", 0.1, PAGES, Fault::EmptyPage),
            Rule::new("repeated link", 0.02, NEXT, Fault::RepeatedLink),
            Rule::new("parenthesised links", 0.3, PAGES, Fault::ParenthesisedLinks),
            status("page not found", 0.01, NEXT, 404, RetryAfter::Missing, BodyForm::Json),
            status("cannot snapshot", 0.02, NEXT, 503, RetryAfter::Seconds(2), BodyForm::Json),
        ],
        "lies" => vec![
            Rule::new("size lie", 0.03, &[], Fault::SizeLie),
            Rule::new("stale hash", 0.02, &[], Fault::StaleHash),
            Rule::new("no hash", 0.03, &[], Fault::NoHash),
        ],
        "json" => vec![
            Rule::new("control characters", 0.05, READS, Fault::ControlCharacters),
            Rule::new("unknown properties", 0.3, READS, Fault::UnknownProperties),
            Rule::new("unknown type", 0.2, READS, Fault::UnknownType),
            Rule::new("nulls", 0.2, READS, Fault::NullCollections),
            Rule::new("integers as strings", 0.1, READS, Fault::IntegersAsStrings),
            Rule::new("long fractions", 0.2, READS, Fault::LongFractions),
        ],
        "transient" => {
            let first = |rule: Rule| Rule { attempts: Some(2), ..rule };
            vec![
                first(status(
                    "transient 404",
                    0.05,
                    &[Call::Item, Call::Download],
                    404,
                    RetryAfter::Missing,
                    BodyForm::Empty,
                )),
                first(status(
                    "transient 400",
                    0.05,
                    &[Call::Item, Call::Content],
                    400,
                    RetryAfter::Missing,
                    BodyForm::Json,
                )),
                status("408", 0.02, GRAPH, 408, RetryAfter::Missing, BodyForm::Empty),
            ]
        }
        _ => return None,
    };
    // What is merely odd costs no retry: it keeps its rate.
    if !matches!(family, "disorder" | "lies" | "json") {
        rules.iter_mut().for_each(|rule| rule.rate *= factor);
    }
    Some(rules)
}

fn status(name: &str, rate: f64, on: &[Call], status: u16, retry_after: RetryAfter, body: BodyForm) -> Rule {
    Rule::new(name, rate, on, Fault::Status { status, code: None, retry_after, body })
}

fn gone(name: &str, rate: f64, upload: bool, location: LocationForm) -> Rule {
    Rule::new(name, rate, NEXT, Fault::Gone { upload, location })
}

fn throttle() -> Vec<Rule> {
    use BodyForm::{Empty, Html, Json};
    vec![
        status("429", 0.02, GRAPH, 429, RetryAfter::Seconds(5), Json),
        status("429 float", 0.01, GRAPH, 429, RetryAfter::Float(2.128), Json),
        status("429 date", 0.01, GRAPH, 429, RetryAfter::Date(10), Json),
        status("429 zero", 0.01, GRAPH, 429, RetryAfter::Seconds(0), Json),
        status("429 missing", 0.01, GRAPH, 429, RetryAfter::Missing, Json),
        status("429 html", 0.01, DOWNLOAD, 429, RetryAfter::Seconds(4), Html),
        status("429 empty", 0.01, GRAPH, 429, RetryAfter::Seconds(2), Empty),
        status("429 long", 0.001, GRAPH, 429, RetryAfter::Seconds(300), Json),
        status("429 of a write", 0.02, WRITES, 429, RetryAfter::Seconds(3), Json),
    ]
}

fn errors() -> Vec<Rule> {
    use BodyForm::{Empty, Html, Json};
    vec![
        status("503", 0.02, GRAPH, 503, RetryAfter::Seconds(3), Json),
        status("503 bare", 0.02, GRAPH, 503, RetryAfter::Missing, Empty),
        status("504", 0.01, GRAPH, 504, RetryAfter::Missing, Json),
        status("500", 0.02, GRAPH, 500, RetryAfter::Missing, Json),
        status("502", 0.02, GRAPH, 502, RetryAfter::Missing, Html),
        status("509", 0.01, GRAPH, 509, RetryAfter::Seconds(3), Html),
        status("503 of a write", 0.02, WRITES, 503, RetryAfter::Missing, Json),
    ]
}

fn token() -> Vec<Rule> {
    let named = |code: &str, status| Fault::Status {
        status,
        code: Some(code.into()),
        retry_after: RetryAfter::Missing,
        body: BodyForm::Json,
    };
    vec![
        Rule::new("401", 0.02, READS, named("InvalidAuthenticationToken", 401)),
        status("token 503", 0.1, &[Call::Token], 503, RetryAfter::Missing, BodyForm::Json),
        status("token 429", 0.1, &[Call::Token], 429, RetryAfter::Seconds(2), BodyForm::Json),
    ]
}

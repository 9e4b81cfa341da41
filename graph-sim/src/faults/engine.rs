//! Decides, for each request, what goes wrong with it.

use std::collections::HashMap;

use parking_lot::Mutex;

use super::plan::{Ending, Plan, Substitute};
use super::rules::{BodyForm, Fault, Faults, RetryAfter, Rule};
use crate::api::Call;
use crate::seed::Seed;

/// What a decision is made from.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    pub call: Call,
    pub drive: Option<u32>,
    /// The request without its tokens.
    pub key: u64,
    /// Where in the feed a page begins.
    pub position: u64,
    /// Items of the page asked for.
    pub top: u32,
    /// A delta link or next link is used.
    pub has_token: bool,
    /// First byte asked for.
    pub range_start: u64,
    /// Simulated milliseconds since the start.
    pub since_start_ms: i64,
}

/// The rules, and how often each request came.
pub struct Engine {
    faults: Mutex<Faults>,
    seen: Mutex<HashMap<u64, Seen>>,
}

#[derive(Clone, Copy, Default)]
struct Seen {
    comings: u64,
    failed_in_a_row: u32,
}

impl Engine {
    pub fn new(faults: Faults) -> Self {
        Engine { faults: Mutex::new(faults), seen: Mutex::default() }
    }

    /// The rules in force.
    pub fn faults(&self) -> Faults {
        self.faults.lock().clone()
    }

    /// Puts other rules in force and forgets how often requests came.
    pub fn set(&self, faults: Faults) {
        *self.faults.lock() = faults;
        self.seen.lock().clear();
    }

    /// Whether an injected 429 fences its whole bucket.
    pub fn fences_bucket(&self) -> bool {
        self.faults.lock().fence_bucket
    }

    /// Decides for one request, and counts it.
    pub fn plan(&self, facts: &Facts) -> Plan {
        let faults = self.faults.lock();
        if faults.rules.is_empty() {
            return Plan::default();
        }
        let mut seen = self.seen.lock();
        let seen = seen.entry(facts.key).or_default();
        let spared = seen.failed_in_a_row >= faults.row_max;
        let mut plan = Plan::default();
        for rule in &faults.rules {
            let own = Seed(faults.seed).named(&rule.name);
            let fits = fits(rule, facts, seen.comings);
            if !fits || lie(rule, own, facts, &mut plan) {
                continue;
            }
            let drawn = own.with(facts.key).with(seen.comings);
            if !drawn.chance(rule.rate) || (plan.is_failure() && is_failure(&rule.fault)) {
                continue;
            }
            if is_failure(&rule.fault) && spared && !rule.always {
                continue;
            }
            if apply(&rule.fault, drawn, facts, &mut plan) {
                plan.struck.push(rule.name.clone());
            }
        }
        seen.comings += 1;
        seen.failed_in_a_row = if plan.is_failure() { seen.failed_in_a_row + 1 } else { 0 };
        plan
    }
}

fn fits(rule: &Rule, facts: &Facts, comings: u64) -> bool {
    let listed = if rule.on.is_empty() { facts.call != Call::Control } else { rule.on.contains(&facts.call) };
    listed
        && rule.drive.is_none_or(|drive| facts.drive == Some(drive))
        && rule.attempts.is_none_or(|first| comings < first)
        && comings >= rule.after_attempts
        && facts.since_start_ms >= rule.from_ms
        && rule.until_ms.is_none_or(|until| facts.since_start_ms < until)
        && facts.position >= rule.from_position
        && rule.until_position.is_none_or(|until| facts.position < until)
        && facts.top >= rule.top_min
}

fn is_failure(fault: &Fault) -> bool {
    let mut plan = Plan::default();
    let anywhere = Facts {
        call: Call::DeltaNext,
        drive: None,
        key: 0,
        position: 0,
        top: 0,
        has_token: true,
        range_start: 1,
        since_start_ms: 0,
    };
    apply(fault, Seed(0), &anywhere, &mut plan);
    plan.is_failure()
}

/// Lies are told of items, not of requests: their rate is drawn where the item is written.
fn lie(rule: &Rule, own: Seed, facts: &Facts, plan: &mut Plan) -> bool {
    let own = own.with(u64::from(facts.drive.unwrap_or(0)));
    let slot = match rule.fault {
        Fault::SizeLie => &mut plan.lies.size,
        Fault::StaleHash => &mut plan.lies.stale_hash,
        Fault::NoHash => &mut plan.lies.no_hash,
        _ => return false,
    };
    *slot = Some((rule.rate, own));
    true
}

/// Lays a fault into the plan; false if it cannot strike this request.
fn apply(fault: &Fault, drawn: Seed, facts: &Facts, plan: &mut Plan) -> bool {
    let expired = |status| Substitute {
        status,
        code: (status == 401).then(|| "unauthenticated".into()),
        retry_after: RetryAfter::Missing,
        body: if status == 404 { BodyForm::Empty } else { BodyForm::Json },
    };
    let (shape, page) = (&mut plan.shape, &mut plan.page);
    match fault {
        Fault::Status { status, code, retry_after, body } => {
            let (status, code, retry_after, body) = (*status, code.clone(), *retry_after, *body);
            plan.substitute = Some(Substitute { status, code, retry_after, body });
        }
        Fault::ResetBeforeHeaders => plan.reset = true,
        Fault::GoAway => shape.go_away = true,
        Fault::ResetInHeaders { bytes } => shape.cut_connection = Some(*bytes),
        Fault::ResetAfter { bytes } => shape.cut = Some((*bytes, Ending::Reset)),
        Fault::Truncate { bytes } => shape.cut = Some((*bytes, Ending::Close)),
        Fault::TruncateChunked { bytes } => {
            shape.cut = Some((*bytes, Ending::Close));
            shape.chunked = true;
        }
        Fault::CutJson => shape.cut_json = Some(100 + drawn.with(1).below(800)),
        Fault::ShortLength { by } => shape.excess = -(*by as i64),
        Fault::ExtraBytes { by } => shape.excess = *by as i64,
        Fault::WrongRange => plan.wrong_range = facts.range_start > 0,
        Fault::WrongContentRange => shape.wrong_content_range = facts.range_start > 0,
        Fault::IgnoreRange => plan.ignore_range = facts.range_start > 0,
        Fault::CorruptByte => shape.corrupt = Some(drawn.with(2).0),
        Fault::Expired { status } => plan.substitute = Some(expired(*status)),
        Fault::ExpiredAtResume { status } if facts.range_start > 0 => {
            plan.substitute = Some(expired(*status))
        }
        Fault::ExpiredAtResume { .. } => return false,
        Fault::Gone { .. } if !facts.has_token => return false,
        Fault::Gone { upload, location } => plan.gone = Some((*upload, *location)),
        Fault::Drip { bytes_per_s } => shape.drip_bytes_per_s = Some(*bytes_per_s),
        Fault::Stall { after, ms } => shape.stall = Some((*after, *ms)),
        Fault::Delay { ms } => shape.delay_ms = *ms,
        Fault::DuplicateInPage => page.duplicate_in_page = true,
        Fault::DuplicateAcrossPages => page.duplicate_across = true,
        Fault::ChildBeforeParent => page.child_first = true,
        Fault::UnchangedAncestors => page.ancestors = true,
        Fault::GhostDelete => page.ghost = true,
        Fault::EmptyPage => page.empty = true,
        Fault::RepeatedLink => page.repeated_link = true,
        Fault::ParenthesisedLinks => page.parentheses = true,
        Fault::ControlCharacters => page.control_characters = true,
        Fault::UnknownProperties => page.unknown_properties = true,
        Fault::UnknownType => page.unknown_type = true,
        Fault::NullCollections => page.nulls = true,
        Fault::IntegersAsStrings => page.integers_as_strings = true,
        Fault::LongFractions => page.long_fractions = true,
        Fault::SizeLie | Fault::StaleHash | Fault::NoHash => return false,
    }
    !matches!(fault, Fault::WrongRange | Fault::WrongContentRange | Fault::IgnoreRange)
        || facts.range_start > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(key: u64) -> Facts {
        Facts {
            call: Call::Download,
            drive: Some(0),
            key,
            position: 0,
            top: 0,
            has_token: false,
            range_start: 0,
            since_start_ms: 0,
        }
    }

    fn faults(rate: f64) -> Faults {
        let status =
            Fault::Status { status: 503, code: None, retry_after: RetryAfter::Missing, body: BodyForm::Json };
        Faults { rules: vec![Rule::new("r", rate, &[Call::Download], status)], ..Faults::default() }
    }

    #[test]
    fn decisions_do_not_hang_on_the_order_of_arrival() {
        let (one, other) = (Engine::new(faults(0.5)), Engine::new(faults(0.5)));
        let forward: Vec<bool> = (0..200).map(|key| one.plan(&facts(key)).is_failure()).collect();
        let mut backward: Vec<bool> =
            (0..200).rev().map(|key| other.plan(&facts(key)).is_failure()).collect();
        backward.reverse();
        assert_eq!(forward, backward);
        let hits = forward.iter().filter(|hit| **hit).count();
        assert!((60..140).contains(&hits), "{hits}");
    }

    #[test]
    fn a_request_is_let_through_after_a_row_of_faults() {
        let engine = Engine::new(faults(1.0));
        let row: Vec<bool> = (0..8).map(|_| engine.plan(&facts(1)).is_failure()).collect();
        assert_eq!(row, [true, true, true, false, true, true, true, false]);
    }

    #[test]
    fn rules_stay_with_their_calls() {
        let engine = Engine::new(faults(1.0));
        assert!(!engine.plan(&Facts { call: Call::Delta, ..facts(1) }).is_failure());
    }
}

//! The way of a request: whose call it is, whether it may pass, what goes wrong, what is answered.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::route::{Call, Route, route};
use crate::faults::{Facts, LocationForm, Plan, RetryAfter, Shape, Substitute};
use crate::judge::ViolationKind;
use crate::limit::{Bucket, Caller, Flight, Verdict};
use crate::model::ids::{self, Guid};
use crate::state::SimState;
use crate::wire::answer::{Answer, Outcome, Payload, Refusal};
use crate::wire::ask::Ask;

/// An answer, and what is done to it on the wire.
pub(crate) struct Reply {
    pub call: Call,
    pub answer: Answer,
    pub shape: Shape,
    /// No answer: the connection is reset.
    pub reset: bool,
    /// It is in flight until its answer has gone out.
    pub flight: Option<Flight>,
}

impl Reply {
    fn new(call: Call, answer: Answer) -> Self {
        Reply { call, answer, shape: Shape::default(), reset: false, flight: None }
    }
}

static REQUESTS: AtomicU64 = AtomicU64::new(1);

/// Answers a request.
pub(crate) fn handle(state: &SimState, ask: &Ask) -> Reply {
    let route = route(state, ask);
    let number = REQUESTS.fetch_add(1, Ordering::Relaxed);
    let request_id = ids::guid(state.tenant.seed(), Guid::Request, number);
    let mut reply = if route.call == Call::Control {
        let answer = crate::control::handle(state, ask);
        Reply::new(Call::Control, answer)
    } else {
        answer(state, ask, &route, &request_id)
    };
    count(state, &reply);
    let client_id = ask.header("client-request-id").to_string();
    let headers = &mut reply.answer.headers;
    headers.push(("request-id", request_id));
    if !client_id.is_empty() {
        headers.push(("client-request-id", client_id));
    }
    if route.call.is_graph() {
        const SERVER: &str = r#"{"ServerInfo":{"DataCenter":"Loopback","Slice":"E","Ring":"1","ScaleUnit":"000","RoleInstance":"SIM"}}"#;
        headers.push(("x-ms-ags-diagnostic", SERVER.into()));
    }
    tracing::debug!(call = ?route.call, method = %ask.method, status = reply.answer.status, reset = reply.reset, "request");
    reply
}

fn answer(state: &SimState, ask: &Ask, route: &Route, request_id: &str) -> Reply {
    let refused = |refusal: Refusal| {
        let answer = refusal.answer(request_id, ask.header("client-request-id"), state.now_ms());
        Reply::new(route.call, answer)
    };
    if route.call.is_graph() {
        check_decoration(state, ask, route);
        if let Err(refusal) = crate::login::authorize(state, ask, route.call) {
            return refused(refusal);
        }
    }
    if route.call == Call::Batch {
        let answer =
            super::batch::run(state, ask, request_id).unwrap_or_else(|refusal| refused(refusal).answer);
        return Reply::new(Call::Batch, answer);
    }
    serve(state, ask, route, request_id)
}

/// Lets one call pass the throttle and the faults, and does it. Parts of a batch come here one by one.
pub(super) fn serve(state: &SimState, ask: &Ask, route: &Route, request_id: &str) -> Reply {
    let now_ms = state.now_ms();
    let client_id = ask.header("client-request-id");
    let link = super::delta::position(state, ask);
    let feed_position = match route.call {
        Call::Delta | Call::DeltaNext => link.map_or(0, |(position, _)| position),
        Call::Children => super::children::position(state, ask),
        _ => 0,
    };
    let range_start = if route.call == Call::Download { super::download::range_start(ask) } else { 0 };
    let first_byte = match route.call {
        Call::UploadRange => super::upload_range::range_start(ask),
        _ => range_start,
    };
    let key = route.key(ask, feed_position ^ first_byte << 8);
    let caller = Caller { key: route.caller(ask, key), arrived: ask.arrived };
    let mut reply = Reply::new(route.call, Answer::empty(200));
    let price = route.call.price(ask, route);
    let mut rate_limit = None;
    if let Some((bucket, units)) = price {
        state.counters.add(|totals| match bucket {
            Bucket::SharePoint => totals.resource_units += units,
            Bucket::Directory => totals.directory_units += units,
            Bucket::Login => {}
        });
        match state.throttle.admit(bucket, caller, units, now_ms) {
            Verdict::Pass(limit) => rate_limit = limit,
            verdict => {
                reply.answer =
                    throttled(state, ask, route, caller.key, verdict).answer(request_id, client_id, now_ms);
                return reply;
            }
        }
        reply.flight = state.throttle.enter(bucket);
        if reply.flight.is_none() {
            reply.answer = crowded(state, ask, route, caller.key).answer(request_id, client_id, now_ms);
            return reply;
        }
    }
    let facts = Facts {
        call: route.call,
        drive: route.drive,
        key,
        position: feed_position,
        top: link.map(|(_, top)| top).or(ask.query.top()).unwrap_or(state.config.wire.page_default),
        has_token: link.is_some(),
        range_start,
        since_start_ms: now_ms - state.start_ms,
    };
    let mut plan = state.engine.plan(&facts);
    if !plan.struck.is_empty() {
        state.counters.add(|totals| {
            plan.struck.iter().for_each(|rule| *totals.faults.entry(rule.clone()).or_default() += 1)
        });
    }
    reply.reset = plan.reset;
    if plan.reset {
        return reply;
    }
    reply.answer = match plan.substitute.take() {
        Some(substitute) => {
            // An answer that is held back is not known before it goes out.
            let delay = plan.shape.delay_ms as f64 / 1000.0 / state.clock().scale();
            let known = Instant::now() + Duration::from_secs_f64(delay);
            raise_fence(state, price.map(|(bucket, _)| bucket), caller.key, &substitute, now_ms, known);
            super::substitute::answer(&substitute, request_id, client_id, now_ms, route.call)
        }
        None => {
            let outcome = match &route.refusal {
                Some(refusal) => Err(refusal.clone()),
                None => dispatch(state, ask, route, &mut plan),
            };
            outcome.unwrap_or_else(|refusal| refusal.answer(request_id, client_id, now_ms))
        }
    };
    if let Some(limit) = rate_limit {
        let headers = &mut reply.answer.headers;
        headers.push(("ratelimit-limit", limit.limit.to_string()));
        headers.push(("ratelimit-remaining", limit.remaining.to_string()));
        headers.push(("ratelimit-reset", limit.reset_s.to_string()));
    }
    if route.call == Call::Users && reply.answer.status == 200 {
        reply.answer.headers.push(("x-ms-resource-unit", price.map_or(1, |(_, units)| units).to_string()));
    }
    if let Some(price) = price {
        super::optimum::count(state, ask, route, &reply, price, !plan.is_failure());
    }
    reply.shape = plan.shape;
    reply
}

fn dispatch(state: &SimState, ask: &Ask, route: &Route, plan: &mut Plan) -> Outcome {
    match route.call {
        Call::Token => crate::login::token(state, ask),
        Call::DeviceCode => crate::login::device_code(state, ask),
        Call::Login => crate::login::discovery(state, ask),
        Call::Users => super::users::users(state, ask, route),
        Call::Drive => super::users::drive(state, ask, route),
        Call::Item => {
            super::permissions::judge_expansion(state, ask, route);
            super::children::item(state, ask, route, plan)
        }
        Call::Children => super::children::page(state, ask, route, plan),
        Call::Delta | Call::DeltaNext => super::delta::page(state, ask, route, plan),
        Call::Content => super::download::redirect(state, ask, route),
        Call::Download => super::download::content(state, ask, route, plan),
        Call::Versions => super::versions::versions(state, ask, route),
        Call::Permissions => super::permissions::permissions(state, ask, route),
        Call::Write => super::write::write(state, ask, route, plan),
        Call::Upload => super::upload::upload(state, ask, route, plan),
        Call::UploadRange => super::upload_range::range(state, ask, route, plan),
        Call::Batch | Call::Control | Call::Unknown => {
            tracing::warn!(method = %ask.method, segments = ?ask.segments.first(), rest = ?route.rest, "no such call");
            let message = "Resource not found for the segment.";
            Err(Refusal::new(404, "ResourceNotFound", message))
        }
    }
}

fn check_decoration(state: &SimState, ask: &Ask, route: &Route) {
    let call = || format!("{} {:?}", ask.method, route.call);
    if !ask.header("user-agent").starts_with("ISV|") {
        state.ledger.record(ViolationKind::UndecoratedUserAgent, state.now_ms(), call());
    }
    if ask.header("client-request-id").is_empty() {
        state.ledger.record(ViolationKind::MissingRequestId, state.now_ms(), call());
    }
}

fn throttled(state: &SimState, ask: &Ask, route: &Route, key: u64, verdict: Verdict) -> Refusal {
    let Verdict::Refuse { status, retry_after_s, limit, inside } = verdict else {
        return Refusal::new(429, "activityLimitReached", "");
    };
    if let Some(inside) = inside.filter(|inside| inside.violation) {
        let why = if inside.told { "it was told" } else { "others were told" };
        let detail =
            format!("{} ms after {why}, {} ms too early, key {key:x}", inside.after_ms, inside.left_ms);
        let call = format!("{} {:?}", ask.method, route.call);
        state.ledger.record_with(ViolationKind::InsideFence, state.now_ms(), call, detail);
    }
    state.counters.add(|totals| totals.throttled += 1);
    let refusal = match status {
        503 => Refusal::new(503, "serviceNotAvailable", "The service is unavailable."),
        _ => Refusal::new(429, "activityLimitReached", "The request has been throttled")
            .inner("throttledRequest"),
    };
    let refusal = refusal.with("retry-after", retry_after_s.to_string());
    match limit {
        Some(limit) => refusal
            .with("ratelimit-limit", limit.limit.to_string())
            .with("ratelimit-remaining", limit.remaining.to_string())
            .with("ratelimit-reset", limit.reset_s.to_string()),
        None => refusal,
    }
}

/// Too many requests of a bucket are in flight.
fn crowded(state: &SimState, ask: &Ask, route: &Route, key: u64) -> Refusal {
    const WAIT_S: i64 = 1;
    let call = format!("{} {:?}", ask.method, route.call);
    state.ledger.record(ViolationKind::OverConcurrency, state.now_ms(), call);
    state.counters.add(|totals| totals.throttled += 1);
    state.throttle.fence_request(key, state.now_ms() + WAIT_S * 1000, Instant::now());
    let message = "Application is over its concurrency limit.";
    Refusal::new(429, "ApplicationThrottled", message).with("retry-after", WAIT_S.to_string())
}

/// An injected error with `Retry-After` is kept to like a real one.
fn raise_fence(
    state: &SimState,
    bucket: Option<Bucket>,
    key: u64,
    substitute: &Substitute,
    now_ms: i64,
    known: Instant,
) {
    let wait_ms = match substitute.retry_after {
        RetryAfter::Missing => 0,
        RetryAfter::Seconds(seconds) | RetryAfter::Date(seconds) => seconds as i64 * 1000,
        RetryAfter::Float(seconds) => (seconds * 1000.0) as i64,
    };
    if wait_ms == 0 {
        return;
    }
    match bucket {
        Some(bucket) if substitute.status == 429 && state.engine.fences_bucket() => {
            state.throttle.fence(bucket, key, now_ms + wait_ms, known);
        }
        _ => state.throttle.fence_request(key, now_ms + wait_ms, known),
    }
}

/// 410: the token is of no use any more.
pub(super) fn gone(ask: &Ask, drive_id: &str, upload: bool, location: LocationForm) -> Refusal {
    let code = if upload { "resyncChangesUploadDifferences" } else { "resyncChangesApplyDifferences" };
    let refusal = Refusal::new(
        410,
        "resyncRequired",
        "Resync required. Replace any local items with the server's version.",
    );
    let fresh = format!("/drives/{drive_id}/root/delta");
    match location {
        LocationForm::None => refusal.inner(code),
        LocationForm::Fresh => refusal.inner(code).with("location", ask.link(&fresh)),
        LocationForm::DoubleEncoded => {
            refusal.inner(code).with("location", ask.link(&fresh.replace('!', "%2521")))
        }
    }
}

fn count(state: &SimState, reply: &Reply) {
    let length = reply.answer.length();
    let (content, status) = (matches!(reply.answer.body, Payload::Content(..)), reply.answer.status);
    state.counters.add(|totals| {
        *totals.calls.entry(reply.call).or_default() += 1;
        if !reply.reset {
            *totals.statuses.entry(status).or_default() += 1;
        }
        if content {
            totals.content_bytes += length;
        } else {
            totals.json_bytes += length;
        }
    });
}

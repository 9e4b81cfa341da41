//! One logical call from its first attempt to its result or its end.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::BytesMut;
use reqwest::Client;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use super::attempt::{Opened, Trouble};
use super::backoff;
use super::body::{Body, Reply, Whole};
use super::call::{Call, Kind, Repeat};
use super::classify::Verdict;
use super::pools::Pools;
use super::retry_after;
use crate::auth::TokenSource;
use crate::budget::{Advice, Gate, Limits, Permit, Workload};
use crate::clock::Clock;
use crate::config::{Deadlines, GraphConfig};
use crate::error::{Fault, GraphError, Place};
use crate::json::JsonError;
use crate::metrics::Counters;

/// How often a call may be answered that its token is not taken.
const RENEWALS_MAX: u32 = 6;

/// Pools, gates and counters: all that calls share.
#[derive(Debug)]
pub struct Http {
    pools: Pools,
    gates: [Arc<Gate>; Workload::ALL.len()],
    counters: Counters,
    clock: Arc<dyn Clock>,
    deadlines: Deadlines,
}

/// What a call has used up.
struct Spent {
    start: Duration,
    throttled: Duration,
    failures: u32,
    refusals: u32,
    renewals: u32,
}

impl Http {
    /// # Errors
    ///
    /// `Setup` if the settings make no client.
    pub fn new(config: &GraphConfig) -> Result<Self, GraphError> {
        let parallel = config.parallelism.max(1);
        let sign_in = Limits { rate: 10.0, rate_max: 10.0, burst: 10.0, concurrency: 4 };
        let gate = |workload| {
            let (limits, per_day) = match workload {
                Workload::SignIn => (sign_in, f64::INFINITY),
                Workload::Directory => (config.pace.directory, f64::INFINITY),
                Workload::Files => (config.pace.files, config.pace.files_per_day),
            };
            let concurrency = limits.concurrency.min(parallel);
            Gate::new(Limits { concurrency, ..limits }, per_day, config.clock.clone())
        };
        Ok(Self {
            pools: Pools::new(config)?,
            gates: Workload::ALL.map(gate),
            counters: Counters::default(),
            clock: config.clock.clone(),
            deadlines: config.deadlines,
        })
    }

    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    pub fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    pub fn deadlines(&self) -> &Deadlines {
        &self.deadlines
    }

    pub fn gate(&self, workload: Workload) -> &Arc<Gate> {
        &self.gates[workload as usize]
    }

    pub(super) fn client(&self, kind: Kind) -> Client {
        self.pools.client(kind)
    }

    /// Makes a call and reads its answer whole. `read` turns it into the result; what it finds cut or
    /// broken is asked for again.
    ///
    /// # Errors
    ///
    /// The failure that ended the call; see [`GraphError`].
    pub async fn run<T>(
        &self,
        call: &Call,
        tokens: Option<&TokenSource>,
        read: impl Fn(Reply) -> Result<T, Fault>,
    ) -> Result<T, GraphError> {
        self.run_into(call, tokens, |status| Whole { status, body: BytesMut::new(), read: &read }).await
    }

    /// Makes a call and reads its answer as it comes, into what `begin` makes for its status. What is
    /// cut or broken is asked for again, and read from its start.
    ///
    /// # Errors
    ///
    /// The failure that ended the call; see [`GraphError`].
    pub async fn run_into<B: Body>(
        &self,
        call: &Call,
        tokens: Option<&TokenSource>,
        begin: impl Fn(u16) -> B,
    ) -> Result<B::Read, GraphError> {
        let mut spent = self.begin();
        loop {
            let mut opened = self.next(call, tokens, &mut spent).await?;
            let body = begin(opened.status);
            match self.read(&mut opened, body).await {
                Ok(result) => return Ok(result),
                // Asking again brings the same.
                Err(Fault::Json(JsonError::Unexpected { .. })) if call.repeat == Repeat::Safe => {
                    let what = "an answer of another shape than expected";
                    return Err(GraphError::Protocol { what, place: opened.place });
                }
                Err(fault) => self.fail(call, fault, opened.place, &mut spent).await?,
            }
        }
    }

    /// Makes a call, and leaves the body of its answer to be read.
    ///
    /// # Errors
    ///
    /// As [`Http::run`].
    pub async fn open(&self, call: &Call, tokens: Option<&TokenSource>) -> Result<Opened, GraphError> {
        let mut spent = self.begin();
        self.next(call, tokens, &mut spent).await
    }

    fn begin(&self) -> Spent {
        let start = self.clock.now();
        Spent { start, throttled: Duration::ZERO, failures: 0, refusals: 0, renewals: 0 }
    }

    /// The next answer that is what was asked for.
    async fn next(
        &self,
        call: &Call,
        tokens: Option<&TokenSource>,
        spent: &mut Spent,
    ) -> Result<Opened, GraphError> {
        loop {
            let token = match tokens {
                Some(tokens) => Some(tokens.token().await?),
                None => None,
            };
            let mut permit = self.admit(call, spent).await?;
            let is_retry = spent.failures + spent.refusals + spent.renewals > 0;
            self.counters.request(call.workload, call.price, is_retry);
            let header = token.as_ref().map(|token| token.header());
            let asked_at = self.clock.now();
            let mut attempt = self.attempt(call, header, spent.failures).await;
            if let Ok(opened) = &mut attempt {
                let cost = number(&opened.headers, "x-ms-resource-unit");
                permit.correct(cost.map_or(0.0, |units| units - f64::from(call.price)));
                if call.is_download() {
                    opened.seat = permit.first_byte(self.clock.now().saturating_sub(asked_at));
                }
            }
            drop(permit);
            match attempt {
                Ok(opened) => return Ok(opened),
                Err(Trouble::Fault(fault, place)) => {
                    self.pools.renew(call.kind);
                    self.fail(call, fault, place, spent).await?;
                }
                Err(Trouble::Verdict(Verdict::NewToken(place), ..)) => {
                    let (Some(tokens), Some(token)) = (tokens, &token) else {
                        return Err(GraphError::Forbidden { place });
                    };
                    self.renew(tokens, token.serial(), place, spent).await?;
                }
                Err(Trouble::Verdict(verdict, headers, status)) => {
                    self.heed(call, verdict, &headers, status, spent).await?;
                }
            }
        }
    }

    /// Waits until the call may go.
    async fn admit(&self, call: &Call, spent: &mut Spent) -> Result<Permit, GraphError> {
        let gate = self.gate(call.workload);
        let fenced = gate.fenced_for();
        if spent.throttled + fenced > self.deadlines.throttled {
            return Err(GraphError::ThrottledOut {
                place: call.place(),
                waited: spent.throttled,
                asked: fenced,
            });
        }
        let start = self.clock.now();
        let permit = gate.admit(call.price, call.priority, &call.resource).await;
        // The line is not the call's fault: no wait for admission counts against its deadline.
        let waited = self.clock.now().saturating_sub(start);
        spent.start += waited;
        spent.throttled += fenced.min(waited);
        Ok(permit)
    }

    /// Gets another token: at once the first time, then with growing waits.
    async fn renew(
        &self,
        tokens: &TokenSource,
        serial: u64,
        place: Place,
        spent: &mut Spent,
    ) -> Result<(), GraphError> {
        spent.renewals += 1;
        if spent.renewals > RENEWALS_MAX {
            return Err(GraphError::SignIn {
                code: None,
                error: place.code.clone().unwrap_or_default(),
                hint: "Graph does not take the tokens that the sign-in gave",
                trace_id: place.request_id.clone(),
            });
        }
        if spent.renewals > 1 {
            self.clock.sleep(backoff::wait_after(spent.renewals - 1)).await;
        }
        tokens.renew(serial).await
    }

    /// Does what a refusal asks for, or gives up.
    async fn heed(
        &self,
        call: &Call,
        verdict: Verdict,
        headers: &HeaderMap,
        status: u16,
        spent: &mut Spent,
    ) -> Result<(), GraphError> {
        if status == 503 {
            self.pools.renew(call.kind);
        }
        let asked = self.asked_wait(headers);
        let gate = self.gate(call.workload);
        match verdict {
            Verdict::Throttled(place) => {
                spent.refusals += 1;
                let wait = asked.unwrap_or_else(|| backoff::wait_after(spent.refusals));
                self.counters.refusal(gate.refuse(backoff::after_fence(wait, backoff::chance())));
                if spent.throttled + wait > self.deadlines.throttled || spent.refusals > 1000 {
                    return Err(GraphError::ThrottledOut { place, waited: spent.throttled, asked: wait });
                }
                Ok(())
            }
            Verdict::Later(place) => {
                if let Some(wait) = asked {
                    self.counters.refusal(gate.refuse(backoff::after_fence(wait, backoff::chance())));
                }
                self.fail(call, Fault::Server, place, spent).await
            }
            Verdict::Failed(error) => Err(error),
            Verdict::NewToken(place) => Err(GraphError::Forbidden { place }),
            Verdict::Done => Err(call.protocol("an answer that is none")),
        }
    }

    /// Parts of a batch were refused, each with the wait that it asked for, if it did. Their bucket
    /// waits once, for the longest of them, as for a refusal of the whole.
    pub fn heed_parts(&self, call: &Call, refusals: &[Option<Duration>], failures: u32) {
        let Some(asked) = refusals.iter().max() else { return };
        let wait = asked.unwrap_or_else(|| backoff::wait_after(failures + 1));
        let fence = backoff::after_fence(wait, backoff::chance());
        self.counters.refusal(self.gate(call.workload).refuse(fence));
    }

    /// Waits after `failures` failures in a row, before what failed is asked for again; longer if too
    /// many calls of this budget fail. Says for how long it was longer.
    pub async fn back_off(&self, workload: Workload, failures: u32) -> Duration {
        self.clock.sleep(backoff::wait_after(failures)).await;
        self.gate(workload).admit_retry(backoff::patience(failures)).await
    }

    /// Counts a failure: waits before the next attempt, or gives up.
    async fn fail(
        &self,
        call: &Call,
        fault: Fault,
        place: Place,
        spent: &mut Spent,
    ) -> Result<(), GraphError> {
        if call.repeat == Repeat::Never && fault != Fault::Connect {
            return Err(GraphError::Ambiguous { place, source: fault });
        }
        spent.failures += 1;
        tracing::debug!(call = %place, %fault, failures = spent.failures, "an attempt failed");
        let used = self.clock.now().saturating_sub(spent.start);
        if spent.failures >= self.deadlines.attempts || used >= self.deadlines.call {
            return Err(GraphError::Exhausted { place, attempts: spent.failures, source: fault });
        }
        // What others did wrong does not count against this call's deadline.
        spent.start += self.back_off(call.workload, spent.failures).await;
        Ok(())
    }

    /// The wait that an answer asks for: the larger of both headers; zero counts as none.
    pub fn asked_wait(&self, headers: &HeaderMap) -> Option<Duration> {
        let header = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let from = |now: SystemTime| retry_after::parse(header?, now).filter(|wait| !wait.is_zero());
        // The service's own time, by which its dates are meant; ours, if by that one it is no wait.
        let after = date(headers).and_then(from).or_else(|| from(self.clock.wall()));
        let reset = advice(headers).filter(|advice| advice.remaining < 1.0).map(|advice| advice.reset);
        after.max(reset).filter(|wait| !wait.is_zero())
    }

    /// Learns from the headers of any answer.
    pub(super) fn observe(&self, call: &Call, headers: &HeaderMap) {
        if let Some(advice) = advice(headers) {
            self.gate(call.workload).advise(advice);
        }
        if let Some(date) = date(headers) {
            self.counters.skew(difference_ms(date, self.clock.wall()));
        }
    }
}

fn advice(headers: &HeaderMap) -> Option<Advice> {
    let remaining = number(headers, "ratelimit-remaining")?;
    let reset = number(headers, "ratelimit-reset")?;
    let reset = Duration::try_from_secs_f64(reset.clamp(0.0, 3600.0)).ok()?;
    Some(Advice { limit: number(headers, "ratelimit-limit"), remaining: remaining.max(0.0), reset })
}

fn number(headers: &HeaderMap, name: &str) -> Option<f64> {
    let number: f64 = headers.get(name)?.to_str().ok()?.trim().parse().ok()?;
    number.is_finite().then_some(number)
}

fn date(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get("date")?.to_str().ok()?).ok()
}

fn difference_ms(theirs: SystemTime, ours: SystemTime) -> i64 {
    let ms = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    match theirs.duration_since(ours) {
        Ok(ahead) => ms(ahead),
        Err(behind) => -ms(behind.duration()),
    }
}

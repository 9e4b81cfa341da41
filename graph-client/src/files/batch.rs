//! Many items in one request: `$batch`. It saves round trips, not resource units.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::stream::{self, StreamExt, TryStreamExt};
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::budget::{Workload, price};
use crate::error::{Fault, GraphError, Place};
use crate::graph::Graph;
use crate::http::{Answer, Call, Repeat, Verdict};
use crate::json;
use crate::model::{
    BATCH_SIZE_MAX, BatchAnswer, BatchCall, BatchReply, BatchRequest, DriveId, DriveItem, ItemId,
};

/// Batches of one list that are under way at a time.
const AT_A_TIME: usize = 4;
/// How often an item is asked for. A refusal that may pass is believed by the last of them.
const ROUNDS_MAX: u32 = 4;

/// What a batch tells of each item.
type Found = (ItemId, Result<DriveItem, GraphError>);

/// What one batch came to.
#[derive(Default)]
struct Told {
    /// By place in the list.
    settled: Vec<(usize, Result<DriveItem, GraphError>)>,
    /// What may be answered another time, and what was said to it now.
    open: Vec<(usize, Place)>,
    /// The token was not taken for some of it.
    wants_token: bool,
}

/// What one part of a batch came to.
enum Part {
    Settled(Box<Result<DriveItem, GraphError>>),
    Open(Place),
    WantsToken(Place),
    /// The service wants to be left alone, for so long if it says.
    Throttled(Place, Option<Duration>),
}

impl Graph {
    /// The items as they are now, with fresh addresses of their contents, in the order asked for.
    ///
    /// If most of a delta page is wanted, asking for that page again ([`Graph::refresh_page`]) is
    /// cheaper: one resource unit rather than one an item.
    ///
    /// What fails in passing is gathered and asked for again, a few times at most; what is then
    /// still without an answer is `Exhausted`.
    ///
    /// # Errors
    ///
    /// What failed for an item stands beside it. The call fails only with what concerns all: sign-in
    /// and throttling.
    pub async fn refresh_download_urls(
        &self,
        drive: &DriveId,
        items: &[ItemId],
    ) -> Result<Vec<Found>, GraphError> {
        let mut found: Vec<Option<Result<DriveItem, GraphError>>> = items.iter().map(|_| None).collect();
        let mut open: Vec<(usize, Place)> = (0..items.len()).map(|at| (at, Place::default())).collect();
        for round in 0..ROUNDS_MAX {
            if open.is_empty() {
                break;
            }
            if round > 0 {
                self.http().back_off(Workload::Files, round).await;
            }
            let wanted: Vec<(usize, &ItemId)> = open.iter().map(|(at, _)| (*at, &items[*at])).collect();
            let told = self.round(drive, &wanted, round).await?;
            told.settled.into_iter().for_each(|(at, result)| found[at] = Some(result));
            open = told.open;
        }
        for (at, place) in open {
            let error = GraphError::Exhausted { place, attempts: ROUNDS_MAX, source: Fault::Server };
            found[at] = Some(Err(error));
        }
        // Each is settled or was open to the end.
        Ok(items.iter().cloned().zip(found).filter_map(|(item, found)| Some((item, found?))).collect())
    }

    /// Asks once for each of them, some batches at a time.
    async fn round(
        &self,
        drive: &DriveId,
        wanted: &[(usize, &ItemId)],
        failures: u32,
    ) -> Result<Told, GraphError> {
        let serial = self.tokens().token().await?.serial();
        let batches = wanted.chunks(BATCH_SIZE_MAX).map(|some| self.batch(drive, some, failures));
        let batches: Vec<_> = batches.collect();
        let told: Vec<Told> = stream::iter(batches).buffered(AT_A_TIME).try_collect().await?;
        let mut all = Told::default();
        for one in told {
            all.settled.extend(one.settled);
            all.open.extend(one.open);
            all.wants_token |= one.wants_token;
        }
        if all.wants_token {
            self.tokens().renew(serial).await?;
        }
        Ok(all)
    }

    /// One batch. If it is itself refused, then that is what is told of each of its items.
    async fn batch(
        &self,
        drive: &DriveId,
        wanted: &[(usize, &ItemId)],
        failures: u32,
    ) -> Result<Told, GraphError> {
        let call = self.batch_call(drive, wanted)?;
        let reply: BatchReply = match self.json(&call).await {
            Ok(reply) => reply,
            Err(error) if error.stops_everything() => return Err(error),
            Err(error) => {
                let settled = wanted.iter().map(|(at, _)| (*at, Err(error.clone()))).collect();
                return Ok(Told { settled, ..Told::default() });
            }
        };
        let mut answers: BTreeMap<String, BatchAnswer> =
            reply.responses.into_iter().map(|answer| (answer.id.clone(), answer)).collect();
        let mut told = Told::default();
        let mut refusals = Vec::new();
        for (at, item) in wanted {
            let one = self.item_call(drive, item)?;
            let part = match answers.remove(&at.to_string()) {
                Some(answer) => self.part(&one, &answer, failures),
                None => Part::Open(one.place()),
            };
            match part {
                Part::Settled(result) => told.settled.push((*at, *result)),
                Part::Open(place) => told.open.push((*at, place)),
                Part::WantsToken(place) => {
                    told.wants_token = true;
                    told.open.push((*at, place));
                }
                Part::Throttled(place, wait) => {
                    refusals.push(wait);
                    told.open.push((*at, place));
                }
            }
        }
        self.http().heed_parts(&call, &refusals, failures);
        Ok(told)
    }

    fn batch_call(&self, drive: &DriveId, wanted: &[(usize, &ItemId)]) -> Result<Call, GraphError> {
        let mut requests = Vec::with_capacity(wanted.len());
        let root = self.url(&[], "")?;
        for (at, item) in wanted {
            let url = self.item_call(drive, item)?.url;
            let relative = url.path().strip_prefix(root.path()).unwrap_or(url.path());
            requests.push(BatchCall { id: at.to_string(), method: "GET", url: relative.to_owned() });
        }
        let body = serde_json::to_value(BatchRequest { requests });
        let body = body.map_err(|_| GraphError::Setup { what: "a batch that cannot be written".into() })?;
        // Reads alone: twice is as good as once. Each part has its price.
        let price = price::ITEM.saturating_mul(u32::try_from(wanted.len()).unwrap_or(u32::MAX));
        let url = self.url(&["$batch"], "")?;
        let call = Call::api(Method::POST, url, Workload::Files, price, Repeat::Safe).json(&body);
        Ok(call.on_behalf_of(drive.as_str()))
    }

    /// What an answer says to `call`, which has failed so often before.
    fn part(&self, call: &Call, answer: &BatchAnswer, failures: u32) -> Part {
        let names = ["retry-after", "request-id"].map(HeaderName::from_static).into_iter();
        let header = |name: HeaderName| {
            let value = HeaderValue::from_str(&answer.header(name.as_str())?).ok()?;
            Some((name, value))
        };
        let headers: HeaderMap = names.filter_map(header).collect();
        let body = answer.body.as_ref().map_or("", |body| body.get()).as_bytes();
        let read = Answer { status: answer.status, headers: &headers, body, request_id: "", failures };
        let asked = self.http().asked_wait(&headers);
        match read.verdict(call) {
            Verdict::Done => match json::decode(body) {
                Ok(item) => Part::Settled(Box::new(Ok(item))),
                Err(_) => Part::Open(call.place()),
            },
            Verdict::Failed(error) => Part::Settled(Box::new(Err(error))),
            Verdict::Throttled(place) => Part::Throttled(place, asked),
            Verdict::Later(place) if asked.is_some() => Part::Throttled(place, asked),
            Verdict::Later(place) => Part::Open(place),
            Verdict::NewToken(place) => Part::WantsToken(place),
        }
    }
}

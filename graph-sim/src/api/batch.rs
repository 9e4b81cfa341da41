//! `$batch`: up to twenty calls in one, each judged on its own.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{HeaderMap, Method};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::handle::serve;
use super::route::{Call, route};
use crate::state::SimState;
use crate::wire::answer::{Answer, Payload, Refusal};
use crate::wire::ask::{Ask, Port};
use crate::wire::json::Json;

const PARTS_MAX: usize = 20;

#[derive(Deserialize)]
struct Batch<'a> {
    #[serde(borrow)]
    requests: Vec<Part<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part<'a> {
    id: String,
    method: String,
    url: String,
    #[serde(default)]
    headers: HashMap<String, String>,
    #[serde(borrow, default)]
    body: Option<&'a RawValue>,
    #[serde(default)]
    depends_on: Vec<String>,
}

/// Answers a batch; its parts are done in the order they stand in.
pub fn run(state: &SimState, ask: &Ask, request_id: &str) -> Result<Answer, Refusal> {
    let bad = |message: &str| Refusal::new(400, "BadRequest", message);
    let batch: Batch = serde_json::from_slice(&ask.body).map_err(|_| bad("Invalid batch payload format."))?;
    if batch.requests.is_empty() || batch.requests.len() > PARTS_MAX {
        return Err(bad("Number of batch request steps exceeds the maximum value of 20."));
    }
    let mut statuses: HashMap<&str, u16> = HashMap::new();
    let mut json = Json::default();
    json.open().key("responses").open_list();
    for part in &batch.requests {
        let failed = part
            .depends_on
            .iter()
            .any(|needed| statuses.get(needed.as_str()).is_none_or(|status| *status >= 400));
        let answer = if failed {
            Refusal::new(424, "FailedDependency", "A request that this one depends on failed.").answer(
                request_id,
                "",
                state.now_ms(),
            )
        } else {
            answer_part(state, ask, part, request_id)
        };
        if statuses.insert(&part.id, answer.status).is_some() {
            return Err(bad("The ids of a batch must be unique."));
        }
        write_part(&part.id, &answer, &mut json);
    }
    json.close_list().close();
    Ok(Answer::json(200, json))
}

fn answer_part(state: &SimState, ask: &Ask, part: &Part, request_id: &str) -> Answer {
    let Ok(method) = Method::from_bytes(part.method.to_uppercase().as_bytes()) else {
        return Refusal::invalid("The method is not known.").answer(request_id, "", state.now_ms());
    };
    let mut headers = HeaderMap::new();
    for (name, value) in &part.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value))
        {
            headers.insert(name, value);
        }
    }
    let body = part.body.map_or(Bytes::new(), |body| Bytes::copy_from_slice(body.get().as_bytes()));
    let target = format!("{}/{}", ask.prefix, part.url.trim_start_matches('/'));
    let inner = Ask::new(method, Port::Api, ask.origin.clone(), &target, headers, body);
    let inner = Ask { arrived: ask.arrived, ..inner };
    let route = route(state, &inner);
    if route.call == Call::Batch || !route.call.is_graph() {
        return Refusal::invalid("The call cannot stand in a batch.").answer(request_id, "", state.now_ms());
    }
    state.counters.add(|totals| *totals.calls.entry(route.call).or_default() += 1);
    let reply = serve(state, &inner, &route, request_id);
    // What would break a connection breaks only this part.
    if reply.reset {
        return Refusal::new(504, "UnknownError", "").answer(request_id, "", state.now_ms());
    }
    reply.answer
}

fn write_part(id: &str, answer: &Answer, json: &mut Json) {
    json.open().text("id", id).number("status", u64::from(answer.status)).key("headers").open();
    for (name, value) in &answer.headers {
        json.text(&canonical(name), value);
    }
    json.close();
    if let Payload::Bytes(bytes) = &answer.body
        && !bytes.is_empty()
    {
        if answer.header("content-type").is_some_and(|kind| kind.starts_with("application/json")) {
            json.raw("body", bytes);
        } else {
            json.text("body", &STANDARD.encode(bytes));
        }
    }
    json.close();
}

/// `content-type` as `Content-Type`.
fn canonical(name: &str) -> String {
    let word = |word: &str| word.get(..1).unwrap_or("").to_uppercase() + word.get(1..).unwrap_or("");
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}

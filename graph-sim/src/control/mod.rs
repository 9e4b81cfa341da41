//! What stands under `/__sim/`: the state's own interface, for clients in other processes.

use std::time::Duration;

use hyper::Method;
use serde::Deserialize;
use serde_json::json;

use crate::faults::{Faults, preset};
use crate::state::{Mutation, MutatorPace, SimState};
use crate::wire::answer::Answer;
use crate::wire::ask::Ask;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockBody {
    scale: Option<f64>,
    advance_ms: Option<u64>,
}

/// Answers a request below `/__sim`.
pub fn handle(state: &SimState, ask: &Ask) -> Answer {
    let segments: Vec<&str> = ask.segments.iter().skip(1).map(String::as_str).collect();
    match (&ask.method, segments.as_slice()) {
        (&Method::GET, ["violations"]) => {
            answer(json!({ "counts": state.ledger.counts(), "entries": state.violations() }))
        }
        (&Method::GET, ["counters"]) => answer(state.totals()),
        (&Method::GET, ["downloads"]) => {
            let counts: Vec<_> = state.downloads().into_iter().collect();
            let lines = counts
                .iter()
                .map(|((drive, item), count)| json!({ "drive": drive, "item": item, "count": count }));
            answer(lines.collect::<Vec<_>>())
        }
        (&Method::DELETE, ["books"]) => {
            state.clear_books();
            Answer::empty(204)
        }
        (&Method::GET, ["faults"]) => answer(state.faults()),
        (&Method::PUT, ["faults"]) => set_faults(state, ask),
        (&Method::POST, ["mutate"]) => match body::<Mutation>(ask) {
            Ok(mutation) => answer(json!({ "changes": state.mutate(&mutation) })),
            Err(refused) => refused,
        },
        (&Method::PUT, ["mutator"]) => match body::<Option<MutatorPace>>(ask) {
            Ok(pace) => {
                state.set_mutator(pace);
                Answer::empty(204)
            }
            Err(refused) => refused,
        },
        (&Method::GET, ["clock"]) => {
            answer(json!({ "now_ms": state.now_ms(), "scale": state.clock().scale() }))
        }
        (&Method::PUT, ["clock"]) => match body::<ClockBody>(ask) {
            Ok(wanted) => {
                if let Some(scale) = wanted.scale {
                    state.clock().set_scale(scale);
                }
                if let Some(ms) = wanted.advance_ms {
                    state.clock().advance(Duration::from_millis(ms));
                }
                Answer::empty(204)
            }
            Err(refused) => refused,
        },
        (method, ["drives", rest @ ..]) => drives(state, ask, method, rest),
        _ => refuse(404, "there is no such page below /__sim"),
    }
}

fn drives(state: &SimState, ask: &Ask, method: &Method, rest: &[&str]) -> Answer {
    let [name, rest @ ..] = rest else {
        let line = |drive: u32| {
            json!({ "drive": drive, "id": state.drive_id(drive), "seq": state.seq(drive),
                "user": state.users()[drive as usize].principal_name })
        };
        return answer((0..state.drive_count()).map(line).collect::<Vec<_>>());
    };
    let number = name.parse().ok().or_else(|| state.drive_number(name));
    let Some(drive) = number.filter(|drive| *drive < state.drive_count()) else {
        return refuse(404, "there is no such drive");
    };
    match (method, rest) {
        (&Method::GET, ["state"]) => {
            let seq =
                ask.query.get("seq").and_then(|seq| seq.parse().ok()).unwrap_or_else(|| state.seq(drive));
            let mut lines = Vec::new();
            for item in state.true_state_at(drive, seq) {
                match serde_json::to_vec(&item) {
                    Ok(line) => lines.extend_from_slice(&line),
                    Err(_) => return refuse(500, "an item could not be written"),
                }
                lines.push(b'\n');
            }
            Answer::bytes(200, "application/x-ndjson", lines)
        }
        (&Method::GET, ["poisoned"]) => answer(state.poisoned(drive)),
        (&Method::POST, ["expire"]) => {
            state.expire_delta_tokens(drive);
            Answer::empty(204)
        }
        _ => refuse(404, "there is no such page of a drive"),
    }
}

/// Faults as JSON, or by `?preset=NAME`.
fn set_faults(state: &SimState, ask: &Ask) -> Answer {
    let faults = match ask.query.get("preset") {
        Some(name) => match preset(name) {
            Some(faults) => faults,
            None => return refuse(400, "there is no preset of that name"),
        },
        None => match body::<Faults>(ask) {
            Ok(faults) => faults,
            Err(refused) => return refused,
        },
    };
    state.set_faults(faults);
    Answer::empty(204)
}

fn body<T: serde::de::DeserializeOwned>(ask: &Ask) -> Result<T, Answer> {
    serde_json::from_slice(&ask.body).map_err(|error| refuse(400, &error.to_string()))
}

fn answer(value: impl serde::Serialize) -> Answer {
    match serde_json::to_vec(&value) {
        Ok(bytes) => Answer::bytes(200, "application/json", bytes),
        Err(_) => refuse(500, "the answer could not be written"),
    }
}

fn refuse(status: u16, message: &str) -> Answer {
    Answer::bytes(status, "application/json", json!({ "error": message }).to_string())
}

//! Device codes: one device shows a code, a person answers at another.

use std::collections::HashMap;

use parking_lot::Mutex;

use super::grant::{Denied, check_tenant, error};
use crate::config::DeviceOutcome;
use crate::state::SimState;
use crate::wire::answer::{Answer, Outcome};
use crate::wire::ask::{Ask, Query};
use crate::wire::json::Json;
use crate::wire::token;

const LIFETIME_S: u64 = 900;

/// How often each code was asked about.
#[derive(Default)]
pub struct DeviceCodes(Mutex<HashMap<u64, u32>>);

/// Answers the device-code endpoint.
pub fn device_code(state: &SimState, ask: &Ask) -> Outcome {
    let form = Query::parse(&String::from_utf8_lossy(&ask.body));
    if let Err(denied) = check_tenant(state, ask) {
        return Ok(error(denied.status, denied.error, denied.code, &denied.message, state.now_ms()));
    }
    if form.get("client_id").is_none_or(|id| !id.eq_ignore_ascii_case(&state.config.app.client_id)) {
        return Ok(error(
            400,
            "unauthorized_client",
            700_016,
            "Application was not found in the directory.",
            state.now_ms(),
        ));
    }
    let number = {
        let mut codes = state.devices.0.lock();
        let number = codes.len() as u64;
        codes.insert(number, 0);
        number
    };
    let expires_s = (state.now_ms() / 1000) as u64 + LIFETIME_S;
    let code = token::seal(state.tenant.seed(), "device", &[number, expires_s]);
    let verification = format!("{}/common/oauth2/deviceauth", ask.origin);
    let user_code = format!("SIM{number:06}");
    let mut json = Json::default();
    json.open()
        .text("user_code", &user_code)
        .text("device_code", &code)
        .text("verification_uri", &verification);
    json.number("expires_in", LIFETIME_S).number("interval", u64::from(state.config.app.device.interval_s));
    let message = format!(
        "To sign in, use a web browser to open the page {verification} and enter the code {user_code} to authenticate."
    );
    json.text("message", &message).close();
    Ok(Answer::bytes(200, "application/json; charset=utf-8", json.finish()))
}

/// What a poll of the token endpoint gets.
pub fn poll(state: &SimState, form: &Query) -> Result<(), Denied> {
    let refuse = |error, code, message: &str| Err(Denied::new(400, error, code, message));
    let given = form.get("device_code").or(form.get("code")).unwrap_or("");
    let Ok([number, expires_s]) = token::unseal::<2>(state.tenant.seed(), "device", given) else {
        return refuse("bad_verification_code", 70_018, "Invalid verification code.");
    };
    let polls = {
        let mut codes = state.devices.0.lock();
        let polls = codes.entry(number).or_default();
        *polls += 1;
        *polls
    };
    let flow = state.config.app.device;
    if state.now_ms() / 1000 >= expires_s as i64 {
        return refuse(
            "expired_token",
            70_020,
            "The provided value for the input parameter 'device_code' is expired.",
        );
    }
    if polls <= flow.pending_polls {
        return refuse(
            "authorization_pending",
            70_016,
            "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
        );
    }
    match flow.outcome {
        DeviceOutcome::Granted => Ok(()),
        DeviceOutcome::Declined => {
            refuse("authorization_declined", 70_017, "The user declined the authorization.")
        }
        DeviceOutcome::Expired => refuse(
            "expired_token",
            70_020,
            "The provided value for the input parameter 'device_code' is expired.",
        ),
    }
}

//! Errors that a fault puts in place of the answer, in all the forms they come in.

use std::time::{Duration, UNIX_EPOCH};

use super::route::Call;
use crate::faults::{BodyForm, RetryAfter, Substitute};
use crate::wire::answer::{Answer, Refusal};

/// The response of an injected error.
pub fn answer(substitute: &Substitute, request_id: &str, client_id: &str, now_ms: i64, call: Call) -> Answer {
    let status = substitute.status;
    let answer = match substitute.body {
        BodyForm::Empty => Answer::empty(status),
        BodyForm::Html => {
            let page = format!(
                "<!DOCTYPE html><html><head><title>{status}</title></head><body>Try again.</body></html>"
            );
            Answer::bytes(status, "text/html; charset=utf-8", page)
        }
        BodyForm::Json if matches!(call, Call::Token | Call::DeviceCode) => crate::login::error(
            status,
            "temporarily_unavailable",
            90_033,
            "A transient error has occurred.",
            now_ms,
        ),
        BodyForm::Json => refusal(status, substitute.code.as_deref()).answer(request_id, client_id, now_ms),
    };
    match substitute.retry_after {
        RetryAfter::Missing => answer,
        RetryAfter::Seconds(seconds) => answer.with("retry-after", seconds.to_string()),
        RetryAfter::Float(seconds) => answer.with("retry-after", seconds.to_string()),
        RetryAfter::Date(seconds) => {
            // Dates have whole seconds: rounded up, so that who waits for it waits long enough.
            let at_s = (now_ms.max(0) as u64).div_ceil(1000) + seconds;
            answer.with("retry-after", httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(at_s)))
        }
    }
}

/// The usual refusal of a status, or one with the code asked for.
fn refusal(status: u16, code: Option<&str>) -> Refusal {
    let (usual, inner, message) = match status {
        400 => ("invalidRequest", None, "Invalid request"),
        401 => ("InvalidAuthenticationToken", None, "Access token has expired or is not yet valid."),
        403 => ("accessDenied", None, "Access denied"),
        404 => ("itemNotFound", None, "The resource could not be found."),
        408 => ("generalException", None, "The request timed out."),
        410 => ("itemNotFound", None, "The URL has expired."),
        429 => ("activityLimitReached", Some("throttledRequest"), "The request has been throttled"),
        503 => (
            "serviceNotAvailable",
            None,
            "The service is not available. Try the request again after a delay.",
        ),
        507 => ("quotaLimitReached", None, "The user has reached their quota limit."),
        509 => ("activityLimitReached", None, "The app or user has been throttled."),
        _ => ("generalException", None, "General exception while processing"),
    };
    let code = code.and_then(known).unwrap_or(usual);
    let refusal = Refusal::new(status, code, message);
    match inner {
        Some(inner) => refusal.inner(inner),
        None => refusal,
    }
}

/// Codes that a rule may ask for.
fn known(code: &str) -> Option<&'static str> {
    const CODES: &[&str] = &[
        "InvalidAuthenticationToken",
        "unauthenticated",
        "accessDenied",
        "activityLimitReached",
        "TooManyRequests",
        "ApplicationThrottled",
        "UnknownError",
        "BadRequest",
        "generalException",
        "serviceNotAvailable",
        "itemNotFound",
        "invalidRequest",
        "malwareDetected",
        "notAllowed",
        "notSupported",
        "resourceModified",
        "cannotSnapshotTree",
        "quotaLimitReached",
        "ErrorCorruptData",
        "Authorization_RequestDenied",
        "resyncRequired",
        "nameAlreadyExists",
    ];
    CODES.iter().find(|known| **known == code).copied()
}

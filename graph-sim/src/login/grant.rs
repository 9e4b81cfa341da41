//! The token endpoint.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::access::Subject;
use super::{access, assertion, device};
use crate::config::TENANT_DOMAIN;
use crate::model::ids::{self, Guid};
use crate::seed::Seed;
use crate::state::SimState;
use crate::wire::answer::{Answer, Outcome};
use crate::wire::ask::{Ask, Query};
use crate::wire::json::Json;
use crate::wire::time;
use crate::wire::token::{seal, unseal};

/// Why a token is refused, in Entra's words.
#[derive(Clone, Debug)]
pub struct Denied {
    pub status: u16,
    pub error: &'static str,
    pub code: u32,
    pub message: String,
}

impl Denied {
    pub fn new(status: u16, error: &'static str, code: u32, message: impl Into<String>) -> Self {
        Denied { status, error, code, message: message.into() }
    }
}

/// The response of a refusal: `AADSTSnnnnn` and its kin.
pub fn error(status: u16, error: &str, code: u32, message: &str, now_ms: i64) -> Answer {
    let trace = ids::guid(Seed(now_ms as u64), Guid::Request, u64::from(code));
    let stamp = time::from_ms(now_ms);
    let stamp = format!("{}Z", stamp.split('.').next().unwrap_or_default().replace('T', " "));
    let mut json = Json::default();
    let description =
        format!("AADSTS{code}: {message} Trace ID: {trace} Correlation ID: {trace} Timestamp: {stamp}");
    json.open().text("error", error).text("error_description", &description).key("error_codes").open_list();
    json.splice(code.to_string().as_bytes()).close_list().text("timestamp", &stamp);
    json.text("trace_id", &trace).text("correlation_id", &trace);
    json.text("error_uri", &format!("https://login.microsoftonline.com/error?code={code}")).close();
    Answer::bytes(status, "application/json; charset=utf-8", json.finish())
}

/// Answers the token endpoint.
pub fn token(state: &SimState, ask: &Ask) -> Outcome {
    let form = Query::parse(&String::from_utf8_lossy(&ask.body));
    Ok(match grant(state, ask, &form) {
        Ok(subject) => success(state, ask, subject),
        Err(denied) => error(denied.status, denied.error, denied.code, &denied.message, state.now_ms()),
    })
}

/// What refresh tokens are sealed for.
const REFRESH: &str = "refresh";

fn success(state: &SimState, ask: &Ask, subject: Subject) -> Answer {
    let lifetime = u64::from(state.config.app.token_lifetime_s);
    let mut json = Json::default();
    json.open()
        .text("token_type", "Bearer")
        .number("expires_in", lifetime)
        .number("ext_expires_in", lifetime);
    json.text("access_token", &access::issue(state, subject));
    if subject == Subject::User {
        let (identity, info) = access::identity(state, &super::discovery::issuer(state, ask));
        json.text("scope", &state.config.app.roles.join(" "))
            .text("id_token", &identity)
            .text("client_info", &info);
        json.text("refresh_token", &seal(state.tenant.seed(), REFRESH, &[state.now_ms() as u64]));
    }
    json.close();
    Answer::bytes(200, "application/json; charset=utf-8", json.finish())
        .with("cache-control", "no-store, no-cache")
}

fn grant(state: &SimState, ask: &Ask, form: &Query) -> Result<Subject, Denied> {
    check_tenant(state, ask)?;
    let app = &state.config.app;
    let (id, secret) = credentials(ask, form);
    if !id.eq_ignore_ascii_case(&app.client_id) {
        let message = format!("Application with identifier '{id}' was not found in the directory 'Contoso'.");
        return Err(Denied::new(400, "unauthorized_client", 700_016, message));
    }
    match form.get("grant_type") {
        Some("client_credentials") => {
            let scope = form.get("scope").unwrap_or("");
            if !scope.split(' ').any(|scope| scope.ends_with(".default")) {
                let message = format!(
                    "The provided request must include a valid 'scope' input parameter, not '{scope}'."
                );
                return Err(Denied::new(400, "invalid_scope", 70_011, message));
            }
            match (form.get("client_assertion"), secret) {
                (Some(assertion), _) => assertion::check(state, ask, assertion).map(|()| Subject::App),
                (None, Some(secret)) if same(&secret, &app.client_secret) => Ok(Subject::App),
                (None, Some(_)) => {
                    Err(Denied::new(401, "invalid_client", 7_000_215, "Invalid client secret provided."))
                }
                (None, None) => {
                    let message = "The request body must contain: 'client_assertion' or 'client_secret'.";
                    Err(Denied::new(401, "invalid_client", 7_000_218, message))
                }
            }
        }
        Some("urn:ietf:params:oauth:grant-type:device_code") => {
            device::poll(state, form).map(|()| Subject::User)
        }
        Some("refresh_token") => {
            let token = form.get("refresh_token").unwrap_or("");
            let known = unseal::<1>(state.tenant.seed(), REFRESH, token).is_ok();
            let denied = || {
                Denied::new(400, "invalid_grant", 9_002_313, "The refresh token is malformed or not valid.")
            };
            known.then_some(Subject::User).ok_or_else(denied)
        }
        Some(other) => {
            let message = format!("The app requested an unsupported grant type '{other}'.");
            Err(Denied::new(400, "unsupported_grant_type", 70_003, message))
        }
        None => {
            let message = "The request body must contain the following parameter: 'grant_type'.";
            Err(Denied::new(400, "invalid_request", 900_144, message))
        }
    }
}

/// The tenant of the path must be this one, or one of the names that mean any.
pub fn check_tenant(state: &SimState, ask: &Ask) -> Result<(), Denied> {
    let named = ask.segments.first().map_or("", String::as_str);
    let known = [state.config.app.tenant_id.as_str(), TENANT_DOMAIN, "contoso", "common", "organizations"];
    if known.iter().any(|known| known.eq_ignore_ascii_case(named)) {
        return Ok(());
    }
    Err(Denied::new(400, "invalid_request", 90_002, format!("Tenant '{named}' not found.")))
}

/// Client id and secret, from the body or from `Authorization: Basic`.
fn credentials(ask: &Ask, form: &Query) -> (String, Option<String>) {
    if let Some(id) = form.get("client_id") {
        return (id.into(), form.get("client_secret").map(Into::into));
    }
    let basic =
        ask.header("authorization").strip_prefix("Basic ").and_then(|text| STANDARD.decode(text).ok());
    let basic = basic.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    match basic.split_once(':') {
        Some((id, secret)) => (crate::wire::ask::decode(id), Some(crate::wire::ask::decode(secret))),
        None => (String::new(), None),
    }
}

fn same(one: &str, other: &str) -> bool {
    blake3::hash(one.as_bytes()) == blake3::hash(other.as_bytes())
}

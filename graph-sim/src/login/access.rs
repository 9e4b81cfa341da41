//! Access tokens: made to look like Microsoft's, and checked on each call.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::Method;

use crate::api::Call;
use crate::state::SimState;
use crate::wire::answer::Refusal;
use crate::wire::ask::Ask;
use crate::wire::json::Json;

/// For whom a token speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Subject {
    /// The app, with its roles.
    App,
    /// The first user, within the same permissions.
    User,
}

/// Makes an access token that lives from now on.
pub fn issue(state: &SimState, subject: Subject) -> String {
    let app = &state.config.app;
    let now_s = (state.now_ms() / 1000) as u64;
    let mut claims = Json::default();
    claims.open().text("aud", "https://graph.microsoft.com").number("iat", now_s).number("nbf", now_s);
    claims.number("exp", now_s + u64::from(app.token_lifetime_s)).text("appid", &app.client_id);
    claims.text("tid", &app.tenant_id);
    if subject == Subject::User {
        claims.text("idtyp", "user").text("scp", &app.roles.join(" "));
    } else {
        claims.text("idtyp", "app").key("roles").open_list();
        app.roles.iter().for_each(|role| {
            claims.value(role);
        });
        claims.close_list();
    }
    claims.close();
    signed(state, claims)
}

/// Makes an identity token of the first user, and what MSAL calls client info.
pub fn identity(state: &SimState, issuer: &str) -> (String, String) {
    let app = &state.config.app;
    let now_s = (state.now_ms() / 1000) as u64;
    let (id, name) = state.users().first().map_or(("", ""), |user| (&user.id, &user.principal_name));
    let mut claims = Json::default();
    claims.open().text("aud", &app.client_id).text("iss", issuer).number("iat", now_s).number("nbf", now_s);
    claims.number("exp", now_s + u64::from(app.token_lifetime_s)).text("oid", id).text("sub", id);
    claims.text("preferred_username", name).text("tid", &app.tenant_id).text("ver", "2.0").close();
    let mut info = Json::default();
    info.open().text("uid", id).text("utid", &app.tenant_id).close();
    (signed(state, claims), URL_SAFE_NO_PAD.encode(info.finish()))
}

fn signed(state: &SimState, claims: Json) -> String {
    let head = URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","alg":"SIM"}"#);
    let body = format!("{head}.{}", URL_SAFE_NO_PAD.encode(claims.finish()));
    let seal = URL_SAFE_NO_PAD.encode(seal(state, &body).as_bytes());
    format!("{body}.{seal}")
}

fn seal(state: &SimState, body: &str) -> blake3::Hash {
    let key = blake3::derive_key("graph-sim access token", &state.tenant.profile.seed.to_le_bytes());
    blake3::keyed_hash(&key, body.as_bytes())
}

/// Checks the bearer token of a call, and whether its roles allow the call.
pub fn authorize(state: &SimState, ask: &Ask, call: Call) -> Result<(), Refusal> {
    let refuse = |message: &str| Refusal::new(401, "InvalidAuthenticationToken", message);
    let header = ask.header("authorization");
    let token = header.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let (_, token) = token.ok_or_else(|| refuse("Access token is empty."))?;
    let (body, given) = token.rsplit_once('.').ok_or_else(|| refuse("IDX14100: JWT is not well formed."))?;
    let given: Option<[u8; 32]> = URL_SAFE_NO_PAD.decode(given).ok().and_then(|bytes| bytes.try_into().ok());
    if given.is_none_or(|given| blake3::Hash::from_bytes(given) != seal(state, body)) {
        return Err(refuse("Access token validation failure. Invalid signature."));
    }
    let claims = body.split_once('.').and_then(|(_, claims)| URL_SAFE_NO_PAD.decode(claims).ok());
    let claims: Claims = claims
        .and_then(|claims| serde_json::from_slice(&claims).ok())
        .ok_or_else(|| refuse("IDX14100: JWT is not well formed."))?;
    if state.now_ms() / 1000 >= claims.exp {
        return Err(refuse("Lifetime validation failed, the token is expired."));
    }
    let scopes = claims.scp.split(' ').map(String::from);
    let roles: Vec<String> = claims.roles.into_iter().chain(scopes).collect();
    check_roles(&roles, ask, call)
}

#[derive(serde::Deserialize)]
struct Claims {
    exp: i64,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    scp: String,
}

fn check_roles(roles: &[String], ask: &Ask, call: Call) -> Result<(), Refusal> {
    const USERS: &[&str] =
        &["User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
    const WRITE: &[&str] = &["Files.ReadWrite.All", "Sites.ReadWrite.All", "Sites.FullControl.All"];
    const READ: &[&str] = &[
        "Files.Read.All",
        "Sites.Read.All",
        "Files.ReadWrite.All",
        "Sites.ReadWrite.All",
        "Sites.FullControl.All",
    ];
    let needed = match call {
        Call::Users => USERS,
        Call::Write | Call::Upload => WRITE,
        Call::Permissions if ask.method != Method::GET => WRITE,
        Call::Drive | Call::Item | Call::Children | Call::Delta | Call::DeltaNext => READ,
        Call::Content | Call::Versions | Call::Permissions => READ,
        _ => return Ok(()),
    };
    if roles.iter().any(|role| needed.contains(&role.as_str())) {
        return Ok(());
    }
    if call == Call::Users {
        let message = "Insufficient privileges to complete the operation.";
        return Err(Refusal::new(403, "Authorization_RequestDenied", message));
    }
    Err(Refusal::new(403, "accessDenied", "Either scp or roles claim need to be present in the token."))
}

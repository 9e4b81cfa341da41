//! Client assertions: JWTs that a registered certificate signed, and federated tokens.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use serde::Deserialize;

use super::certificate::rsa_key;
use super::grant::Denied;
use crate::state::SimState;
use crate::wire::ask::Ask;

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(rename = "x5t#S256")]
    x5t_s256: Option<String>,
    x5t: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    aud: String,
    iss: String,
    sub: String,
    exp: i64,
    #[serde(default)]
    nbf: i64,
    jti: Option<String>,
}

/// Accepts a federated token that is registered word for word, or a JWT by a registered certificate.
pub fn check(state: &SimState, ask: &Ask, assertion: &str) -> Result<(), Denied> {
    let app = &state.config.app;
    if app.federated_tokens.iter().any(|known| known == assertion) {
        return Ok(());
    }
    let bad = |message: &str| Denied::new(401, "invalid_client", 700_027, message);
    let (signed, signature) =
        assertion.rsplit_once('.').ok_or_else(|| bad("Client assertion is malformed."))?;
    let (header, claims) = signed.split_once('.').ok_or_else(|| bad("Client assertion is malformed."))?;
    let header: Header = part(header).ok_or_else(|| bad("The header of the assertion cannot be read."))?;
    let claims: Claims = part(claims).ok_or_else(|| bad("The claims of the assertion cannot be read."))?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| bad("The signature cannot be read."))?;
    let certificate = app.certificates.iter().find(|certificate| names(&header, certificate));
    let certificate = certificate.ok_or_else(|| {
        bad("Client assertion contains an invalid signature. [Reason - The key was not found.]")
    })?;
    let key = rsa_key(certificate).ok_or_else(|| bad("The registered certificate has no RSA key."))?;
    let algorithm = match header.alg.as_str() {
        "PS256" => &RSA_PSS_2048_8192_SHA256,
        "RS256" => &RSA_PKCS1_2048_8192_SHA256,
        _ => return Err(bad("The algorithm of the assertion is not supported.")),
    };
    UnparsedPublicKey::new(algorithm, key)
        .verify(signed.as_bytes(), &signature)
        .map_err(|_| bad("Client assertion failed signature validation."))?;
    check_claims(state, ask, &claims)
}

fn check_claims(state: &SimState, ask: &Ask, claims: &Claims) -> Result<(), Denied> {
    let bad = |message: &str| Denied::new(401, "invalid_client", 700_023, message);
    let app = &state.config.app;
    if claims.iss != app.client_id || claims.sub != app.client_id {
        return Err(bad("Client assertion: 'iss' and 'sub' must be the client id."));
    }
    if claims.jti.is_none() {
        return Err(bad("Client assertion: 'jti' is missing."));
    }
    let audience = claims.aud.trim_end_matches('/');
    let path = ask.target.split('?').next().unwrap_or_default();
    if audience != format!("{}{path}", ask.origin) {
        return Err(bad("Client assertion audience claim does not match the token endpoint."));
    }
    // Clients that do not share the simulated clock sign by the wall's.
    let wall_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() as i64;
    let valid = |now_s: i64| claims.nbf <= now_s + 300 && now_s - 300 < claims.exp;
    if valid(wall_s) || valid(state.now_ms() / 1000) {
        return Ok(());
    }
    let message = "Client assertion is not within its valid time range.";
    Err(Denied::new(401, "invalid_client", 700_024, message))
}

fn part<T: serde::de::DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

/// Whether a header names a certificate by either of its digests.
fn names(header: &Header, certificate: &[u8]) -> bool {
    use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
    let is = |given: &Option<String>, algorithm| {
        let digest = digest(algorithm, certificate);
        given.as_ref().is_some_and(|given| {
            *given == URL_SAFE_NO_PAD.encode(digest.as_ref()) || *given == URL_SAFE.encode(digest.as_ref())
        })
    };
    is(&header.x5t_s256, &SHA256) || is(&header.x5t, &SHA1_FOR_LEGACY_USE_ONLY)
}

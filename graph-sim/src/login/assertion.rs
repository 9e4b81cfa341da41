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
    /// Seconds, with fractions from some clients.
    exp: f64,
    #[serde(default)]
    nbf: f64,
    jti: Option<String>,
}

/// Accepts a federated token that is registered word for word, or a JWT by a registered certificate.
pub fn check(state: &SimState, ask: &Ask, assertion: &str) -> Result<(), Denied> {
    let app = &state.config.app;
    // Files of tokens end in a line end, which some clients send along.
    if app.federated_tokens.iter().any(|known| known == assertion.trim()) {
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
    let valid = |now_s: i64| claims.nbf <= (now_s + 300) as f64 && ((now_s - 300) as f64) < claims.exp;
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

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair};
    use bytes::Bytes;
    use hyper::{HeaderMap, Method};
    use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
    use serde_json::{Value, json};

    use super::*;
    use crate::config::{CLIENT_ID, SimConfig, TENANT_ID};
    use crate::wire::ask::Port;

    /// A JWT for this state's token endpoint, with one claim changed.
    fn assertion(key: &RsaKeyPair, certificate: &[u8], alg: &str, claim: &str, value: Value) -> String {
        let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, certificate);
        let header = json!({ "alg": alg, "typ": "JWT", "x5t#S256": URL_SAFE_NO_PAD.encode(digest) });
        let mut claims = json!({ "aud": format!("http://h/{TENANT_ID}/oauth2/v2.0/token"), "iss": CLIENT_ID,
            "sub": CLIENT_ID, "jti": "1", "nbf": now_s, "exp": now_s + 300 });
        claims[claim] = value;
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(&header), encode(&claims));
        let mut signature = vec![0; key.public_modulus_len()];
        let encoding: &dyn aws_lc_rs::signature::RsaEncoding =
            if alg == "PS256" { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
        key.sign(encoding, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    #[test]
    fn assertions_of_both_kinds_are_accepted_and_wrong_ones_named() {
        let pair = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
        let certificate = CertificateParams::new(vec![]).unwrap().self_signed(&pair).unwrap().der().to_vec();
        let key = RsaKeyPair::from_pkcs8(&pair.serialize_der()).unwrap();
        let mut config = SimConfig::default();
        config.app.certificates.push(certificate.clone());
        let state = SimState::new(config);
        let target = format!("/{TENANT_ID}/oauth2/v2.0/token");
        let ask =
            Ask::new(Method::POST, Port::Api, "http://h".into(), &target, HeaderMap::new(), Bytes::new());
        let code = |alg, claim, value| {
            let text = assertion(&key, &certificate, alg, claim, value);
            check(&state, &ask, &text).err().map(|denied| denied.code)
        };
        assert_eq!(code("PS256", "x", json!(1)), None);
        assert_eq!(code("RS256", "x", json!(1)), None);
        assert_eq!(code("PS256", "exp", json!(1000)), Some(700_024));
        assert_eq!(code("PS256", "aud", json!("http://elsewhere/")), Some(700_023));
        assert_eq!(code("PS256", "iss", json!("another")), Some(700_023));
        let mut forged = assertion(&key, &certificate, "PS256", "x", json!(1));
        forged.insert(forged.find('.').unwrap() + 3, 'A');
        assert_eq!(check(&state, &ask, &forged).err().map(|denied| denied.code), Some(700_027));
    }
}

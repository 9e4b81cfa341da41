//! What clients ask of the sign-in host before they ask for a token.

use crate::state::SimState;
use crate::wire::answer::{Answer, Outcome, Refusal};
use crate::wire::ask::Ask;
use crate::wire::json::Json;

/// Answers OpenID discovery, instance discovery, and a look at the host itself.
pub fn discovery(state: &SimState, ask: &Ask) -> Outcome {
    let segments: Vec<&str> = ask.segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        [] | [_] => Ok(Answer::bytes(200, "text/html", "<html><body>graph-sim</body></html>")),
        [tenant, "v2.0", ".well-known", "openid-configuration"] => {
            if let Err(denied) = super::grant::check_tenant(state, ask) {
                let code = denied.code;
                return Ok(super::error(denied.status, denied.error, code, &denied.message, state.now_ms()));
            }
            Ok(openid(state, ask, tenant))
        }
        ["common", "discovery", "instance"] => Ok(instance(ask)),
        _ => Err(Refusal::new(404, "ResourceNotFound", "There is no such page.")),
    }
}

/// Who issues the tokens.
pub fn issuer(state: &SimState, ask: &Ask) -> String {
    format!("{}/{}/v2.0", ask.origin, state.config.app.tenant_id)
}

fn openid(state: &SimState, ask: &Ask, tenant: &str) -> Answer {
    let base = format!("{}/{tenant}", ask.origin);
    let mut json = Json::default();
    json.open().text("token_endpoint", &format!("{base}/oauth2/v2.0/token"));
    json.text("device_authorization_endpoint", &format!("{base}/oauth2/v2.0/devicecode"));
    json.text("authorization_endpoint", &format!("{base}/oauth2/v2.0/authorize"));
    json.text("jwks_uri", &format!("{base}/discovery/v2.0/keys"));
    json.text("issuer", &issuer(state, ask));
    json.text("cloud_instance_name", "microsoftonline.com").text("msgraph_host", "graph.microsoft.com");
    json.text("tenant_region_scope", "NA");
    for (key, values) in [
        (
            "token_endpoint_auth_methods_supported",
            &["client_secret_post", "private_key_jwt", "client_secret_basic"][..],
        ),
        ("response_types_supported", &["code", "id_token"]),
        ("subject_types_supported", &["pairwise"]),
        ("id_token_signing_alg_values_supported", &["RS256"]),
        ("scopes_supported", &["openid", "profile", "email", "offline_access"]),
    ] {
        json.key(key).open_list();
        values.iter().for_each(|value| {
            json.value(value);
        });
        json.close_list();
    }
    json.close();
    Answer::bytes(200, "application/json; charset=utf-8", json.finish())
}

fn instance(ask: &Ask) -> Answer {
    let host = ask.origin.split("//").nth(1).unwrap_or("");
    let mut json = Json::default();
    json.open().text(
        "tenant_discovery_endpoint",
        &format!("{}/common/v2.0/.well-known/openid-configuration", ask.origin),
    );
    json.text("api-version", "1.1").key("metadata").open_list().open();
    json.text("preferred_network", host)
        .text("preferred_cache", host)
        .key("aliases")
        .open_list()
        .value(host)
        .close_list();
    json.close().close_list().close();
    Answer::bytes(200, "application/json; charset=utf-8", json.finish())
}

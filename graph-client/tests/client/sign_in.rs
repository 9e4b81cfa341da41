//! Sign-in: what is sent for each credential, what is said when it fails, and what is never shown.

use std::sync::{Arc, Mutex};

use graph_client::auth::Credential;
use graph_client::{Graph, GraphConfig, GraphError};

use crate::scripted::{Asked, Say, Server, json, reply};

const TOKEN: &str = r#"{"token_type":"Bearer","expires_in":3599,"access_token":"opaque"}"#;

fn refusal(error: &str) -> Say {
    reply(400, "", &format!(r#"{{"error":"{error}","error_description":"private"}}"#))
}

/// A server that keeps the forms it got.
fn keeping(answer: impl Fn(&Asked) -> Say + Send + Sync + 'static) -> (Server, Arc<Mutex<Vec<String>>>) {
    let forms = Arc::new(Mutex::new(Vec::new()));
    let kept = forms.clone();
    let server = Server::start(move |asked| {
        kept.lock().unwrap().push(String::from_utf8(asked.body.clone()).unwrap());
        answer(asked)
    });
    (server, forms)
}

#[tokio::test]
async fn a_secret_goes_into_the_form_and_nowhere_else() {
    let (server, forms) = keeping(|asked| {
        assert_eq!(asked.target, "/login/tenant/oauth2/v2.0/token");
        assert!(asked.header("user-agent").unwrap().starts_with("ISV|Corso|Corso/"));
        assert!(asked.header("client-request-id").is_some());
        json(TOKEN)
    });
    let graph = server.graph();
    let sign_in = graph.check_sign_in().await.unwrap();
    assert!(sign_in.claims.permissions().is_empty(), "an opaque token is no failure");
    let form = "grant_type=client_credentials&client_id=client&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default\
                &client_secret=sim-secret";
    assert_eq!(*forms.lock().unwrap(), [form]);
    let shown = format!("{graph:?} {:?}", server.config());
    assert!(!shown.contains("sim-secret") && !shown.contains("opaque"), "{shown}");
}

#[tokio::test]
async fn a_token_endpoint_that_is_busy_is_asked_again() {
    let (server, forms) = keeping(|asked| match asked.before {
        0 => reply(503, "Retry-After: 2\r\n", ""),
        1 => reply(429, "", "<html>"),
        2 => Say::Raw(Vec::new()),
        _ => json(TOKEN),
    });
    server.graph().check_sign_in().await.unwrap();
    assert_eq!(forms.lock().unwrap().len(), 4);
}

#[tokio::test]
async fn a_code_is_shown_and_waited_for() {
    let (server, forms) = keeping(|asked| {
        if asked.target.ends_with("devicecode") {
            return json(
                r#"{"device_code":"hush","user_code":"AB12","verification_uri":"https://m/d","expires_in":900,
                    "interval":5,"message":"Type it."}"#,
            );
        }
        match asked.before {
            0 => refusal("authorization_pending"),
            1 => refusal("slow_down"),
            _ => json(r#"{"expires_in":"3599","access_token":"t","refresh_token":"again"}"#),
        }
    });
    let shown = Arc::new(Mutex::new(Vec::new()));
    let seen = shown.clone();
    let credential = Credential::DeviceCode {
        show: Arc::new(move |prompt| seen.lock().unwrap().push(prompt.user_code.clone())),
    };
    let graph = Graph::new(GraphConfig { credential, ..server.config() }).unwrap();
    graph.check_sign_in().await.unwrap();
    assert_eq!(*shown.lock().unwrap(), ["AB12"]);
    let forms = forms.lock().unwrap();
    assert_eq!(forms.len(), 4);
    assert!(forms[0].contains("offline_access") && forms[3].contains("device_code=hush"));
}

#[tokio::test]
async fn a_code_that_is_declined_ends_the_wait() {
    let (server, _forms) = keeping(|asked| match asked.target.ends_with("devicecode") {
        true => json(r#"{"device_code":"hush","user_code":"AB12","verification_uri":"https://m/d"}"#),
        false => refusal("authorization_declined"),
    });
    let credential = Credential::DeviceCode { show: Arc::new(|_| {}) };
    let graph = Graph::new(GraphConfig { credential, ..server.config() }).unwrap();
    let error = graph.check_sign_in().await.unwrap_err();
    assert_eq!(error.to_string(), "sign-in refused: the sign-in was declined");
}

#[test]
fn settings_that_cannot_work_are_told_at_once() {
    let server = Server::start(|_| json(TOKEN));
    let setup = |config: GraphConfig| match Graph::new(config) {
        Err(GraphError::Setup { what }) => what,
        other => panic!("{other:?}"),
    };
    let company = "Con\ntoso".to_owned();
    assert!(setup(GraphConfig { company, ..server.config() }).contains("company"));
    let credential = Credential::Certificate { pem: "none".into() };
    assert!(setup(GraphConfig { credential, ..server.config() }).contains("no certificate"));
    let missing = Credential::FederatedTokenFile("/nowhere/token".into());
    assert!(Graph::new(GraphConfig { credential: missing, ..server.config() }).is_ok(), "it is read later");
}

//! The one way out: decoration, retries, waits, tokens, and what is never done twice.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::scripted::{Asked, Say, Server, json, reply};
use graph_client::auth::Credential;
use graph_client::clock::{Clock, SystemClock};
use graph_client::files::{Conflict, NewFile, Recipient};
use graph_client::model::{DriveId, ItemId};
use graph_client::{Absence, Fault, Graph, GraphConfig, GraphError, UserFilter};

const USER: &str = r#"{"id":"u1","userPrincipalName":"ann@contoso.com"}"#;

fn item() -> (DriveId, ItemId) {
    ("b!d".into(), "01A".into())
}

/// Fails `times` times with `bad`, then answers with a user.
fn after(times: usize, bad: impl Fn() -> Say + Send + Sync + 'static) -> Server {
    Server::with_tokens(move |asked| if asked.before < times { bad() } else { json(USER) })
}

#[tokio::test]
async fn every_request_is_decorated() {
    let server = Server::with_tokens(|_| json(USER));
    let config = GraphConfig { company: "Contoso".into(), ..server.config() };
    let graph = Graph::new(config).unwrap();
    graph.user("ann@contoso.com").await.unwrap();
    graph.user("u1").await.unwrap();
    let asked = server.asked();
    let agent = format!("ISV|Contoso|Corso/{}", env!("CARGO_PKG_VERSION"));
    for asked in &asked {
        assert_eq!(asked.header("user-agent"), Some(agent.as_str()));
        assert_eq!(asked.header("authorization"), Some("Bearer token-1"));
        assert!(asked.header("accept-encoding").unwrap().contains("gzip"));
    }
    assert!(asked[0].target.starts_with("/v1.0/users/ann@contoso.com?"));
    let ids: Vec<_> = asked.iter().map(|asked| asked.header("client-request-id").unwrap()).collect();
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn what_passes_is_tried_again() {
    let empty = || reply(404, "", "");
    let bad: [fn() -> Say; 10] = [
        || reply(500, "", ""),
        || reply(502, "", "<html>bad gateway</html>"),
        || reply(503, "Retry-After: 1\r\n", ""),
        || reply(504, "", ""),
        || reply(408, "", ""),
        || reply(429, "", "<html>"),
        || reply(509, "", ""),
        || Say::Raw(Vec::new()),
        || Say::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"id\"".to_vec()),
        || json(r#"{"id":"u1","userPrinc"#),
    ];
    for bad in bad.into_iter().chain([empty as fn() -> Say]) {
        let server = after(2, bad);
        let user = server.graph().user("u1").await.unwrap();
        assert_eq!(user.id.as_str(), "u1");
        assert_eq!(server.asked().len(), 3);
    }
}

#[tokio::test]
async fn an_odd_400_for_a_drive_is_tried_again_and_a_steady_one_is_not_for_ever() {
    let odd = || reply(400, "", r#"{"error":{"code":"invalidRequest"}}"#);
    let server =
        Server::with_tokens(
            move |asked| {
                if asked.before < 2 { odd() } else { json(r#"{"id":"01A","file":{}}"#) }
            },
        );
    let (drive, id) = item();
    server.graph().item(&drive, &id).await.unwrap();
    let server = Server::with_tokens(move |_| odd());
    let error = server.graph().item(&drive, &id).await.unwrap_err();
    assert!(matches!(error, GraphError::Refused { .. }), "{error}");
    assert_eq!(server.asked().len(), 4);
}

#[tokio::test]
async fn attempts_end_with_what_failed_last() {
    let server = Server::with_tokens(|_| reply(503, "request-id: r-1\r\n", ""));
    let error = server.graph().user("ann@contoso.com").await.unwrap_err();
    let GraphError::Exhausted { place, attempts, source } = &error else { panic!("{error}") };
    assert_eq!((*attempts, *source, place.status), (8, Fault::Server, Some(503)));
    assert_eq!(error.to_string(), "failed 8 times: GET /v1.0/users/…: status 503 (request r-1)");
    assert_eq!(server.asked().len(), 8);
}

#[tokio::test]
async fn retries_over_their_share_wait_longer_and_are_made_all_the_same() {
    let server = Server::with_tokens(|asked| if asked.before < 2 { reply(500, "", "") } else { json(USER) });
    let clock = Arc::new(SystemClock::faster(100));
    let graph = Graph::new(GraphConfig { clock: clock.clone(), ..server.config() }).unwrap();
    let begun = clock.now();
    let calls = (0..40).map(|number| {
        let graph = graph.clone();
        tokio::spawn(async move { graph.user(&format!("u{number}")).await })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap().unwrap();
    }
    assert_eq!(server.asked().len(), 3 * 40, "none is dropped");
    // Two waits of their own are 3 s at most; the first that is over the share waits for 8 more.
    assert!(clock.now() - begun >= Duration::from_secs(8));
}

#[tokio::test]
async fn retry_after_is_waited_for_in_every_form() {
    for form in ["60", "60.0", "Thu, 01 Jan 1970 00:01:00 GMT"] {
        let server = after(1, move || {
            reply(429, &format!("Date: Thu, 01 Jan 1970 00:00:00 GMT\r\nretry-after: {form}\r\n"), "{}")
        });
        let graph =
            Graph::new(GraphConfig { clock: Arc::new(SystemClock::faster(100)), ..server.config() }).unwrap();
        let start = Instant::now();
        graph.user("u1").await.unwrap();
        assert!(start.elapsed() >= Duration::from_millis(600), "{form}: {:?}", start.elapsed());
        let metrics = graph.metrics();
        assert_eq!((metrics.refused, metrics.retries), (1, 1));
        assert!((60.0..67.0).contains(&metrics.throttled_seconds), "{}", metrics.throttled_seconds);
    }
}

#[tokio::test]
async fn one_refusal_quiets_all_calls_of_its_bucket() {
    let server = Server::with_tokens(|asked| {
        if asked.target.contains("/drives/first") && asked.before == 0 {
            return reply(429, "Retry-After: 60\r\n", "");
        }
        json(r#"{"id":"x"}"#)
    });
    let graph =
        Graph::new(GraphConfig { clock: Arc::new(SystemClock::faster(100)), ..server.config() }).unwrap();
    let first = tokio::spawn({
        let graph = graph.clone();
        async move { graph.drive(&"first".into()).await }
    });
    while graph.metrics().refused == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let start = Instant::now();
    let user = graph.user("u1").await;
    assert!(user.is_ok() && start.elapsed() < Duration::from_millis(500), "another bucket goes on");
    graph.drive(&"second".into()).await.unwrap();
    assert!(start.elapsed() > Duration::from_millis(500), "this one waits: {:?}", start.elapsed());
    first.await.unwrap().unwrap();
}

#[tokio::test]
async fn who_is_told_to_wait_too_long_is_throttled_out() {
    let server = Server::with_tokens(|_| reply(429, "Retry-After: 86400\r\n", ""));
    let error = server.graph().user("u1").await.unwrap_err();
    assert!(matches!(error, GraphError::ThrottledOut { .. }), "{error}");
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_token_that_is_not_taken_is_renewed_once_for_all() {
    let server = Server::with_tokens(|asked| {
        if asked.header("authorization") == Some("Bearer token-1") {
            return reply(401, "", r#"{"error":{"code":"InvalidAuthenticationToken"}}"#);
        }
        json(USER)
    });
    let graph = server.graph();
    let calls = (0..8).map(|_| {
        let graph = graph.clone();
        tokio::spawn(async move { graph.user("u1").await })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap().unwrap();
    }
    assert_eq!(server.sign_ins(), 2);
}

#[tokio::test]
async fn a_401_that_lasts_ends_in_a_failed_sign_in() {
    let server = Server::with_tokens(|_| reply(401, "", ""));
    let error = server.graph().user("u1").await.unwrap_err();
    assert!(matches!(error, GraphError::SignIn { .. }), "{error}");
    assert_eq!(server.asked().len(), 7);
}

#[tokio::test]
async fn what_must_not_be_done_twice_is_not() {
    let (drive, id) = item();
    for bad in [|| reply(500, "", ""), || Say::Raw(Vec::new()), || json(r#"{"id"#)] {
        let server = Server::with_tokens(move |_| bad());
        let graph = server.graph();
        let made = graph.create_folder(&drive, &id, "new", Conflict::Fail, &NewFile::default()).await;
        assert!(matches!(made, Err(GraphError::Ambiguous { .. })), "{made:?}");
        let people = [Recipient::Email("ann@contoso.com".into())];
        let granted = graph.invite(&drive, &id, &people, &["read"]).await;
        assert!(matches!(granted, Err(GraphError::Ambiguous { .. })), "{granted:?}");
        assert_eq!(server.asked().len(), 2);
        assert!(String::from_utf8_lossy(&server.asked()[1].body).contains("\"sendInvitation\":false"));
    }
}

#[tokio::test]
async fn a_refusal_before_it_was_done_is_tried_again() {
    let server = Server::with_tokens(|asked| match asked.before {
        0 => reply(429, "Retry-After: 1\r\n", ""),
        _ => json(r#"{"id":"new","folder":{}}"#),
    });
    let (drive, id) = item();
    let times = NewFile::default();
    server.graph().create_folder(&drive, &id, "new", Conflict::Fail, &times).await.unwrap();
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let (drive, id) = item();
    let ask = |status: u16, code: &'static str| {
        let (drive, id) = (drive.clone(), id.clone());
        async move {
            let body = format!(r#"{{"error":{{"code":"{code}","message":"private text"}}}}"#);
            let server = Server::with_tokens(move |_| reply(status, "", &body));
            let error = server.graph().item(&drive, &id).await.unwrap_err();
            assert!(!format!("{error} {error:?}").contains("private"));
            error
        }
    };
    assert!(matches!(ask(403, "accessDenied").await, GraphError::Forbidden { .. }));
    assert!(matches!(ask(404, "itemNotFound").await, GraphError::NotFound { .. }));
    assert!(matches!(ask(403, "malwareDetected").await, GraphError::Malware { .. }));
    assert!(matches!(ask(409, "nameAlreadyExists").await, GraphError::NameTaken { .. }));
    assert!(matches!(ask(412, "resourceModified").await, GraphError::Precondition { .. }));
    assert!(matches!(ask(507, "quotaLimitReached").await, GraphError::QuotaFull { .. }));
    assert!(matches!(ask(402, "paymentRequired").await, GraphError::Refused { .. }));
    assert!(matches!(ask(500, "ErrorCorruptData").await, GraphError::Refused { .. }));
    assert!(matches!(ask(301, "").await, GraphError::Protocol { .. }));
}

#[tokio::test]
async fn who_has_no_drive_is_no_failure() {
    let absent = |status: u16, body: &'static str| async move {
        let server = Server::with_tokens(move |asked: &Asked| {
            if asked.target.contains("/drive") { reply(status, "", body) } else { json(USER) }
        });
        let graph = server.graph();
        let user = graph.user("u1").await.unwrap();
        match graph.drive_of(&user).await {
            Err(GraphError::ResourceAbsent { absence, .. }) => absence,
            other => panic!("{other:?}"),
        }
    };
    let mysite = r#"{"error":{"code":"ResourceNotFound","message":"User's mysite not found."}}"#;
    assert_eq!(absent(404, mysite).await, Absence::Drive);
    let licence = r#"{"error":{"code":"BadRequest","message":"Tenant does not have a SPO license."}}"#;
    assert_eq!(absent(400, licence).await, Absence::Licence);
    assert_eq!(absent(404, r#"{"error":{"code":"Request_ResourceNotFound"}}"#).await, Absence::User);
}

#[tokio::test]
async fn users_come_in_pages_some_of_them_empty() {
    let server = Server::with_tokens(|asked| {
        let next = |page: u8| format!(r#""@odata.nextLink":"{}/v1.0/users?$skiptoken={page}""#, asked.origin);
        match asked.target.rsplit_once("skiptoken=").map(|(_, page)| page) {
            None => json(format!(r#"{{"value":[{USER}],{}}}"#, next(1))),
            Some("1") => json(format!(r#"{{"value":null,{}}}"#, next(2))),
            Some(_) => json(format!(r#"{{"value":[{USER},{USER}]}}"#)),
        }
    });
    let users = server.graph().users(&UserFilter::without_guests()).unwrap().all().await.unwrap();
    assert_eq!(users.len(), 3);
    let asked = server.asked();
    assert!(asked.iter().all(|asked| asked.header("consistencylevel") == Some("eventual")));
    assert!(asked[0].target.contains("$filter=onPremisesSyncEnabled%20eq%20true"), "{}", asked[0].target);
    assert_eq!(asked[2].target, "/v1.0/users?$skiptoken=2");
}

#[tokio::test]
async fn pages_in_a_circle_end() {
    let server = Server::with_tokens(|asked| {
        json(format!(r#"{{"value":[],"@odata.nextLink":"{}/v1.0/users?$skiptoken=1"}}"#, asked.origin))
    });
    let error = server.graph().users(&UserFilter::all()).unwrap().all().await.unwrap_err();
    assert!(matches!(error, GraphError::Protocol { .. }), "{error}");
    assert_eq!(server.asked().len(), 4, "it may be a slip, but not three times");
}

#[tokio::test]
async fn a_link_out_of_graph_gets_no_token() {
    let stranger = Server::start(|_| json(r#"{"value":[]}"#));
    let link = stranger.url.clone();
    let server =
        Server::with_tokens(move |_| json(format!(r#"{{"value":[],"@odata.nextLink":"{link}/x"}}"#)));
    let error = server.graph().users(&UserFilter::all()).unwrap().all().await.unwrap_err();
    assert!(matches!(error, GraphError::Protocol { .. }), "{error}");
    assert!(stranger.asked().is_empty());
}

#[tokio::test]
async fn sign_in_that_is_refused_says_what_to_mend() {
    let server = Server::start(|_| {
        let body = r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret private",
                       "error_codes":[7000215],"trace_id":"t-1"}"#;
        reply(401, "", body)
    });
    let error = server.graph().check_sign_in().await.unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(text.contains("AADSTS7000215") && text.contains("the client secret is wrong"), "{text}");
    assert!(!text.contains("private") && !text.contains("sim-secret"), "{text}");
}

#[tokio::test]
async fn a_federated_token_is_read_at_each_sign_in() {
    let server = Server::with_tokens(|asked| match asked.header("authorization") {
        Some("Bearer token-1") => reply(401, "", ""),
        _ => json(USER),
    });
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "first\n").unwrap();
    let credential = Credential::FederatedTokenFile(file.path().to_owned());
    let graph = Graph::new(GraphConfig { credential, ..server.config() }).unwrap();
    graph.check_sign_in().await.unwrap();
    std::fs::write(file.path(), "second\n").unwrap();
    graph.user("u1").await.unwrap();
    assert_eq!(server.sign_ins(), 2);
}

//! What only sockets show: resets, cut bodies, drips, https, and pages over HTTP.

use std::time::{Duration, Instant};

use graph_sim::{
    BodyForm, CLIENT_ID, CLIENT_SECRET, Call, Fault, Faults, RetryAfter, Rule, Sim, SimClock, SimConfig,
    TENANT_ID, TlsFiles, WireConfig,
};
use reqwest::{Client, Response};
use serde_json::Value;

async fn token(http: &Client, sim: &Sim) -> String {
    let url = sim.login_url().join(&format!("{TENANT_ID}/oauth2/v2.0/token")).unwrap();
    let form = format!(
        "grant_type=client_credentials&client_id={CLIENT_ID}&client_secret={CLIENT_SECRET}&scope=.default"
    );
    let request = http.post(url).header("content-type", "application/x-www-form-urlencoded").body(form);
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    answer["access_token"].as_str().unwrap().into()
}

/// A simulator with one fault on downloads, and the URL of its first file of at least 20,000 bytes.
async fn with_fault(fault: Option<Fault>) -> (Sim, Client, String, u64) {
    let rules = fault.into_iter().map(|fault| Rule::new("it", 1.0, &[Call::Download], fault)).collect();
    let clock = SimClock::default();
    clock.set_scale(100.0);
    let faults = Faults { rules, row_max: 1, ..Faults::default() };
    let sim = Sim::start(SimConfig { faults, clock, ..SimConfig::default() }).await.unwrap();
    let http = Client::new();
    let token = token(&http, &sim).await;
    let url = format!("{}v1.0/drives/{}/root/delta", sim.api_url(), sim.state().drive_id(0));
    let page: Value = http.get(url).bearer_auth(token).send().await.unwrap().json().await.unwrap();
    let large = |item: &&Value| item.get("file").is_some() && item["size"].as_u64().unwrap() > 20_000;
    let file = page["value"].as_array().unwrap().iter().find(large).unwrap();
    let (url, size) =
        (file["@microsoft.graph.downloadUrl"].as_str().unwrap().to_string(), file["size"].as_u64().unwrap());
    (sim, http, url, size)
}

async fn body(answer: Response) -> (Vec<u8>, bool) {
    let mut answer = answer;
    let mut bytes = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => return (bytes, true),
            Err(_) => return (bytes, false),
        }
    }
}

#[tokio::test]
async fn a_healthy_download_is_whole_and_resumes_anywhere() {
    let (sim, http, url, size) = with_fault(None).await;
    let (whole, complete) = body(http.get(&url).send().await.unwrap()).await;
    assert_eq!((whole.len() as u64, complete), (size, true));
    let rest = http.get(&url).header("range", "bytes=12345-").send().await.unwrap();
    assert_eq!(rest.status(), 206);
    assert_eq!(rest.headers()["content-range"], format!("bytes 12345-{}/{size}", size - 1));
    assert_eq!(body(rest).await.0, whole[12345..]);
    sim.stop().await;
}

#[tokio::test]
async fn connections_are_reset_before_and_in_headers() {
    for fault in [Fault::ResetBeforeHeaders, Fault::ResetInHeaders { bytes: 20 }] {
        let (_sim, http, url, size) = with_fault(Some(fault.clone())).await;
        let error = http.get(&url).send().await.expect_err("a reset is no answer");
        assert!(!error.is_timeout(), "{fault:?}: {error}");
        // The second coming is let through.
        assert_eq!(body(http.get(&url).send().await.unwrap()).await.0.len() as u64, size);
    }
}

#[tokio::test]
async fn bodies_end_before_their_time() {
    for (fault, expected) in [
        (Fault::ResetAfter { bytes: 5000 }, None),
        (Fault::Truncate { bytes: 5000 }, Some(5000)),
        (Fault::TruncateChunked { bytes: 5000 }, Some(5000)),
    ] {
        let (_sim, http, url, size) = with_fault(Some(fault.clone())).await;
        let answer = http.get(&url).send().await.unwrap();
        let announced = answer.content_length();
        let (bytes, complete) = body(answer).await;
        assert!(!complete, "{fault:?}");
        assert!(expected.is_none_or(|expected| bytes.len() == expected), "{fault:?}: {}", bytes.len());
        let chunked = matches!(fault, Fault::TruncateChunked { .. });
        assert_eq!(announced, (!chunked).then_some(size));
    }
}

#[tokio::test]
async fn lengths_and_bytes_lie() {
    for (fault, difference) in
        [(Fault::ShortLength { by: 10 }, -10), (Fault::ExtraBytes { by: 10 }, 10), (Fault::CorruptByte, 0)]
    {
        let (sim, http, url, size) = with_fault(Some(fault.clone())).await;
        let (bytes, complete) = body(http.get(&url).send().await.unwrap()).await;
        assert!(complete, "{fault:?}");
        assert_eq!(bytes.len() as u64, size.saturating_add_signed(difference));
        let (whole, _) = body(http.get(&url).send().await.unwrap()).await;
        let differing = whole.iter().zip(&bytes).filter(|(one, other)| one != other).count();
        assert_eq!(differing, usize::from(fault == Fault::CorruptByte));
        assert_eq!(sim.state().totals().faults["it"], 1);
    }
}

#[tokio::test]
async fn slow_bodies_arrive_whole() {
    for fault in [
        Fault::Drip { bytes_per_s: 100_000 },
        Fault::Stall { after: 1000, ms: 20_000 },
        Fault::Delay { ms: 20_000 },
    ] {
        let (_sim, http, url, size) = with_fault(Some(fault.clone())).await;
        let start = Instant::now();
        let (bytes, complete) = body(http.get(&url).send().await.unwrap()).await;
        assert_eq!((bytes.len() as u64, complete), (size, true), "{fault:?}");
        // 20 simulated seconds at scale 100; 20,000 bytes at 100,000 a second.
        assert!(start.elapsed() > Duration::from_millis(150), "{fault:?} took {:?}", start.elapsed());
    }
}

#[tokio::test]
async fn https_speaks_both_versions_of_http_to_who_trusts_the_authority() {
    let folder = tempfile::tempdir().unwrap();
    let tls = TlsFiles { folder: folder.path().into() };
    let sim = Sim::start(SimConfig { tls: Some(tls.clone()), ..SimConfig::default() }).await.unwrap();
    let authority = reqwest::Certificate::from_pem(&std::fs::read(tls.authority()).unwrap()).unwrap();
    assert!(Client::new().get(sim.api_url()).send().await.is_err(), "an unknown authority is not trusted");
    for version in [reqwest::Version::HTTP_2, reqwest::Version::HTTP_11] {
        let http = Client::builder().tls_certs_only([authority.clone()]);
        let http = if version == reqwest::Version::HTTP_11 { http.http1_only() } else { http };
        let http = http.build().unwrap();
        let token = token(&http, &sim).await;
        let users =
            http.get(sim.api_url().join("v1.0/users").unwrap()).bearer_auth(token).send().await.unwrap();
        assert_eq!((users.status().as_u16(), users.version()), (200, version));
        let users: Value = users.json().await.unwrap();
        assert_eq!(users["value"].as_array().unwrap().len(), 5);
    }
}

/// A simulator that answers https, and a client of one version of HTTP.
async fn secured(version: reqwest::Version, rule: Option<Rule>) -> (Sim, Client) {
    let folder = tempfile::tempdir().unwrap();
    let tls = TlsFiles { folder: folder.path().into() };
    let faults = Faults { rules: rule.into_iter().collect(), row_max: 1, ..Faults::default() };
    let config = SimConfig { tls: Some(tls.clone()), faults, ..SimConfig::default() };
    let sim = Sim::start(config).await.unwrap();
    let authority = reqwest::Certificate::from_pem(&std::fs::read(tls.authority()).unwrap()).unwrap();
    let http = Client::builder().tls_certs_only([authority]);
    let http = if version == reqwest::Version::HTTP_11 { http.http1_only() } else { http };
    (sim, http.build().unwrap())
}

#[tokio::test]
async fn on_http_2_a_reset_ends_one_stream_and_not_its_connection() {
    for fault in [Fault::ResetBeforeHeaders, Fault::ResetInHeaders { bytes: 20 }] {
        let rule = Rule::new("it", 1.0, &[Call::Users], fault);
        let (sim, http) = secured(reqwest::Version::HTTP_2, Some(rule)).await;
        let token = token(&http, &sim).await;
        let users = || http.get(sim.api_url().join("v1.0/users").unwrap()).bearer_auth(&token).send();
        let error = users().await.expect_err("a reset is no answer");
        let told = format!("{error:?}");
        assert!(told.contains("INTERNAL_ERROR") && told.contains("Remote"), "RST_STREAM came: {told}");
        let passed = users().await.unwrap();
        assert_eq!((passed.status().as_u16(), passed.version()), (200, reqwest::Version::HTTP_2));
        assert_eq!(sim.state().totals().connections, 1);
    }
}

#[tokio::test]
async fn on_http_2_bodies_end_before_their_time_and_their_connection_goes_on() {
    for fault in [
        Fault::ResetAfter { bytes: 100 },
        Fault::Truncate { bytes: 100 },
        Fault::TruncateChunked { bytes: 100 },
    ] {
        let rule = Rule::new("it", 1.0, &[Call::Users], fault.clone());
        let (sim, http) = secured(reqwest::Version::HTTP_2, Some(rule)).await;
        let token = token(&http, &sim).await;
        let users = || http.get(sim.api_url().join("v1.0/users").unwrap()).bearer_auth(&token).send();
        let (bytes, complete) = body(users().await.unwrap()).await;
        assert!(!complete && bytes.len() <= 100, "{fault:?}: {}", bytes.len());
        assert!(body(users().await.unwrap()).await.1);
        assert_eq!(sim.state().totals().connections, 1);
    }
}

#[tokio::test]
async fn a_connection_that_goes_away_has_answered_and_is_asked_no_more() {
    for version in [reqwest::Version::HTTP_2, reqwest::Version::HTTP_11] {
        let rule = Rule { attempts: Some(1), ..Rule::new("it", 1.0, &[Call::Users], Fault::GoAway) };
        let (sim, http) = secured(version, Some(rule)).await;
        let token = token(&http, &sim).await;
        let users = || http.get(sim.api_url().join("v1.0/users").unwrap()).bearer_auth(&token).send();
        let last = users().await.unwrap();
        assert_eq!((last.status().as_u16(), last.version()), (200, version));
        let closes = last.headers().get("connection").is_some_and(|value| value == "close");
        assert_eq!(closes, version == reqwest::Version::HTTP_11);
        assert!(body(last).await.1, "the answer is whole");
        assert_eq!(sim.state().totals().connections, 1);
        // GOAWAY is on its way.
        tokio::time::sleep(Duration::from_millis(200)).await;
        for _ in 0..2 {
            assert_eq!(users().await.unwrap().status(), 200);
        }
        assert_eq!(sim.state().totals().connections, 2);
    }
}

/// One page of the delta of the first drive: whether it came whole, and what was announced of it.
async fn page(sim: &Sim, http: &Client, encoding: &str) -> (Vec<u8>, bool, Option<String>) {
    let token = token(http, sim).await;
    let url = format!("{}v1.0/drives/{}/root/delta", sim.api_url(), sim.state().drive_id(0));
    let request = http.get(url).bearer_auth(token).header("accept-encoding", encoding);
    let answer = request.send().await.unwrap();
    let told = answer.headers().get("content-encoding").map(|value| value.to_str().unwrap().to_owned());
    let (bytes, complete) = body(answer).await;
    (bytes, complete, told)
}

fn gunzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(bytes), &mut plain).map(|_| plain)
}

#[tokio::test]
async fn json_is_compressed_for_who_takes_it_and_contents_are_not() {
    let (sim, _, url, size) = with_fault(None).await;
    let http = Client::builder().gzip(false).build().unwrap();
    let (plain, _, told) = page(&sim, &http, "identity").await;
    assert_eq!(told, None);
    let (packed, complete, told) = page(&sim, &http, "gzip, deflate").await;
    assert_eq!((told.as_deref(), complete), (Some("gzip"), true));
    assert!(packed.len() * 3 < plain.len(), "{} of {}", packed.len(), plain.len());
    let names = |json: &[u8]| {
        let page: Value = serde_json::from_slice(json).unwrap();
        page["value"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&gunzip(&packed).unwrap()), names(&plain));
    let content = http.get(url).header("accept-encoding", "gzip").send().await.unwrap();
    assert!(content.headers().get("content-encoding").is_none());
    assert_eq!(body(content).await.0.len() as u64, size);

    let wire = WireConfig { gzip: false, ..WireConfig::default() };
    let sim = Sim::start(SimConfig { wire, ..SimConfig::default() }).await.unwrap();
    assert_eq!(page(&sim, &http, "gzip").await.2, None);
}

#[tokio::test]
async fn faults_of_json_mean_the_same_when_it_is_compressed() {
    let http = Client::builder().gzip(false).build().unwrap();
    for fault in [
        Fault::CutJson,
        Fault::ControlCharacters,
        Fault::Truncate { bytes: 700 },
        Fault::TruncateChunked { bytes: 700 },
        Fault::ResetAfter { bytes: 700 },
    ] {
        let rules = vec![Rule::new("it", 1.0, &[Call::Delta], fault.clone())];
        let faults = Faults { rules, ..Faults::default() };
        let sim = Sim::start(SimConfig { faults, ..SimConfig::default() }).await.unwrap();
        let (bytes, complete, told) = page(&sim, &http, "gzip").await;
        assert_eq!(told.as_deref(), Some("gzip"), "{fault:?}");
        match fault {
            Fault::CutJson | Fault::ControlCharacters => {
                assert!(complete);
                let plain = gunzip(&bytes).expect("the transfer is whole, the JSON is not");
                assert!(serde_json::from_slice::<Value>(&plain).is_err(), "{fault:?}");
                let is_raw = plain.iter().any(|byte| *byte < b' ');
                assert_eq!(is_raw, fault == Fault::ControlCharacters);
            }
            _ => {
                assert!(!complete && bytes.len() <= 700, "{fault:?}: {}", bytes.len());
                assert!(gunzip(&bytes).is_err());
            }
        }
    }
}

#[tokio::test]
async fn the_date_of_an_answer_is_the_simulators() {
    let clock = SimClock::new(1_582_938_123_000, 1.0);
    let sim = Sim::start(SimConfig { clock: clock.clone(), ..SimConfig::default() }).await.unwrap();
    let http = Client::new();
    let date = async |url: reqwest::Url| {
        let answer = http.get(url).send().await.unwrap();
        assert_eq!(answer.headers().get_all("date").iter().count(), 1);
        httpdate::parse_http_date(answer.headers()["date"].to_str().unwrap()).unwrap()
    };
    for port in [sim.api_url(), sim.content_url()] {
        let behind = clock.now().duration_since(date(port.clone()).await).unwrap();
        assert!(behind < Duration::from_secs(5), "{behind:?}");
        clock.advance(Duration::from_secs(86_400));
        let behind = clock.now().duration_since(date(port).await).unwrap();
        assert!(behind < Duration::from_secs(5), "{behind:?} after a day");
    }
}

#[tokio::test]
async fn the_control_pages_show_and_set_the_state() {
    let (sim, http, url, _) = with_fault(None).await;
    let control = |path: &str| format!("{}__sim/{path}", sim.api_url());
    let status =
        Fault::Status { status: 503, code: None, retry_after: RetryAfter::Missing, body: BodyForm::Empty };
    let faults =
        Faults { rules: vec![Rule::new("out", 1.0, &[Call::Download], status)], ..Faults::default() };
    let put = |path: &str, body: String| http.put(control(path)).body(body).send();
    assert_eq!(put("faults", serde_json::to_string(&faults).unwrap()).await.unwrap().status(), 204);
    assert_eq!(http.get(&url).send().await.unwrap().status(), 503);
    assert_eq!(put("faults?preset=none", String::new()).await.unwrap().status(), 204);
    assert_eq!(http.get(&url).send().await.unwrap().status(), 200);
    assert_eq!(put("faults", "{\"nonsense\":1}".into()).await.unwrap().status(), 400);
    assert_eq!(put("clock", "{\"scale\":7.0,\"advance_ms\":5000}".into()).await.unwrap().status(), 204);
    assert_eq!(sim.state().clock().scale(), 7.0);
    let mutate = http.post(control("mutate")).body("{\"drive\":0,\"count\":5}").send().await.unwrap();
    assert!(mutate.json::<Value>().await.unwrap()["changes"].as_u64().unwrap() >= 5);
    let lines = http.get(control("drives/0/state")).send().await.unwrap().text().await.unwrap();
    assert_eq!(lines.lines().count(), sim.state().true_state(0).len());
    assert_eq!(put("mutator", "{\"interval_ms\":10,\"count\":1}".into()).await.unwrap().status(), 204);
    let seq = sim.state().seq(1);
    for _ in 0..100 {
        if sim.state().seq(1) > seq {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the drive did not change by itself");
}

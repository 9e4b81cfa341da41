//! A server that says what it is told, byte by byte: for answers that no decent server gives.
//!
//! One thread a connection, one answer a connection; a handler sees the request and writes the answer.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use graph_client::auth::{Cloud, Credential};
use graph_client::clock::SystemClock;
use graph_client::{Graph, GraphConfig, Pace};
use url::Url;

/// What was asked.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// How often this method and target was asked before.
    pub before: usize,
    /// `http://host:port`
    pub origin: String,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }
}

/// What is answered.
pub enum Say {
    /// Status, more header lines, body.
    Reply(u16, String, Vec<u8>),
    /// Bytes as they are; then the connection ends.
    Raw(Vec<u8>),
}

/// JSON with status 200.
pub fn json(body: impl Into<String>) -> Say {
    Say::Reply(200, "Content-Type: application/json\r\n".into(), body.into().into_bytes())
}

/// A status, header lines and a text.
pub fn reply(status: u16, headers: &str, body: &str) -> Say {
    Say::Reply(status, headers.into(), body.into())
}

/// A listener on loopback. It goes with the process.
pub struct Server {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    pub fn start(handler: impl Fn(&Asked) -> Say + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (handler, log, origin) = (Arc::new(handler), asked.clone(), url.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (handler, log, origin) = (handler.clone(), log.clone(), origin.clone());
                thread::spawn(move || serve(stream, handler.as_ref(), &log, &origin));
            }
        });
        Self { url, asked }
    }

    /// Tokens for everybody, and `handler` for the rest.
    pub fn with_tokens(handler: impl Fn(&Asked) -> Say + Send + Sync + 'static) -> Self {
        Self::start(move |asked| {
            if asked.target.ends_with("/oauth2/v2.0/token") {
                let token = format!("token-{}", asked.before + 1);
                return json(format!(
                    r#"{{"token_type":"Bearer","expires_in":3599,"access_token":"{token}"}}"#
                ));
            }
            handler(asked)
        })
    }

    /// All that was asked so far, sign-in left out.
    pub fn asked(&self) -> Vec<Asked> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|asked| !asked.target.contains("/oauth2/")).cloned().collect()
    }

    /// How often somebody signed in.
    pub fn sign_ins(&self) -> usize {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|asked| asked.target.ends_with("/token")).count()
    }

    /// Settings for a client of this server, with a clock that runs 500 times as fast.
    pub fn config(&self) -> GraphConfig {
        let url = |path: &str| Url::parse(&format!("{}/{path}", self.url)).unwrap();
        let credential = Credential::Secret("sim-secret".into());
        GraphConfig {
            cloud: Cloud::Custom { login_url: url("login"), graph_url: url("") },
            clock: Arc::new(SystemClock::faster(500)),
            pace: Pace::unlimited(),
            ..GraphConfig::new("tenant", "client", credential)
        }
    }

    pub fn graph(&self) -> Graph {
        Graph::new(self.config()).unwrap()
    }
}

fn serve(stream: TcpStream, handler: &dyn Fn(&Asked) -> Say, log: &Mutex<Vec<Asked>>, origin: &str) {
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let Some(mut asked) = read(&mut reader, origin) else { return };
    {
        let mut log = log.lock().unwrap();
        let same = |other: &&Asked| other.method == asked.method && other.target == asked.target;
        asked.before = log.iter().filter(same).count();
        log.push(asked.clone());
    }
    let bytes = match handler(&asked) {
        Say::Raw(bytes) => bytes,
        Say::Reply(status, headers, body) => {
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status} Said\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
            );
            [head.into_bytes(), body].concat()
        }
    };
    let mut stream = stream;
    // The client may have gone.
    if stream.write_all(&bytes).is_ok() && stream.shutdown(Shutdown::Write).is_ok() {
        let _rest = reader.read_to_end(&mut Vec::new());
    }
}

fn read(reader: &mut impl BufRead, origin: &str) -> Option<Asked> {
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let mut words = first.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let mut asked = Asked { method, target, headers, body: Vec::new(), before: 0, origin: origin.to_owned() };
    let length = asked.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    asked.body.resize(length, 0);
    reader.read_exact(&mut asked.body).ok()?;
    Some(asked)
}

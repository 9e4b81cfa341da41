//! A port: accepts connections and brings requests to the API and answers back.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, DATE, HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Version};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use super::body::SimBody;
use super::guard::{Control, Guarded, Socket};
use super::gzip;
use crate::api;
use crate::faults::Shape;
use crate::sim::SimError;
use crate::state::SimState;
use crate::wire::answer::{Answer, Payload};
use crate::wire::ask::{Ask, Port};

/// No request carries more.
const BODY_MAX: usize = 260 << 20;

/// A port that is being served; dropping it ends its connections.
pub struct Listener {
    pub address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Takes a port.
///
/// # Errors
///
/// If it is taken already.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, SimError> {
    TcpListener::bind(address).await.map_err(|source| SimError::Bind { address, source })
}

impl Listener {
    /// Serves a port that was taken.
    ///
    /// # Errors
    ///
    /// If the system does not tell which port it is.
    pub fn serve(
        listener: TcpListener,
        state: Arc<SimState>,
        port: Port,
        tls: Option<TlsAcceptor>,
    ) -> Result<Self, SimError> {
        let address = listener.local_addr().map_err(|source| SimError::Address { source })?;
        let task = tokio::spawn(accept(listener, state, port, tls));
        Ok(Listener { address, task })
    }
}

async fn accept(listener: TcpListener, state: Arc<SimState>, port: Port, tls: Option<TlsAcceptor>) {
    // Dropped with this task, and with it all connections.
    let mut connections = JoinSet::new();
    let mut number = 0u64;
    loop {
        let Ok((socket, _)) = listener.accept().await else {
            // Out of descriptors, mostly: some will be free again.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let _ = socket.set_nodelay(true);
        number += 1;
        state.counters.add(|totals| totals.connections += 1);
        let host = Host { state: state.clone(), port, scheme: if tls.is_some() { "https" } else { "http" } };
        let tls = tls.clone();
        connections.spawn(async move {
            match tls {
                None => host.converse(socket, number).await,
                Some(tls) => {
                    if let Ok(socket) = tls.accept(socket).await {
                        host.converse(socket, number).await;
                    }
                }
            }
        });
        while connections.try_join_next().is_some() {}
    }
}

/// What a connection needs to know.
#[derive(Clone)]
struct Host {
    state: Arc<SimState>,
    port: Port,
    scheme: &'static str,
}

impl Host {
    async fn converse<S: Socket>(self, socket: S, number: u64) {
        let control = Arc::new(Control::default());
        let local = socket.tcp().local_addr().map(|address| address.to_string()).unwrap_or_default();
        let io = Guarded::new(socket, control.clone());
        let shared = control.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let (host, local) = (self.clone(), local.clone());
            let wire = Wire { is_http2: request.version() == Version::HTTP_2, control: shared.clone() };
            async move { host.answer(request, &local, wire).await }
        });
        let mut server = Builder::new(TokioExecutor::new());
        // The case of header names varies between connections, as it does in the wild.
        server.http1().title_case_headers(number.is_multiple_of(2)).timer(TokioTimer::new());
        server.http2().max_concurrent_streams(250);
        let mut connection = pin!(server.serve_connection(io, service));
        let ended = loop {
            tokio::select! {
                ended = connection.as_mut() => break ended,
                () = control.left() => connection.as_mut().graceful_shutdown(),
            }
        };
        if let Err(error) = ended {
            tracing::trace!(%error, "a connection ended");
        }
    }

    async fn answer(
        self,
        request: Request<Incoming>,
        local: &str,
        wire: Wire,
    ) -> Result<Response<SimBody>, Reset> {
        // Its body may take long; it was on its way from here on.
        let arrived = Instant::now();
        let (head, body) = request.into_parts();
        let host = head.headers.get("host").and_then(|host| host.to_str().ok()).map(String::from);
        let host =
            host.or_else(|| head.uri.authority().map(ToString::to_string)).unwrap_or_else(|| local.into());
        let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
        let Ok(body) = Limited::new(body, BODY_MAX).collect().await else {
            return Ok(self.response(Answer::empty(413), Shape::default(), wire));
        };
        let zip = self.state.config.wire.gzip && gzip::is_taken(&head.headers);
        let origin = format!("{}://{host}", self.scheme);
        let ask = Ask::new(head.method, self.port, origin, target, head.headers, body.to_bytes());
        let ask = Ask { arrived, ..ask };
        let reply = api::handle(&self.state, &ask);
        if reply.shape.delay_ms > 0 {
            self.state.clock().sleep(Duration::from_millis(reply.shape.delay_ms)).await;
        }
        if reply.reset {
            return Err(wire.reset());
        }
        match reply.shape.cut_connection {
            // A stream has no bytes of its own before its headers are whole: its answer is lost.
            Some(_) if wire.is_http2 => return Err(wire.reset()),
            Some(bytes) => wire.control.reset_after(bytes),
            None => {}
        }
        let mut shape = reply.shape;
        let answer = if zip { gzip::compress(reply.answer, &mut shape) } else { reply.answer };
        Ok(self.response(answer, shape, wire).map(|body| body.keeping(reply.flight)))
    }

    fn response(&self, answer: Answer, shape: Shape, wire: Wire) -> Response<SimBody> {
        let mut headers = hyper::HeaderMap::with_capacity(answer.headers.len() + 3);
        // Hyper would tell the wall's time, which waits until a date are not meant by.
        if let Ok(date) = HeaderValue::from_str(&httpdate::fmt_http_date(self.state.clock().now())) {
            headers.insert(DATE, date);
        }
        for (name, value) in &answer.headers {
            if let (Ok(name), Ok(value)) =
                (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value))
            {
                headers.append(name, value);
            }
        }
        if shape.go_away && wire.is_http2 {
            wire.control.leave();
        } else if shape.go_away {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = if status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED {
            Payload::Bytes(Bytes::new())
        } else {
            answer.body
        };
        let mut response = Response::new(SimBody::new(self.state.clone(), body, shape, wire));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }
}

/// Ends a connection, or one stream of HTTP/2, without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is reset, as a fault wants it")]
struct Reset;

/// What carries an answer.
pub struct Wire {
    pub is_http2: bool,
    pub control: Arc<Control>,
}

impl Wire {
    /// Lets what ends here end with a reset: the connection, or on HTTP/2 this stream alone
    /// (RST_STREAM), for which an error is enough.
    pub fn reset_at_end(&self) {
        if !self.is_http2 {
            self.control.reset_at_end();
        }
    }

    fn reset(&self) -> Reset {
        self.reset_at_end();
        Reset
    }
}

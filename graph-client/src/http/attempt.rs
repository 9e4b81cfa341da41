//! One attempt at a call: the request on the wire, and the answer as far as it came.

use bytes::{Bytes, BytesMut};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Request, Response};
use uuid::Uuid;

use super::body::{BODY_SIZE_MAX, Body, Reply, Whole};
use super::call::{Call, Payload};
use super::classify::{Answer, Verdict};
use super::send::Http;
use crate::budget::Seat;
use crate::clock::within;
use crate::error::{Fault, Place, Said};

/// After so many failures a page is asked for in smaller pieces.
const SHRINK_AFTER: u32 = 3;

/// An answer whose body is still to come.
#[derive(Debug)]
pub struct Opened {
    pub status: u16,
    pub headers: HeaderMap,
    pub place: Place,
    response: Response,
    /// A content's, until its last byte has come.
    pub(super) seat: Option<Seat>,
}

impl Opened {
    /// The next bytes of the body; `None` at its end.
    ///
    /// # Errors
    ///
    /// `Cut`, `Reset` or `TimedOut`: what came so far is right, the rest has to be asked for again.
    pub async fn chunk(&mut self, http: &Http) -> Result<Option<Bytes>, Fault> {
        let chunk = self.read(http).await;
        if !matches!(chunk, Ok(Some(_))) {
            self.seat = None;
        }
        chunk
    }

    async fn read(&mut self, http: &Http) -> Result<Option<Bytes>, Fault> {
        let chunk = within(http.clock(), http.deadlines().idle, self.response.chunk()).await;
        let chunk = chunk.map_err(|_| Fault::TimedOut)?.map_err(|error| fault(&error))?;
        http.counters().down(chunk.as_ref().map_or(0, Bytes::len));
        Ok(chunk)
    }
}

/// Why an attempt gave nothing.
pub enum Trouble {
    /// No answer, or half of one.
    Fault(Fault, Place),
    /// An answer, and its headers.
    Verdict(Verdict, Box<HeaderMap>, u16),
}

impl Http {
    /// Sends the request, and reads the answer up to its body.
    pub(super) async fn attempt(
        &self,
        call: &Call,
        token: Option<&HeaderValue>,
        failures: u32,
    ) -> Result<Opened, Trouble> {
        let id = Uuid::new_v4().to_string();
        let said = Said { call: call.shown.clone(), request_id: Some(id.clone()), ..Said::default() };
        let place = Place::from(said);
        let request = request(call, token, &id, failures);
        let sent = within(self.clock(), self.deadlines().answer, self.client(call.kind).execute(request));
        let response = match sent.await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(Trouble::Fault(fault(&error), place)),
            Err(_) => return Err(Trouble::Fault(Fault::TimedOut, place)),
        };
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        self.counters().up(payload_len(&call.payload));
        self.observe(call, &headers);
        let mut opened = Opened { status, headers, place, response, seat: None };
        if Answer::may_be_done(status, call) {
            return Ok(opened);
        }
        // The body of a refusal is a hint; a broken one is none.
        let read = |reply: Reply| Ok(reply.body);
        let whole = Whole { status, body: BytesMut::new(), read: &read };
        let body = self.read(&mut opened, whole).await.unwrap_or_default();
        let answer = Answer { status, headers: &opened.headers, body: &body, request_id: &id, failures };
        let verdict = answer.verdict(call);
        Err(Trouble::Verdict(verdict, Box::new(opened.headers), status))
    }

    /// Reads a body to its end.
    pub(super) async fn read<B: Body>(&self, opened: &mut Opened, mut body: B) -> Result<B::Read, Fault> {
        let mut length = 0;
        while let Some(chunk) = opened.chunk(self).await? {
            length += chunk.len();
            if length > BODY_SIZE_MAX {
                return Err(Fault::Cut);
            }
            body.push(&chunk)?;
        }
        body.finish()
    }
}

fn request(call: &Call, token: Option<&HeaderValue>, id: &str, failures: u32) -> Request {
    let mut request = Request::new(call.method.clone(), call.url.clone());
    let headers = request.headers_mut();
    for (name, value) in &call.headers {
        headers.append(name, value.clone());
    }
    if let Some(token) = token {
        headers.insert(AUTHORIZATION, token.clone());
    }
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(HeaderName::from_static("client-request-id"), id);
    }
    if failures > 0 {
        headers.insert(HeaderName::from_static("retry-attempt"), HeaderValue::from(failures));
    }
    if call.is_page && failures >= SHRINK_AFTER {
        let small = HeaderValue::from_static("odata.maxpagesize=10");
        headers.append(HeaderName::from_static("prefer"), small);
    }
    let (kind, body) = match &call.payload {
        Payload::None => return request,
        Payload::Json(body) => ("application/json", body.clone()),
        Payload::Form(form) => {
            ("application/x-www-form-urlencoded", Bytes::copy_from_slice(form.expose().as_bytes()))
        }
        Payload::Bytes(body) => ("application/octet-stream", body.clone()),
    };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    *request.body_mut() = Some(body.into());
    request
}

fn payload_len(payload: &Payload) -> usize {
    match payload {
        Payload::None => 0,
        Payload::Json(body) | Payload::Bytes(body) => body.len(),
        Payload::Form(form) => form.expose().len(),
    }
}

fn fault(error: &reqwest::Error) -> Fault {
    if error.is_connect() {
        Fault::Connect
    } else if error.is_timeout() {
        Fault::TimedOut
    } else if error.is_body() || error.is_decode() {
        Fault::Cut
    } else {
        Fault::Reset
    }
}

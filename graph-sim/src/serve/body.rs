//! A response's body: bytes at hand or a part of a file's content, with faults laid over it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Frame, SizeHint};

use super::listener::Wire;
use crate::faults::{Ending, Shape};
use crate::limit::Flight;
use crate::state::SimState;
use crate::wire::answer::Payload;

/// What a body ends with when it is cut.
#[derive(Debug, thiserror::Error)]
#[error("the body is cut off, as a fault wants it")]
pub struct CutOff;

/// A body in the sending.
pub struct SimBody {
    state: Arc<SimState>,
    payload: Payload,
    /// Bytes of the payload, before `excess`.
    true_length: u64,
    length: u64,
    sent: u64,
    shape: Shape,
    wire: Wire,
    /// The request is in flight until this body is at its end or given up.
    _flight: Option<Flight>,
    pause: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// The pause before a cut has been made.
    flushed: bool,
}

impl SimBody {
    pub fn new(state: Arc<SimState>, payload: Payload, mut shape: Shape, wire: Wire) -> Self {
        let payload = match payload {
            Payload::Bytes(bytes) => Payload::Bytes(cut_json(bytes, shape.cut_json)),
            content => content,
        };
        let true_length = match &payload {
            Payload::Bytes(bytes) => bytes.len() as u64,
            Payload::Content(_, range) => range.end - range.start,
        };
        let length = true_length.saturating_add_signed(shape.excess);
        // A short body is cut, too; an empty one cannot be.
        shape.cut = shape.cut.filter(|_| length > 0).map(|(at, ending)| (at.min(length - 1), ending));
        SimBody {
            state,
            payload,
            true_length,
            length,
            sent: 0,
            shape,
            wire,
            _flight: None,
            pause: None,
            flushed: false,
        }
    }

    /// Keeps a request in flight for as long as there is this body.
    pub fn keeping(self, flight: Option<Flight>) -> Self {
        SimBody { _flight: flight, ..self }
    }

    fn piece(&self, from: u64) -> Result<Bytes, CutOff> {
        if from >= self.true_length {
            return Ok(Bytes::from(vec![b'+'; (self.length - from).min(65_536) as usize]));
        }
        let mut piece = match &self.payload {
            Payload::Bytes(bytes) => bytes.slice(from as usize..),
            Payload::Content(content, range) => {
                self.state.piece(content, range.start + from).map_err(|_| CutOff)?
            }
        };
        piece.truncate((self.true_length - from) as usize);
        let Some(drawn) = self.shape.corrupt else { return Ok(piece) };
        let place = corrupt_at(drawn, self.true_length);
        Ok(match place.checked_sub(from).filter(|within| *within < piece.len() as u64) {
            Some(within) => corrupt(&piece, within),
            None => piece,
        })
    }

    /// Bytes that may be sent now, by where the body is cut, stalls, or how fast it drips.
    fn allowance(&mut self) -> u64 {
        let mut allowed = self.length - self.sent;
        if let Some((at, _)) = self.shape.cut {
            allowed = allowed.min(at - self.sent);
        }
        if let Some((at, ms)) = self.shape.stall {
            if self.sent < at {
                allowed = allowed.min(at - self.sent);
            } else {
                self.shape.stall = None;
                let clock = self.state.clock().clone();
                self.pause = Some(Box::pin(async move { clock.sleep(Duration::from_millis(ms)).await }));
            }
        }
        if let Some(rate) = self.shape.drip_bytes_per_s {
            allowed = allowed.min((rate / 20).max(1));
            self.pause.get_or_insert_with(|| Box::pin(tokio::time::sleep(Duration::from_millis(50))));
        }
        allowed
    }
}

/// What is left of a document that is cut after so many thousandths of it.
pub fn cut_json(bytes: Bytes, part: Option<u64>) -> Bytes {
    match part {
        Some(part) => bytes.slice(..bytes.len() * part as usize / 1000),
        None => bytes,
    }
}

/// Which byte of so many is another than it should be.
pub fn corrupt_at(drawn: u64, length: u64) -> u64 {
    crate::seed::Seed(drawn).with(1).below(length)
}

/// The same bytes, one of them changed.
pub fn corrupt(bytes: &[u8], place: u64) -> Bytes {
    let mut changed = BytesMut::from(bytes);
    if let Some(byte) = changed.get_mut(place as usize) {
        *byte ^= 0x20;
    }
    changed.freeze()
}

impl Body for SimBody {
    type Data = Bytes;
    type Error = CutOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(cx));
                self.pause = None;
            }
            if let Some((at, ending)) = self.shape.cut
                && self.sent >= at
            {
                if !self.flushed {
                    // What was sent so far shall arrive before the end does.
                    self.flushed = true;
                    self.pause = Some(Box::pin(tokio::time::sleep(Duration::from_millis(5))));
                    continue;
                }
                if ending == Ending::Reset {
                    self.wire.reset_at_end();
                } else if self.wire.is_http2 && !self.shape.chunked {
                    // The stream ends properly; only `Content-Length` tells that this was not all.
                    return Poll::Ready(None);
                }
                return Poll::Ready(Some(Err(CutOff)));
            }
            if self.sent >= self.length {
                return Poll::Ready(None);
            }
            let allowed = self.allowance();
            if self.pause.is_some() && self.shape.drip_bytes_per_s.is_none() {
                continue;
            }
            let mut piece = match self.piece(self.sent) {
                Ok(piece) => piece,
                Err(error) => return Poll::Ready(Some(Err(error))),
            };
            piece.truncate(usize::try_from(allowed).unwrap_or(usize::MAX));
            self.sent += piece.len() as u64;
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
    }

    fn is_end_stream(&self) -> bool {
        self.length == 0
    }

    fn size_hint(&self) -> SizeHint {
        if self.shape.chunked { SizeHint::default() } else { SizeHint::with_exact(self.length - self.sent) }
    }
}

//! A connection that can be reset at a chosen byte.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_rustls::server::TlsStream;

/// What a response may do to the connection that carries it.
#[derive(Debug)]
pub struct Control {
    reset: AtomicBool,
    /// Bytes that may still be written; negative: as many as are wanted.
    left: AtomicI64,
    leaving: Notify,
}

impl Default for Control {
    fn default() -> Self {
        Control { reset: AtomicBool::new(false), left: AtomicI64::new(-1), leaving: Notify::new() }
    }
}

impl Control {
    /// The connection will be reset (RST), not closed, when it ends.
    pub fn reset_at_end(&self) {
        self.reset.store(true, Ordering::Relaxed);
    }

    /// The connection takes no further requests once those at hand are answered.
    pub fn leave(&self) {
        self.leaving.notify_one();
    }

    /// Ends when [`Control::leave`] was called.
    pub async fn left(&self) {
        self.leaving.notified().await;
    }

    /// The connection is reset after so many bytes more.
    pub fn reset_after(&self, bytes: u64) {
        self.reset_at_end();
        self.left.store(bytes as i64, Ordering::Relaxed);
    }
}

/// A socket that can be told to end with a reset.
pub trait Socket: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    fn tcp(&self) -> &TcpStream;
}

impl Socket for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Socket for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// A socket under control.
pub struct Guarded<S: Socket> {
    io: TokioIo<S>,
    control: Arc<Control>,
}

impl<S: Socket> Guarded<S> {
    pub fn new(socket: S, control: Arc<Control>) -> Self {
        Guarded { io: TokioIo::new(socket), control }
    }

    fn allowed(&self) -> Option<usize> {
        usize::try_from(self.control.left.load(Ordering::Relaxed)).ok()
    }
}

impl<S: Socket> Drop for Guarded<S> {
    fn drop(&mut self) {
        if self.control.reset.load(Ordering::Relaxed) {
            // Unsent data is thrown away and the peer sees a reset. Nothing can be done if it fails.
            let _ = self.io.inner().tcp().set_zero_linger();
        }
    }
}

impl<S: Socket> Read for Guarded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<S: Socket> Write for Guarded<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let Some(allowed) = self.allowed() else { return Pin::new(&mut self.io).poll_write(cx, buf) };
        if allowed == 0 {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let written = Pin::new(&mut self.io).poll_write(cx, &buf[..buf.len().min(allowed)]);
        if let Poll::Ready(Ok(count)) = &written {
            self.control.left.fetch_sub(*count as i64, Ordering::Relaxed);
        }
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.allowed().is_some() {
            let first = bufs.iter().find(|buf| !buf.is_empty()).map_or(&[][..], |buf| buf);
            return self.poll_write(cx, first);
        }
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.control.reset.load(Ordering::Relaxed) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

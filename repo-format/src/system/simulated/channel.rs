//! Bounded channels.

use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::{RecvError, RecvTimeoutError, TryRecvError, TrySendError};

use super::baton::Place;
use super::process::{me, now};

pub(crate) use crossbeam_channel::SendError;

/// The end that messages go into.
#[derive(Debug)]
pub(crate) struct Sender<T> {
    inner: crossbeam_channel::Sender<T>,
    /// Dropped last, so that whoever is called finds this end gone.
    ends: Ends,
}

/// The end that messages come out of.
#[derive(Debug)]
pub(crate) struct Receiver<T> {
    inner: crossbeam_channel::Receiver<T>,
    ends: Ends,
}

/// What both ends know of their channel; its address is the place where they wait.
#[derive(Debug, Clone)]
struct Ends(Arc<u8>);

/// A channel for so many messages.
pub(crate) fn bounded<T>(size: usize) -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = crossbeam_channel::bounded(size);
    let ends = Ends(Arc::new(0));
    (Sender { inner: sender, ends: ends.clone() }, Receiver { inner: receiver, ends })
}

impl Ends {
    fn place(&self) -> Place {
        Place::At(Arc::as_ptr(&self.0).addr())
    }

    fn call(&self) {
        if let Some(me) = me() {
            me.call(self.place());
        }
    }
}

impl Drop for Ends {
    fn drop(&mut self) {
        self.call();
    }
}

impl<T> Sender<T> {
    pub fn send(&self, message: T) -> Result<(), SendError<T>> {
        let Some(me) = me() else { return self.inner.send(message) };
        let mut message = message;
        loop {
            match self.inner.try_send(message) {
                Ok(()) => {
                    self.ends.call();
                    return Ok(());
                }
                Err(TrySendError::Disconnected(back)) => return Err(SendError(back)),
                Err(TrySendError::Full(back)) => message = back,
            }
            me.wait(self.ends.place(), None);
        }
    }
}

impl<T> Receiver<T> {
    pub fn recv(&self) -> Result<T, RecvError> {
        if me().is_none() {
            return self.inner.recv();
        }
        self.next(None).map_err(|_| RecvError)
    }

    pub fn recv_deadline(&self, deadline: Instant) -> Result<T, RecvTimeoutError> {
        if me().is_none() {
            return self.inner.recv_deadline(deadline);
        }
        self.next(Some(deadline))
    }

    fn next(&self, until: Option<Instant>) -> Result<T, RecvTimeoutError> {
        loop {
            match self.inner.try_recv() {
                Ok(message) => {
                    self.ends.call();
                    return Ok(message);
                }
                Err(TryRecvError::Disconnected) => return Err(RecvTimeoutError::Disconnected),
                Err(TryRecvError::Empty) if until.is_some_and(|until| now() >= until) => {
                    return Err(RecvTimeoutError::Timeout);
                }
                Err(TryRecvError::Empty) => {}
            }
            if let Some(me) = me() {
                me.wait(self.ends.place(), until);
            }
        }
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Sender { inner: self.inner.clone(), ends: self.ends.clone() }
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Receiver<T> {
        Receiver { inner: self.inner.clone(), ends: self.ends.clone() }
    }
}

/// The messages, until the other end is gone.
pub(crate) struct Messages<R>(R);

impl<T> Iterator for Messages<Receiver<T>> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.recv().ok()
    }
}

impl<T> Iterator for Messages<&Receiver<T>> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.recv().ok()
    }
}

impl<T> IntoIterator for Receiver<T> {
    type Item = T;
    type IntoIter = Messages<Receiver<T>>;

    fn into_iter(self) -> Messages<Receiver<T>> {
        Messages(self)
    }
}

impl<'r, T> IntoIterator for &'r Receiver<T> {
    type Item = T;
    type IntoIter = Messages<&'r Receiver<T>>;

    fn into_iter(self) -> Messages<&'r Receiver<T>> {
        Messages(self)
    }
}

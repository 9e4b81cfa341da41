//! The one way out: every request of the client goes through [`Http::run`].
//!
//! A logical call has one budget of attempts and one deadline, whatever goes wrong; no layer above
//! repeats it. Knows of Graph only how it refuses ([`classify`]); what is asked for, `Call` says.

mod attempt;
mod backoff;
mod body;
mod call;
mod classify;
mod pools;
pub mod retry_after;
mod send;

pub(crate) use attempt::Opened;
pub(crate) use backoff::wait_after;
pub(crate) use body::Reply;
pub(crate) use call::{Call, Payload, Repeat};
pub(crate) use classify::{Answer, Verdict};
pub(crate) use send::Http;

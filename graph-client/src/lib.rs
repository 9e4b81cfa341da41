//! Microsoft Graph for Corso: sign-in, HTTP with retry and throttling, models, and drives as source and sink.
//!
//! [`Graph`] is the client; [`model`] what it reads; [`GraphError`] what can go wrong, told apart by what
//! a caller can do. Every request takes one way, `http`: it carries our name, obeys the service's waits,
//! and is tried again within one budget and one deadline. Knows nothing of the terminal; outside
//! `ingest` nothing knows of the repository either.

#![forbid(unsafe_code)]

pub mod auth;
pub mod budget;
pub mod clock;
mod config;
mod error;
pub mod files;
mod graph;
mod http;
pub mod ingest;
pub mod json;
mod metrics;
pub mod model;
mod paging;
pub mod quickxor;
pub mod secret;
mod users;

pub use config::{Deadlines, GraphConfig, Pace};
pub use error::{Absence, Fault, GraphError, Place, Resync, Said};
pub use graph::{Graph, SignIn};
pub use http::retry_after;
pub use metrics::Metrics;
pub use paging::Pages;
pub use users::UserFilter;

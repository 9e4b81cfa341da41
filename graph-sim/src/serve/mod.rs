//! Sockets: two listeners, http or https, and faults laid over connections and bodies.

mod body;
mod guard;
mod gzip;
mod listener;
pub mod tls;

pub(crate) use listener::{Listener, bind};

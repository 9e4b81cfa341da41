//! The engine: turns a [`source::Source`] into a snapshot and a snapshot into a [`sink::Sink`].

pub mod sink;
pub mod source;

//! The client against a server that says what it is told.

mod calls;
mod downloads;
mod feeds;
mod scripted;
mod sign_in;
mod uploads;

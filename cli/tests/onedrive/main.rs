//! OneDrive through the command itself, against a simulated Microsoft: codes, partial runs, resumed
//! runs, and what may not leak.

mod backup;
mod canary;
mod cloud;
#[path = "../common/mod.rs"]
mod common;
mod demo;
mod doctor;
mod long;
mod part;
mod restore;
mod throttled;
mod truth;

//! The checked model of the commit log and of garbage collection (spec, chapters 8 and 10).
//!
//! [`rules`] says what records mean and when one may be appended. The model lets writers, collectors,
//! compactions, recalls, readers and a trimmer act by these rules in every order, and asks of every state
//! whether a live snapshot is whole ([`properties`]). [`trace`] asks whether an observed log keeps them.
//! Knows nothing of bytes, keys and clocks.

pub mod actors;
pub mod bounds;
pub mod flaw;
pub mod model;
pub mod plan;
pub mod properties;
pub mod rules;
pub mod run;
pub mod trace;
pub mod world;

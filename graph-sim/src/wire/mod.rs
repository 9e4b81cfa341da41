//! Requests, answers, and how JSON, times and tokens are written.

pub mod answer;
pub mod ask;
pub mod json;
pub mod time;
pub mod token;

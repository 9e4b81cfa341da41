//! What goes wrong, and when: rules, presets, and the engine that decides.
//!
//! A decision is a pure function of the seed, the rule, the request without its tokens, and how often
//! that request came before. Order of arrival and concurrency do not matter.

mod engine;
mod plan;
mod presets;
mod rules;

pub use engine::{Engine, Facts};
pub use plan::{Ending, ItemLies, PageFaults, Plan, Shape, Substitute};
pub use presets::{PRESETS, preset};
pub use rules::{BodyForm, Fault, Faults, LocationForm, PoisonKind, RetryAfter, Rule};

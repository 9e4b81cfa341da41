//! Maintenance: space comes back, and what is read often stays small.
//!
//! Owns what may go, when it goes, and in which order: marking what live snapshots need, rewriting
//! packs that hold little of it, condemning, dooming, deleting; index segments that are merged;
//! records that are trimmed. Runs beside any number of writers, readers and other maintainers, and
//! may be killed at any point: the log decides who is right (DESIGN 3.8), and the next run goes on.
//!
//! 1. `sweep`: deletes what an earlier doom decreed.
//! 2. `survey` and `mark`: what is there, and what of it is needed.
//! 3. `plan`: what goes, what waits, what is rewritten; pure.
//! 4. Condemn; `rewrite`; doom; sweep once more; merge segments; trim.
//!
//! # Memory
//!
//! A byte for each row of the index, in a mapped file of the cache where there is one; some hundred
//! bytes for each blob; one pack under way. Rows are walked in place and merged as streams.

mod error;
mod explain;
mod mark;
mod marks;
mod needed;
mod options;
mod plan;
mod report;
mod rewrite;
mod run;
mod segments;
mod survey;
mod sweep;

pub use error::MaintenanceError;
pub use explain::{Explained, Explanation, PackFate, explain};
pub use needed::{NeededBy, NeedingSnapshot};
pub use options::MaintenanceOptions;
pub use report::{MaintenanceReport, Space};
pub use run::{Status, run, status};
pub(crate) use segments::drop_rows;

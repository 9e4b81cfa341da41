//! Policies: which snapshots stay, how contents are compressed, what is left out (POL-1 to POL-4).
//!
//! Owns what a policy says, where it holds, what a narrower one inherits, and the decision which
//! snapshots of a source stay. All of it is pure: no clock is read, nothing is forgotten here. Knows
//! nothing of how a policy comes into the log.
//!
//! ```
//! use repo_format::{cbor, log::SourceInfo, policy::{Effective, Policies, Policy, Scope}};
//!
//! let weekly = Policy { keep_weekly: Some(4), ..Policy::default() };
//! assert_eq!(cbor::decode::<Policy>(&cbor::encode(&weekly))?, weekly);
//!
//! let policies = Policies::from([(Scope::Global, weekly)]);
//! let source = SourceInfo { service: "folder".into(), ..SourceInfo::default() };
//! let Effective { policy, .. } = policies.effective(&source);
//! assert_eq!(policy.keep_weekly, Some(4));
//! # Ok::<(), cbor::CborError>(())
//! ```

mod body;
mod calendar;
mod lines;
mod policies;
mod retention;
mod scope;

#[cfg(test)]
mod tests;

pub use body::{Compression, POLICY_SIZE_MAX, Policy, TagRule, VALUES_MAX};
pub use calendar::Period;
pub use policies::{Effective, Field, Policies, PolicyError};
pub use retention::{Reason, Span, Verdict, decide, decide_none};
pub use scope::{Scope, ScopeKind};

//! All policies of a repository, and what holds for one source (POL-3).

use std::collections::BTreeMap;

use super::{Policy, Scope, ScopeKind};
use crate::cbor::{self, CborError};
use crate::log::SourceInfo;

/// Why a policy could not be used: a newer release wrote it, or a faulty one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the policy {name} is none that this release knows")]
pub struct PolicyError {
    pub name: String,
    pub source: CborError,
}

/// The policies that are set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policies {
    set: BTreeMap<Scope, Policy>,
    unknown: Vec<String>,
}

/// A field of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    KeepLast,
    KeepHourly,
    KeepDaily,
    KeepWeekly,
    KeepMonthly,
    KeepYearly,
    KeepWithin,
    KeepTags,
    Compression,
    Excludes,
}

/// What holds, and which scope says so. A field that no scope sets is in neither.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effective {
    pub policy: Policy,
    pub from: BTreeMap<Field, ScopeKind>,
}

impl Policies {
    /// Decodes the policies of a state. Names that no scope has are kept apart, unread.
    ///
    /// # Errors
    /// [`PolicyError`] for the first that breaks POL-1: whoever acts on policies must know all of them.
    pub fn decode<'a>(
        stored: impl IntoIterator<Item = (&'a String, &'a Vec<u8>)>,
    ) -> Result<Policies, PolicyError> {
        let mut policies = Policies::default();
        for (name, value) in stored {
            match Scope::parse(name) {
                Some(scope) => {
                    let policy =
                        cbor::decode(value).map_err(|source| PolicyError { name: name.clone(), source })?;
                    policies.set.insert(scope, policy);
                }
                None => policies.unknown.push(name.clone()),
            }
        }
        Ok(policies)
    }

    /// The policy that is set for a scope.
    pub fn get(&self, scope: &Scope) -> Option<&Policy> {
        self.set.get(scope)
    }

    /// All, the widest scopes first.
    pub fn iter(&self) -> impl Iterator<Item = (&Scope, &Policy)> {
        self.set.iter()
    }

    /// Names in the state that no scope has (POL-2).
    pub fn unknown(&self) -> &[String] {
        &self.unknown
    }

    /// What holds for a source.
    pub fn effective(&self, source: &SourceInfo) -> Effective {
        self.effective_in(&Scope::Source(source.clone()))
    }

    /// What holds in a scope where no narrower one says otherwise.
    pub fn effective_in(&self, scope: &Scope) -> Effective {
        let mut effective = Effective::default();
        for scope in scope.chain() {
            if let Some(policy) = self.get(&scope) {
                effective.inherit(policy, scope.kind());
            }
        }
        effective
    }
}

impl<const N: usize> From<[(Scope, Policy); N]> for Policies {
    fn from(set: [(Scope, Policy); N]) -> Policies {
        Policies { set: set.into(), unknown: Vec::new() }
    }
}

impl Effective {
    /// Takes from a wider scope's policy what is not set yet.
    fn inherit(&mut self, wider: &Policy, kind: ScopeKind) {
        let Effective { policy, from } = self;
        let mut note = |field, taken: bool| {
            if taken {
                from.insert(field, kind);
            }
        };
        note(Field::KeepLast, take(&mut policy.keep_last, &wider.keep_last));
        note(Field::KeepHourly, take(&mut policy.keep_hourly, &wider.keep_hourly));
        note(Field::KeepDaily, take(&mut policy.keep_daily, &wider.keep_daily));
        note(Field::KeepWeekly, take(&mut policy.keep_weekly, &wider.keep_weekly));
        note(Field::KeepMonthly, take(&mut policy.keep_monthly, &wider.keep_monthly));
        note(Field::KeepYearly, take(&mut policy.keep_yearly, &wider.keep_yearly));
        note(Field::KeepWithin, take(&mut policy.keep_within, &wider.keep_within));
        note(Field::KeepTags, take(&mut policy.keep_tags, &wider.keep_tags));
        note(Field::Compression, take(&mut policy.compression, &wider.compression));
        note(Field::Excludes, take(&mut policy.excludes, &wider.excludes));
    }
}

/// Fills what is not set; says whether it did.
fn take<T: Clone>(field: &mut Option<T>, wider: &Option<T>) -> bool {
    if field.is_some() || wider.is_none() {
        return false;
    }
    field.clone_from(wider);
    true
}

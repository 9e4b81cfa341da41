//! Policies in the state: read, changed, removed (ACT-13).

use super::error::from_commit;
use super::{Repository, RepositoryError};
use crate::cbor;
use crate::log::Action;
use crate::policy::{Effective, Policies, Policy, PolicyError, Scope};

impl Repository {
    /// The policies of the state as it was read or committed last.
    ///
    /// # Errors
    /// `Policy` if one breaks POL-1.
    pub fn policies(&self) -> Result<Policies, RepositoryError> {
        Ok(Policies::decode(&self.0.log.state().policies)?)
    }

    /// What holds in a scope.
    ///
    /// # Errors
    /// `Policy` if one of those that it inherits from breaks POL-1; others do not matter.
    pub fn effective_policy(&self, scope: &Scope) -> Result<Effective, RepositoryError> {
        let state = self.0.log.state();
        let names: Vec<String> = scope.chain().iter().map(ToString::to_string).collect();
        let concerned = state.policies.iter().filter(|(name, _)| names.contains(name));
        Ok(Policies::decode(concerned)?.effective_in(scope))
    }

    /// Changes the policy of a scope, whatever others commit meanwhile. One that says nothing any more is
    /// removed. Gives the policy, and the revision that holds it.
    ///
    /// # Errors
    /// `Policy` if the one there breaks POL-1, or the changed one is too large.
    pub fn change_policy(
        &self,
        scope: &Scope,
        mut change: impl FnMut(&mut Policy),
    ) -> Result<(Policy, u64), RepositoryError> {
        self.begin_task()?;
        let name = scope.to_string();
        let mut changed = Policy::default();
        let committed = self.0.log.commit::<RepositoryError>(|state| {
            let before = state.policies.get(&name).map(|value| decode(&name, value)).transpose()?;
            changed = before.clone().unwrap_or_default();
            change(&mut changed);
            let kept = (!changed.is_empty()).then(|| changed.clone());
            if kept == before {
                return Ok(vec![]);
            }
            let value = kept.map(|policy| cbor::encode(&policy));
            // What is not read back must not be put.
            value.iter().try_for_each(|value| decode(&name, value).map(drop))?;
            Ok(vec![Action::PutPolicy { name: name.clone(), value }])
        });
        let revision = committed.map_err(from_commit)?.revision;
        Ok((changed, revision))
    }

    /// Removes the policy of a scope, also one that breaks POL-1. Gives the revision that says so; `None`
    /// if there is no such policy.
    ///
    /// # Errors
    /// If the record cannot be committed.
    pub fn remove_policy(&self, scope: &Scope) -> Result<Option<u64>, RepositoryError> {
        self.begin_task()?;
        let name = scope.to_string();
        let mut was_there = false;
        let committed = self.0.log.commit::<RepositoryError>(|state| {
            was_there = state.policies.contains_key(&name);
            let remove = Action::PutPolicy { name: name.clone(), value: None };
            Ok(if was_there { vec![remove] } else { vec![] })
        });
        let revision = committed.map_err(from_commit)?.revision;
        Ok(was_there.then_some(revision))
    }
}

fn decode(name: &str, value: &[u8]) -> Result<Policy, PolicyError> {
    cbor::decode(value).map_err(|source| PolicyError { name: name.to_owned(), source })
}

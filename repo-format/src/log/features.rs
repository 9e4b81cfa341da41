//! Features that a repository can require (COMP-2).

use super::error::LogError;
use super::parts::FeatureScope;
use super::state::State;

/// What this release knows beyond the format version.
const KNOWN: [&str; 0] = [];

impl State {
    /// Refuses a repository that requires of its readers what this release does not know.
    pub(super) fn check_readable(&self) -> Result<(), LogError> {
        self.check_features(|scope| scope == FeatureScope::Readers)
    }

    /// Refuses to write where anything is required that this release does not know.
    pub(super) fn check_writable(&self) -> Result<(), LogError> {
        self.check_features(|_| true)
    }

    fn check_features(&self, concerns: impl Fn(FeatureScope) -> bool) -> Result<(), LogError> {
        let unknown =
            self.features.iter().find(|(name, scope)| concerns(**scope) && !KNOWN.contains(&name.as_str()));
        match unknown {
            Some((name, scope)) => Err(LogError::Unsupported { feature: name.clone(), scope: *scope }),
            None => Ok(()),
        }
    }
}

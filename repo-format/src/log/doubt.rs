//! Up to where no snapshot is relied on unseen (ACT-10).

use super::action::Action;
use super::state::State;
use crate::cbor;

/// The parameter that holds the revision.
const DOUBTED: &str = "doubted";

impl State {
    /// Snapshots prepared on an earlier revision than this may need what is in no pack, though no pack that the index names
    /// is missing; 0 if there are none. A value that is no number says nothing.
    pub fn doubted(&self) -> u64 {
        let value = self.parameters.get(DOUBTED);
        value.and_then(|value| cbor::decode(value).ok()).unwrap_or(0)
    }

    /// What the record that follows this state puts so that all snapshots up to it are doubted.
    pub(crate) fn doubt(&self) -> Action {
        let revision = self.revision.saturating_add(1);
        Action::PutParameter { name: DOUBTED.to_owned(), value: Some(cbor::encode(&revision)) }
    }
}

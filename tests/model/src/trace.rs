//! Whether what was observed of a real log keeps the rules of the model.
//!
//! Who makes a trace reads `log/1 …` in order, turns each record's actions into [`Action`]s with numbers for
//! IDs, and adds what it sees deleted. Records that lost by LOG-4 are no part of it. Actions that the model
//! has none for (slots, policies, parameters) are left out; a record without any is still an event.
//!
//! ```
//! use corso_model::rules::{Action, Blob, Location, Segment};
//! use corso_model::trace::{Event, accept};
//!
//! let segment = Segment { id: 1, locations: [Location { content: 7, pack: 3 }].into() };
//! let put =
//!     Action::PutManifest { snapshot: 9, needs: [7].into(), relied: [3].into(), bases: [].into() };
//! let mut events = vec![Event::Record(vec![Action::AddSegments(vec![segment]), put])];
//! assert_eq!(accept(&events).unwrap().revision, 1);
//!
//! events.push(Event::Deleted(Blob::Pack(3)));
//! assert_eq!(accept(&events).unwrap_err().event, 1);
//! ```

use std::collections::BTreeMap;
use std::fmt;

use crate::rules::{Action, Blob, Blobs, Ids, Record, Refusal, Revision, Rule, State};

/// One thing that was observed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The next record of the log, with the actions that have a part in what is kept.
    Record(Vec<Action>),
    /// A pack or segment was deleted.
    Deleted(Blob),
    /// A catalog of this revision is durable.
    Catalog(Revision),
    /// This record was deleted.
    Trimmed(Revision),
}

/// What a trace came to that keeps all rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    pub revision: Revision,
    pub live: Ids,
    /// Doomed and not reaped.
    pub doomed: Blobs,
    pub deleted: Blobs,
}

/// The first event that breaks a rule, and which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Its place in the trace, from 0.
    pub event: usize,
    /// The revision of the log at that moment, a refused record not counted.
    pub revision: Revision,
    pub rule: Rule,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "event {} behind revision {}: {}", self.event, self.revision, self.rule)
    }
}

/// Says whether a trace, from the first record on, keeps the rules of the model.
///
/// # Errors
///
/// The first event that does not, with the rule that it breaks.
pub fn accept(events: &[Event]) -> Result<Accepted, Refused> {
    let mut observer = Observer::default();
    for (place, event) in events.iter().enumerate() {
        let revision = observer.state.revision;
        observer.observe(event).map_err(|rule| Refused { event: place, revision, rule })?;
    }
    let Observer { state, deleted, .. } = observer;
    let live = state.live().map(|(snapshot, _)| snapshot).collect();
    Ok(Accepted { revision: state.revision, live, doomed: state.doomed, deleted })
}

/// Follows a log event by event.
#[derive(Debug, Clone, Default)]
pub struct Observer {
    state: State,
    deleted: Blobs,
    /// The floor at each revision.
    floors: BTreeMap<Revision, Revision>,
    /// The revision of the newest catalog.
    catalog: Revision,
    /// How many records were deleted, from the first one up.
    trimmed: Revision,
}

impl Observer {
    /// The state that the records observed so far lead to.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Takes the next event. After a refusal the observer is as before.
    ///
    /// # Errors
    ///
    /// The rule that the event breaks.
    pub fn observe(&mut self, event: &Event) -> Result<(), Refusal> {
        match event {
            Event::Record(actions) => self.record(actions),
            Event::Deleted(blob) if !self.state.is_lost(*blob) => Err(Rule::DeletedUndoomed(*blob)),
            Event::Deleted(blob) => {
                self.deleted.insert(*blob);
                Ok(())
            }
            Event::Catalog(revision) if *revision > self.state.revision => Err(Rule::CatalogAhead(*revision)),
            Event::Catalog(revision) => {
                self.catalog = self.catalog.max(*revision);
                Ok(())
            }
            Event::Trimmed(revision) => self.trim(*revision),
        }
    }

    fn record(&mut self, actions: &[Action]) -> Result<(), Refusal> {
        let record = Record { commit: 0, actions: actions.to_vec() };
        self.state.validate(&record, None)?;
        let mut next = self.state.clone();
        next.apply(&record);
        for action in actions {
            if let Action::Reap(blobs) = action {
                self.are_deleted(blobs)?;
            }
        }
        every_content_is_found(&next)?;
        self.floors.insert(next.revision, next.floor);
        self.state = next;
        Ok(())
    }

    fn are_deleted(&self, blobs: &Blobs) -> Result<(), Refusal> {
        match blobs.difference(&self.deleted).next() {
            Some(blob) => Err(Rule::ReapedBeforeDeletion(*blob)),
            None => Ok(()),
        }
    }

    fn trim(&mut self, revision: Revision) -> Result<(), Refusal> {
        let known = self.floors.get(&self.catalog).copied().unwrap_or(0);
        if revision != self.trimmed + 1 || revision >= known {
            return Err(Rule::TrimmedTooEarly(revision));
        }
        self.trimmed = revision;
        Ok(())
    }
}

/// INV-9 and INV-16: what a live snapshot needs is in a pack that is not doomed, by a segment of the state.
fn every_content_is_found(state: &State) -> Result<(), Refusal> {
    let there: Ids = state
        .locations()
        .filter(|location| !state.is_lost(Blob::Pack(location.pack)))
        .map(|location| location.content)
        .collect();
    for (snapshot, needs) in state.live() {
        if let Some(content) = needs.difference(&there).next() {
            return Err(Rule::Dangles { snapshot, content: *content });
        }
    }
    Ok(())
}

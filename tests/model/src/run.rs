//! Runs: one configuration checked, and what it came to.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use stateright::{Checker, HasDiscoveries, Model};

use crate::bounds::Bounds;
use crate::flaw::Flaw;
use crate::model::Protocol;
use crate::properties::{self, Sight};

/// A configuration, and what is expected of it.
#[derive(Debug, Clone)]
pub struct Run {
    pub name: &'static str,
    pub bounds: Bounds,
    pub flaw: Option<Flaw>,
    /// What must be reached where nothing is broken.
    pub sights: Vec<Sight>,
}

/// What a run came to.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub states: usize,
    pub took: Duration,
    pub violations: Vec<Violation>,
    /// Sights that should have been reached and were not.
    pub unseen: Vec<&'static str>,
}

/// A property that does not hold, and the shortest way there that was found.
#[derive(Debug, Clone)]
pub struct Violation {
    pub property: &'static str,
    pub steps: Vec<String>,
}

impl Run {
    /// Explores all states within the bounds; where a flaw must be found, up to the first violation.
    pub fn check(&self, threads: usize) -> Outcome {
        let start = Instant::now();
        let (bounds, flaw, sights) = (Arc::new(self.bounds.clone()), self.flaw, self.sights.clone());
        let checker = Protocol { bounds, flaw, sights }.checker();
        match self.flaw {
            // Breadth first, by one thread, finds a shortest way to the violation.
            Some(_) => {
                let checker = checker.finish_when(HasDiscoveries::AnyFailures).threads(1).spawn_bfs();
                self.outcome(&checker.join(), start)
            }
            // Depth first holds far fewer states at once.
            None => self.outcome(&checker.threads(threads).spawn_dfs().join(), start),
        }
    }

    fn outcome(&self, checker: &impl Checker<Protocol>, start: Instant) -> Outcome {
        let found = checker.discoveries();
        let violation = |property: &'static str| {
            let path = found.get(property)?.clone();
            let steps = path.into_actions().iter().map(|step| format!("{step:?}")).collect();
            Some(Violation { property, steps })
        };
        let always = properties::always();
        let violations = always.iter().filter_map(|property| violation(property.name)).collect();
        let sights = self.sights.iter().map(|(name, _)| *name);
        let unseen = sights.filter(|name| self.flaw.is_none() && !found.contains_key(name)).collect();
        Outcome { states: checker.unique_state_count(), took: start.elapsed(), violations, unseen }
    }
}

impl Outcome {
    /// Whether it is as it should be: a flaw is found, and nothing else is.
    pub fn is_expected(&self, run: &Run) -> bool {
        self.violations.is_empty() == run.flaw.is_none() && self.unseen.is_empty()
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.flaw {
            None => write!(f, "{:10} as it should be           ({})", self.name, self.bounds),
            Some(flaw) => write!(f, "{:10} {:25} ({})", self.name, format!("{flaw:?}"), self.bounds),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:9} unique states, {:6.1} s", self.states, self.took.as_secs_f64())?;
        for violation in &self.violations {
            write!(f, ", violated in {} steps: {}", violation.steps.len(), violation.property)?;
        }
        for name in &self.unseen {
            write!(f, ", never reached: {name}")?;
        }
        Ok(())
    }
}

//! Where a policy holds, and its name in the state (POL-2).

use std::fmt;

use crate::cbor;
use crate::log::SourceInfo;

/// What a policy is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// All sources.
    Global,
    /// Those of a service: `folder`, `onedrive`, ….
    Service(String),
    /// One.
    Source(SourceInfo),
}

/// Which of the three a scope is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ScopeKind {
    Global,
    Service,
    Source,
}

const GLOBAL: &str = "global";
const SERVICE: &str = "service/";
const SOURCE: &str = "source/";

impl Scope {
    /// The scope of a name in the state; `None` for one that no scope has.
    pub fn parse(name: &str) -> Option<Scope> {
        if name == GLOBAL {
            return Some(Scope::Global);
        }
        if let Some(service) = name.strip_prefix(SERVICE) {
            return (!service.is_empty()).then(|| Scope::Service(service.to_owned()));
        }
        let bytes = hex::decode(name.strip_prefix(SOURCE)?).ok()?;
        let scope = Scope::Source(cbor::decode(&bytes).ok()?);
        // In capitals, or with keys of a later release, it would be a second name of one source.
        (scope.to_string() == name).then_some(scope)
    }

    /// Which kind it is.
    pub fn kind(&self) -> ScopeKind {
        match self {
            Scope::Global => ScopeKind::Global,
            Scope::Service(_) => ScopeKind::Service,
            Scope::Source(_) => ScopeKind::Source,
        }
    }

    /// The service whose sources alone it is for, if it is not for all.
    pub fn service(&self) -> Option<&str> {
        match self {
            Scope::Global => None,
            Scope::Service(service) => Some(service),
            Scope::Source(source) => Some(&source.service),
        }
    }

    /// This scope and those it inherits from, the narrowest first.
    pub fn chain(&self) -> Vec<Scope> {
        let wider = match self {
            Scope::Source(source) => vec![Scope::Service(source.service.clone()), Scope::Global],
            Scope::Service(_) => vec![Scope::Global],
            Scope::Global => vec![],
        };
        std::iter::once(self.clone()).chain(wider).collect()
    }
}

/// The scope's name in the state.
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scope::Global => f.write_str(GLOBAL),
            Scope::Service(service) => write!(f, "{SERVICE}{service}"),
            Scope::Source(source) => write!(f, "{SOURCE}{}", hex::encode(cbor::encode(source))),
        }
    }
}

//! Items by id and by path.

use crate::seed::{hash_bytes, mix};
use crate::state::SimState;

/// What an address names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    Item(u32),
    /// A name that is free, in a folder that is there.
    Free {
        parent: u32,
        name: String,
    },
    Nowhere,
}

impl Place {
    /// The item, if there is one.
    pub fn item(&self) -> Option<u32> {
        match self {
            Place::Item(index) => Some(*index),
            _ => None,
        }
    }

    /// A number for it.
    pub fn key(&self) -> u64 {
        match self {
            Place::Item(index) => u64::from(*index),
            Place::Free { parent, name } => mix(u64::from(*parent)) ^ hash_bytes(name.as_bytes()),
            Place::Nowhere => 1 << 40,
        }
    }
}

/// Reads `root…`, `items/{id}…` or `special/…`, with a path between colons or without; answers the place
/// and the segments after it.
pub fn find<'a>(state: &SimState, drive: u32, segments: &'a [String]) -> (Place, &'a [String]) {
    let Some((first, mut rest)) = segments.split_first() else { return (Place::Nowhere, segments) };
    let mut anchor = first.as_str();
    if first.eq_ignore_ascii_case("items") {
        let Some((id, after)) = rest.split_first() else { return (Place::Nowhere, segments) };
        (anchor, rest) = (id.as_str(), after);
    } else if !first.trim_end_matches(':').eq_ignore_ascii_case("root") {
        return (Place::Nowhere, segments);
    }
    // Some clients name items as DRIVE#ITEM.
    let id = anchor.trim_end_matches(':');
    let id = id.rsplit_once('#').map_or(id, |(_, item)| item);
    let Some(start) = state.read_drive(drive, |found| found.find(id)).flatten() else {
        let end = if anchor.ends_with(':') { path_end(rest) } else { 0 };
        return (Place::Nowhere, &rest[end..]);
    };
    if !anchor.ends_with(':') {
        return (Place::Item(start), rest);
    }
    let end = path_end(rest);
    let names: Vec<&str> = rest[..end].iter().map(|name| name.as_str()).collect();
    (walk(state, drive, start, &names), &rest[end..])
}

/// How many segments belong to a path: up to the one that ends with a colon, or all.
fn path_end(segments: &[String]) -> usize {
    segments.iter().position(|segment| segment.ends_with(':')).map_or(segments.len(), |last| last + 1)
}

fn walk(state: &SimState, drive: u32, start: u32, names: &[&str]) -> Place {
    let names: Vec<&str> =
        names.iter().map(|name| name.strip_suffix(':').unwrap_or(name)).filter(|n| !n.is_empty()).collect();
    let walked = state.change_drive(drive, |found| {
        let mut at = start;
        for (depth, name) in names.iter().enumerate() {
            match found.child(at, name) {
                Some(child) => at = child,
                None if depth + 1 == names.len() => return Place::Free { parent: at, name: (*name).into() },
                None => return Place::Nowhere,
            }
        }
        Place::Item(at)
    });
    walked.unwrap_or(Place::Nowhere)
}

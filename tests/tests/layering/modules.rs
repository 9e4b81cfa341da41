//! The order of modules inside `repo-format`, and who names whom.

use std::collections::BTreeSet;
use std::fmt::{self, Display};
use std::path::Path;

use crate::sources::{Line, code, files};

/// A module uses those before it, never those after it.
const ORDER: [&str; 24] = [
    "system",
    "storage",
    "codec",
    "cbor",
    "format",
    "pack",
    "log",
    "index",
    "content",
    "object",
    "map",
    "tree",
    "ledger",
    "coverage",
    "snapshot",
    "reach",
    "policy",
    "repository",
    "engine",
    "retention",
    "verify",
    "maintenance",
    "repair",
    "sync",
];

/// A place where one module of the crate names another.
pub struct Use {
    line: Line,
    by: String,
    of: String,
}

impl Use {
    /// Whether the named module stands to the right of the one that names it.
    pub fn is_offence(&self) -> bool {
        let place = |name: &str| ORDER.iter().position(|known| *known == name);
        place(&self.of) > place(&self.by)
    }
}

impl Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n    {} stands left of {}", self.line, self.by, self.of)
    }
}

/// Every naming of a module of `folder`'s crate by another, `lib.rs` aside.
pub fn uses(folder: &str) -> impl Iterator<Item = Use> {
    code(folder).flat_map(|line| {
        let by = module(&line.path);
        let of = if by.is_some() { named(&line) } else { Vec::new() };
        of.into_iter().map(move |of| Use { line: line.clone(), by: by.clone().unwrap_or_default(), of })
    })
}

/// The modules of `folder`'s crate that the order does not place.
pub fn unplaced(folder: &str) -> Vec<String> {
    let modules: BTreeSet<String> =
        files(&format!("{folder}/src")).iter().filter_map(|path| module(path)).collect();
    modules.into_iter().filter(|name| !ORDER.contains(&name.as_str())).collect()
}

/// The top module that a file belongs to; `None` for `lib.rs`.
fn module(path: &Path) -> Option<String> {
    let inside = path.components().skip_while(|part| part.as_os_str() != "src").nth(1)?;
    let name = inside.as_os_str().to_str()?;
    (name != "lib.rs").then(|| name.trim_end_matches(".rs").to_owned())
}

/// The top modules that a line names: by `crate::`, or by climbing to the crate's root.
fn named(line: &Line) -> Vec<String> {
    let climb = "super::".repeat(depth(&line.path));
    let starts = ["crate::", climb.as_str()];
    let rests = starts.iter().flat_map(|start| line.text.split(start).skip(1));
    rests.map(head).filter(|name| ORDER.contains(&name.as_str())).collect()
}

/// How many `super::` lead from a file's module to the crate's root.
fn depth(path: &Path) -> usize {
    let parts = path.components().skip_while(|part| part.as_os_str() != "src").count() - 1;
    if path.ends_with("mod.rs") { parts - 1 } else { parts }
}

/// The first name of what follows a path's start.
fn head(rest: &str) -> String {
    rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}

#[test]
fn a_use_is_seen_however_it_is_spelled() {
    let line = |path: &str, text: &str| Line { path: path.into(), number: 1, text: text.into() };
    let seen = |path, text| named(&line(path, text));
    assert_eq!(seen("repo-format/src/pack/mod.rs", "use crate::engine::X;"), ["engine"]);
    assert_eq!(seen("repo-format/src/pack/mod.rs", "crate::log::f(crate::codec::Y)"), ["log", "codec"]);
    assert_eq!(seen("repo-format/src/pack/mod.rs", "use super::map::Z;"), ["map"]);
    assert_eq!(seen("repo-format/src/pack/frame.rs", "super::super::map::Z"), ["map"]);
    assert!(seen("repo-format/src/pack/frame.rs", "use super::index;").is_empty());
}

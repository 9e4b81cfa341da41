//! The project's own sources, line by line.

use std::fmt::{self, Display};
use std::fs;
use std::path::{Path, PathBuf};

/// One line of a source file.
#[derive(Debug, Clone)]
pub struct Line {
    /// From the workspace's root.
    pub path: PathBuf,
    /// Counted from 1.
    pub number: usize,
    pub text: String,
}

impl Line {
    /// Whether `needle` is in it.
    pub fn has(&self, needle: &str) -> bool {
        self.text.contains(needle)
    }

    /// Whether a word in it begins with one of `words`, in any case.
    pub fn has_word(&self, words: &[&str]) -> bool {
        let text = self.text.to_lowercase();
        let mut found = text.split(|c: char| !c.is_ascii_alphanumeric());
        found.any(|word| words.iter().any(|wanted| word.starts_with(wanted)))
    }

    /// The crate that a line of a dependency table asks for.
    pub fn dependency(&self) -> &str {
        self.text.split(['.', ' ', '=']).next().unwrap_or_default()
    }
}

impl Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path.display(), self.number, self.text.trim())
    }
}

/// Asserts that there are no offences, and prints those there are.
pub fn none<T: Display>(offences: impl Iterator<Item = T>) {
    let offences: Vec<String> = offences.map(|offence| offence.to_string()).collect();
    assert!(offences.is_empty(), "\n{}\n", offences.join("\n"));
}

/// All lines of a crate's Rust files, its tests and comments included.
pub fn every_line(folder: &str) -> impl Iterator<Item = Line> {
    files(folder).into_iter().flat_map(|path| lines(&path))
}

/// The lines of a crate's `src` that ship: no comments, no tests.
pub fn code(folder: &str) -> impl Iterator<Item = Line> {
    let files = files(&format!("{folder}/src"));
    let ships = |path: &PathBuf| path.iter().all(|part| part != "tests" && part != "tests.rs");
    files.into_iter().filter(ships).flat_map(|path| shipped(lines(&path)))
}

/// The lines of a crate's `[dependencies]`.
pub fn dependencies(folder: &str) -> impl Iterator<Item = Line> {
    let manifest = lines(&Path::new(folder).join("Cargo.toml"));
    let table = manifest.into_iter().skip_while(|line| line.text != "[dependencies]").skip(1);
    table.take_while(|line| !line.text.starts_with('['))
}

/// Leaves out comments, and what `#[cfg(test)]` stands before: one line, or a block up to its brace.
fn shipped(lines: Vec<Line>) -> Vec<Line> {
    let mut kept = Vec::with_capacity(lines.len());
    let mut lines = lines.into_iter();
    while let Some(line) = lines.next() {
        if line.text.trim() == "#[cfg(test)]" {
            let indent = line.text.len() - line.text.trim_start().len();
            if lines.next().is_some_and(|next| next.text.ends_with('{')) {
                let end = format!("{}}}", " ".repeat(indent));
                lines.by_ref().find(|line| line.text == end);
            }
        } else if !line.text.trim_start().starts_with("//") {
            kept.push(line);
        }
    }
    kept
}

fn lines(path: &Path) -> Vec<Line> {
    let text = fs::read_to_string(root().join(path)).expect("the sources are there");
    let numbered = text.lines().enumerate();
    numbered.map(|(at, text)| Line { path: path.into(), number: at + 1, text: text.into() }).collect()
}

/// The Rust files below `folder`, in the order of their names.
pub fn files(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the project") {
            let path = entry.expect("a readable folder").path();
            match path.extension() {
                _ if path.is_dir() => folders.push(path),
                Some(extension) if extension == "rs" => found.push(path),
                _ => {}
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no sources in {folder}: has it moved?");
    found.iter().map(|path| path.strip_prefix(root()).expect("below the root").to_owned()).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is a folder of the project")
}

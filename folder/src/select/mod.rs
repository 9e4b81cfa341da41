//! Which entries of a snapshot are meant: names, folders and times that a person typed.
//!
//! [`Selector::parse`] is pure and takes any text. Terms of one kind widen the selection, terms of
//! several kinds narrow it: a file is meant if it has one of the names, lies in one of the folders,
//! and its times are within the bounds. Without terms everything is meant.
//!
//! ```
//! use folder::{Selector, Terms};
//! let terms = Terms { files: vec!["*.docx,*.xlsx".into()], ..Terms::default() };
//! assert!(!Selector::parse(&terms)?.is_everything());
//! # Ok::<(), folder::SelectError>(())
//! ```

mod glob;
mod time;

use std::collections::HashSet;

use repo_format::engine::select::{FolderSelection, Pick, Selection};
use repo_format::tree::{Entry, EntryKind, TimeNs, Tree, TreeError, TreeKey};

use self::glob::Glob;
use crate::fold::fold;

/// Longest term, in bytes.
const TERM_SIZE_MAX: usize = 64 << 10;
/// Most patterns in one selection.
const PATTERNS_MAX: usize = 10_000;

/// What was typed. Files and folders are lists: several terms, or one with commas.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    /// Patterns for files: for the name, or with a slash for the path.
    pub files: Vec<String>,
    /// Patterns for folders; with a slash in front from the root on. What is below belongs to it.
    pub folders: Vec<String>,
    pub file_created_after: Option<String>,
    pub file_created_before: Option<String>,
    pub file_modified_after: Option<String>,
    pub file_modified_before: Option<String>,
}

/// Why terms make no selection.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SelectError {
    /// A pattern breaks a rule of patterns.
    #[error("{option}: {pattern:?} is no pattern: {rule}")]
    Pattern { option: &'static str, pattern: String, rule: &'static str },
    /// A moment is none.
    #[error("{option}: {text:?} is no date or time")]
    Time { option: &'static str, text: String },
    /// More text than a person types.
    #[error("{option}: a term of {found} bytes; 65536 are possible")]
    TooLong { option: &'static str, found: usize },
    /// More patterns than can be tried for each file.
    #[error("{found} patterns; 10000 are possible")]
    TooMany { found: usize },
}

/// Which entries are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selector {
    files: Names,
    folders: Names,
    created: Bounds,
    modified: Bounds,
}

/// Patterns, any of which is enough; plain names are looked up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Names {
    plain: HashSet<String>,
    globs: Vec<Glob>,
}

/// A span of time; neither end belongs to it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Bounds {
    after: Option<TimeNs>,
    before: Option<TimeNs>,
}

impl Selector {
    /// Reads terms.
    ///
    /// # Errors
    /// [`SelectError`] says which term is wrong, and how.
    pub fn parse(terms: &Terms) -> Result<Selector, SelectError> {
        let selector = Selector {
            files: Names::parse("--file", &terms.files)?,
            folders: Names::parse("--folder", &terms.folders)?,
            created: Bounds {
                after: moment("--file-created-after", terms.file_created_after.as_deref())?,
                before: moment("--file-created-before", terms.file_created_before.as_deref())?,
            },
            modified: Bounds {
                after: moment("--file-modified-after", terms.file_modified_after.as_deref())?,
                before: moment("--file-modified-before", terms.file_modified_before.as_deref())?,
            },
        };
        match selector.files.len() + selector.folders.len() {
            0..=PATTERNS_MAX => Ok(selector),
            found => Err(SelectError::TooMany { found }),
        }
    }

    /// Whether nothing is left out.
    pub fn is_everything(&self) -> bool {
        self.folders.is_empty() && self.takes_folders()
    }

    /// Judges the entry at a path of names from the root; its own is the last.
    ///
    /// Who goes folder by folder asks a [`Scope`], which looks at the folders once.
    pub fn judge(&self, path: &[impl AsRef<str>], entry: &Entry) -> Meant {
        let keys: Vec<TreeKey> = path.iter().map(|name| TreeKey::of_name(name.as_ref())).collect();
        match keys.split_last() {
            Some((last, folders)) => self.scope(folders).judge(last, entry),
            None => Meant::Below,
        }
    }

    /// What is meant in the folder at `path`.
    pub fn scope(&self, path: &[TreeKey]) -> Scope<'_> {
        let path: Vec<String> = path.iter().map(|key| folded(&key.name)).collect();
        let is_inside = self.folders.is_empty() || self.has_folder_on(&path);
        Scope { selector: self, path, is_inside }
    }

    /// Folders are meant themselves only where no term is about files.
    fn takes_folders(&self) -> bool {
        self.files.is_empty() && self.created == Bounds::default() && self.modified == Bounds::default()
    }

    fn has_folder_on(&self, path: &[String]) -> bool {
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        (0..=names.len()).any(|depth| self.folders.matches(&names[..depth]))
    }

    fn takes_file(&self, path: &[&str], entry: &Entry) -> bool {
        (self.files.is_empty() || self.files.matches(path))
            && self.created.hold(entry.meta.btime_ns)
            && self.modified.hold(entry.meta.mtime_ns)
    }
}

/// What is meant in one folder.
pub struct Scope<'a> {
    selector: &'a Selector,
    /// Folded names of the folder.
    path: Vec<String>,
    is_inside: bool,
}

/// Whether an entry is meant, or something below it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meant {
    No,
    /// A folder that something meant may be in.
    Below,
    Yes,
}

impl Scope<'_> {
    /// Judges a child.
    pub fn judge(&self, key: &TreeKey, entry: &Entry) -> Meant {
        let Scope { selector, path, is_inside } = self;
        if selector.is_everything() {
            return Meant::Yes;
        }
        let name = folded(&key.name);
        let names: Vec<&str> = path.iter().chain([&name]).map(String::as_str).collect();
        let is_folder = matches!(entry.kind, EntryKind::Folder(_));
        match is_folder {
            true if selector.takes_folders() && (*is_inside || selector.folders.matches(&names)) => {
                Meant::Yes
            }
            true => Meant::Below,
            false if *is_inside && selector.takes_file(&names, entry) => Meant::Yes,
            false => Meant::No,
        }
    }
}

impl Selection for Selector {
    fn folder<'a>(
        &'a self,
        path: &[TreeKey],
        _: &Tree<'_>,
    ) -> Result<Box<dyn FolderSelection + 'a>, TreeError> {
        Ok(Box::new(self.scope(path)))
    }
}

impl FolderSelection for Scope<'_> {
    fn pick(&self, key: &TreeKey, entry: &Entry) -> Pick {
        match self.judge(key, entry) {
            Meant::No => Pick::Pass,
            Meant::Below => Pick::Look(key.name.clone()),
            Meant::Yes => Pick::Take(key.name.clone()),
        }
    }
}

impl Names {
    fn parse(option: &'static str, terms: &[String]) -> Result<Names, SelectError> {
        let mut names = Names::default();
        for term in terms {
            if term.len() > TERM_SIZE_MAX {
                return Err(SelectError::TooLong { option, found: term.len() });
            }
            for pattern in glob::split(term, ',') {
                names.add(pattern).map_err(|rule| SelectError::Pattern {
                    option,
                    pattern: pattern.to_owned(),
                    rule,
                })?;
            }
        }
        Ok(names)
    }

    fn add(&mut self, pattern: &str) -> Result<(), &'static str> {
        match pattern {
            "" => return Err("it is empty"),
            plain if !plain.contains(['*', '?', '[', '\\', '/']) => drop(self.plain.insert(fold(plain))),
            pattern => self.globs.push(Glob::parse(pattern, true)?),
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn len(&self) -> usize {
        self.plain.len() + self.globs.len()
    }

    /// Whether one of them matches a path of folded names.
    fn matches(&self, path: &[&str]) -> bool {
        path.last().is_some_and(|name| self.plain.contains(*name))
            || self.globs.iter().any(|glob| glob.matches(path))
    }
}

impl Bounds {
    /// What has no time is within no bounds.
    fn hold(self, time: Option<TimeNs>) -> bool {
        self.after.is_none_or(|after| time.is_some_and(|time| time > after))
            && self.before.is_none_or(|before| time.is_some_and(|time| time < before))
    }
}

fn moment(option: &'static str, text: Option<&str>) -> Result<Option<TimeNs>, SelectError> {
    let read = |text: &str| time::parse(text).ok_or(SelectError::Time { option, text: text.to_owned() });
    text.map(read).transpose()
}

fn folded(name: &[u8]) -> String {
    fold(&String::from_utf8_lossy(name))
}

#[cfg(test)]
mod tests;

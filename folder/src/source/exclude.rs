//! What a source leaves out: patterns, ignore files, cache folders, sizes, the repository itself.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::io::{Read, Take};
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use rustix::fs::{CWD, OFlags};

use super::options::SourceOptions;
use super::place::Folder;
use crate::error::FolderError;
use crate::unix::facts::Facts;
use crate::unix::open::open_child_quietly;

/// First bytes of a valid tag (bford.info/cachedir).
const CACHE_SIGNATURE: &[u8] = b"Signature: 8a477f597d28d172789f06886806bc55";
pub(super) const CACHE_TAG: &[u8] = b"CACHEDIR.TAG";
/// Longer ignore files are cut: nobody writes them, and the tree is not to be trusted with memory.
const IGNORE_FILE_BYTES_MAX: u64 = 1 << 20;

/// The rules that hold for the whole source.
pub(super) struct Excludes {
    patterns: Gitignore,
    /// Whether a pattern may mean a path from the file system's root.
    anchored: bool,
    ids: HashSet<(u64, u64)>,
    larger_than: u64,
    caches: bool,
    ignore_files: Vec<Vec<u8>>,
}

impl Excludes {
    pub fn new(options: &SourceOptions) -> Result<Self, FolderError> {
        let patterns = compile(&options.exclude)?;
        let ids = options.exclude_paths.iter().filter_map(|path| {
            // What is not there cannot be met.
            Facts::of_child(CWD, path.as_os_str().as_bytes()).ok().map(|facts| facts.id())
        });
        Ok(Excludes {
            patterns,
            anchored: options.exclude.iter().any(|pattern| pattern.trim_start_matches('!').starts_with('/')),
            ids: ids.collect(),
            larger_than: options.exclude_larger_than.unwrap_or(u64::MAX),
            caches: options.exclude_caches,
            ignore_files: options.ignore_files.iter().map(|name| name.clone().into_bytes()).collect(),
        })
    }

    /// Reads the ignore files of a folder that is being listed.
    pub fn read_rules(&self, folder: &Folder, fd: BorrowedFd<'_>, names: &[Vec<u8>]) {
        let present = self.ignore_files.iter().filter(|name| names.contains(name));
        let mut builder = GitignoreBuilder::new("");
        let mut any = false;
        for name in present {
            any |= add_ignore_file(&mut builder, fd, name);
        }
        if any && let Ok(rules) = builder.build() {
            // A folder listed a second time keeps the rules of the first.
            let _ = folder.rules.set(rules);
        }
    }

    /// Whether the folder is a cache by its tag, so that only the tag is kept.
    pub fn is_cache(&self, fd: BorrowedFd<'_>, names: &[Vec<u8>]) -> bool {
        let tagged = || names.iter().any(|name| name == CACHE_TAG);
        self.caches && tagged() && has_signature(fd)
    }

    /// The rules as they apply to the children of one folder.
    pub fn within<'f>(&'f self, folder: &'f Folder) -> FolderRules<'f> {
        let (top, tree) = folder.top_paths();
        let names = folder.names();
        let path = joined(tree, &names);
        let absolute = (self.anchored && tree.is_empty()).then(|| joined(top.as_os_str().as_bytes(), &names));
        let mut end = path.len();
        let mut inherited = Vec::new();
        for above in folder.chain() {
            if let Some(rules) = above.rules.get() {
                inherited.push((rules, end));
            }
            let name = above.name().map_or(0, <[u8]>::len);
            end = end.saturating_sub(name + 1);
        }
        FolderRules { excludes: self, inherited, path, absolute }
    }
}

/// The rules as they apply to the children of one folder.
pub(super) struct FolderRules<'f> {
    excludes: &'f Excludes,
    /// Patterns of ignore files, inmost first, and how much of the path they do not see.
    inherited: Vec<(&'f Gitignore, usize)>,
    /// The folder's path in the snapshot.
    path: Vec<u8>,
    /// The folder's path on disk, if patterns may mean it.
    absolute: Option<Vec<u8>>,
}

impl FolderRules<'_> {
    pub fn leave_out(&self, name: &[u8], facts: &Facts) -> bool {
        self.excludes.ids.contains(&facts.id())
            || (facts.is_file() && facts.size > self.excludes.larger_than)
            || self.matched(name, facts.is_folder())
    }

    /// The command line decides before ignore files, inner ones before outer ones.
    fn matched(&self, name: &[u8], is_folder: bool) -> bool {
        if self.excludes.patterns.is_empty() && self.inherited.is_empty() {
            return false;
        }
        let path = joined(&self.path, &[name]);
        let absolute = self.absolute.as_ref().map(|folder| joined(folder, &[name]));
        let by_command = [Some(&path), absolute.as_ref()]
            .into_iter()
            .flatten()
            .map(|path| decide(&self.excludes.patterns, path, is_folder));
        let by_files =
            self.inherited.iter().map(|(rules, unseen)| decide(rules, &path[*unseen..], is_folder));
        by_command.chain(by_files).flatten().next().unwrap_or(false)
    }
}

/// Whether the patterns leave the path out, keep it, or say nothing of it.
fn decide(rules: &Gitignore, path: &[u8], is_folder: bool) -> Option<bool> {
    let path = path.strip_prefix(b"/").unwrap_or(path);
    match rules.matched(Path::new(OsStr::from_bytes(path)), is_folder) {
        Match::None => None,
        Match::Ignore(_) => Some(true),
        Match::Whitelist(_) => Some(false),
    }
}

fn joined(start: &[u8], names: &[&[u8]]) -> Vec<u8> {
    let mut path = start.strip_suffix(b"/").unwrap_or(start).to_vec();
    for name in names {
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(name);
    }
    path
}

fn has_signature(folder: BorrowedFd<'_>) -> bool {
    let mut start = Vec::new();
    open_limited(folder, CACHE_TAG, CACHE_SIGNATURE.len() as u64)
        .is_some_and(|mut tag| tag.read_to_end(&mut start).is_ok() && start == CACHE_SIGNATURE)
}

/// Whether a source takes patterns of what to leave out.
///
/// # Errors
/// `BadPattern` names the first that is not in gitignore syntax.
pub fn check_patterns(patterns: &[String]) -> Result<(), FolderError> {
    compile(patterns).map(drop)
}

fn compile(patterns: &[String]) -> Result<Gitignore, FolderError> {
    let mut builder = GitignoreBuilder::new("");
    for pattern in patterns {
        let bad = |source| FolderError::BadPattern { pattern: pattern.clone(), source };
        builder.add_line(None, pattern).map_err(bad)?;
    }
    builder.build().map_err(|source| FolderError::BadPattern { pattern: patterns.join(" "), source })
}

/// Adds what can be read of an ignore file; a malformed line is reported and passed over.
fn add_ignore_file(builder: &mut GitignoreBuilder, folder: BorrowedFd<'_>, name: &[u8]) -> bool {
    let shown = String::from_utf8_lossy(name);
    let mut bytes = Vec::new();
    let read = open_limited(folder, name, IGNORE_FILE_BYTES_MAX)
        .is_some_and(|mut file| file.read_to_end(&mut bytes).is_ok());
    if !read {
        tracing::warn!(file = %shown, "ignore file cannot be read");
        return false;
    }
    for line in String::from_utf8_lossy(&bytes).lines() {
        if let Err(error) = builder.add_line(None, line) {
            tracing::warn!(file = %shown, %error, "line of an ignore file passed over");
        }
    }
    true
}

fn open_limited(folder: BorrowedFd<'_>, name: &[u8], limit: u64) -> Option<Take<std::fs::File>> {
    let fd = open_child_quietly(folder, name, OFlags::RDONLY | OFlags::NONBLOCK).ok()?;
    let is_file = Facts::of_open(&fd).is_ok_and(|facts| facts.is_file());
    is_file.then(|| std::fs::File::from(fd).take(limit))
}

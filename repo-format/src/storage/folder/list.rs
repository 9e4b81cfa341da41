//! Listing a folder: one look at each file that is wanted, and none at those before.
//!
//! A log grows by a file with every commit, and is asked for its end by every command.

use std::io;
use std::path::Path;

use object_store::path::Path as Key;
use object_store::{ObjectMeta, Result};
use walkdir::WalkDir;

use super::FolderError;

/// All files below `folder`, which lies in `root`, with keys behind `after`, in no order. Links are
/// followed. What no key can name, and what goes meanwhile, is passed over.
pub(super) fn list(root: &Path, folder: &Path, after: Option<&Key>) -> Result<Vec<ObjectMeta>> {
    let mut found = Vec::new();
    for entry in WalkDir::new(folder).min_depth(1).follow_links(true) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) if is_gone(error.io_error()) => continue,
            Err(error) => {
                let path = error.path().unwrap_or(folder).to_path_buf();
                return Err(FolderError::Io { path, source: error.into() }.into());
            }
        };
        if !entry.file_type().is_file() {
            continue;
        }
        let Some(location) = key_of(root, entry.path()) else { continue };
        if after.is_some_and(|after| location <= *after) {
            continue;
        }
        let seen =
            entry.metadata().map_err(io::Error::from).and_then(|seen| Ok((seen.len(), seen.modified()?)));
        match seen {
            Ok((size, modified)) => {
                let last_modified = modified.into();
                found.push(ObjectMeta { location, last_modified, size, e_tag: None, version: None });
            }
            Err(error) if is_gone(Some(&error)) => {}
            Err(source) => return Err(FolderError::Io { path: entry.into_path(), source }.into()),
        }
    }
    Ok(found)
}

fn is_gone(error: Option<&io::Error>) -> bool {
    error.is_some_and(|error| error.kind() == io::ErrorKind::NotFound)
}

fn key_of(root: &Path, path: &Path) -> Option<Key> {
    Key::parse(path.strip_prefix(root).ok()?.to_str()?).ok()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn files_are_found_behind_links_and_what_cannot_be_a_blob_is_passed_over() {
        let (root, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let root = root.path();
        std::fs::create_dir_all(root.join("a/b")).unwrap();
        for file in ["a/1", "a/2", "a/b/3"] {
            std::fs::write(root.join(file), "four").unwrap();
        }
        std::fs::write(root.join("a").join(OsStr::from_bytes(b"\xff")), "").unwrap();
        std::fs::write(elsewhere.path().join("5"), "").unwrap();
        symlink(elsewhere.path(), root.join("a/c")).unwrap();
        symlink("nowhere", root.join("a/gone")).unwrap();
        let listed = |folder: &str, after: Option<&str>| {
            let after = after.map(Key::from);
            let found = list(root, &root.join(folder), after.as_ref()).unwrap();
            let mut found: Vec<_> =
                found.into_iter().map(|blob| (blob.location.to_string(), blob.size)).collect();
            found.sort();
            found
        };
        let all =
            [("a/1", 4), ("a/2", 4), ("a/b/3", 4), ("a/c/5", 0)].map(|(name, size)| (name.to_owned(), size));
        assert_eq!(listed("a", None), all);
        assert_eq!(listed("a", Some("a/1")), all[1..]);
        assert_eq!(listed("a/b", None), all[2..3]);
        assert_eq!(listed("missing", None), []);
    }
}

//! What a source leaves out, takes for unchanged, and notices while it reads.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use folder::{FolderError, FolderHandle, FolderSource, SourceOptions};
use repo_format::engine::source::{Child, Finished, ItemCause, Source};
use repo_format::object::ObjectRef;
use repo_format::tree::{Entry, EntryKind};

/// A tree of the given files, each holding its own path.
fn tree(files: &[&str]) -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    for file in files {
        let path = place.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file).unwrap();
    }
    place
}

fn with(place: &Path, options: SourceOptions) -> FolderSource {
    FolderSource::new(&[place.to_owned()], options).unwrap()
}

fn excluding(patterns: &[&str]) -> SourceOptions {
    let exclude = patterns.iter().map(|pattern| pattern.to_string()).collect();
    SourceOptions { exclude, ..Default::default() }
}

/// Everything that a source lists, as paths joined by `/`, without reading any content.
fn listed(source: &FolderSource) -> Vec<String> {
    let mut found = Vec::new();
    let mut waiting = vec![(PathBuf::new(), source.root().unwrap().1)];
    while let Some((path, folder)) = waiting.pop() {
        for child in source.list(&folder).children {
            let path = path.join(String::from_utf8_lossy(&child.key.name).as_ref());
            found.push(path.to_string_lossy().into_owned());
            if let EntryKind::Folder(_) = child.entry.kind {
                waiting.push((path, child.handle));
            }
        }
    }
    found.sort();
    found
}

fn only_child(source: &FolderSource) -> Child<FolderHandle> {
    let (_, root) = source.root().unwrap();
    source.list(&root).children.pop().unwrap()
}

#[test]
fn patterns_are_those_of_gitignore() {
    let place = tree(&["a.tmp", "keep.tmp", "sub/b.tmp", "sub/top", "top", "out/x", "sub/out"]);
    let options = excluding(&["*.tmp", "!keep.tmp", "/top", "out/"]);
    let found = listed(&with(place.path(), options));
    assert_eq!(found, ["keep.tmp", "sub", "sub/out", "sub/top"]);
}

#[test]
fn a_pattern_may_name_a_path_on_disk() {
    let place = tree(&["sub/x", "y"]);
    let pattern = format!("{}/sub", place.path().display());
    assert_eq!(listed(&with(place.path(), excluding(&[&pattern]))), ["y"]);
}

#[test]
fn a_malformed_pattern_is_named() {
    let place = tree(&[]);
    let result = FolderSource::new(&[place.path().to_owned()], excluding(&["{a"]));
    assert!(matches!(result, Err(FolderError::BadPattern { pattern, .. }) if pattern == "{a"));
}

#[test]
fn inner_ignore_files_win_over_outer_ones_and_the_command_line_over_both() {
    let place = tree(&["a.log", "sub/a.log", "sub/b.log", "sub/deep/a.log", "sub/deep/c.txt"]);
    fs::write(place.path().join(".corsoignore"), "*.log\n# comment\n/c.txt\n").unwrap();
    fs::write(place.path().join("sub/.corsoignore"), "!a.log\ndeep/c.txt\n").unwrap();
    let found = listed(&with(place.path(), excluding(&["/sub/deep/a.log"])));
    assert_eq!(found, [".corsoignore", "sub", "sub/.corsoignore", "sub/a.log", "sub/deep"]);
    let ignore_files = vec![".nothing".to_owned()];
    let options = SourceOptions { ignore_files, ..Default::default() };
    assert_eq!(listed(&with(place.path(), options)).len(), 9);
}

#[test]
fn of_a_cache_only_the_tag_is_kept() {
    let place = tree(&["cache/x", "cache/sub/y", "fake/z", "fake/CACHEDIR.TAG"]);
    let tag = "Signature: 8a477f597d28d172789f06886806bc55\n# made by a test\n";
    fs::write(place.path().join("cache/CACHEDIR.TAG"), tag).unwrap();
    let options = SourceOptions { exclude_caches: true, ..Default::default() };
    let found = listed(&with(place.path(), options));
    assert_eq!(found, ["cache", "cache/CACHEDIR.TAG", "fake", "fake/CACHEDIR.TAG", "fake/z"]);
}

#[test]
fn large_files_and_the_repository_are_left_out() {
    let place = tree(&["small", "a longer name", "repo/pack", "sub/x"]);
    symlink(place.path().join("repo"), place.path().join("link")).unwrap();
    let options = SourceOptions {
        exclude_larger_than: Some(5),
        exclude_paths: vec![place.path().join("repo"), place.path().join("missing")],
        ..Default::default()
    };
    assert_eq!(listed(&with(place.path(), options)), ["link", "small", "sub", "sub/x"]);
}

#[test]
fn other_file_systems_are_not_entered() {
    let options = SourceOptions { one_file_system: true, ..Default::default() };
    let source = with(Path::new("/"), options);
    let (_, root) = source.root().unwrap();
    let children = source.list(&root).children;
    let Some(proc) = children.iter().find(|child| child.key.name == b"proc") else {
        return;
    };
    let listing = source.list(&proc.handle);
    assert!(listing.children.is_empty() && listing.failed.is_empty());
}

#[test]
fn several_paths_stand_below_the_root_under_their_full_names() {
    let (one, two) = (tree(&["same"]), tree(&["same"]));
    let missing = one.path().join("missing/too");
    let paths = [one.path().to_owned(), two.path().join("same"), missing];
    let found = listed(&FolderSource::new(&paths, SourceOptions::default()).unwrap());
    for path in [one.path().join("same"), two.path().join("same")] {
        let path = path.strip_prefix("/").unwrap().to_str().unwrap().to_owned();
        assert!(found.contains(&path), "{path} in {found:?}");
    }
}

#[test]
fn a_missing_path_is_an_error_alone_and_a_failed_item_among_others() {
    let place = tree(&["here"]);
    let missing = PathBuf::from("/there-is-no-such-folder-here");
    let alone = FolderSource::new(std::slice::from_ref(&missing), SourceOptions::default());
    assert!(matches!(alone, Err(FolderError::Unreachable { .. })));
    let paths = [place.path().to_owned(), missing];
    let source = FolderSource::new(&paths, SourceOptions::default()).unwrap();
    let (_, root) = source.root().unwrap();
    let failed = source.list(&root).failed;
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].1.cause, ItemCause::Io);
}

#[test]
fn relative_paths_and_none_are_refused() {
    let new = |paths: &[PathBuf]| FolderSource::new(paths, SourceOptions::default()).err();
    assert!(matches!(new(&[]), Some(FolderError::NoPath)));
    assert!(matches!(new(&["a".into()]), Some(FolderError::NotAbsolute { .. })));
    assert!(matches!(new(&["/a/../b".into()]), Some(FolderError::NotAbsolute { .. })));
}

fn now_ns() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as i64
}

/// The entry as a base snapshot would hold it.
fn stored(entry: &Entry) -> Entry {
    Entry { kind: EntryKind::File(Some(ObjectRef::EMPTY)), ..entry.clone() }
}

#[test]
fn unchanged_means_equal_and_long_settled_when_the_base_was_read() {
    let place = tree(&["file"]);
    let with_ignored = |ignore_ctime, ignore_inode| {
        let rest = SourceOptions::default();
        let options = SourceOptions { ignore_ctime, ignore_inode, ..rest };
        with(place.path(), options)
    };
    let later = now_ns() + 10_000_000_000;
    let source = with_ignored(false, false);
    let now = only_child(&source).entry;
    let base = stored(&now);
    let reused = |source: &FolderSource, base_begun_ns, now: &Entry| {
        let mut filled = now.clone();
        source.reuse(&base, base_begun_ns, &mut filled).then_some(filled)
    };
    assert_eq!(reused(&source, later, &now).as_ref(), Some(&now));
    assert_eq!(reused(&source, now_ns(), &now), None, "still racy");

    let changed = |change: fn(&mut Entry)| {
        let mut changed = now.clone();
        change(&mut changed);
        changed
    };
    let size = changed(|entry| entry.size += 1);
    let mtime = changed(|entry| entry.meta.mtime_ns = Some(1));
    let ctime = changed(|entry| entry.meta.ctime_ns = Some(1));
    let inode = changed(|entry| entry.meta.inode = Some(1));
    for other in [&size, &mtime, &ctime, &inode] {
        assert_eq!(reused(&source, later, other), None);
    }
    assert_eq!(reused(&with_ignored(true, false), later, &ctime), Some(ctime));
    assert_eq!(reused(&with_ignored(false, true), later, &inode), Some(inode));

    let attribute = (b"user.note".to_vec(), b"kept".to_vec());
    let mut base = base.clone();
    base.meta.xattrs.extend([attribute.clone()]);
    let mut filled = now.clone();
    assert!(source.reuse(&base, later, &mut filled));
    assert_eq!(filled.meta.xattrs.into_iter().collect::<Vec<_>>(), [attribute], "no listing has them");
}

#[test]
fn a_file_that_changes_while_it_is_read_is_noticed() {
    let place = tree(&["file"]);
    let source = with(place.path(), SourceOptions::default());
    let child = only_child(&source);
    let mut reader = source.open(&child.handle).unwrap();
    let mut content = Vec::new();
    assert_eq!(reader.read(&mut content, 2).unwrap(), 2);
    let file = File::options().write(true).open(place.path().join("file")).unwrap();
    file.write_all_at(b"other, longer", 0).unwrap();
    while reader.read(&mut content, 2).unwrap() > 0 {}
    let finished = reader.finish(&child.entry).unwrap();
    assert!(finished.changed);
    assert_eq!(finished.entry, child.entry, "the next run finds it changed");

    let mut again = source.open(&child.handle).unwrap();
    content.clear();
    while again.read(&mut content, 100).unwrap() > 0 {}
    let Finished { entry, changed } = again.finish(&child.entry).unwrap();
    assert!(!changed);
    assert_eq!((content.as_slice(), entry.size), (&b"other, longer"[..], 13));
}

#[test]
fn what_is_gone_or_swapped_for_a_link_has_vanished() {
    let place = tree(&["file"]);
    let source = with(place.path(), SourceOptions::default());
    let child = only_child(&source);
    fs::remove_file(place.path().join("file")).unwrap();
    let cause = |handle| source.open(handle).err().unwrap().cause;
    assert_eq!(cause(&child.handle), ItemCause::Vanished);
    symlink("/etc/passwd", place.path().join("file")).unwrap();
    assert_eq!(cause(&child.handle), ItemCause::Vanished);
}

#[test]
fn a_folder_swapped_for_a_link_is_not_followed() {
    let (place, outside) = (tree(&["sub/x"]), tree(&["secret"]));
    let source = with(place.path(), SourceOptions::default());
    let child = only_child(&source);
    fs::remove_dir_all(place.path().join("sub")).unwrap();
    symlink(outside.path(), place.path().join("sub")).unwrap();
    let listing = source.list(&child.handle);
    assert!(listing.children.is_empty());
    assert_eq!(listing.failed.len(), 1);
    assert!(listing.failed[0].0.is_empty());
}

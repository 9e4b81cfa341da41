//! What a sink never does: leave the target, follow a link in it, or break what it shall keep.

mod driver;

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use driver::{copy, differences, sink, source};
use folder::{Aspect, FolderSink, Overwrite, SinkOptions};
use repo_format::codec::ContentId;
use repo_format::engine::sink::{Created, Decision, Sink};
use repo_format::object::ObjectRef;
use repo_format::tree::{Entry, EntryKind, Meta};

fn entry(kind: EntryKind, size: u64) -> Entry {
    Entry { kind, size, meta: Meta::default(), items: 0 }
}

fn file(size: u64) -> Entry {
    entry(EntryKind::File(Some(ObjectRef::EMPTY)), size)
}

fn a_folder() -> Entry {
    entry(EntryKind::Folder(ContentId::ZERO), 0)
}

fn overwriting(target: &Path, overwrite: Overwrite) -> FolderSink {
    FolderSink::new(target, SinkOptions { overwrite, ..Default::default() }).unwrap()
}

/// Writes one file the way the restorer does.
fn put(sink: &FolderSink, path: &[&[u8]], entry: &Entry, content: &[u8]) -> bool {
    match sink.create(path, entry).unwrap() {
        Created::Take(file) => {
            sink.write(&file, 0, content).unwrap();
            sink.finish(file, path, entry).unwrap();
            true
        }
        Created::Done(_) => true,
        Created::Skip => false,
    }
}

fn count(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    let place = tempfile::tempdir().unwrap();
    let target = place.path().join("target");
    let sink = overwriting(&target, Overwrite::Always);
    for name in [&b""[..], b".", b"..", b"a/b", b"/etc", b"../up", b"nul\0", b"/"] {
        assert!(sink.create(&[name], &file(1)).is_err());
        assert!(sink.create(&[b"ok", name], &file(1)).is_err());
        assert!(sink.create(&[name, b"ok"], &file(1)).is_err());
        assert!(sink.enter(&[name], &a_folder()).is_err());
        assert!(sink.leave(&[name], &a_folder()).is_err());
        assert!(sink.link(&[name], &[b"ok"], &file(1)).is_err());
        assert!(sink.link(&[b"ok"], &[name], &file(1)).is_err());
    }
    assert!(sink.create(&[], &file(1)).is_err());
    assert_eq!((count(place.path()), count(&target)), (1, 0));
}

#[test]
fn a_planted_link_is_never_followed() {
    let (target, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let victim = outside.path().join("victim");
    fs::write(&victim, "untouched").unwrap();
    symlink(outside.path(), target.path().join("folder")).unwrap();
    symlink(&victim, target.path().join("file")).unwrap();

    for overwrite in [Overwrite::Never, Overwrite::IfNewer] {
        let sink = overwriting(target.path(), overwrite);
        assert_eq!(sink.enter(&[b"folder"], &a_folder()).unwrap(), Decision::Skip);
        assert!(sink.create(&[b"folder", b"x"], &file(1)).is_err());
        assert!(sink.create(&[b"folder", b"a", b"b", b"x"], &file(1)).is_err());
        assert!(sink.leave(&[b"folder"], &a_folder()).is_err());
        assert!(!put(&sink, &[b"file"], &file(3), b"new"));
    }
    let sink = overwriting(target.path(), Overwrite::Always);
    assert_eq!(sink.enter(&[b"folder"], &a_folder()).unwrap(), Decision::Take);
    assert!(put(&sink, &[b"folder", b"victim"], &file(3), b"new"));
    assert!(put(&sink, &[b"file"], &file(3), b"new"));

    assert_eq!(fs::read(&victim).unwrap(), b"untouched");
    assert_eq!(count(outside.path()), 1);
    assert!(target.path().join("file").symlink_metadata().unwrap().is_file());
    assert_eq!(fs::read(target.path().join("folder/victim")).unwrap(), b"new");
}

#[test]
fn a_link_swapped_in_while_a_file_is_written_changes_nothing_outside() {
    let (target, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let sink = overwriting(target.path(), Overwrite::Always);
    sink.enter(&[b"sub"], &a_folder()).unwrap();
    let Created::Take(open) = sink.create(&[b"sub", b"x"], &file(3)).unwrap() else { panic!() };
    fs::rename(target.path().join("sub"), target.path().join("moved")).unwrap();
    symlink(outside.path(), target.path().join("sub")).unwrap();
    sink.write(&open, 0, b"new").unwrap();
    sink.finish(open, &[b"sub", b"x"], &file(3)).unwrap();
    assert_eq!(count(outside.path()), 0);
    assert_eq!(fs::read(target.path().join("moved/x")).unwrap(), b"new");
}

#[test]
fn each_policy_does_what_it_says() {
    let newer = |mtime_ns| {
        let mut entry = file(3);
        entry.meta.mtime_ns = Some(mtime_ns);
        entry
    };
    let (past, future) = (newer(1), newer(4_000_000_000_000_000_000));
    let cases = [
        (Overwrite::Never, &future, false),
        (Overwrite::IfNewer, &past, false),
        (Overwrite::IfNewer, &future, true),
        (Overwrite::Always, &past, true),
    ];
    for (overwrite, entry, replaced) in cases {
        let target = tempfile::tempdir().unwrap();
        fs::write(target.path().join("x"), "old").unwrap();
        let sink = overwriting(target.path(), overwrite);
        assert_eq!(put(&sink, &[b"x"], entry, b"new"), replaced);
        let expected: &[u8] = if replaced { b"new" } else { b"old" };
        assert_eq!(fs::read(target.path().join("x")).unwrap(), expected);
        assert!(put(&sink, &[b"y"], entry, b"new"));
        assert_eq!(count(target.path()), 2);
    }
}

#[test]
fn only_an_empty_folder_gives_way_to_a_file() {
    let target = tempfile::tempdir().unwrap();
    fs::create_dir(target.path().join("empty")).unwrap();
    fs::create_dir(target.path().join("full")).unwrap();
    fs::write(target.path().join("full/x"), "kept").unwrap();
    let sink = overwriting(target.path(), Overwrite::Always);
    assert!(put(&sink, &[b"empty"], &file(1), b"y"));
    assert!(sink.create(&[b"full"], &file(1)).is_err());
    assert_eq!(fs::read(target.path().join("full/x")).unwrap(), b"kept");
    let sink = overwriting(target.path(), Overwrite::Never);
    assert!(!put(&sink, &[b"full"], &file(1), b"y"));
    assert_eq!(sink.enter(&[b"empty"], &a_folder()).unwrap(), Decision::Skip);
}

#[test]
fn a_found_folder_keeps_its_metadata_unless_told_otherwise() {
    let mut wanted = a_folder();
    wanted.meta.mode = Some(0o750);
    for (overwrite, mode) in [(Overwrite::Never, 0o500), (Overwrite::Always, 0o750)] {
        let target = tempfile::tempdir().unwrap();
        let found = target.path().join("found");
        fs::create_dir(&found).unwrap();
        fs::set_permissions(&found, Permissions::from_mode(0o500)).unwrap();
        let sink = overwriting(target.path(), overwrite);
        sink.enter(&[b"found"], &wanted).unwrap();
        assert!(put(&sink, &[b"found", b"x"], &file(1), b"y"));
        sink.leave(&[b"found"], &wanted).unwrap();
        assert_eq!(fs::metadata(&found).unwrap().permissions().mode() & 0o7777, mode);
        assert!(found.join("x").exists());
    }
}

#[test]
fn an_abandoned_file_leaves_nothing_behind() {
    let target = tempfile::tempdir().unwrap();
    fs::write(target.path().join("x"), "old").unwrap();
    let sink = overwriting(target.path(), Overwrite::Always);
    let Created::Take(open) = sink.create(&[b"x"], &file(9)).unwrap() else { panic!() };
    sink.write(&open, 0, b"half").unwrap();
    assert_eq!(fs::read(target.path().join("x")).unwrap(), b"old");
    sink.abandon(open, &[b"x"]);
    assert_eq!(fs::read(target.path().join("x")).unwrap(), b"old");
    assert_eq!(count(target.path()), 1);
}

#[test]
fn more_files_may_be_in_the_making_than_are_kept_open() {
    let target = tempfile::tempdir().unwrap();
    let sink = sink(target.path());
    let names: Vec<String> = (0..2_000).map(|index| index.to_string()).collect();
    let path = |name: &String| [name.clone().into_bytes()];
    let open: Vec<_> = names
        .iter()
        .map(|name| match sink.create(&[path(name)[0].as_slice()], &file(4)).unwrap() {
            Created::Take(file) => file,
            other => panic!("{other:?}"),
        })
        .collect();
    std::thread::scope(|scope| {
        for (offset, half) in [(0, b"ab"), (2, b"cd")] {
            let (sink, open) = (&sink, &open);
            scope.spawn(move || {
                open.iter().for_each(|file| sink.write(file, offset, half).unwrap());
            });
        }
    });
    for (name, open) in names.iter().zip(open) {
        sink.finish(open, &[path(name)[0].as_slice()], &file(4)).unwrap();
        assert_eq!(fs::read(target.path().join(name)).unwrap(), b"abcd");
    }
    assert_eq!(count(target.path()), 2_000);
}

#[test]
fn set_id_bits_do_not_pass_to_another_owner() {
    let target = tempfile::tempdir().unwrap();
    let mut entry = file(0);
    // Nobody's number is recorded, so nobody's rights are restored.
    entry.meta.mode = Some(0o4755);
    let sink = sink(target.path());
    let Created::Done(warnings) = sink.create(&[b"x"], &entry).unwrap() else { panic!() };
    assert_eq!(warnings.len(), 1);
    let mode = fs::metadata(target.path().join("x")).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o755);
}

#[test]
fn a_second_restore_over_the_first_changes_nothing() {
    let from = tempfile::tempdir().unwrap();
    fs::create_dir(from.path().join("sub")).unwrap();
    fs::write(from.path().join("sub/x"), "one").unwrap();
    fs::hard_link(from.path().join("sub/x"), from.path().join("y")).unwrap();
    symlink("sub", from.path().join("link")).unwrap();
    let to = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let sink = overwriting(to.path(), Overwrite::Always);
        assert!(copy(&source(from.path()), &sink).failed.is_empty());
        assert_eq!(differences(from.path(), to.path()), []);
    }
    let skipped = copy(&source(from.path()), &sink(to.path())).skipped;
    assert_eq!(skipped.len(), 3);
    assert_eq!(differences(from.path(), to.path()), []);
}

#[test]
fn a_comparison_names_each_difference() {
    let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for place in [a.path(), b.path()] {
        fs::create_dir(place.join("sub")).unwrap();
        for name in ["byte", "size", "mode", "time", "kind", "links", "sub/links"] {
            fs::write(place.join(name), "content").unwrap();
        }
    }
    copy(&source(a.path()), &overwriting(b.path(), Overwrite::Always));
    assert_eq!(differences(a.path(), b.path()), []);

    fs::write(a.path().join("a only"), "").unwrap();
    fs::write(b.path().join("b only"), "").unwrap();
    fs::write(b.path().join("byte"), "contenT").unwrap();
    fs::write(b.path().join("size"), "longer content").unwrap();
    fs::set_permissions(b.path().join("mode"), Permissions::from_mode(0o640)).unwrap();
    fs::remove_file(b.path().join("kind")).unwrap();
    symlink("size", b.path().join("kind")).unwrap();
    fs::remove_file(b.path().join("sub/links")).unwrap();
    fs::hard_link(b.path().join("links"), b.path().join("sub/links")).unwrap();
    let found = differences(a.path(), b.path());
    let has = |path: &str, wanted: fn(&Aspect) -> bool| {
        found.iter().any(|it| it.path == path.as_bytes() && wanted(&it.aspect))
    };
    assert!(has("a only", |it| *it == Aspect::OnlyInFirst));
    assert!(has("b only", |it| *it == Aspect::OnlyInSecond));
    assert!(has("byte", |it| *it == Aspect::Content { offset: 6 }));
    assert!(has("size", |it| *it == Aspect::Size { first: 7, second: 14 }));
    assert!(has("mode", |it| matches!(it, Aspect::Mode { .. })));
    assert!(has("kind", |it| *it == Aspect::Kind));
    assert!(has("sub/links", |it| *it == Aspect::HardLinks));
}

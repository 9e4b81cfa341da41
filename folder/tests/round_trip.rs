//! Source to sink and back to the same: a tree with everything in it.

mod driver;

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use driver::{copy, differences, sink, source};
use repo_format::engine::source::ItemCause;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Timespec, Timestamps, XattrFlags};
use rustix::fs::{lsetxattr, makedev, mkdirat, mknodat, openat, utimensat};

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn set_mtime(path: &Path, seconds: i64, nanoseconds: i64) {
    let time = Timespec { tv_sec: seconds, tv_nsec: nanoseconds };
    let times = Timestamps { last_access: time, last_modification: time };
    utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Copies `from` to a new folder and asserts that nothing at all differs.
fn assert_round_trip(from: &Path) {
    let place = tempfile::tempdir().unwrap();
    let to = place.path().join("to");
    let outcome = copy(&source(from), &sink(&to));
    assert!(outcome.failed.is_empty(), "{:?}", outcome.failed);
    assert_eq!(outcome.warnings, Vec::<String>::new());
    let differences = differences(from, &to);
    assert!(differences.is_empty(), "{:#?}", &differences[..differences.len().min(20)]);
}

#[test]
fn names_are_bytes_and_times_are_nanoseconds() {
    let from = tempfile::tempdir().unwrap();
    for (index, name) in
        [&b"\xff\xfe"[..], b"new\nline", b"-dash", b" ", b"a", b"a.b", b"a b"].into_iter().enumerate()
    {
        let path = from.path().join(OsStr::from_bytes(name));
        fs::write(&path, name).unwrap();
        set_mtime(&path, 1_700_000_000 + index as i64, 123_456_789);
    }
    let ancient = from.path().join("before 1970");
    fs::create_dir(&ancient).unwrap();
    fs::write(ancient.join("x"), "y").unwrap();
    set_mtime(&ancient, -1_000, 1);
    assert_round_trip(from.path());
}

#[test]
fn modes_links_and_nodes_come_back() {
    let from = tempfile::tempdir().unwrap();
    let path = |name: &str| from.path().join(name);
    for bits in [0o4755, 0o2755, 0o1644, 0o400, 0o600, 0o777] {
        let path = path(&format!("{bits:o}"));
        fs::write(&path, "content").unwrap();
        mode(&path, bits);
    }
    fs::create_dir(path("read-only")).unwrap();
    fs::write(path("read-only/inside"), "content").unwrap();
    mode(&path("read-only"), 0o555);
    fs::create_dir(path("shared")).unwrap();
    mode(&path("shared"), 0o3775);
    symlink("no/such/place", path("dangling")).unwrap();
    symlink("/", path("to root")).unwrap();
    symlink(OsStr::from_bytes(b"\xff"), path("to bytes")).unwrap();
    set_mtime(&path("dangling"), 1_000_000_000, 7);
    fs::write(path("first"), "one file").unwrap();
    fs::hard_link(path("first"), path("second")).unwrap();
    fs::hard_link(path("first"), path("shared/third")).unwrap();
    fs::hard_link(path("dangling"), path("dangling too")).unwrap();
    let fifo = Mode::from_raw_mode(0o640);
    mknodat(CWD, path("fifo"), FileType::Fifo, fifo, 0).unwrap();
    if is_root() {
        let null = makedev(1, 3);
        mknodat(CWD, path("null"), FileType::CharacterDevice, fifo, null).unwrap();
        mknodat(CWD, path("disk"), FileType::BlockDevice, fifo, makedev(7, 300)).unwrap();
        std::os::unix::fs::lchown(path("dangling"), Some(12_345), Some(54_321)).unwrap();
        std::os::unix::fs::lchown(path("shared"), Some(1), Some(1)).unwrap();
        mode(&path("shared"), 0o3775);
    }
    assert_round_trip(from.path());
    mode(&path("read-only"), 0o755);
}

#[test]
fn attributes_and_acls_come_back() {
    let from = tempfile::tempdir().unwrap();
    let (file, folder) = (from.path().join("file"), from.path().join("folder"));
    fs::write(&file, "content").unwrap();
    fs::create_dir(&folder).unwrap();
    let set = |path: &Path, name: &str, value: &[u8]| lsetxattr(path, name, value, XattrFlags::empty());
    let Ok(()) = set(&file, "user.empty", b"") else {
        return;
    };
    set(&file, "user.long", &[7; 2_000]).unwrap();
    set(&folder, "user.bytes", b"\0\xff").unwrap();
    // user::rw-, user:1:r--, group::r--, mask::r--, other::---
    let acl = acl(&[(1, 6, !0), (2, 4, 1), (4, 4, !0), (16, 4, !0), (32, 0, !0)]);
    if set(&file, "system.posix_acl_access", &acl).is_ok() {
        set(&folder, "system.posix_acl_default", &acl).unwrap();
        // It inherits an ACL, and must not have one when restored before its folder's default.
        fs::write(folder.join("inherits"), "").unwrap();
    }
    mode(&file, 0o440);
    assert_round_trip(from.path());
}

/// Entries of tag, permissions and number, as the kernel takes them (version 2).
fn acl(entries: &[(u16, u16, u32)]) -> Vec<u8> {
    let mut bytes = 2u32.to_le_bytes().to_vec();
    for (tag, permissions, id) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(permissions.to_le_bytes());
        bytes.extend(id.to_le_bytes());
    }
    bytes
}

#[test]
fn holes_stay_holes() {
    let from = tempfile::tempdir().unwrap();
    let file = File::create(from.path().join("sparse")).unwrap();
    file.write_all_at(b"start", 0).unwrap();
    file.write_all_at(b"odd", 1_234_567).unwrap();
    file.write_all_at(&[1; 8192], 5 << 20).unwrap();
    file.set_len(50 << 20).unwrap();
    File::create(from.path().join("all hole")).unwrap().set_len(3 << 20).unwrap();
    fs::write(from.path().join("zeros"), vec![0; 2 << 20]).unwrap();
    assert_round_trip(from.path());

    let to = tempfile::tempdir().unwrap();
    copy(&source(from.path()), &sink(to.path()));
    let allocated = |name: &str| fs::metadata(to.path().join(name)).unwrap().blocks() * 512;
    assert!(allocated("sparse") < 1 << 20);
    assert!(allocated("zeros") >= 2 << 20);
}

#[test]
fn trees_deeper_than_a_path_may_be_long_come_back() {
    let from = tempfile::tempdir().unwrap();
    let mut at: OwnedFd = File::open(from.path()).unwrap().into();
    for depth in 0..400 {
        let name = format!("{depth:0>60}");
        mkdirat(&at, &name, Mode::from_raw_mode(0o755)).unwrap();
        at = openat(&at, &name, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).unwrap();
    }
    let flags = OFlags::CREATE | OFlags::WRONLY;
    let file = openat(&at, "deepest", flags, Mode::from_raw_mode(0o644)).unwrap();
    rustix::io::write(file, b"content").unwrap();
    assert_round_trip(from.path());
}

#[test]
fn wide_folders_come_back() {
    let from = tempfile::tempdir().unwrap();
    for index in 0..10_000 {
        fs::write(from.path().join(index.to_string()), "").unwrap();
    }
    assert_round_trip(from.path());
}

#[test]
fn an_unreadable_file_fails_alone() {
    if is_root() {
        return;
    }
    let from = tempfile::tempdir().unwrap();
    fs::write(from.path().join("open"), "content").unwrap();
    fs::write(from.path().join("shut"), "content").unwrap();
    mode(&from.path().join("shut"), 0);
    fs::create_dir(from.path().join("shut folder")).unwrap();
    mode(&from.path().join("shut folder"), 0);
    let to = tempfile::tempdir().unwrap();
    let outcome = copy(&source(from.path()), &sink(to.path()));
    mode(&from.path().join("shut folder"), 0o755);
    let causes: Vec<_> = outcome.failed.iter().map(|(_, error)| error.cause).collect();
    assert_eq!(causes, [ItemCause::Denied, ItemCause::Denied]);
    assert!(to.path().join("open").exists());
}

#[test]
fn a_single_file_stands_in_a_root_of_its_own() {
    let from = tempfile::tempdir().unwrap();
    let file = from.path().join("alone");
    fs::write(&file, "content").unwrap();
    fs::write(from.path().join("another"), "content").unwrap();
    let to = tempfile::tempdir().unwrap();
    copy(&source(&file), &sink(to.path()));
    assert_eq!(fs::read_dir(to.path()).unwrap().count(), 1);
    assert_eq!(fs::read(to.path().join("alone")).unwrap(), b"content");
}

"""A folder with one of everything, changes to it, and a comparison that shares no code with Corso."""

import hashlib
import os
import random
import stat
import time

SMALL_FILES = 300
LARGE_BYTES = (17_000_000, 9_000_001, 12_345_678)
YEAR_2001_NS = 1_000_000_000_123_456_789
# A file younger than this when a backup begins is read again by the next: it may change unseen.
SETTLED_SECONDS = 2.5


def generate(root):
    """About 50 MB; the same bytes each time."""
    dice = random.Random(1)
    os.makedirs(root)
    for number in range(SMALL_FILES):
        folder = os.path.join(root, f"folder {number % 20}", f"{number % 7}")
        os.makedirs(folder, exist_ok=True)
        write(os.path.join(folder, f"file {number}"), dice.randbytes(dice.randrange(60_000)))
    for number, size in enumerate(LARGE_BYTES):
        write(os.path.join(root, f"large {number}"), dice.randbytes(size))
    write(os.path.join(root, "text"), b"the same line again\n" * 100_000)
    write(os.path.join(root, "empty"), b"")
    with open(os.path.join(root, "sparse"), "wb") as sparse:
        sparse.truncate(8_000_000)
        sparse.seek(5_000_000)
        sparse.write(b"an island")
    os.makedirs(os.path.join(root, "empty folder"))
    os.symlink("large 0", os.path.join(root, "link"))
    os.symlink("/nowhere/at all", os.path.join(root, "dangling"))
    os.link(os.path.join(root, "text"), os.path.join(root, "folder 3", "text again"))
    os.mkfifo(os.path.join(root, "fifo"))
    write(os.path.join(os.fsencode(root), b"not utf-8 \xff\xfe"), b"named by bytes")
    os.setxattr(os.path.join(root, "text"), "user.colour", b"blue\0green")
    os.chmod(os.path.join(root, "empty"), 0o4750)
    os.utime(os.path.join(root, "empty"), ns=(YEAR_2001_NS, YEAR_2001_NS))
    time.sleep(SETTLED_SECONDS)


def change(root):
    """A few files written, added, moved and removed."""
    dice = random.Random(2)
    write(os.path.join(root, "folder 1", "1", "file 1"), dice.randbytes(70_000))
    write(os.path.join(root, "added"), dice.randbytes(3_000_000))
    os.remove(os.path.join(root, "folder 2", "2", "file 2"))
    os.rename(os.path.join(root, "large 1"), os.path.join(root, "folder 4", "moved"))
    os.chmod(os.path.join(root, "text"), 0o600)


def add_noise(root, seed, size):
    """New bytes in files of 2 MB, so that a backup takes a while."""
    dice = random.Random(seed)
    folder = os.path.join(root, f"noise {seed}")
    os.makedirs(folder)
    for number in range(size // 2_000_000):
        write(os.path.join(folder, f"{number}"), dice.randbytes(2_000_000))


def write(path, content):
    with open(path, "wb") as file:
        file.write(content)


def describe(root):
    """Relative path to all that a restore has to bring back."""
    root = os.fsencode(root)
    found, linked = {}, {}
    for folder, folders, files in os.walk(root):
        for name in [b"."] + folders + files:
            path = os.path.normpath(os.path.join(folder, name))
            relative = os.path.relpath(path, root)
            found.setdefault(relative, facts(path, relative, linked))
    return found


def facts(path, relative, linked):
    meta = os.lstat(path)
    told = [stat.S_IFMT(meta.st_mode), stat.S_IMODE(meta.st_mode), meta.st_uid, meta.st_gid, meta.st_mtime_ns]
    if stat.S_ISLNK(meta.st_mode):
        return told + [os.readlink(path)]
    told.append(sorted((name, os.getxattr(path, name)) for name in os.listxattr(path)))
    if stat.S_ISREG(meta.st_mode):
        # Hard links are told by the name under which their file was first met.
        linked.setdefault(meta.st_ino, []).append(relative)
        with open(path, "rb") as file:
            told += [meta.st_size, meta.st_nlink, hashlib.file_digest(file, "sha256").hexdigest()]
    return told


def differences(before, after):
    """What `describe` tells apart in two folders; empty if nothing."""
    before, after = describe(before), describe(after)
    names = sorted(before.keys() | after.keys())
    return [(name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)]


def size(root):
    """Bytes of all regular files."""
    paths = (os.path.join(folder, name) for folder, _, files in os.walk(root) for name in files)
    return sum(os.lstat(path).st_size for path in paths)

#!/usr/bin/env python3
"""Random repositories, made by the command and read by the reader: two implementations must agree.

    check_random.py CORSO [--count N] [--seed SEED]

Each seed decides a tree and what becomes of it: files of all sizes that change, grow, move and go, odd names, deep
folders, links, holes, attributes; snapshots with any pack size and compression; forgets, recalls, keys, policies,
verifications and maintenance. In the end the reader verifies the repository, and every snapshot that is left is
restored by it, with the index or with the packs' footers alone, and compared with the listing of its source as it
was. A failure names the seed, and leaves the folder there.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
READER = HERE / "reader/corso_reader.py"
LISTING = HERE.parent / "tests/fixtures/listing.py"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("corso", type=Path)
    parser.add_argument("--count", type=int, default=int(os.environ.get("CORSO_TEST_REPOSITORIES", "3")))
    parser.add_argument("--seed", type=int, default=int(os.environ.get("CORSO_TEST_SEED", "0")))
    args = parser.parse_args()
    done = Counter()
    for seed in range(args.seed, args.seed + args.count):
        place = Path(tempfile.mkdtemp(prefix=f"corso-random-{seed}-"))
        try:
            History(args.corso.resolve(), seed, place, done).play()
        except (subprocess.CalledProcessError, AssertionError) as error:
            sys.exit(f"seed {seed} ({place}): {error}\n{getattr(error, 'stderr', '') or ''}")
        shutil.rmtree(place)
    told = ", ".join(f"{count} {what}" for what, count in done.items())
    print(f"{args.count} random repositories from seed {args.seed}: {told}; the reader gives back all of it")


class History:
    def __init__(self, corso, seed, place, done):
        self.corso, self.place, self.done = corso, place, done
        self.random = random.Random(seed)
        self.source = Source(place / "source", self.random)
        self.key = place / "key"
        self.key.write_bytes(self.random.randbytes(64))
        self.key.chmod(0o600)
        # Snapshot to the listing of its source.
        self.live, self.forgotten = {}, {}

    def play(self):
        self.run("repo", "init", "--no-recovery-key", "filesystem", "--path", str(self.place / "repository"),
                 repo=False)
        self.back_up()
        steps = [self.back_up] * 6 + [self.forget] * 3 + [self.recall, self.maintain, self.maintain, self.verify,
                                                          self.add_key, self.set_policy]
        for _ in range(self.random.randint(5, 14)):
            self.random.choice(steps)()
        self.back_up()
        self.check()

    def run(self, *arguments, repo=True):
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.place), "CORSO_KEY_FILE": str(self.key)}
        where = ["--repo", str(self.place / "repository")] if repo else []
        done = subprocess.run([self.corso, *where, "--json", *arguments], cwd=self.place, env=environment,
                              check=True, capture_output=True, text=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def back_up(self):
        self.source.change()
        listing = self.listing(self.source.root)
        options = ["--compression", self.random.choice(["none", "fast", "default", "max"]),
                   "--pack-size", self.random.choice(["1MiB", "4MiB", "32MiB"])]
        options += ["--force"] if self.random.random() < 0.1 else []
        line = self.run("snapshot", "create", str(self.source.root), *options)[-1]
        self.live[line["snapshot_id"]] = listing
        self.done["snapshots"] += 1

    def forget(self):
        if len(self.live) > 1:
            snapshot = self.random.choice(sorted(self.live))
            self.run("snapshot", "forget", snapshot)
            self.forgotten[snapshot] = self.live.pop(snapshot)
            self.done["forgotten"] += 1

    def recall(self):
        if self.forgotten:
            snapshot = self.random.choice(sorted(self.forgotten))
            self.run("snapshot", "recall", snapshot)
            self.live[snapshot] = self.forgotten.pop(snapshot)
            self.done["recalled"] += 1

    def maintain(self):
        options = ["--grace", "0s", "--grace-unknown", "0s", "--keep-records", str(self.random.choice([0, 5, 1024]))]
        options += ["--max-unused", "0"] if self.random.random() < 0.4 else []
        self.run("maintenance", "run", *options)
        # What they needed may be gone from here on.
        self.forgotten.clear()
        self.done["maintenance runs"] += 1

    def verify(self):
        self.run("repo", "verify", "--read-data", self.random.choice(["10%", "50%", "100%"]))
        self.done["verifications"] += 1

    def add_key(self):
        other = self.place / "other key"
        other.write_bytes(self.random.randbytes(64))
        other.chmod(0o600)
        self.run("repo", "key", "add", "--new-key-file", str(other), "--label", "another")
        if self.random.random() < 0.5:
            self.key.write_bytes(other.read_bytes())
        self.done["keys"] += 1

    def set_policy(self):
        self.run("policy", "set", "--global", "--keep-daily", str(self.random.randint(1, 30)))
        self.done["policies"] += 1

    def check(self):
        self.run("repo", "verify", "--level", "data")
        self.read("verify", *(["--check-splitter"] if self.random.random() < 0.2 else []))
        listed = {json.loads(line)["id"] for line in self.read("list", "--json").splitlines()}
        assert listed == set(self.live), f"the reader lists {sorted(listed)} and not {sorted(self.live)}"
        for number, (snapshot, wanted) in enumerate(sorted(self.live.items())):
            target = self.place / "restored"
            shutil.rmtree(target, ignore_errors=True)
            self.read("restore", snapshot, str(target), from_packs=number % 3 == 2)
            found = self.listing(target)
            assert found == wanted, f"snapshot {snapshot} comes back as {difference(wanted, found)}"
            self.done["snapshots restored"] += 1
            self.done["entries compared"] += wanted.count("\n")

    def read(self, *arguments, from_packs=False):
        options = ["--from-packs"] if from_packs else []
        done = subprocess.run([sys.executable, READER, "--repo", self.place / "repository", "--key-file", self.key,
                               *options, *arguments], check=True, capture_output=True, text=True)
        return done.stdout

    def listing(self, folder):
        return subprocess.run([sys.executable, LISTING, folder], check=True, capture_output=True, text=True).stdout


def difference(wanted, found):
    wanted, found = set(wanted.splitlines()), set(found.splitlines())
    return f"{sorted(found - wanted)[:3]} instead of {sorted(wanted - found)[:3]}"


class Source:
    """A folder that changes as its random numbers say."""

    def __init__(self, root, numbers):
        self.root, self.random = root, numbers
        root.mkdir()
        self.grow(numbers.randint(3, 60))

    def change(self):
        files, folders = self.paths()
        for path in self.random.sample(files, min(len(files), self.random.randint(0, 6))):
            self.random.choice([self.rewrite, self.append, self.remove, self.move])(path)
        self.grow(self.random.randint(0, 8))
        if len(folders) > 4 and self.random.random() < 0.15:
            shutil.rmtree(self.random.choice(folders[1:]), ignore_errors=True)
        self.stamp()

    def paths(self):
        files, folders = [], []
        for at, below, here in os.walk(os.fsencode(self.root)):
            below.sort()
            folders.append(at)
            files += [os.path.join(at, name) for name in sorted(here)]
        return files, folders

    def grow(self, count):
        for _ in range(count):
            folder = self.random.choice(self.paths()[1])
            for _ in range(self.random.choice([0, 0, 0, 1, 2, 9])):
                folder = os.path.join(folder, self.name())
            try:
                os.makedirs(folder, exist_ok=True)
            except OSError:
                # A file is in the way, or the path has become too long.
                continue
            path = os.path.join(folder, self.name())
            if len(path) < 3000 and not os.path.lexists(path):
                self.random.choice([self.file] * 8 + [self.symlink, self.link, self.pipe, self.sparse])(path)

    def name(self):
        kind = self.random.random()
        if kind < 0.7:
            return b"n%d" % self.random.randrange(1000)
        if kind < 0.8:
            return self.random.choice([" ", "\u00fc", "u\u0308", "\u732b", "a b\tc", "-rf", "\U0001f600.txt"]).encode()
        banned = b"\0/"
        name = bytes(self.random.choice([n for n in range(256) if n not in banned])
                     for _ in range(self.random.choice([1, 3, 20, 200])))
        return b"x" + name if name in (b".", b"..") else name

    def bytes(self):
        size = self.random.choice([0, 1, 100, 5000, 70_000, 300_000, 1_500_000])
        size = self.random.randint(size // 2, size)
        kind = self.random.random()
        if kind < 0.5:
            return self.random.randbytes(size)
        if kind < 0.8:
            return (b"line %d\n" % self.random.randrange(10) * (size // 7 + 1))[:size]
        return self.random.randbytes(size // 4 + 1) * 4

    def file(self, path):
        with open(path, "wb") as file:
            file.write(self.bytes())
        os.chmod(path, self.random.choice([0o644, 0o600, 0o755, 0o444, 0o4711]))
        if self.random.random() < 0.1:
            try:
                os.setxattr(path, "user.a", self.random.randbytes(self.random.choice([0, 7, 1500])))
            except OSError:
                # A file system without them has less to compare.
                pass

    def sparse(self, path):
        with open(path, "wb") as file:
            file.truncate(self.random.randint(1, 3_000_000))
            file.seek(self.random.randint(0, 1_000_000))
            file.write(b"in the middle")

    def symlink(self, path):
        os.symlink(self.name(), path)

    def link(self, path):
        files = [file for file in self.paths()[0] if os.path.isfile(file) and not os.path.islink(file)]
        if files:
            os.link(self.random.choice(files), path)

    def pipe(self, path):
        os.mkfifo(path)

    def rewrite(self, path):
        if os.path.isfile(path) and not os.path.islink(path):
            with open(path, "wb") as file:
                file.write(self.bytes())

    def append(self, path):
        if os.path.isfile(path) and not os.path.islink(path):
            with open(path, "ab") as file:
                file.write(self.bytes())

    def remove(self, path):
        os.unlink(path)

    def move(self, path):
        target = os.path.join(self.random.choice(self.paths()[1]), self.name())
        if not os.path.lexists(target):
            os.rename(path, target)

    def stamp(self):
        """Odd nanoseconds, some of them before 1970; folders last."""
        files, folders = self.paths()
        for path in self.random.sample(files, min(len(files), 5)) + folders[::-1]:
            at = self.random.randint(-10**18, 2 * 10**18)
            os.utime(path, ns=(at, at), follow_symlinks=False)
            if path in folders and path != folders[0] and self.random.random() < 0.2:
                os.chmod(path, self.random.choice([0o755, 0o700, 0o1777]))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Damage, through the command: each blob of a repository spoilt in every way, and `corso repo verify` run.

    damage.py CORSO [--places N|all] [--blobs N]

A repository with blobs of every kind is made by the command. Then each blob is deleted, flipped, cut, extended,
zeroed by sectors, and replaced by the others of its kind, by one of each other kind and by one of another repository;
each time the command has to end with code 30, or 31 where only a client's memory can tell, and name that blob and no
other. `--places` is how many bytes and lengths of each blob are tried (4), `--blobs` takes every N-th blob of each
kind. In process, `tests/tests/damage/` does the same for every byte.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

SECTOR = 512


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("corso", type=Path)
    parser.add_argument("--places", default="4")
    parser.add_argument("--blobs", type=int, default=1)
    args = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        place = Place(args.corso.resolve(), Path(scratch) / "ours", 1)
        sibling = Place(args.corso.resolve(), Path(scratch) / "sibling", 2)
        place.make()
        sibling.make()
        blobs, theirs = place.blobs(), sibling.blobs()
        found, wrong = Counter(), []
        clean = place.verify()
        if clean.returncode:
            sys.exit(f"the repository is not sound: {clean.stdout}{clean.stderr}")
        chosen = some(blobs, args.blobs)
        for name in chosen:
            for way, told, content in ways(name, blobs, theirs, args.places):
                place.put(name, content)
                said = judge(place, name, content, blobs)
                found[said or "NOT FOUND"] += 1
                found[f"  {way}"] += 1
                if said is None:
                    wrong.append(f"{name}: {way} {told}")
                    print(f"not found: {wrong[-1]}", file=sys.stderr, flush=True)
                place.put(name, blobs[name])
        size = sum(map(len, blobs.values()))
        cases = sum(count for what, count in found.items() if what[0] != " ")
        print(f"{cases} cases on {len(chosen)} of {len(blobs)} blobs ({size} bytes), "
              f"{time.monotonic() - begun:.0f} s")
        for what, count in sorted(found.items()):
            print(f"{count:8} {what}")
    sys.exit(1 if wrong else 0)


def some(blobs, step):
    kinds = {}
    for name in sorted(blobs):
        kinds.setdefault(kind(name), []).append(name)
    return [name for names in kinds.values() for name in names[::step]]


def judge(place, name, content, blobs):
    """How the damage was found; `None` if it was not, or if another blob was blamed."""
    done = place.verify()
    if done.returncode == 12 and name.startswith("keys/"):
        # What a lost slot opened is no secret of the repository any more; who has another is told.
        done = place.verify("other key")
    findings = [json.loads(line) for line in done.stdout.splitlines()]
    findings = [line for line in findings if line.get("is_damage")]
    if any(line.get("blob") not in (name, None) for line in findings):
        return None
    if done.returncode == 30 and name in done.stdout + done.stderr:
        return "named"
    if done.returncode == 31 and name.startswith("log/") and content is None:
        return "missed by the client's memory"
    if done.returncode == 0 and name == "corso.format" and content is None:
        return "written again from a key slot" if place.get(name) == blobs[name] else None
    if done.returncode == 0 and name.startswith("catalog/") and content is None and is_older(name, blobs):
        return "an older catalog, which nobody needs"
    return None


def is_older(name, blobs):
    # The newest catalog has the lowest name.
    return name != min(other for other in blobs if other.startswith("catalog/"))


def kind(name):
    return "/".join(name.split("/")[:2]) if name.startswith("packs/") else name.split("/")[0]


def ways(name, blobs, theirs, places):
    whole = blobs[name]
    yield "deleted", "", None
    step = 1 if places == "all" else max(1, len(whole) // int(places))
    chosen = sorted({*range(0, len(whole), step), len(whole) - 1})
    for at in chosen:
        for mask in (1 << at % 8, 0xff):
            yield "flipped", f"{mask:#x} at {at}", whole[:at] + bytes([whole[at] ^ mask]) + whole[at + 1:]
    for length in chosen:
        yield "cut short", f"to {length}", whole[:length]
    for more in (b"\0", b"\xa5", bytes(SECTOR), whole):
        yield "extended", f"by {len(more)}", whole + more
    for at in range(0, len(whole), SECTOR if places == "all" else max(SECTOR, len(whole) // SECTOR // 4 * SECTOR)):
        zeroed = whole[:at] + bytes(len(whole[at:at + SECTOR])) + whole[at + SECTOR:]
        if zeroed != whole:
            yield "a sector zeroed", f"at {at}", zeroed
    kinds = {kind(name)}
    same = 0
    for other in sorted(blobs):
        if other != name and kind(other) == kind(name) and (places == "all" or same < 2):
            same += 1
            yield "another of its kind", other, blobs[other]
        elif kind(other) not in kinds:
            kinds.add(kind(other))
            yield "one of another kind", other, blobs[other]
    sibling = next(other for other in sorted(theirs) if kind(other) == kind(name))
    yield "a sibling repository's", sibling, theirs[sibling]


class Place:
    def __init__(self, corso, folder, seed):
        self.corso, self.folder, self.random = corso, folder, random.Random(seed)
        self.repository = folder / "repository"
        self.source = folder / "source"
        self.source.mkdir(parents=True)
        for key in ("key", "other key"):
            (folder / key).write_bytes(self.random.randbytes(64))
            (folder / key).chmod(0o600)

    def make(self):
        """Two keys, more snapshots than a catalog lists itself, forgotten ones, maintenance, both kinds of packs."""
        self.run("repo", "init", "--no-recovery-key", "filesystem", "--path", str(self.repository))
        self.run("repo", "key", "add", "--new-key-file", str(self.folder / "other key"), "--label", "other")
        (self.source / "zeros").write_bytes(bytes(3_000_000))
        ids = []
        for number in range(66):
            (self.source / "counter").write_text(f"{number}")
            ids.append(self.back_up())
        self.run("snapshot", "forget", *ids[4:64])
        for _ in range(3):
            self.run("maintenance", "run", "--grace", "0s", "--grace-unknown", "0s", "--keep-records", "4")
        for number in range(4):
            (self.source / f"file {number % 3}").write_bytes(self.random.randbytes(700))
            self.back_up()
        self.run("repo", "verify", "--read-data", "50%")

    def back_up(self):
        return json.loads(self.run("snapshot", "create", str(self.source)).splitlines()[-1])["snapshot_id"]

    def call(self, *arguments, key="key"):
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder),
                       "CORSO_KEY_FILE": str(self.folder / key), "CORSO_NO_CACHE": "true"}
        return subprocess.run([self.corso, "--json", *arguments], cwd=self.folder, env=environment,
                              capture_output=True, text=True)

    def run(self, *arguments):
        done = self.call(*arguments)
        if done.returncode:
            sys.exit(f"{arguments}: {done.stdout}{done.stderr}")
        return done.stdout

    def verify(self, key="key"):
        # What is looked at stays as it is, so that each case begins alike.
        return self.call("repo", "verify", "--level", "data", "--no-record", key=key)

    def blobs(self):
        files = [path for path in self.repository.rglob("*") if path.is_file() and path.name != "RESERVE"]
        return {str(path.relative_to(self.repository)): path.read_bytes() for path in files}

    def get(self, name):
        path = self.repository / name
        return path.read_bytes() if path.exists() else None

    def put(self, name, content):
        path = self.repository / name
        if content is None:
            path.unlink(missing_ok=True)
        else:
            path.chmod(0o600) if path.exists() else None
            path.write_bytes(content)


if __name__ == "__main__":
    main()

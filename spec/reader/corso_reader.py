#!/usr/bin/env python3
"""Reads a Corso repository in a local folder; written from the spec alone, and sharing no code with Corso."""

import argparse
import json
import sys
from datetime import datetime, timezone

import restore
import trees
from refuse import Refused
from repository import Repository
from rows import STATES
from slots import KEY_FILE, PASSPHRASE, RECOVERY, recovery_key
from storage import Folder
from verify import Verify

TYPES = ("file", "folder", "symlink", "fifo", "socket", "char device", "block device")


def main():
    args = arguments().parse_args()
    try:
        repository = Repository(Folder(args.repo), *secret(args), from_packs=args.from_packs)
        for warning in repository.history.warnings:
            print(f"warning: {warning}", file=sys.stderr)
        return args.run(repository, args) or 0
    except (Refused, OSError) as error:
        print(f"corso_reader: {error}", file=sys.stderr)
        return 1


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repo", required=True, metavar="DIR")
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--passphrase-file", metavar="F", help="its first line is the passphrase")
    kind.add_argument("--recovery-key-file", metavar="F")
    kind.add_argument("--key-file", metavar="F")
    parser.add_argument("--from-packs", action="store_true", help="use the packs' footers, and no index segment")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, run, wanted in (("list", list_snapshots, ()), ("ls", list_tree, ("ID",)),
                              ("restore", restore_tree, ("ID", "TARGET")), ("verify", verify, ())):
        command = commands.add_parser(name)
        command.set_defaults(run=run)
        for argument in wanted:
            command.add_argument(argument)
        if name in ("list", "ls"):
            command.add_argument("--json", action="store_true")
        if name == "verify":
            command.add_argument("--check-splitter", action="store_true", help="cut every file again (slow)")
    return parser


def secret(args):
    """Slot kind and secret (SLOT-2)."""
    if args.passphrase_file:
        with open(args.passphrase_file, "rb") as file:
            return PASSPHRASE, file.readline().rstrip(b"\r\n")
    if args.recovery_key_file:
        with open(args.recovery_key_file, encoding="utf-8") as file:
            return RECOVERY, recovery_key(file.read())
    with open(args.key_file, "rb") as file:
        return KEY_FILE, file.read()


def show(name):
    """Bytes as text; what is not UTF-8 is escaped."""
    return name.decode("utf-8", "backslashreplace")


def when(ns):
    return datetime.fromtimestamp(ns // 1_000_000_000, timezone.utc).strftime("%Y-%m-%d %H:%M:%S")


def list_snapshots(repository, args):
    for row in repository.history.snapshots():
        source = row[4]
        told = {"id": row[0].hex(), "start": row[5], "state": STATES[row[7]], "service": source[0],
                "host": source.get(1), "user": source.get(2), "paths": [show(p) for p in source.get(3, [])],
                "size": row.get(8), "items": row.get(9)}
        if args.json:
            print(json.dumps(told))
        else:
            paths = " ".join(told["paths"])
            print(f"{told['id']}  {when(row[5])}  {told['state']:10}  {told['service']} "
                  f"{source.get(2, '')}@{source.get(1, '')}:{paths}  {row.get(8, 0)} bytes, {row.get(9, 0)} items")


def list_tree(repository, args):
    _, manifest = repository.manifest(args.ID)
    for path, entry in walk(repository.contents, manifest[4][1], b""):
        fields = entry.fields
        if args.json:
            told = {"path": show(path), "path_hex": path.hex(), "type": TYPES[entry.kind],
                    "size": fields.get(2, 0), "mtime": fields.get(4), "mode": fields.get(7)}
            print(json.dumps(told))
        else:
            print(f"{TYPES[entry.kind]:12} {fields.get(7, 0):04o} {fields.get(2, 0):>12} "
                  f"{when(fields.get(4, 0))} {show(path)}")


def walk(contents, root, parent):
    for entry in trees.children(contents, root):
        path = parent + entry.name
        yield path, entry
        if entry.kind == trees.FOLDER:
            yield from walk(contents, entry.target, path + b"/")


def restore_tree(repository, args):
    row, manifest = repository.manifest(args.ID)
    job = restore.Restore(repository.contents)
    job.run(manifest[4], args.TARGET)
    for path, problem in job.problems:
        print(f"{show(path)}: {problem}", file=sys.stderr)
    print(f"restored {row[0].hex()} to {args.TARGET}")


def verify(repository, args):
    job = Verify(repository, args.check_splitter)
    job.run()
    for problem in job.problems:
        print(problem)
    print(", ".join(f"{count} {what}" for what, count in job.counts.items()) + f", {len(job.problems)} problems")
    return 1 if job.problems else 0


if __name__ == "__main__":
    sys.exit(main())

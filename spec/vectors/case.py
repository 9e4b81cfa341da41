"""One vector file, and the writer and helpers that all chapters share."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "reader"))

from testing import Writer, with_hash
from vectors import RUN, Case

FILES = {}
W = Writer()
OTHER = Writer("another repository")
MASTER = {"master-key": W.master}
REPO = {**MASTER, "repository-id": W.repository}


def case(name, expect, kind, note="", **fields):
    """One file. Underscores in field names are written as dashes; lists repeat the line."""
    lines = [f"# {note}"] if note else []
    fields = {"expect": expect, "kind": kind, **{key.replace("_", "-"): value for key, value in fields.items()}}
    text = "\n".join(lines + _lines(fields)) + "\n"
    results = {} if expect != "accept" else RUN[kind](Case(name, text))
    new = {key: value for key, value in results.items() if key not in fields}
    FILES[f"{name}.txt"] = "\n".join(lines + _lines({**fields, **new})) + "\n"


def _lines(fields):
    return [f"{key}: {item.hex() if isinstance(item, bytes) else item}".rstrip()
            for key, value in fields.items() for item in (value if isinstance(value, list) else [value])]


def flip(data, at):
    data = bytearray(data)
    data[at] ^= 1
    return bytes(data)


def put(data, at, new):
    return data[:at] + new + data[at + len(new):]


def rehash(blob):
    return with_hash(blob[:-32])

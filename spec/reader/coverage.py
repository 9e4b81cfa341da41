"""The verification map: which pack was verified when (COV)."""

from dataclasses import dataclass

import cbor
from cbor import below, row, sint, uint
from header import DATA_PACK, META_PACK
from refuse import check

SUMMARY_KEY = b"\0"
KEY_SIZE = 41
DECODED = 2
coverage_row = row(below(3), uint, sint, uint)
coverage_summary = row(uint, uint, uint, uint, sint)


@dataclass(frozen=True)
class Row:
    revision: int
    kind: int
    pack: bytes
    level: int
    size: int
    time: int
    total: int


def decode_row(key, value):
    """Reads the row of a pack (COV-1, COV-2)."""
    check(len(key) == KEY_SIZE and key[8] in (DATA_PACK, META_PACK), "COV-1", "not the key of a row")
    found = cbor.decode(value)
    check(coverage_row(found), "COV-2", "not a row of the verification map")
    return Row(int.from_bytes(key[:8], "big"), key[8], key[9:], *found)


def decode_summary(key, value):
    """Reads the first entry: packs, bytes, decoded packs, decoded bytes, time."""
    check(key == SUMMARY_KEY, "COV-1", "not the key of the summary")
    found = cbor.decode(value)
    check(coverage_summary(found), "COV-2", "not a summary of the verification map")
    return found


def read(entries):
    """All rows of a map in order; the summary must be what they come to."""
    entries = iter(entries)
    summary = decode_summary(*next(entries, (b"", b"")))
    found = [decode_row(key, value) for key, value in entries]
    check(len({(one.kind, one.pack) for one in found}) == len(found), "COV-1", "a pack with two rows")
    decoded = [one for one in found if one.level == DECODED]
    told = [len(found), sum(one.size for one in found), len(decoded), sum(one.size for one in decoded)]
    check(summary[:4] == told, "COV-2", "the summary is not what the rows come to")
    return found

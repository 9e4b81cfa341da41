"""Shapes of entries, manifests and the rows that list them; the checking half of `format.cddl`."""

import cbor
from cbor import array, below, boolean, but, fixed, id32, raw, row, sint, table, text, u32, uint
from refuse import check

LAYERS_MAX = 16
STATES = ("complete", "partial", "checkpoint")

reference = row(below(5), id32, uint)
source = table({0: text}, {1: text, 2: text, 3: but(array(raw), []), 4: raw})
tags = array(row(text, text))
manifest_row = table({0: id32, 1: id32, 2: uint, 4: source, 5: sint, 6: sint, 7: below(3), 8: uint, 9: uint,
                      10: uint, 11: uint, 12: tags, 13: fixed(16), 14: uint}, {3: uint})
entry = table({0: below(7)}, {
    1: lambda value: True, 2: but(uint, 0), 3: but(uint, 0), 4: sint, 5: sint, 6: sint, 7: below(0o10000), 8: u32,
    9: u32, 10: raw, 11: raw, 12: uint, 13: uint, 14: but(array(row(raw, raw)), []), 15: uint,
    16: but(boolean, False), 17: raw})
statistics = table({}, {key: but(uint, 0) for key in range(13)})
manifest = table({0: source, 1: sint, 2: sint, 3: below(3), 4: entry, 6: statistics, 7: array(id32), 8: tags, 9: uint,
                  10: fixed(16), 11: row(uint, uint, uint, uint)}, {5: id32, 12: lambda value: array(id32)(value) and 1 <= len(value) <= LAYERS_MAX, 13: raw, 14: id32})
failure = table({0: text, 1: text, 2: u32, 3: boolean})
ledger_entry = table({}, {0: reference, 1: raw})
part_entry = table({0: reference, 1: uint, 2: entry}, {1000: lambda value: raw(value) and len(value) <= 1024})


def decode_row(data):
    """Reads one manifest row (CAT-4)."""
    value = cbor.decode(data)
    check(manifest_row(value), "CAT-4", "not a manifest row")
    check_tags(value[12], "CAT-4")
    return value


def check_tags(pairs, clause):
    names = [name.encode() for name, _ in pairs]
    check(names == sorted(set(names)), clause, "tags out of order")

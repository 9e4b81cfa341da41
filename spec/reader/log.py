"""Records, catalogs and their fold (LOG, ACT, CAT)."""

import cbor
from cbor import array, below, boolean, either, fixed, id32, null, raw, row, sint, table, text, u32, uint
from cursor import Cursor
from header import CATALOG, HEADER_SIZE, RECORD, check_own_hash, open_header
from keys import SEAL_SIZE, ZERO_ID, decompress, unseal
from refuse import check
from rows import check_tags, manifest_row
from slots import KINDS
from splitter import check_parameters

RAW_SIZE_MAX = 64 << 20

id16 = fixed(16)
blob = row(lambda kind: kind in (3, 4, 5, 6), id32)
index_reference = row(id32, u32, id32, id32, uint)
manifest_reference = row(id32, u32, uint)
slot_kind = lambda kind: kind in KINDS
named_value = row(text, raw)
maybe = either(raw, null)
ACTIONS = {
    1: row(array(index_reference)),
    2: row(array(id32), array(index_reference)),
    3: row(manifest_row, array(id32), array(id32)),
    4: row(array(id32)),
    5: row(id32, array(id32)),
    6: row(array(blob)),
    7: row(uint, array(blob)),
    8: row(array(blob)),
    9: row(array(id32), boolean),
    10: row(text, maybe),
    11: row(id16, slot_kind, text),
    12: row(id16),
    13: row(text, maybe),
    14: row(either(id32, null), array(id32)),
    15: row(text, below(2)),
    16: row(uint, id32),
    17: row(uint),
    18: row(uint, boolean),
}
writer = table({0: text, 1: text, 2: text, 3: text})
record = table({0: uint, 1: id32, 2: id16, 3: writer, 4: sint, 5: array(lambda a: type(a) is list and a != [])})
dated_blob = row(lambda kind: kind in (3, 4, 5, 6), id32, uint)
catalog = table({
    0: uint, 1: id32, 2: uint, 3: array(row(uint, id32)), 4: array(row(id16, uint)), 5: array(index_reference),
    6: array(manifest_reference), 7: array(manifest_row), 8: array(dated_blob), 9: array(dated_blob),
    10: array(id32), 11: array(row(id16, slot_kind, text)), 12: array(named_value), 13: array(named_value),
    14: array(row(text, below(2))), 16: array(row(uint, id32)), 17: uint}, {15: id32, 18: row(uint, boolean)})
# What the entries of a catalog's arrays ascend by (CAT-2).
ORDER = {3: lambda e: e[0], 4: lambda e: e[1], 5: lambda e: e[0], 7: lambda e: e[0], 8: lambda e: e[:2],
         9: lambda e: e[:2], 10: lambda e: e, 11: lambda e: e[0], 12: lambda e: e[0].encode(),
         13: lambda e: e[0].encode(), 14: lambda e: e[0].encode(), 16: lambda e: e[0]}
RECENT_MAX, ROWS_MAX = 256, 64


def open_body(keys, repository, blob, kind, revision):
    """Opens a record's or catalog's blob and returns its CBOR map (LOG-1, LOG-2)."""
    body = check_own_hash(blob)
    head = open_header(keys, body, kind, repository)
    at = Cursor(body[HEADER_SIZE:], "LOG-1")
    codec = at.uint(1)
    at.zeros(3)
    size, length = at.uint(4), at.uint(8)
    check(codec in (0, 1), "PACK-4", f"unknown codec {codec}")
    check(length <= RAW_SIZE_MAX, "LOG-1", f"a body of {length} bytes")
    check(size == at.left() and size >= SEAL_SIZE, "LOG-1", f"a part of {size} bytes where {at.left()} are")
    stored = unseal(keys, at.take(size), head, 0, codec, length, revision=revision)
    return cbor.decode_padded(decompress(codec, stored, length, padded=True))


def decode_record(keys, repository, blob, revision):
    """Reads record `revision` (LOG-2, ACT-0)."""
    body = open_body(keys, repository, blob, RECORD, revision)
    check(record(body), "LOG-2", "not a record")
    check(body[0] == revision, "LOG-2", f"record {body[0]} under the name of {revision}")
    for number, *fields in body[5]:
        check(uint(number), "ACT-0", "an action without a number")
        check(number in ACTIONS or number >= 1000, "ACT-0", f"unknown action {number}")
        check(number not in ACTIONS or ACTIONS[number](fields), "ACT-0", f"fields that action {number} has not")
        if number == 3:
            check_tags(fields[0][12], "CAT-4")
        if number == 10 and fields[0] == "splitter":
            decode_splitter(fields[1])
    puts = [fields[0] for number, *fields in body[5] if number == 10]
    check(revision > 1 or "splitter" in puts, "ACT-10", "record 1 puts no splitter")
    return body


def decode_splitter(value):
    parameters = cbor.decode(value or b"")
    check(row(uint, uint, uint, uint)(parameters), "ACT-10", "not a splitter")
    check_parameters(parameters)


def decode_catalog(keys, repository, blob, revision):
    """Reads the catalog of `revision` (CAT-2)."""
    body = open_body(keys, repository, blob, CATALOG, revision)
    check(catalog(body), "CAT-2", "not a catalog")
    check(body[0] == revision, "CAT-2", f"catalog {body[0]} under the name of {revision}")
    for key, order in ORDER.items():
        keys_ = [order(entry) for entry in body[key]]
        check(all(a < b for a, b in zip(keys_, keys_[1:])), "CAT-2", f"key {key} is out of order")
    check(max(len(body[3]), len(body[4])) <= RECENT_MAX and len(body[7]) <= ROWS_MAX, "CAT-2", "too many entries")
    check(not body[3] or body[3][-1] == [revision, body[1]], "CAT-2", "another hash of its own record")
    for manifest in body[7]:
        check_tags(manifest[12], "CAT-4")
    return body


class State:
    """The fold (LOG-1, FOLD). `rows` are those outside manifest segments."""

    def __init__(self, body=None):
        body = body or {}
        self.revision, self.hash = body.get(0, 0), body.get(1, ZERO_ID)
        self.floor = body.get(2, 1)
        self.index_segments, self.manifest_segments = list(body.get(5, [])), list(body.get(6, []))
        self.rows = {r[0]: r for r in body.get(7, [])}
        self.condemned = {(k, i): r for k, i, r in body.get(8, [])}
        self.doomed = {(k, i): r for k, i, r in body.get(9, [])}
        self.quarantined = set(body.get(10, []))
        self.slots = {i: (kind, label) for i, kind, label in body.get(11, [])}
        self.parameters, self.policies = dict(body.get(12, [])), dict(body.get(13, []))
        self.features = dict(body.get(14, []))
        self.verification = body.get(15)
        self.voids = {r: h for r, h in body.get(16, [])}
        self.last_doom = body.get(17, 0)
        self.hold = body.get(18)

    def apply(self, body, blob_hash, row_of=lambda manifest: None):
        """Folds in the next record; `row_of` finds a row that lies in a manifest segment (FOLD-1)."""
        check(body[0] == self.revision + 1 and body[1] == self.hash, "LOG-5", "does not chain to the record before it")
        self.revision, self.hash = body[0], blob_hash
        for number, *fields in body[5]:
            if number in ACTIONS:
                self._act(number, fields, row_of)

    def _act(self, number, f, row_of):
        if number in (1, 2):
            kept = [ref for ref in self.index_segments if number == 1 or ref[0] not in f[0]]
            self.index_segments = kept + [ref for ref in f[-1] if ref not in kept]
        elif number == 3:
            known = self.rows.get(f[0][0]) or row_of(f[0][0])
            if known is None:
                place = f[0][2] if 0 < f[0][2] < self.revision else self.revision
                self.rows[f[0][0]] = {**{k: v for k, v in f[0].items() if k != 3}, 2: place}
        elif number in (4, 5):
            for manifest in f[0] if number == 4 else [f[0]]:
                self._forget(manifest, number == 4, row_of)
        elif number == 6:
            for kind, i in f[0]:
                self.condemned.setdefault((kind, i), self.revision)
        elif number == 7:
            for kind, i in f[1]:
                self.condemned.pop((kind, i), None)
                self.doomed.setdefault((kind, i), self.revision)
            self.last_doom = self.revision
        elif number == 8:
            for kind, i in f[0]:
                self.doomed.pop((kind, i), None)
                self.condemned.pop((kind, i), None)
                self.quarantined.discard(i)
        elif number == 9:
            (self.quarantined.update if f[1] else self.quarantined.difference_update)(f[0])
        elif number in (10, 13):
            _put(self.parameters if number == 10 else self.policies, *f)
        elif number == 11:
            self.slots[f[0]] = (f[1], f[2])
        elif number == 12:
            self.slots.pop(f[0], None)
        elif number == 14:
            self.verification = f[0]
        elif number == 15:
            self.features[f[0]] = max(f[1], self.features.get(f[0], 0))
        elif number == 16:
            self.voids[f[0]], self.hold = f[1], [self.revision, False]
        elif number == 17:
            self.floor = max(self.floor, f[0])
        elif number == 18:
            self.hold = [self.revision, True] if self.hold and not f[1] else None

    def pass_over(self, blob_hash):
        """A record that is void (LOG-8)."""
        self.revision, self.hash = self.revision + 1, blob_hash

    def _forget(self, manifest, gone, row_of):
        known = self.rows.get(manifest) or row_of(manifest)
        if known is None or gone and 3 in known:
            return
        self.rows[manifest] = {k: v for k, v in known.items() if k != 3} | ({3: self.revision} if gone else {})


def _put(table_, name, value):
    if value is None:
        table_.pop(name, None)
    else:
        table_[name] = value

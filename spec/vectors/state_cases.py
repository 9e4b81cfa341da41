"""Chapters 6 to 8: objects, maps, trees, snapshots, records, catalogs."""

from case import MASTER, REPO, W, case, flip, put, rehash
from header import CATALOG, RECORD
from keys import ZERO_ID, H
from packs import DATA, NODE
from testing import cbor_of, le, manifest_row, node_bytes


# Chapter 6.

def object_cases():
    for name, stream, size in (("empty", "zeros", 0), ("one-byte", "zeros", 1), ("one-content", "corso object", 16384),
                               ("list", "corso object", 400_000)):
        case(f"object/{name}", "accept", "object", average=1 << 16, stream=stream, size=size, **MASTER)
    some = W.keys.content_id(DATA, b"x")
    case("reference/content", "accept", "reference", bytes=cbor_of([0, some, 1]))
    case("reference/empty", "accept", "reference", bytes=cbor_of([0, ZERO_ID, 0]))
    for name, value, clause, note in (
            ("depth-5", [5, some, 1], "OBJ-1", "too deep"),
            ("zero-id", [0, ZERO_ID, 1], "OBJ-2", "no content, but a size"),
            ("empty-content", [0, some, 0], "OBJ-2", "a content, but no size"),
            ("empty-list", [1, ZERO_ID, 0], "OBJ-2", "an empty list"),
            ("large-content", [0, some, 1 << 20 | 1], "OBJ-2", "more than a content holds"),
            ("short-id", [0, some[:31], 1], "OBJ-1", "an ID of 31 bytes"), ("fields", [0, some], "OBJ-1", "no size")):
        case(f"reference/{name}", f"refuse {clause}", "reference", note, bytes=cbor_of(value))
    row = some + le(7, 4)
    case("list/two", "accept", "list", bytes=row * 2)
    for name, data, note in (("empty", b"", "no rows"), ("cut", row[:-1], "a cut row"),
                             ("zero-id", bytes(32) + le(7, 4), "a zero ID"), ("zero-length", some + le(0, 4), ""),
                             ("large", some + le(1 << 20 | 1, 4), "larger than a content")):
        case(f"list/{name}", "refuse OBJ-3", "list", note, bytes=data)


def map_cases():
    for count in (0, 1, 7, 8, 9, 130, 300):
        entries = [f"{(b'key %03d' % i).hex()} {(b'%d' % i).hex()}" for i in range(count)]
        case(f"map/{count}", "accept", "map", entry=entries, **MASTER)
    child = W.keys.content_id(NODE, b"child")
    leaf = node_bytes(0, [(b"a", b"1"), (b"b", b"")])
    inner = node_bytes(1, [(b"a", child, 2), (b"c", child, 9)])
    case("node/leaf", "accept", "node", bytes=leaf)
    case("node/empty", "accept", "node", "the root of an empty map", bytes=node_bytes(0, []))
    case("node/inner", "accept", "node", bytes=inner)
    many = [(le(i, 2)[::-1], b"") for i in range(129)]
    case("node/full", "accept", "node", "128 entries", bytes=node_bytes(0, many[:128]))
    for name, data, clause, note in (
            ("order", node_bytes(0, [(b"b", b""), (b"a", b"")]), "MAP-2", "keys out of order"),
            ("twice", node_bytes(0, [(b"a", b""), (b"a", b"")]), "MAP-2", "a key twice"),
            ("over", node_bytes(0, many), "MAP-2", "129 entries"), ("inner-empty", node_bytes(1, []), "MAP-2", ""),
            ("cut", leaf[:-1], "MAP-2", "a cut entry"), ("behind", leaf + b"\0", "MAP-2", "a byte behind"),
            ("short", b"\0\0\0", "MAP-2", "three bytes"), ("reserved", put(leaf, 1, b"\1"), "COMP-3", ""),
            ("empty-key", node_bytes(0, [(b"", b"")]), "MAP-1", "a key of 0 bytes"),
            ("long-key", node_bytes(0, [(b"k" * 1101, b"")]), "MAP-1", "a key of 1,101 bytes"),
            ("long-value", node_bytes(0, [(b"k", b"v" * 1025)]), "MAP-1", "a value of 1,025 bytes"),
            ("inner-value", node_bytes(0, [(b"k", b"v" * 39)])[:1].replace(b"\0", b"\1") + node_bytes(
                0, [(b"k", b"v" * 39)])[1:], "MAP-2", "a child of 39 bytes"),
            ("zero-child", node_bytes(1, [(b"a", ZERO_ID, 1)]), "MAP-2", "a zero child ID"),
            ("zero-count", node_bytes(1, [(b"a", child, 0)]), "MAP-2", "a child with nothing below"),
            ("high", node_bytes(12, [(b"a", child, 1)]), "MAP-4", "level 12")):
        case(f"node/{name}", f"refuse {clause}", "node", note, bytes=data)
    case("child/good", "accept", "child", at=0, bytes=inner, child=leaf)
    for name, node, note in (
            ("level", inner, "an inner node under an inner node"), ("empty", node_bytes(0, []), "an empty child"),
            ("first", node_bytes(0, [(b"aa", b""), (b"b", b"")]), "begins with another key"),
            ("range", node_bytes(0, [(b"a", b""), (b"c", b"")]), "reaches into the next child"),
            ("count", node_bytes(0, [(b"a", b"")]), "one entry where the parent says two")):
        case(f"child/{name}", "refuse MAP-4", "child", note, at=0, bytes=inner, child=node)


def tree_cases():
    for name, key in (("file", b"name\0"), ("bytes", b"\xff\xfe \n\0"), ("item", b"Re: hello\0" + b"A" * 75),
                      ("longest", b"n" * 1024 + b"\0")):
        case(f"tree-key/{name}", "accept", "tree-key", bytes=key)
    for name, key in (("no-zero", b"name"), ("empty-name", b"\0id"), ("dot", b".\0"), ("dot-dot", b"..\0"),
                      ("slash", b"a/b\0"), ("long-name", b"n" * 1025 + b"\0"), ("long-item", b"n\0" + b"A" * 76)):
        case(f"tree-key/{name}", "refuse TREE-1", "tree-key", bytes=key)
    some = W.keys.content_id(DATA, b"x")
    file = {0: 0, 1: [0, some, 1], 2: 1, 4: -1, 7: 0o644}
    good = [("file", file), ("empty-file", {0: 0, 1: [0, ZERO_ID, 0]}), ("lost-file", {0: 0, 2: 9}),
            ("folder", {0: 1, 1: some, 2: 10, 3: 2}), ("symlink", {0: 2, 1: b"../x"}), ("empty-symlink", {0: 2, 1: b""}), ("fifo", {0: 3}),
            ("device", {0: 5, 1: [1, 3]}), ("unknown-1000", {**file, 1000: {0: "later"}}),
            ("full", {**file, 5: 1, 6: 2, 8: 0, 9: 0, 10: b"root", 11: b"root", 12: 5, 13: 6,
                      14: [[b"user.a", b"1"], [b"user.b", b""]], 15: 1, 16: True, 17: b"data"})]
    for name, fields in good:
        case(f"tree/{name}", "accept", "tree-value", bytes=b"\0" + cbor_of(fields))
    case("tree/as-object", "accept", "tree-value", "an entry kept as an object", bytes=b"\1" + cbor_of([0, some, 2000]))
    for name, value, clause, note in (
            ("form", b"\2" + cbor_of(file), "MAP-5", "a first byte of 2"), ("nothing", b"", "MAP-5", "no bytes"),
            ("size-0", b"\0" + cbor_of({0: 0, 1: [0, ZERO_ID, 0], 2: 0}), "TREE-3", "a default is written out"),
            ("items-0", b"\0" + cbor_of({0: 1, 1: some, 3: 0}), "TREE-3", "a default is written out"),
            ("sparse-false", b"\0" + cbor_of({**file, 16: False}), "TREE-3", "a default is written out"),
            ("xattrs-empty", b"\0" + cbor_of({**file, 14: []}), "TREE-3", "a default is written out"),
            ("uid", b"\0" + cbor_of({**file, 8: 1 << 32}), "TREE-3", "a uid over 32 bits"),
            ("major", b"\0" + cbor_of({0: 5, 1: [1 << 32, 0]}), "TREE-3", "a device number over 32 bits"),
            ("unknown-key", b"\0" + cbor_of({**file, 18: 0}), "TREE-3", "key 18"),
            ("kind", b"\0" + cbor_of({0: 7}), "TREE-3", "kind 7"), ("no-kind", b"\0\xa0", "TREE-3", "no kind"),
            ("mode", b"\0" + cbor_of({**file, 7: 0o10000}), "TREE-3", "mode over 0o7777"),
            ("type", b"\0" + cbor_of({**file, 4: b"now"}), "TREE-3", "an mtime of bytes"),
            ("file-size", b"\0" + cbor_of({**file, 2: 2}), "TREE-3", "size differs from the object's"),
            ("folder-without-tree", b"\0" + cbor_of({0: 1}), "TREE-3", ""),
            ("folder-object", b"\0" + cbor_of({0: 1, 1: [0, some, 1]}), "TREE-3", "an object for a tree"),
            ("symlink-without-target", b"\0" + cbor_of({0: 2}), "TREE-3", ""),
            ("fifo-target", b"\0" + cbor_of({0: 3, 1: b"x"}), "TREE-3", "a FIFO with a target"),
            ("device-numbers", b"\0" + cbor_of({0: 6, 1: [1]}), "TREE-3", "a device without minor number"),
            ("xattr-order", b"\0" + cbor_of({**file, 14: [[b"b", b""], [b"a", b""]]}), "TREE-3", ""),
            ("xattr-twice", b"\0" + cbor_of({**file, 14: [[b"a", b""], [b"a", b""]]}), "TREE-3", ""),
            ("behind", b"\0" + cbor_of(file) + b"\0", "CONV-4", "a byte behind"),
            ("object", b"\1" + cbor_of(file), "OBJ-1", "an entry where a reference should be"),
            ("object-small", b"\1" + cbor_of([0, some, 1023]), "MAP-5", "an object that had room in the value"),
            ("object-large", b"\1" + cbor_of([1, some, (16 << 20) + 1]), "MAP-5", "an entry over 16 MiB")):
        case(f"tree/{name}", f"refuse {clause}", "tree-value", note, bytes=value)


# Chapters 7 and 8.

def manifests():
    root = {0: 1, 1: W.keys.content_id(NODE, b"root")}
    good = {0: {0: "folder", 1: "host", 2: "user", 3: [b"/data"]}, 1: 1, 2: 2, 3: 0, 4: root, 6: {0: 1, 3: 5},
            7: [], 8: [["a", "1"], ["b", ""]], 9: 1, 10: bytes(16), 11: [1, 1 << 16, 1 << 18, 1 << 20]}
    case("manifest/good", "accept", "manifest", bytes=cbor_of(good))
    case("manifest/checkpoint", "accept", "manifest", bytes=cbor_of({**good, 3: 2, 14: root[1]}))
    without = {key: value for key, value in good.items() if key != 4}
    for name, value, clause, note in (
            ("no-root", without, "SNAP-1", ""), ("state", {**good, 3: 3}, "SNAP-1", "state 3"),
            ("unknown-key", {**good, 15: 0}, "SNAP-1", "key 15"),
            ("root-file", {**good, 4: {0: 3}}, "SNAP-1", "a FIFO"),
            ("root", {**good, 4: {0: 1}}, "TREE-3", "a root without a tree"),
            ("tags", {**good, 8: [["b", ""], ["a", ""]]}, "SNAP-1", "tags out of order"),
            ("run-id", {**good, 10: bytes(15)}, "SNAP-1", "15 bytes"), ("list", [0], "SNAP-1", "an array"),
            ("statistics", {**good, 6: {0: 1, 3: 0}}, "SNAP-1", "a default is written out"),
            ("no-paths", {**good, 0: {0: "folder", 3: []}}, "SNAP-1", "a default is written out"),
            ("no-end", {key: value for key, value in good.items() if key != 2}, "SNAP-1", "a required key is missing"),
            ("splitter", {**good, 11: [2, 1, 1, 1]}, "SPL-1", "splitter 2"),
            ("splitter-sizes", {**good, 11: [1, 1 << 15, 1 << 16, 1 << 18]}, "SPL-1", "L is not A / 4")):
        case(f"manifest/{name}", f"refuse {clause}", "manifest", note, bytes=cbor_of(value))
    layer = root[1]
    for name, layers in (("", [layer]), ("-layers", [layer, bytes([1]) * 32] * 8)):
        case(f"manifest/ledger{name}", "accept", "manifest", bytes=cbor_of({**good, 12: layers, 13: b"next"}))
    for name, value, note in (("empty", [], "no layer"), ("over", [layer] * 17, "17 layers"),
                              ("root", layer, "a root that is in no array"), ("short", [layer[:31]], "31 bytes"),
                              ("null", [None], "no root")):
        case(f"manifest/ledger-{name}", "refuse SNAP-1", "manifest", note, bytes=cbor_of({**good, 12: value}))
    row = {0: bytes(32), 1: bytes(32), 2: 1, 4: good[0], 5: 1, 6: 2, 7: 1, 8: 3, 9: 4, 10: 5, 11: 6, 12: good[8],
           13: bytes(16), 14: 7}
    case("manifest-row/good", "accept", "manifest-row", bytes=cbor_of(row))
    case("manifest-row/forgotten", "accept", "manifest-row", bytes=cbor_of({**row, 3: 9}))
    for name, value in (("unknown-key", {**row, 15: 0}), ("state", {**row, 7: 3}), ("id", {**row, 0: b"short"}),
                        ("no-size", {key: value for key, value in row.items() if key != 8}),
                        ("tags", {**row, 12: good[8][::-1]})):
        case(f"manifest-row/{name}", "refuse CAT-4", "manifest-row", bytes=cbor_of(value))
    failure = {0: "denied", 1: "no right", 2: 3, 3: True}
    case("failure/good", "accept", "failure", bytes=b"\0" + cbor_of(failure))
    case("failure/skip", "accept", "failure", bytes=b"\0" + cbor_of({**failure, 3: False}))
    case("failure/as-object", "accept", "failure", "kept as an object", bytes=b"\1" + cbor_of([0, root[1], 1024]))
    case("failure/not-boxed", "refuse MAP-5", "failure", "CBOR without the first byte", bytes=cbor_of(failure))
    case("failure/no-cause", "refuse SNAP-4", "failure", bytes=b"\0" + cbor_of({1: "no right", 2: 3, 3: True}))
    case("failure/no-attempts", "refuse SNAP-4", "failure", bytes=b"\0" + cbor_of({0: "denied", 1: "no right", 3: True}))
    case("failure/unknown-key", "refuse SNAP-4", "failure", bytes=b"\0" + cbor_of({**failure, 4: 1}))
    part = {0: [0, root[1], 9], 1: 9, 2: {0: 0}}
    case("part-entry/good", "accept", "part-entry", bytes=b"\0" + cbor_of(part))
    case("part-entry/state", "accept", "part-entry", bytes=b"\0" + cbor_of({**part, 1000: bytes(1024)}))
    case("part-entry/long-state", "refuse SNAP-6", "part-entry", bytes=b"\0" + cbor_of({**part, 1000: bytes(1025)}))
    case("part-entry/size", "refuse SNAP-6", "part-entry", "9 bytes, 8 told", bytes=b"\0" + cbor_of({**part, 1: 8}))
    case("part-entry/folder", "refuse SNAP-6", "part-entry", bytes=b"\0" + cbor_of({**part, 2: root}))
    case("part-entry/no-object", "refuse SNAP-6", "part-entry", bytes=b"\0" + cbor_of({1: 9, 2: {0: 0}}))


NOBODY = {0: "", 1: "", 2: "", 3: ""}
SPLITTER = [10, "splitter", cbor_of([1, 1 << 16, 1 << 18, 1 << 20])]


def every_action():
    some, slot_id = bytes([7]) * 32, bytes([8]) * 16
    row = manifest_row(bytes([9]) * 32)
    return [[1, [[some, 1, some, some, 500]]], [2, [some], []], [3, row, [some], []], [4, [some]],
            [5, some, [some]], [6, [[3, some]]], [7, 1, [[4, some]]], [8, [[5, some]]], [9, [some], True], SPLITTER,
            [10, "frame size", None], [11, slot_id, 1, "mine"], [12, slot_id], [13, "keep", b"\xa0"], [14, some, [some]],
            [14, None, []], [15, "feature", 0], [16, 1, ZERO_ID], [17, 1], [18, 1, False], [1000, "of a later release"]]


def ledgers():
    def entry(name, expect, value, note=""):
        case(f"ledger-entry/{name}", expect, "ledger-entry", note, bytes=value)

    some = W.keys.content_id(DATA, b"x")
    good = {0: [0, some, 1], 1: b"kn"}
    entry("good", "accept", b"\0" + cbor_of(good))
    entry("object", "accept", b"\0" + cbor_of({0: good[0]}), "nothing known but its content")
    entry("data", "accept", b"\0" + cbor_of({1: b""}), "no content, and nothing known: no removal")
    entry("removal", "accept", b"\0" + cbor_of({}), "neither: the key has nothing")
    entry("as-object", "accept", b"\1" + cbor_of([0, some, 1024]), "kept as an object")
    for name, value, clause, note in (
            ("not-boxed", cbor_of(good), "MAP-5", "CBOR without the first byte"),
            ("form", b"\2" + cbor_of(good), "MAP-5", "a first byte of 2"),
            ("object-small", b"\1" + cbor_of([0, some, 1023]), "MAP-5", "an object that had room in the value"),
            ("unknown-key", b"\0" + cbor_of({**good, 2: 0}), "SNAP-8", "key 2"),
            ("list", b"\0" + cbor_of([good[0], b"kn"]), "SNAP-8", "an array"),
            ("id-alone", b"\0" + cbor_of({0: some}), "SNAP-8", "a content ID where a reference should be"),
            ("text", b"\0" + cbor_of({1: "kn"}), "SNAP-8", "text"),
            ("null", b"\0" + cbor_of({0: None, 1: b"kn"}), "SNAP-8", "null for what is not there"),
            ("deep", b"\0" + cbor_of({0: [5, some, 1]}), "SNAP-8", "a list too deep"),
            ("no-content", b"\0" + cbor_of({0: [0, ZERO_ID, 1]}), "OBJ-2", "a size without a content"),
            ("behind", b"\0" + cbor_of(good) + b"\0", "CONV-4", "a byte behind")):
        entry(name, f"refuse {clause}", value, note)


def logs():
    one = W.record(1, ZERO_ID, [SPLITTER])
    def record(name, expect, note, blob, revision=2, **more):
        case(f"record/{name}", expect, "record", note, **REPO, revision=revision, **more, bytes=blob)
    record("first", "accept", "record 1", one, 1, previous=ZERO_ID)
    good = W.record(2, H(one), every_action())
    record("actions", "accept", "every action", good, previous=H(one))
    record("zstd", "accept", "compressed", W.record(2, H(one), every_action(), codec=1), previous=H(one))
    record("chain", "refuse LOG-5", "does not chain", good, previous=ZERO_ID)
    record("flipped", "refuse CONV-10", "damage", flip(good, 150))
    record("cut", "refuse CONV-10", "truncated", good[:-1])
    record("kind", "refuse CONV-9", "a catalog where a record should be", W.catalog(2, H(one)))
    record("renamed", "refuse SEAL-4", "record 2 under the name of 3", good, 3)
    record("inside", "refuse LOG-2", "sealed for revision 2, but says 3 inside", W.body(RECORD, 2, {
        0: 3, 1: H(one), 2: bytes(16), 3: NOBODY, 4: 0, 5: []}))
    record("part-length", "refuse LOG-1", "a part longer than the blob", rehash(put(good, 100, b"\xff\xff")))
    record("raw-length", "refuse LOG-1", "a body over 64 MiB", rehash(put(good, 104, le((64 << 20) + 1, 8))))
    record("raw-length-altered", "refuse SEAL-4", "another raw length", rehash(put(good, 104, b"\1")))
    record("codec", "refuse PACK-4", "codec 2", rehash(put(good, 96, b"\2")))
    record("reserved", "refuse COMP-3", "a reserved byte", rehash(put(good, 98, b"\1")))
    record("padding", "refuse CONV-5", "padding that is not zero", W.body(RECORD, 2, None, raw=cbor_of({
        0: 2, 1: H(one), 2: bytes(16), 3: NOBODY, 4: 0, 5: []}) + b"\1"))
    record("padding-zstd", "refuse LOG-2", "padding behind the zstd frame that is not zero", W.record(
        2, H(one), every_action(), codec=1, padding=b"\0\1"))
    record("first-previous", "refuse LOG-5", "record 1 with a record before it", W.record(1, H(one), [SPLITTER]), 1,
           previous=ZERO_ID)
    record("writer", "refuse LOG-2", "a writer without its process", W.record(2, H(one), [], body={3: {
        0: "host", 1: "", 2: "testing"}}))
    record("first-splitter", "refuse ACT-10", "record 1 without a splitter", W.record(1, ZERO_ID, []), 1)
    record("empty", "refuse LOG-2", "an empty map", W.body(RECORD, 2, {}))
    record("unknown-key", "refuse LOG-2", "key 6", W.record(2, H(one), [], body={6: 0}))
    for name, action, clause, note in (
            ("unknown", [19], "ACT-0", "action 19"), ("number", ["x"], "ACT-0", "an action without number"),
            ("nothing", [], "LOG-2", "an empty action"), ("fields", [4], "ACT-0", "forget without manifests"), ("floor", [17, -1], "ACT-0", "a floor below zero"),
            ("more-fields", [4, [], 0], "ACT-0", "forget with a field more"),
            ("id", [4, [b"short"]], "ACT-0", "a short ID"),
            ("blob-kind", [6, [[7, bytes(32)]]], "ACT-0", "a record is condemned"),
            ("slot-kind", [11, bytes(16), 4, "mine"], "ACT-0", "an unknown kind of slot"),
            ("scope", [15, "feature", 2], "ACT-0", "scope 2"), ("reference", [1, [[bytes(32), 1]]], "ACT-0", ""),
            ("manifest-segment", [1, [[bytes(32), 3, 400]]], "ACT-0", "a reference of a manifest segment"),
            ("splitter", [10, "splitter", cbor_of([2, 1, 1, 1])], "SPL-1", "splitter 2"),
            ("no-splitter", [10, "splitter", None], "CONV-4", "the splitter is taken away")):
        record(f"action-{name}", f"refuse {clause}", note, W.record(2, H(one), [action]))
    catalogs(one)


def catalogs(one):
    some, row = bytes([7]) * 32, manifest_row(bytes([9]) * 32, revision=1)
    full = {2: 1, 3: [[64, H(one)]], 4: [[bytes(16), 1]], 5: [[some, 1, some, some, 500]], 6: [[some, 1, 300]], 7: [row],
            8: [[3, some, 1]], 9: [[4, some, 1]], 10: [some], 11: [[bytes(16), 3, "mine"]],
            12: [["splitter", SPLITTER[2]]],
            13: [["keep", b"\xa0"]], 14: [["feature", 0]], 15: some, 16: [[1, ZERO_ID]], 17: 1, 18: [64, True]}
    def catalog(name, expect, note, blob, revision=64):
        case(f"catalog/{name}", expect, "catalog", note, **REPO, revision=revision, bytes=blob)
    good = W.catalog(64, H(one), body=full)
    catalog("full", "accept", "every key", good)
    catalog("zstd", "accept", "compressed", W.catalog(64, H(one), body=full, codec=1))
    catalog("least", "accept", "all arrays are empty", W.catalog(1, H(one)), 1)
    catalog("kind", "refuse CONV-9", "a record where a catalog should be", W.record(64, H(one), []))
    catalog("renamed", "refuse SEAL-4", "catalog 64 under the name of 65", good, 65)
    catalog("flipped", "refuse CONV-10", "damage", flip(good, -1))
    two, rows = bytes([8]) * 32, [manifest_row(le(i, 2)[::-1] * 16) for i in range(65)]
    for name, body, note in (
            ("recent-hash", {3: [[64, some]]}, "another hash of its own record"),
            ("hash-order", {3: [[63, some], [62, some]]}, ""), ("commit-order", {4: [[bytes(16), 2], [bytes(16), 2]]}, ""),
            ("segment-order", {5: [[two, 1, two, two, 500], [some, 1, some, some, 500]]}, ""),
            ("row-order", {7: rows[1::-1]}, ""), ("rows-over", {7: rows}, "65 rows"),
            ("doomed-order", {9: [[4, some, 1], [3, some, 1]]}, ""), ("pack-twice", {10: [some, some]}, ""),
            ("name-order", {12: [["b", b""], ["a", b""]]}, ""), ("void-order", {16: [[2, some], [1, some]]}, ""),
            ("recent-over", {3: [[i, some] for i in range(257)]}, "257 hashes")):
        catalog(name, "refuse CAT-2", note, W.catalog(64, H(one), body=body))
    catalog("missing-key", "refuse CAT-2", "nothing but keys 0 and 1", W.body(CATALOG, 64, {0: 64, 1: H(one)}))
    for name, body in (("unknown-key", {19: 0}), ("reference", {5: [[some, 1, 300]]}), ("doomed", {9: [[7, some, 1]]}),
                       ("row", {7: [{0: some}]}), ("slot", {11: [[some, 3, "an ID of 32 bytes"]]})):
        catalog(name, "refuse CAT-2", "", W.catalog(64, H(one), body=body))
    catalog("revision", "refuse CAT-2", "sealed for revision 64, but says 63 inside", W.body(
        CATALOG, 64, {0: 63, 1: H(one), 2: 1, **{key: [] for key in range(3, 17) if key != 15}, 17: 0}))
    begun = bytes([5]) * 32
    catalog("begun", "accept", "a log begins anew behind nothing (LOG-10)", W.catalog(1 << 32, begun, body={
        2: (1 << 32) + 1, 3: [[1 << 32, begun]], 12: [["splitter", SPLITTER[2]]], 18: [1 << 32, False]}), 1 << 32)
    for name, hold in (("hold", [64]), ("hold-stage", [64, 1]), ("hold-null", None)):
        catalog(name, "refuse CAT-2", "", W.catalog(64, H(one), body={18: hold}))
    for name, action, note in (("settle-fields", [18, 1], "a step of the hold without its stage"),
                               ("settle-number", [18, 1, 0], "a number for true or false")):
        case(f"record/action-{name}", "refuse ACT-0", "record", note, **REPO, revision=2, bytes=W.record(2, H(one), [action]))
    found = manifest_row(bytes([9]) * 32, revision=5)
    case("record/found-again", "accept", "record", "a manifest that keeps its place (ACT-3)", **REPO, revision=9, previous=H(one),
         bytes=W.record(9, H(one), [[16, 8, H(one)], [3, {**found, 12: [["corso.revived", "9"]]}, [some], []]]))


def coverage():
    def entry(name, expect, key, value, note=""):
        case(f"coverage/{name}", expect, "coverage", note, key=key, bytes=value if isinstance(value, bytes) else cbor_of(value))

    pack, now = bytes([7]) * 32, 1700000000000000000
    key = (5).to_bytes(8, "big") + b"\3" + pack
    row, summary = [2, 1000, now, 2000], [2, 2000, 1, 1000, now]
    entry("row", "accept", key, row)
    entry("queued", "accept", key[:8] + b"\4" + pack, [0, 1, -1, 1], "a metadata pack, queued")
    entry("hashed", "accept", bytes(8) + key[8:], [1, 0, 0, 0], "a pack whose hash was compared, at revision 0")
    entry("summary", "accept", b"\0", summary)
    for name, wrong, note in (
            ("kind", key[:8] + b"\5" + pack, "a segment"), ("key-short", key[:-1], "a pack ID of 31 bytes"),
            ("key-long", key + b"\0", "a byte behind the pack ID"), ("key-other", b"\1", "one byte that is not 0")):
        entry(name, "refuse COV-1", wrong, row, note)
    for name, value, note in (
            ("level", [3, 1000, now, 2000], "level 3"), ("fields", row[:3], "no total"),
            ("more-fields", [*row, 0], "a field more"), ("size", [2, -1, now, 2000], "a size below zero"),
            ("time", [2, 1000, "now", 2000], "a time in text"), ("map", {0: 2}, "a map")):
        entry(name, "refuse COV-2", key, value, note)
    for name, value, note in (("summary-row", row, "a row in the place of the summary"),
                              ("summary-null", [2, 2000, None, 0, now], "null for a number")):
        entry(name, "refuse COV-2", b"\0", value, note)
    entry("behind", "refuse CONV-4", key, cbor_of(row) + b"\0", "a byte behind")
    entry("boxed", "refuse CONV-4", key, b"\0" + cbor_of(row), "boxed")


def retentions():
    def retention(name, expect, value, note=""):
        case(f"retention/{name}", expect, "retention", note, bytes=value if isinstance(value, bytes) else cbor_of(value))

    retention("governance", "accept", [1, 2592000], "30 days that a right of its own can lift")
    retention("compliance", "accept", [2, (1 << 64) - 1], "for longer than anything lasts")
    for name, value, note in (
            ("mode-none", [0, 1], "mode 0"), ("mode-unknown", [3, 1], "mode 3"), ("mode-text", ["governance", 1], "a mode in text"),
            ("no-time", [1, 0], "0 seconds"), ("below", [1, -1], "seconds below zero"), ("fields", [1], "no seconds"),
            ("more-fields", [1, 1, 0], "a field more"), ("map", {0: 1}, "a map"), ("null", None, "null")):
        retention(name, "refuse RET-1", value, note)
    retention("behind", "refuse CONV-4", cbor_of([1, 1]) + b"\0", "a byte behind")


def policies():
    def policy(name, expect, value, note=""):
        case(f"policy/{name}", expect, "policy", note, bytes=value if isinstance(value, bytes) else cbor_of(value))

    def named(name, expect, text, note=""):
        case(f"policy-name/{name}", expect, "policy-name", note, text=text)

    hold = ["legal", "hold"]
    policy("good", "accept", {0: 7, 6: 2592000, 7: [hold]})
    policy("full", "accept", {**{key: key + 1 for key in range(6)}, 6: (1 << 64) - 1, 7: [["a", None], ["a", ""], hold],
                              8: 3, 9: ["*.tmp", "!keep.tmp", "*.tmp"]}, "patterns in any order, twice too")
    policy("nothing", "accept", {}, "all is inherited")
    policy("none", "accept", {**{key: 0 for key in range(7)}, 7: [], 9: []}, "no rules, whatever wider scopes say")
    policy("unknown-1000", "accept", {8: 0, 1000: "later"})
    policy("most", "accept", {9: ["x"] * 1024}, "1,024 patterns")
    for name, value, note in (
            ("unknown-key", {10: 0}, "key 10"), ("count-large", {0: 1 << 32}, "a count of 2^32"),
            ("count-below", {2: -1}, "a count below zero"), ("count-text", {0: "7"}, "a count in text"),
            ("count-null", {3: None}, "null for what is inherited"), ("within-below", {6: -1}, "a duration below zero"),
            ("tag-alone", {7: ["legal"]}, "a tag without a place for its value"),
            ("tag-unnamed", {7: [["", "hold"]]}, "a tag without a name"),
            ("tag-order", {7: [hold, ["a", "b"]]}, "names descend"), ("tag-twice", {7: [hold, hold]}, "a tag twice"),
            ("tag-any-behind", {7: [hold, ["legal", None]]}, "any value behind one"),
            ("tag-bytes", {7: [["legal", b"hold"]]}, "a value in bytes"),
            ("compression", {8: 4}, "compression 4"), ("pattern-empty", {9: ["*.tmp", ""]}, "an empty pattern"),
            ("pattern-bytes", {9: [b"*.tmp"]}, "a pattern in bytes"), ("patterns-over", {9: ["x"] * 1025}, "1,025 patterns"),
            ("large", {9: ["x" * 65536]}, "more than 65,536 bytes"), ("list", [7], "an array")):
        policy(name, "refuse POL-1", value, note)
    policy("behind", "refuse CONV-4", cbor_of({0: 7}) + b"\0", "a byte behind")
    policy("long-head", "refuse CONV-4", b"\xa1\0\x18\7", "a count that could be shorter")
    policy("order", "refuse CONV-4", b"\xa2\1\1\0\1", "keys descend")

    desk = {0: "folder", 1: "desk", 2: "me", 3: [b"/home/me"]}
    named("global", "accept", "global")
    named("service", "accept", "service/onedrive")
    named("service-slash", "accept", "service/a/b")
    named("source", "accept", f"source/{cbor_of(desk).hex()}")
    named("source-drive", "accept", f"source/{cbor_of({0: 'onedrive', 4: b'b!1'}).hex()}")
    for name, text, note in (
            ("other", "keep", "a name of the writer's own"), ("empty", "", "no name"),
            ("global-more", "global/x", "more than global"), ("service-none", "service/", "no service"),
            ("service-alone", "service", "no slash"), ("source-alone", "source", "no slash"),
            ("capital", f"source/{cbor_of(desk).hex().upper()}", "in capitals"),
            ("no-hex", "source/xy", "no hexadecimal"), ("no-source", f"source/{cbor_of({1: 'desk'}).hex()}", "no service"),
            ("later-key", f"source/{cbor_of({**desk, 1000: 0}).hex()}", "a second name of the same source"),
            ("no-paths", f"source/{cbor_of({0: 'folder', 3: []}).hex()}", "a default is written out")):
        named(name, "refuse POL-2", text, note)
    named("source-empty", "refuse CONV-4", "source/", "no bytes")

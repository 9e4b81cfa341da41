"""Loads and runs the cases of `spec/vectors` (their format is in its README)."""

from pathlib import Path

import cbor
import coverage
import header
import keys as k
import log
import maps
import objects
import packs
import policies
import segments
import slots
import snapshots
import splitter
import trees
from keys import H, Keys
from refuse import Refused, check
from rows import reference

FOLDER = Path(__file__).resolve().parent.parent / "vectors"


class Case:
    def __init__(self, path, text):
        self.name = str(path)
        self.fields = {}
        for line in text.splitlines():
            if line and not line.startswith("#"):
                key, _, value = line.partition(":")
                self.fields.setdefault(key, []).append(value.strip())
        self.expect = self["expect"]
        self.refused = self.expect.startswith("refuse ")

    def __getitem__(self, key):
        return self.fields[key][0]

    def bytes(self, key):
        return bytes.fromhex(self[key])

    def int(self, key):
        return int(self[key])

    @property
    def keys(self):
        return Keys(self.bytes("master-key"))

    def run(self):
        """Runs the case; raises AssertionError if it turns out otherwise than expected."""
        try:
            results = RUN[self["kind"]](self)
        except Refused as error:
            assert self.expect == f"refuse {error.clause}", f"{self.name}: {self.expect}, but: {error}"
            return
        assert not self.refused, f"{self.name}: accepted, but should be refused"
        for key, value in results.items():
            found = value if isinstance(value, list) else [value]
            found = [v.hex() if isinstance(v, bytes) else str(v) for v in found]
            assert self.fields.get(key, []) == found, f"{self.name}: {key} is {found}"


def load_all():
    return [Case(path.relative_to(FOLDER), path.read_text()) for path in sorted(FOLDER.glob("*/*.txt"))]


def stream(case):
    if case["stream"] == "zeros":
        return bytes(case.int("size"))
    return k.blake3(case["stream"].encode()).digest(length=case.int("size"))


def run_header(c):
    head = header.open_header(c.keys, c.bytes("bytes"), c.int("blob-kind"), c.bytes("repository-id"))
    return {"salt": head.salt}


def run_keys(c):
    keys = c.keys
    return {"content-id-key": keys.id, "part-key": keys.part, "synthetic-key": keys.syn, "commitment-key": keys.commit,
            "map-key": keys.map, "gear": " ".join(f"{value:016x}" for value in keys.gear[:4])}


def run_slot(c):
    slot = slots.decode_slot(c.bytes("bytes"), c.bytes("slot-id"))
    return {"master-key": slots.open_slot(slot, c.bytes("secret"))}


def run_part(c):
    part = c.bytes("bytes")
    check(len(part) >= 32, "SEAL-4", "a sealed part under 32 bytes")
    return {"stored": k.unseal_in(c.keys, c.bytes("context"), part)}


def run_frame(c):
    return {"raw": k.decompress(c.int("codec"), c.bytes("bytes"), c.int("raw-length"))}


def run_pack(c):
    keys, repository, blob = c.keys, c.bytes("repository-id"), c.bytes("bytes")
    kind, pack_id = c.int("blob-kind"), c.bytes("blob-id")
    told = []
    for place in packs.decode_pack(keys, repository, blob, kind, pack_id):
        head = header.open_header(keys, blob, kind, repository)
        sealed = blob[place.offset:place.offset + place.stored + 32]
        frame = packs.open_frame(keys, head, place.part, sealed, place.raw, place.codec, place.list_hash)
        plain = packs.take_content(keys, place, frame, place.kind)
        told.append(f"{place.id.hex()} {place.kind} {plain.hex()}")
    return {"content": told}


def run_pack_footer(c):
    head = header.Header(0, c.int("blob-kind"), 1, 0, bytes(16))
    places = packs.decode_footer(c.bytes("bytes"), head, bytes(32), c.int("footer-offset"))
    return {"content": [f"{p.id.hex()} {p.kind} {p.part} {p.offset} {p.at} {p.size}" for p in places]}


def told_places(places):
    return {"content": [f"{p.id.hex()} {p.kind} {p.pack.hex()} {p.part} {p.at} {p.size}" for p in places]}


def run_index_segment(c):
    return told_places(segments.decode_index(c.keys, c.bytes("repository-id"), c.bytes("bytes"), c.bytes("blob-id")))


def run_index_table(c):
    return told_places(segments.decode_index_table(c.bytes("bytes"), *map(int, c["counts"].split())))


def run_manifest_segment(c):
    rows = segments.decode_manifests(c.keys, c.bytes("repository-id"), c.bytes("bytes"), c.bytes("blob-id"))
    return {"manifest": [row[0] for row in rows]}


def run_record(c):
    blob, revision = c.bytes("bytes"), c.int("revision")
    body = log.decode_record(c.keys, c.bytes("repository-id"), blob, revision)
    check("previous" not in c.fields or body[1] == c.bytes("previous"), "LOG-5", "does not chain")
    return {"commit-id": body[2], "action": [a[0] for a in body[5]], "hash": H(blob)}


def run_catalog(c):
    body = log.decode_catalog(c.keys, c.bytes("repository-id"), c.bytes("bytes"), c.int("revision"))
    return {"record-hash": body[1], "keys": " ".join(map(str, body))}


def run_cbor(c):
    cbor.decode(c.bytes("bytes"))
    return {}


def run_object(c):
    """What a writer makes of a stream: reference and, for depth 1, the list's rows."""
    from testing import Writer, cbor_of
    writer, pool = Writer(), {}
    writer.keys = c.keys
    ref = writer.object(pool, stream(c), c.int("average"))
    checked = objects.check_reference(ref)
    store = type("Pool", (), {"get": lambda self, content, kind: pool[content][1]})()
    rows = objects.contents_of(store, checked)
    return {"reference": cbor_of(ref), "row": [f"{content.hex()} {size}" for content, size in rows]}


def run_reference(c):
    value = cbor.decode(c.bytes("bytes"))
    check(reference(value), "OBJ-1", "not an object reference")
    ref = objects.check_reference(value)
    return {"depth": ref.depth, "content-id": ref.id, "size": ref.size}


def run_list(c):
    return {"row": [f"{content.hex()} {size}" for content, size in objects.decode_list(c.bytes("bytes"))]}


def run_map(c):
    from testing import Writer
    writer, pool = Writer(), {}
    writer.keys = c.keys
    pairs = [line.split(" ") for line in c.fields.get("entry", [])]
    root = writer.map(pool, {bytes.fromhex(key): bytes.fromhex(value) for key, value in pairs})
    return {"root": root, "node": sorted(content.hex() for content in pool)}


def run_node(c):
    node = maps.decode_node(c.bytes("bytes"))
    return {"level": node.level, "entries": len(node.entries)}


def run_child(c):
    """`child` is what the entry number `at` of `bytes` names."""
    node, child, at = maps.decode_node(c.bytes("bytes")), maps.decode_node(c.bytes("child")), c.int("at")
    first, _, below = node.entries[at]
    bound = node.entries[at + 1][0] if at + 1 < len(node.entries) else None
    maps.check_child(node, child, first, bound, below)
    return {}


def run_tree_key(c):
    name, discriminator = trees.split_key(c.bytes("bytes"))
    return {"name": name, "discriminator": discriminator}


def run_boxed(key, decode, field):
    """A map value that stands for a body, of which one field is told; of an object only the size (MAP-5)."""
    def run(c):
        body = maps.unbox(c.bytes("bytes"))
        return {"size": body.size} if isinstance(body, objects.Reference) else {key: decode(body)[field]}
    return run


def run_ledger_entry(c):
    """What the service knows, and the size of the object, if they are there."""
    body = maps.unbox(c.bytes("bytes"))
    if isinstance(body, objects.Reference):
        return {"size": body.size}
    entry = snapshots.decode_ledger_entry(body)
    told = {"object-size": entry[0][2]} if 0 in entry else {}
    return {**told, "data": entry[1]} if 1 in entry else told


def run_coverage(c):
    """An entry of the verification map: the summary, or the row of a pack."""
    key, value = c.bytes("key"), c.bytes("bytes")
    if key == coverage.SUMMARY_KEY:
        packs, size, decoded, decoded_size, _ = coverage.decode_summary(key, value)
        return {"packs": packs, "size": size, "decoded": decoded, "decoded-size": decoded_size}
    found = coverage.decode_row(key, value)
    return {"revision": found.revision, "pack-kind": found.kind, "pack": found.pack, "level": found.level,
            "size": found.size, "total": found.total}


def run_policy_name(c):
    scope, within = policies.scope_of(c["text"])
    return {"scope": scope, **({"service": within if scope == "service" else within[0]} if within else {})}


def run_copy_marker(c):
    repository, copy = header.decode_copy_marker(c.bytes("bytes"))
    return {"repository-id": repository, "copy-id": copy}


RUN = {
    "keys": run_keys, "content-id": lambda c: {"id": c.keys.content_id(c.int("content-kind"), c.bytes("bytes"))},
    "header": run_header, "slot": run_slot, "part": run_part, "frame": run_frame, "pack": run_pack,
    "pack-footer": run_pack_footer, "index-segment": run_index_segment, "index-table": run_index_table,
    "manifest-segment": run_manifest_segment, "record": run_record, "catalog": run_catalog, "cbor": run_cbor,
    "object": run_object, "reference": run_reference, "list": run_list, "map": run_map, "node": run_node,
    "child": run_child, "tree-key": run_tree_key, "tree-value": run_boxed("entry-kind", trees.decode_entry, 0),
    "format": lambda c: {"repository-id": header.decode_format(c.bytes("bytes"))},
    "copy-marker": run_copy_marker,
    "manifest": lambda c: {"state": snapshots.decode_manifest(c.bytes("bytes"))[3]},
    "manifest-row": lambda c: {"manifest": segments.decode_row(c.bytes("bytes"))[0]},
    "failure": run_boxed("cause", snapshots.decode_failure, 0),
    "ledger-entry": run_ledger_entry,
    "coverage": run_coverage,
    "policy": lambda c: {"keys": " ".join(map(str, policies.decode_policy(c.bytes("bytes"))))},
    "policy-name": run_policy_name,
    "retention": lambda c: dict(zip(("mode", "seconds"), policies.decode_retention(c.bytes("bytes")))),
    "part-entry": run_boxed("covered", snapshots.decode_part_entry, 1),
    "splitter": lambda c: {"pieces": " ".join(map(str, splitter.pieces(c.keys.gear, c.int("average"), stream(c))))},
    "recovery": lambda c: {"key": slots.recovery_key(c["text"])},
    "padme": lambda c: {"padded": k.padme(c.int("size"))},
}

"""A writer of tiny repositories, for tests and vectors only: everything in memory, nothing concurrent.

All randomness comes from a label, so the same calls give the same bytes.
"""

import os

import cbor2
import zstandard
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import keys as k
import maps
import splitter
from header import (CATALOG, DATA_PACK, FORMAT, INDEX_SEGMENT, MAGIC, MANIFEST_SEGMENT, META_PACK, RECORD, SLOT,
                    Header)
from keys import FOOTER_PART, ZERO_ID, H, K, Keys, padme
from packs import CONTENT_SIZE_MAX, DATA, FRAME_SIZE_MAX, LIST, MANIFEST, NODE, TRAILER_MAGIC, Place, list_hash
from slots import PASSPHRASE, key_encryption_key
from storage import catalog_name, pack_name, record_name, segment_name


def le(value, size):
    return value.to_bytes(size, "little")


def cbor_of(value):
    """Deterministic CBOR (CONV-4)."""
    return cbor2.dumps(value, canonical=True)


def stream_of(label, size):
    """Pseudo-random input that vectors name by a label: BLAKE3 of the label, extended to `size` bytes."""
    return k.blake3(label.encode()).digest(length=size)


class Writer:
    """Knows a repository's keys and makes its blobs; `blobs` holds what was put, name → bytes."""

    def __init__(self, label="corso vectors"):
        self.label, self.draws, self.blobs = label, 0, {}
        self.master = H(f"{label} master key".encode())
        self.repository = H(f"{label} repository".encode())[:16]
        self.keys = Keys(self.master)

    def random(self, size):
        self.draws += 1
        return stream_of(f"{self.label} random {self.draws}", size)

    # Headers, parts, slots.

    def header(self, kind, keys=None, **other):
        """The common header; `other` changes fields for the sake of a refusal."""
        f = {"magic": MAGIC, "version": 0, "suite": 1, "epoch": 0, "repository": self.repository, **other}
        salt = other["salt"] if "salt" in other else self.random(32)
        front = (f["magic"] + le(f["version"], 2) + bytes([kind, f["suite"]]) + le(f["epoch"], 4)
                 + f["repository"] + salt)
        commitment = K((keys or self.keys).commit, front)
        return front + commitment, Header(f["version"], kind, f["suite"], f["epoch"], f["repository"], salt, commitment)

    def seal(self, head, index, codec, raw, stored, keys=None, **rest):
        """SEAL-2 to SEAL-4."""
        keys, ctx = keys or self.keys, k.context(head, index, codec, raw, len(stored), **rest)
        syn = K(keys.syn, ctx + stored)[:16]
        return syn + AESGCM(K(keys.part, ctx + syn)).encrypt(k.NONCE, stored, ctx + syn)

    def format_blob(self):
        return with_hash(self.header(FORMAT, salt=bytes(32))[0][:32])

    def slot(self, kind, secret):
        """A slot's ID and blob; a passphrase gets the least costs that are allowed."""
        slot_id, salt = self.random(16), self.random(32)
        kdf, *costs = (1, 65536, 3, 1) if kind == PASSPHRASE else (0, 0, 0, 0)
        tail = self.format_blob() + slot_id + bytes([kind, kdf, 0, 0]) + b"".join(le(n, 4) for n in costs) + salt
        kek = Keys(key_encryption_key(bytes(96) + tail, kind, secret, salt, *costs))
        front, head = self.header(SLOT, kek)
        return slot_id, with_hash(front + tail + self.seal(head, 0, 0, 32, self.master, kek, slot=slot_id))

    # Packs and segments.

    def pack(self, frames, kind=DATA_PACK, codec=1):
        """`frames`: lists of (content kind, plaintext). Returns pack ID, blob and places."""
        front, head = self.header(kind)
        blob, rows, contents, places = front, b"", b"", []
        for part, frame in enumerate(frames):
            raw = b"".join(plain for _, plain in frame)
            stored, used = compress(raw, codec)
            ids = [(self.keys.content_id(kind_, plain), len(plain)) for kind_, plain in frame]
            identity, start = list_hash(ids), 0
            for (content, size), (content_kind, _) in zip(ids, frame):
                places.append(Place(content, content_kind, None, kind, head.salt, part, len(blob), len(stored),
                                    len(raw), used, identity, start, size))
                contents += content + le(size, 4) + bytes([content_kind, 0, 0, 0])
                start += size
            rows += le(len(stored), 4) + le(len(raw), 4) + bytes([used, 0, 0, 0]) + le(len(frame), 4)
            blob += self.seal(head, part, used, len(raw), stored, list_hash=identity)
        made = le(len(frames), 4) + le(len(places), 4) + rows + contents
        blob = self.close(blob, head, made)
        return H(blob), blob, [Place(**{**vars(place), "pack": H(blob)}) for place in places]

    def close(self, blob, head, table):
        """Footer with its padding, and trailer (PACK-2, CONV-5, CONV-6)."""
        size = len(blob) + len(table) + 32 + 12
        table += bytes(padme(size) - size)
        footer = self.seal(head, FOOTER_PART, 0, len(table), table)
        return blob + footer + le(len(footer), 4) + TRAILER_MAGIC

    def segment(self, kind, table, counts):
        """Segment ID and blob of any table (SEG)."""
        front, head = self.header(kind)
        pages = [table[i:i + 65536] for i in range(0, len(table), 65536)]
        blob = front + b"".join(self.seal(head, i, 0, len(page), page) for i, page in enumerate(pages))
        footer = le(len(table), 8) + le(len(pages), 4) + bytes(4) + b"".join(le(count, 4) for count in counts)
        blob = self.close(blob, head, footer)
        return H(blob), blob

    def index_segment(self, places):
        return self.segment(INDEX_SEGMENT, *index_table(places))

    def manifest_segment(self, rows):
        table = b"".join(le(len(row), 4) + row for row in (cbor_of(row) for row in sorted(rows, key=lambda r: r[0])))
        return self.segment(MANIFEST_SEGMENT, table, (len(rows), 0, 0, 0))

    # Records and catalogs.

    def body(self, kind, revision, body, codec=0, raw=None, padding=b""):
        """A record or catalog; `body` is the CBOR map, or `raw` its bytes (LOG-1, LOG-2)."""
        plain = cbor_of(body) if raw is None else raw
        front, head = self.header(kind)
        stored, codec = compress(plain, codec)
        size = 112 + len(stored) + 32 + 32
        stored += padding or bytes(padme(size) - size)
        length = len(plain) if codec else len(stored)
        fields = bytes([codec, 0, 0, 0]) + le(len(stored) + 32, 4) + le(length, 8)
        return with_hash(front + fields + self.seal(head, 0, codec, length, stored, revision=revision))

    def record(self, revision, previous, actions, **other):
        body = {0: revision, 1: previous, 2: self.random(16), 3: {0: "host", 1: "", 2: "testing", 3: ""},
                4: 1_700_000_000_000_000_000 + revision, 5: actions}
        return self.body(RECORD, revision, {**body, **other.pop("body", {})}, **other)

    def catalog(self, revision, hash_, **body):
        least = {0: revision, 1: hash_, 2: 1, **{key: [] for key in range(3, 17) if key != 15}, 17: 0}
        return self.body(CATALOG, revision, {**least, **body.pop("body", {})}, **body)

    # Objects and maps: what they consist of goes to `pool` as (kind, plaintext).

    def content(self, pool, kind, plain):
        content = self.keys.content_id(kind, plain)
        pool[content] = (kind, plain)
        return content

    def object(self, pool, data, average=1 << 16, kind=DATA):
        """Stores a stream and returns its reference (OBJ)."""
        if not data:
            return [0, ZERO_ID, 0]
        depth, part = 0, data
        while True:
            cut, start, rows = list(splitter.pieces(self.keys.gear, average, part)), 0, b""
            for size in cut:
                rows += self.content(pool, kind, part[start:start + size]) + le(size, 4)
                start += size
            if len(cut) == 1:
                return [depth, rows[:32], len(data)]
            depth, part, kind = depth + 1, rows, LIST

    def map(self, pool, entries):
        """Stores a map and returns its root (MAP-2, MAP-3)."""
        level, rows = 0, sorted(entries.items())
        while True:
            nodes, node = [], []
            for row in rows:
                node.append(row)
                if maps.ends_node(self.keys, level, row[0], len(node)):
                    nodes, node = nodes + [node], []
            nodes += [node] if node or not nodes else []
            rows = [(node[0][0] if node else b"", self.content(pool, NODE, node_bytes(level, node)), below(level, node))
                    for node in nodes]
            if len(rows) == 1:
                return rows[0][1]
            level += 1

    # A whole repository.

    def put(self, name, blob):
        self.blobs[name] = blob

    def init(self, *slots):
        """INIT-1; `slots` are (kind, secret)."""
        made = [(kind, *self.slot(kind, secret)) for kind, secret in slots]
        for _, slot_id, blob in made:
            self.put(f"keys/{slot_id.hex()}", blob)
        self.put("corso.format", self.format_blob())
        self.revision, self.head = 0, ZERO_ID
        self.commit([[10, "splitter", cbor_of([1, 1 << 14, 1 << 16, 1 << 18])]]
                    + [[11, slot_id, kind, "testing"] for kind, slot_id, _ in made])

    def commit(self, actions, codec=0):
        self.revision += 1
        blob = self.record(self.revision, self.head, actions, codec=codec)
        self.head = H(blob)
        self.put(record_name(self.revision), blob)

    def put_catalog(self, body):
        self.put(catalog_name(self.revision), self.catalog(self.revision, self.head, body=body))

    def snapshot(self, root, pool, codec=1, start=1_700_000_000_000_000_000, more=()):
        """Stores a manifest over the folder entry `root` with packs, segment and record; returns its row.

        `more` are further keys of the manifest.
        """
        manifest = {0: {0: "folder", 1: "host", 3: [b"/data"]}, 1: start, 2: start + 1, 3: 0, 4: root, 6: {0: 1},
                    7: [], 8: [], 9: self.revision, 10: self.random(16), 11: [1, 1 << 14, 1 << 16, 1 << 18], **dict(more)}
        manifest_id = self.content(pool, MANIFEST, cbor_of(manifest))
        places, packs = [], []
        for kind in (DATA_PACK, META_PACK):
            mine = [(ck, plain) for ck, plain in pool.values() if (ck == DATA) == (kind == DATA_PACK)]
            if mine:
                pack_id, blob, found = self.pack(gather(mine), kind, codec)
                self.put(pack_name(pack_id, kind), blob)
                places, packs = places + found, packs + [pack_id]
        segment, blob = self.index_segment(places)
        self.put(segment_name(segment), blob)
        ids = sorted(place.id for place in places)
        row = {**manifest_row(manifest_id, packs[-1], start), 4: manifest[0], 8: root.get(2, 0), 13: manifest[10]}
        self.commit([[1, [[segment, len(places), ids[0], ids[-1], len(blob)]]], [3, row, sorted(packs), []]])
        return row

    def save(self, folder):
        for name, blob in self.blobs.items():
            path = os.path.join(folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(blob)


def with_hash(body):
    return body + H(body)


def compress(raw, codec):
    """Stored bytes and the codec used: what does not shrink stays raw (PACK-4)."""
    stored = zstandard.ZstdCompressor(level=3).compress(raw) if codec else raw
    return (stored, 1) if len(stored) < len(raw) else (raw, 0)


def gather(contents):
    """Contents into frames of at most 1 MiB."""
    frames, room = [], 0
    for kind, plain in contents:
        assert len(plain) <= CONTENT_SIZE_MAX
        if len(plain) > room:
            frames, room = frames + [[]], FRAME_SIZE_MAX
        frames[-1].append((kind, plain))
        room -= len(plain)
    return frames


def index_table(places):
    """Table and counts of an index segment over places (IDX-1, IDX-2)."""
    packs = sorted({(p.pack, p.salt, p.pack_kind) for p in places})
    pack_row = {pack[0]: i for i, pack in enumerate(packs)}
    frames = sorted({(pack_row[p.pack], p.part, p.offset, p.stored, p.raw, p.codec, p.list_hash) for p in places})
    frame_row = {frame[:2]: i for i, frame in enumerate(frames)}
    rows = sorted((p.id, frame_row[pack_row[p.pack], p.part], p.at, p.size, p.kind) for p in places)
    rows = [row for i, row in enumerate(rows) if i == 0 or row[:2] != rows[i - 1][:2]]
    table = b"".join(pack + salt + bytes([kind]) + bytes(7) for pack, salt, kind in packs)
    for pack, part, offset, stored, raw, codec, identity in frames:
        table += identity + b"".join(le(n, 4) for n in (pack, part, offset, stored, raw)) + bytes([codec, 0, 0, 0])
    for content, frame, at, size, kind in rows:
        table += content + le(frame, 4) + le(at, 4) + le(size, 4) + bytes([kind, 0, 0, 0])
    return table, (len(packs), len(frames), len(rows), 0)


def node_bytes(level, entries):
    """The plaintext of a node (MAP-2); inner entries are (key, child, count)."""
    data = bytes([level, 0]) + le(len(entries), 2)
    for key, *value in entries:
        value = value[0] if level == 0 else value[0] + le(value[1], 8)
        data += le(len(key), 2) + le(len(value), 2) + key + value
    return data


def below(level, entries):
    return len(entries) if level == 0 else sum(entry[2] for entry in entries)


def boxed(pool, writer, fields):
    """The map value that stands for a CBOR body, an object where it is too large (MAP-5)."""
    body = cbor_of(fields)
    if len(body) < 1024:
        return b"\0" + body
    return b"\1" + cbor_of(writer.object(pool, body))


def manifest_row(manifest, pack=ZERO_ID, start=1, revision=0):
    """The row of a complete, empty snapshot (CAT-4)."""
    return {0: manifest, 1: pack, 2: revision, 4: {0: "folder"}, 5: start, 6: start + 1, 7: 0, 8: 0, 9: 0, 10: 0, 11: 0,
            12: [], 13: bytes(16), 14: 0}

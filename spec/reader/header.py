"""The common header, the format blob, the copy marker, and the hash that ends or names a blob (CONV-7 to CONV-10, FMT,
COPY-1)."""

from dataclasses import dataclass

from cursor import Cursor
from keys import H, K
from refuse import check

FORMAT, SLOT, DATA_PACK, META_PACK, INDEX_SEGMENT, MANIFEST_SEGMENT, RECORD, CATALOG, COPY_MARKER = range(1, 10)
KIND_NAMES = {1: "format blob", 2: "key slot", 3: "data pack", 4: "metadata pack", 5: "index segment",
              6: "manifest segment", 7: "record", 8: "catalog", 9: "copy marker"}
MAGIC = b"CORSOBLB"
BLOB_SIZE_MAX = 64 << 20
HEADER_SIZE = 96


@dataclass(frozen=True)
class Header:
    version: int
    kind: int
    suite: int
    epoch: int
    repository: bytes
    salt: bytes = bytes(32)
    commitment: bytes = bytes(32)


def check_own_hash(blob):
    """A format blob, copy marker, slot, record or catalog ends in H of what precedes it (CONV-10)."""
    check(len(blob) <= BLOB_SIZE_MAX, "CONV-7", "larger than 64 MiB")
    check(len(blob) >= 32 and H(blob[:-32]) == blob[-32:], "CONV-10", "damaged: the hash at its end differs")
    return blob[:-32]


def check_name_hash(blob, blob_id):
    """A pack or segment is named by H of its bytes (CONV-10)."""
    check(len(blob) <= BLOB_SIZE_MAX, "CONV-7", "larger than 64 MiB")
    check(H(blob) == blob_id, "CONV-10", "damaged: its hash is not its name")


def decode_short(blob, kind):
    """Reads the first 32 bytes, in the order of CONV-9."""
    at = Cursor(blob, "CONV-8")
    check(at.take(8) == MAGIC, "CONV-9", "not a Corso blob")
    version = at.uint(2)
    check(version == 0, "COMP-1", f"format version {version} needs a newer release; this reader knows 0")
    found = at.uint(1)
    check(found == kind, "CONV-9", f"a {KIND_NAMES.get(found, found)} under the name of a {KIND_NAMES[kind]}")
    suite = at.uint(1)
    check(suite == 1, "CONV-9", f"unknown suite {suite}")
    epoch = at.uint(4)
    check(epoch == 0, "CONV-9", f"unknown key epoch {epoch}")
    return Header(version, kind, suite, epoch, at.take(16))


def decode_header(blob, kind, repository):
    """Reads the common header; the key commitment is left to `check_commitment`."""
    short = decode_short(blob, kind)
    check(short.repository == repository, "CONV-9", "a blob of another repository")
    at = Cursor(blob[32:], "CONV-8")
    return Header(short.version, kind, short.suite, short.epoch, repository, at.take(32), at.take(32))


def check_commitment(keys, blob, head, clause="CONV-9"):
    check(K(keys.commit, blob[:64]) == head.commitment, clause, "wrong key")


def open_header(keys, blob, kind, repository):
    """All of CONV-9."""
    head = decode_header(blob, kind, repository)
    check_commitment(keys, blob, head)
    return head


def decode_format(blob):
    """Reads the format blob and returns the repository ID (FMT-1)."""
    body = check_own_hash(blob)
    check(len(blob) == 64, "FMT-1", f"a format blob of {len(blob)} bytes")
    return decode_short(body, FORMAT).repository


def decode_copy_marker(blob):
    """Reads what marks a copy and returns repository ID and copy ID (COPY-1)."""
    body = check_own_hash(blob)
    head = decode_short(body, COPY_MARKER)
    check(len(blob) == 80, "COPY-1", f"a copy marker of {len(blob)} bytes")
    return head.repository, body[32:]

"""Hashes, subkeys and sealed parts (CONV-3, KEY, SEAL)."""

from functools import cached_property

import zstandard
from blake3 import blake3
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from refuse import Refused, check

CONTEXT = "corso 2026-11-22 v0 "
FOOTER_PART = 0xFFFFFFFF
SEAL_SIZE = 32
ZERO_ID = bytes(32)
NONCE = bytes(12)


def H(data):
    return blake3(data).digest()


def K(key, data):
    return blake3(data, key=key).digest()


def D(purpose, data, size=32):
    return blake3(data, derive_key_context=CONTEXT + purpose).digest(length=size)


class Keys:
    """The subkeys of a master key, or of a slot's key-encryption key (KEY-2)."""

    def __init__(self, secret):
        self.secret = secret
        self.part = D("part key", secret)
        self.syn = D("part synthetic", secret)
        self.commit = D("key commitment", secret)

    @cached_property
    def id(self):
        return D("content id", self.secret)

    @cached_property
    def map(self):
        return D("map boundary", self.secret)

    @cached_property
    def gear(self):
        table = D("splitter gear", self.secret, 2048)
        return [int.from_bytes(table[8 * i:8 * i + 8], "little") for i in range(256)]

    def content_id(self, kind, plaintext):
        return K(self.id, bytes([kind]) + plaintext)


def context(head, index, codec, raw, stored, list_hash=ZERO_ID, revision=0, slot=bytes(16)):
    """The 182 bytes that identify a sealed part (SEAL-1)."""
    def le(value, size):
        return value.to_bytes(size, "little")
    return (le(head.version, 2) + bytes([head.suite, head.kind]) + le(head.epoch, 4) + head.repository + head.salt
            + le(index, 4) + bytes([codec, 0]) + le(raw, 8) + le(stored, 8) + list_hash + le(revision, 8) + slot
            + bytes(48))


def unseal(keys, part, head, index, codec, raw, **rest):
    """Opens a sealed part and returns its stored bytes (SEAL-2 to SEAL-4)."""
    check(len(part) >= SEAL_SIZE, "SEAL-4", "a sealed part under 32 bytes")
    return unseal_in(keys, context(head, index, codec, raw, len(part) - SEAL_SIZE, **rest), part)


def unseal_in(keys, ctx, part):
    syn = part[:16]
    try:
        stored = AESGCM(K(keys.part, ctx + syn)).decrypt(NONCE, part[16:], ctx + syn)
    except InvalidTag as error:
        raise Refused("SEAL-4", "a part does not open: altered, moved, or of another blob") from error
    check(K(keys.syn, ctx + stored)[:16] == syn, "SEAL-4", "a part has another syn than its bytes give")
    return stored


def decompress(codec, stored, raw, padded=False):
    """Undoes a codec, giving exactly `raw` bytes (PACK-4); `padded` allows zeros behind (LOG-2)."""
    if codec == 0:
        check(len(stored) == raw, "PACK-4", "raw and stored length differ without compression")
        return stored
    check(codec == 1, "PACK-4", f"unknown codec {codec}")
    try:
        with zstandard.ZstdDecompressor().stream_reader(stored, read_across_frames=False) as reader:
            check(len(reader.read(raw + 1)) == raw, "PACK-4", f"zstd gives another length than {raw}")
        once = zstandard.ZstdDecompressor().decompressobj()
        plain = once.decompress(stored)
    except zstandard.ZstdError as error:
        raise Refused("PACK-4", f"zstd: {error}") from error
    check(once.eof and len(plain) == raw, "PACK-4", "the zstd frame does not end")
    rest = once.unused_data
    check(not any(rest) if padded else not rest, "LOG-2" if padded else "PACK-4", "bytes behind the zstd frame")
    return plain


def padme(size):
    """The padded size of a blob (CONV-6)."""
    if size < 2:
        return size
    e = size.bit_length() - 1
    mask = (1 << (e - e.bit_length())) - 1
    return (size + mask) & ~mask

"""Key slots and recovery keys (SLOT)."""

from dataclasses import dataclass

from argon2.low_level import Type, hash_secret_raw

from cursor import Cursor
from header import HEADER_SIZE, SLOT, check_commitment, check_own_hash, decode_format, decode_header, decode_short
from keys import D, H, Keys, unseal
from refuse import check

PASSPHRASE, RECOVERY, KEY_FILE = KINDS = 1, 2, 3
SLOT_SIZE = 320
KEY_FILE_SIZES = range(32, (1 << 20) + 1)
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True)
class Slot:
    blob: bytes
    head: object
    id: bytes
    kind: int
    memory: int
    passes: int
    lanes: int
    salt: bytes


def decode_slot(blob, slot_id):
    """Reads a slot without its secret (SLOT-1, SLOT-2)."""
    body = check_own_hash(blob)
    check(len(blob) == SLOT_SIZE, "SLOT-1", f"a key slot of {len(blob)} bytes")
    repository = decode_short(body, SLOT).repository
    check(decode_format(body[96:160]) == repository, "SLOT-1", "its format blob is of another repository")
    at = Cursor(body[160:], "SLOT-1")
    check(at.take(16) == slot_id, "SLOT-1", "a slot under another slot's name")
    kind, kdf = at.uint(1), at.uint(1)
    at.zeros(2)
    memory, passes, lanes, salt = at.uint(4), at.uint(4), at.uint(4), at.take(32)
    check(kind in KINDS, "SLOT-1", f"unknown slot kind {kind}")
    if kind == PASSPHRASE:
        bounded = 65536 <= memory <= 4194304 and 3 <= passes <= 64 and 1 <= lanes <= 16
        check(kdf == 1 and bounded, "SLOT-2", f"KDF {kdf} with costs {memory}, {passes}, {lanes}")
    else:
        check(kdf == 0, "SLOT-2", f"KDF {kdf} for a slot of kind {kind}")
        check((memory, passes, lanes) == (0, 0, 0), "SLOT-2", "costs without a KDF")
    return Slot(blob, decode_header(blob, SLOT, repository), slot_id, kind, memory, passes, lanes, salt)


def key_encryption_key(body, slot_kind, secret, salt, memory, passes, lanes):
    """SLOT-3; `body` is the slot's blob as far as byte 223."""
    if slot_kind == PASSPHRASE:
        secret = hash_secret_raw(secret, salt, passes, memory, lanes, 32, Type.ID, version=0x13)
    elif slot_kind == KEY_FILE:
        check(len(secret) in KEY_FILE_SIZES, "SLOT-2", f"a key file of {len(secret)} bytes")
        secret = H(secret)
    return D("slot key", secret + body[96:224])


def open_slot(slot, secret):
    """Gives the master key (SLOT-4). `secret`: passphrase, recovery key's 32 bytes, or key file's bytes."""
    kek = Keys(key_encryption_key(slot.blob, slot.kind, secret, slot.salt, slot.memory, slot.passes, slot.lanes))
    check_commitment(kek, slot.blob[:HEADER_SIZE], slot.head, "SLOT-4")
    return unseal(kek, slot.blob[224:288], slot.head, 0, 0, 32, slot=slot.id)


def recovery_text(key):
    """Writes a recovery key (SLOT-5)."""
    bits = int.from_bytes(key + H(b"corso recovery key" + key)[:3], "big")
    text = "".join(ALPHABET[bits >> 5 * i & 31] for i in reversed(range(56)))
    return "-".join(text[i:i + 4] for i in range(0, 56, 4))


def recovery_key(text):
    """Reads a recovery key as people type it (SLOT-5)."""
    plain = "".join(c for c in text.upper() if c not in "- \t\r\n").translate(str.maketrans("OIL", "011"))
    check(len(plain) == 56, "SLOT-5", f"a recovery key has 56 characters, not {len(plain)}")
    check(all(c in ALPHABET for c in plain), "SLOT-5", "a character that no recovery key has")
    bits = 0
    for c in plain:
        bits = bits << 5 | ALPHABET.index(c)
    data = bits.to_bytes(35, "big")
    check(H(b"corso recovery key" + data[:32])[:3] == data[32:], "SLOT-5", "mistyped: its checksum differs")
    return data[:32]

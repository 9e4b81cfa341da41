"""Chapters 1 and 3: conventions, keys, slots, sealed parts."""

from case import MASTER, OTHER, REPO, W, case, flip, put, rehash
from header import COPY_MARKER, DATA_PACK, META_PACK
from keys import NONCE, K, context, padme
from slots import KEY_FILE, PASSPHRASE, RECOVERY, recovery_text
from testing import AESGCM, compress, le, stream_of, with_hash


# Chapter 1.

def padmes():
    for size in (0, 1, 2, 3, 8, 9, 100, 1000, 4097, 65536, 65537, 1000000, 33554433):
        case(f"padme/{size}", "accept", "padme", size=size, padded=padme(size))


def headers():
    good = W.header(DATA_PACK)[0]
    more = {**REPO, "blob-kind": DATA_PACK}
    case("header/data-pack", "accept", "header", bytes=good, **more)
    for name, blob, clause, note in (
            ("magic", flip(good, 0), "CONV-9", "not a Corso blob"),
            ("version", put(good, 8, b"\1\0"), "COMP-1", "a newer version"),
            ("kind", W.header(META_PACK)[0], "CONV-9", "a metadata pack where a data pack should be"),
            ("suite", put(good, 11, b"\2"), "CONV-9", "unknown suite"),
            ("epoch", put(good, 12, b"\1"), "CONV-9", "unknown key epoch"),
            ("repository", OTHER.header(DATA_PACK)[0], "CONV-9", "of another repository"),
            ("salt", flip(good, 40), "CONV-9", "the commitment does not fit the salt"),
            ("wrong-key", W.header(DATA_PACK, OTHER.keys)[0], "CONV-9", "made with another master key"),
            ("short", good[:95], "CONV-8", "one byte short")):
        case(f"header/{name}", f"refuse {clause}", "header", note, bytes=blob, **more)


def cbors():
    deep = b"\x81" * 16 + b"\0"
    for name, data in (("map", b"\xa2\x00\x01\x18\x64\x40"), ("depth-16", deep)):
        case(f"cbor/{name}", "accept", "cbor", bytes=data)
    for name, data, note in (
            ("long-integer", b"\x18\x17", "23 in two bytes"), ("long-length", b"\x58\x01\0", "a length in two bytes"),
            ("indefinite", b"\x9f\xff", "indefinite length"), ("order", b"\xa2\x01\0\0\0", "keys out of order"),
            ("duplicate", b"\xa2\0\0\0\1", "a key twice"), ("float", b"\xf9\0\0", "a float"),
            ("tag", b"\xc1\0", "a tag"), ("bignum", b"\xc2\x49\1" + bytes(8), "a tag, though an integer"),
            ("undefined", b"\xf7", "undefined"), ("text-key", b"\xa1\x61a\0", "a text key"),
            ("negative-key", b"\xa1\x20\0", "a negative key"), ("utf-8", b"\x62\xc3\x28", "text that is not UTF-8"),
            ("cut", b"\x82\0", "one item missing"), ("behind", b"\0\0", "a byte behind"), ("empty", b"", "nothing"),
            ("count", b"\x9b" + b"\x7f" * 8, "more items than bytes"),
            ("length", b"\x5b" + b"\x7f" * 8, "longer than what is left"), ("depth-17", b"\x81" + deep, "too deep")):
        case(f"cbor/{name}", "refuse CONV-4", "cbor", note, bytes=data)


# Chapter 3.

def subkeys():
    case("keys/subkeys", "accept", "keys", "KEY-2; gear: the first four entries as numbers", **MASTER)
    for name, kind in (("data", 1), ("list", 2), ("node", 3), ("manifest", 4)):
        case(f"content-id/{name}", "accept", "content-id", content_kind=kind, bytes=b"hello", **MASTER)


def copy_markers():
    # No draw of the writer's: what follows keeps its salts.
    front = W.header(COPY_MARKER, salt=bytes(32))[0][:32]
    body = front + stream_of("copy", 16)
    good = with_hash(body)
    case("copy-marker/good", "accept", "copy-marker", bytes=good)
    case("copy-marker/flipped", "refuse CONV-10", "copy-marker", "damage", bytes=flip(good, 40))
    case("copy-marker/cut", "refuse CONV-10", "copy-marker", "truncated", bytes=good[:79])
    case("copy-marker/short", "refuse COPY-1", "copy-marker", "a byte less of the ID", bytes=with_hash(body[:-1]))
    case("copy-marker/long", "refuse COPY-1", "copy-marker", "a byte more", bytes=with_hash(body + b"\0"))
    case("copy-marker/version", "refuse COMP-1", "copy-marker", "version 1", bytes=rehash(put(good, 8, b"\1")))
    case("copy-marker/kind", "refuse CONV-9", "copy-marker", "a format blob's kind",
         bytes=rehash(put(good, 10, b"\1")))


def formats():
    good = W.format_blob()
    case("format/good", "accept", "format", bytes=good)
    case("format/flipped", "refuse CONV-10", "format", "damage", bytes=flip(good, 20))
    case("format/cut", "refuse CONV-10", "format", "truncated", bytes=good[:63])
    case("format/empty", "refuse CONV-10", "format", "no bytes", bytes=b"")
    case("format/long", "refuse FMT-1", "format", "a byte more", bytes=with_hash(good[:32] + b"\0"))
    case("format/version", "refuse COMP-1", "format", "version 1", bytes=rehash(put(good, 8, b"\1")))
    case("format/suite", "refuse CONV-9", "format", "suite 0", bytes=rehash(put(good, 11, b"\0")))
    case("format/kind", "refuse CONV-9", "format", "the front of a slot", bytes=rehash(put(good, 10, b"\2")))


def recoveries():
    key = bytes(range(32))
    text = recovery_text(key)
    case("recovery/good", "accept", "recovery", text=text, key=key)
    sloppy = text.lower().replace("-", " ").replace("0", "o", 1).replace("1", "l", 1)
    case("recovery/sloppy", "accept", "recovery", "lower case, spaces, o for 0, l for 1", text=sloppy, key=key)
    case("recovery/dashless", "accept", "recovery", text=text.replace("-", ""), key=key)
    wrong = text[:-1] + ("1" if text[-1] == "0" else "0")
    for name, typed in (("checksum", wrong), ("short", text[:-1]), ("long", text + "0"), ("u", "U" + text[1:])):
        case(f"recovery/{name}", "refuse SLOT-5", "recovery", text=typed)


def slots():
    key_file = b"a key file of forty bytes for the vector"
    for name, kind, secret in (("key-file", KEY_FILE, key_file), ("recovery", RECOVERY, bytes(range(32))),
                               ("passphrase", PASSPHRASE, b"correct horse battery staple")):
        slot_id, blob = W.slot(kind, secret)
        case(f"slot/{name}", "accept", "slot", slot_id=slot_id, secret=secret, bytes=blob, **MASTER)
        if kind == KEY_FILE:
            good_id, good = slot_id, blob
    def refuse(name, clause, note, blob=good, secret=key_file, slot_id=good_id):
        case(f"slot/{name}", f"refuse {clause}", "slot", note, slot_id=slot_id, secret=secret, bytes=blob)
    refuse("wrong-secret", "SLOT-4", "another key file", secret=flip(key_file, 0))
    refuse("short-key-file", "SLOT-2", "a key file of 31 bytes", secret=key_file[:31])
    refuse("flipped", "CONV-10", "damage", flip(good, 300))
    refuse("cut", "CONV-10", "truncated", good[:-1])
    refuse("long", "SLOT-1", "a byte more, with its hash", with_hash(good[:-32] + b"\0"))
    refuse("renamed", "SLOT-1", "under another slot's name", slot_id=bytes(16))
    refuse("kind", "SLOT-1", "slot kind 4", rehash(put(good, 176, b"\4")))
    refuse("reserved", "COMP-3", "a reserved byte", rehash(put(good, 178, b"\1")))
    refuse("kdf-for-key-file", "SLOT-2", "Argon2id for a key file", rehash(put(good, 177, b"\1")))
    refuse("costs-without-kdf", "SLOT-2", "memory named without KDF", rehash(put(good, 180, b"\1")))
    refuse("format-of-another", "SLOT-1", "the copied format blob is of another repository",
           rehash(put(good, 96, OTHER.format_blob())))
    refuse("format-damaged", "CONV-10", "the copied format blob has another hash", rehash(flip(good, 150)))
    refuse("part", "SEAL-4", "another sealed byte, with its hash", rehash(flip(good, 250)))
    refuse("salt", "SLOT-4", "another KDF salt gives another key", rehash(flip(good, 200)))
    for name, costs in (("memory-low", (65535, 3, 1)), ("memory-high", (4194305, 3, 1)), ("passes-low", (65536, 2, 1)),
                        ("passes-high", (65536, 65, 1)), ("lanes-low", (65536, 3, 0)), ("lanes-high", (65536, 3, 17))):
        weak = with_hash(put(good[:-32], 176, bytes([PASSPHRASE, 1, 0, 0]) + b"".join(le(n, 4) for n in costs)))
        refuse(f"passphrase-{name}", "SLOT-2", "refused before deriving", weak)
    bare = rehash(put(good, 176, bytes([PASSPHRASE])))
    refuse("passphrase-without-kdf", "SLOT-2", "a passphrase without KDF", bare)


def parts():
    head = W.header(DATA_PACK)[1]
    ctx = context(head, 2, 0, 5, 5)
    good = W.seal(head, 2, 0, 5, b"hello")
    case("part/good", "accept", "part", context=ctx, bytes=good, stored=b"hello", **MASTER)
    case("part/empty", "accept", "part", "no stored bytes", context=context(head, 0, 0, 0, 0),
         bytes=W.seal(head, 0, 0, 0, b""), **MASTER)
    for name, blob, ctx_, note in (
            ("syn", flip(good, 3), ctx, "a flipped byte of syn"), ("text", flip(good, 17), ctx, "a flipped byte"),
            ("tag", flip(good, -1), ctx, "a flipped byte of the tag"), ("short", good[:31], ctx, "31 bytes"),
            ("moved", good, context(head, 3, 0, 5, 5), "as part 3"),
            ("retyped", good, put(ctx, 3, bytes([META_PACK])), "as part of a metadata pack"),
            ("recoded", good, context(head, 2, 1, 5, 5), "as codec 1"),
            ("raw-length", good, context(head, 2, 0, 6, 5), "another raw length"),
            ("stolen", good, context(OTHER.header(DATA_PACK)[1], 2, 0, 5, 5), "in another repository's blob"),
            ("revision", good, context(head, 2, 0, 5, 5, revision=1), "as of revision 1")):
        case(f"part/{name}", "refuse SEAL-4", "part", note, context=ctx_, bytes=blob, **MASTER)
    forged = bytes(16)
    sealed = forged + AESGCM(K(W.keys.part, ctx + forged)).encrypt(NONCE, b"hello", ctx + forged)
    case("part/forged-syn", "refuse SEAL-4", "part", "sealed well under a syn that the bytes do not give",
         context=ctx, bytes=sealed, **MASTER)


def frames():
    raw = b"frame " * 20
    stored = compress(raw, 1)[0]
    case("frame/zstd", "accept", "frame", codec=1, raw_length=len(raw), bytes=stored)
    case("frame/raw", "accept", "frame", codec=0, raw_length=3, bytes=b"raw")
    for name, codec, size, data, note in (
            ("codec", 2, 3, b"raw", "codec 2"), ("raw-length", 0, 4, b"raw", "raw, but of another length"),
            ("longer", 1, len(raw) - 1, stored, "gives more than the raw length"),
            ("shorter", 1, len(raw) + 1, stored, "gives less than the raw length"),
            ("cut", 1, len(raw), stored[:-1], "the zstd frame does not end"),
            ("behind", 1, len(raw), stored + b"\0", "a byte behind the zstd frame"),
            ("two", 1, 2 * len(raw), stored * 2, "two zstd frames"), ("noise", 1, 8, b"not zstd", "not zstd"),
            ("bomb", 1, 100, compress(bytes(1 << 20), 1)[0], "1 MiB of zeros said to be 100 bytes")):
        case(f"frame/{name}", "refuse PACK-4", "frame", note, codec=codec, raw_length=size, bytes=data)

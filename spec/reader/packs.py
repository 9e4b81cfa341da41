"""Packs: frames of contents, sealed, with a footer that is their own index (CID, PACK)."""

from dataclasses import dataclass

from cursor import Cursor
from header import DATA_PACK, HEADER_SIZE, KIND_NAMES, META_PACK, check_name_hash, open_header
from keys import FOOTER_PART, SEAL_SIZE, ZERO_ID, H, decompress, unseal
from refuse import check

DATA, LIST, NODE, MANIFEST = 1, 2, 3, 4
CONTENT_SIZE_MAX = FRAME_SIZE_MAX = 1 << 20
TRAILER_SIZE = 12
TRAILER_MAGIC = b"CORSOEND"
PACK_OF = {DATA: DATA_PACK, LIST: META_PACK, NODE: META_PACK, MANIFEST: META_PACK}


@dataclass(frozen=True)
class Place:
    """Where a content lies: a part of a pack, and a stretch of that frame's raw bytes."""
    id: bytes
    kind: int
    pack: bytes
    pack_kind: int
    salt: bytes
    part: int
    offset: int
    stored: int
    raw: int
    codec: int
    list_hash: bytes
    at: int
    size: int


def list_hash(contents):
    """`contents`: (content ID, raw length) in order (PACK-5)."""
    return H(b"".join(content + size.to_bytes(4, "little") for content, size in contents))


def split_trailer(blob):
    """Returns where the sealed footer begins and the footer (PACK-2)."""
    check(len(blob) >= HEADER_SIZE + SEAL_SIZE + TRAILER_SIZE, "PACK-2", "too short for header, footer and trailer")
    check(blob[-8:] == TRAILER_MAGIC, "PACK-2", "no CORSOEND at its end")
    size = int.from_bytes(blob[-12:-8], "little")
    begin = len(blob) - TRAILER_SIZE - size
    check(size >= SEAL_SIZE and begin >= HEADER_SIZE, "PACK-2", f"a footer of {size} bytes does not fit")
    return begin, blob[begin:-TRAILER_SIZE]


def decode_pack(keys, repository, blob, kind, pack_id):
    """Reads a pack's footer: the places of its contents, in order (PACK-1 to PACK-5)."""
    check_name_hash(blob, pack_id)
    head = open_header(keys, blob, kind, repository)
    begin, footer = split_trailer(blob)
    table = unseal(keys, footer, head, FOOTER_PART, 0, len(footer) - SEAL_SIZE)
    return decode_footer(table, head, pack_id, begin)


def decode_footer(table, head, pack_id, begin):
    """`begin`: where the sealed footer begins, which is where the frames must end (PACK-3)."""
    at = Cursor(table, "PACK-3")
    frame_count, content_count = at.uint(4), at.uint(4)
    check(1 <= frame_count <= 65536, "PACK-3", f"{frame_count} frames")
    check(frame_count <= content_count <= 1048576, "PACK-3", f"{content_count} contents in {frame_count} frames")
    check(16 * frame_count + 40 * content_count <= at.left(), "PACK-3", "more rows than bytes")
    frames = [_frame_row(at) for _ in range(frame_count)]
    contents = [_content_row(at, head.kind) for _ in range(content_count)]
    at.padding()
    check(sum(f[3] for f in frames) == content_count, "PACK-3", "the frames' contents do not add up")
    places, offset = [], HEADER_SIZE
    for part, (stored, raw, codec, count) in enumerate(frames):
        mine, contents = contents[:count], contents[count:]
        check(sum(size for _, size, _ in mine) == raw, "PACK-3", f"frame {part} has not the length of its contents")
        identity, start = list_hash((c, size) for c, size, _ in mine), 0
        for content, size, kind in mine:
            places.append(Place(content, kind, pack_id, head.kind, head.salt, part, offset, stored, raw, codec,
                                identity, start, size))
            start += size
        offset += stored + SEAL_SIZE
    check(offset == begin, "PACK-3", "the footer does not begin where the last frame ends")
    return places


def _frame_row(at):
    stored, raw, codec = at.uint(4), at.uint(4), at.uint(1)
    at.zeros(3)
    count = at.uint(4)
    check(count >= 1, "PACK-3", "a frame without contents")
    check_frame(stored, raw, codec, "PACK-3")
    return stored, raw, codec, count


def check_frame(stored, raw, codec, clause):
    check(codec in (0, 1), "PACK-4", f"unknown codec {codec}")
    check(1 <= raw <= FRAME_SIZE_MAX, clause, f"a frame of {raw} raw bytes")
    check(stored == raw if codec == 0 else 1 <= stored <= raw, "PACK-4", f"{stored} stored bytes for {raw}")


def _content_row(at, pack_kind):
    content, size, kind = at.take(32), at.uint(4), at.uint(1)
    at.zeros(3)
    check(content != ZERO_ID, "CID-1", "a zero content ID")
    check(1 <= size <= CONTENT_SIZE_MAX, "CID-1", f"a content of {size} bytes")
    check(PACK_OF.get(kind) == pack_kind, "PACK-1", f"a content of kind {kind} in a {KIND_NAMES[pack_kind]}")
    return content, size, kind


def open_frame(keys, head, part, sealed, raw, codec, identity):
    """Opens and decompresses one frame."""
    return decompress(codec, unseal(keys, sealed, head, part, codec, raw, list_hash=identity), raw)


def take_content(keys, place, frame, kind):
    """Cuts a content out of its frame and recomputes its ID (CID-1, CID-2)."""
    check(place.kind == kind, "CID-2", f"content {place.id.hex()} is of kind {place.kind}, not {kind}")
    plain = frame[place.at:place.at + place.size]
    check(keys.content_id(kind, plain) == place.id, "CID-1", f"content {place.id.hex()} has another hash")
    return plain

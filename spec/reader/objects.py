"""Objects: streams of any length from contents (OBJ)."""

from dataclasses import dataclass

from cursor import Cursor
from keys import ZERO_ID
from packs import CONTENT_SIZE_MAX, DATA, LIST
from refuse import check

LIST_ROW = 36
DEPTH_MAX = 4


@dataclass(frozen=True)
class Reference:
    depth: int
    id: bytes
    size: int


def check_reference(value):
    """Takes the decoded CBOR `[depth, content ID, size]` (OBJ-1, OBJ-2)."""
    depth, content, size = value
    check(depth <= DEPTH_MAX, "OBJ-3", f"an object of depth {depth}")
    if content == ZERO_ID or size == 0:
        check((depth, content, size) == (0, ZERO_ID, 0), "OBJ-2", "an empty object that names a content")
    check(depth > 0 or size <= CONTENT_SIZE_MAX, "OBJ-2", f"one content of {size} bytes")
    return Reference(depth, content, size)


def decode_list(data):
    """Rows of a whole list: (content ID, raw length) (OBJ-3)."""
    check(data and len(data) % LIST_ROW == 0, "OBJ-3", f"a list of {len(data)} bytes")
    at, rows = Cursor(data, "OBJ-3"), []
    while at.left():
        content, size = at.take(32), at.uint(4)
        check(content != ZERO_ID and 1 <= size <= CONTENT_SIZE_MAX, "OBJ-3", "a row that names no content")
        rows.append((content, size))
    return rows


def contents_of(contents, ref):
    """Rows (content ID, raw length) of the data contents that make the stream."""
    if ref.size == 0:
        return []
    if ref.depth == 0:
        return [(ref.id, ref.size)]
    data = contents.get(ref.id, LIST)
    for _ in range(ref.depth - 1):
        data = b"".join(_sized(contents, content, LIST, size) for content, size in decode_list(data))
    rows = decode_list(data)
    check(sum(size for _, size in rows) == ref.size, "OBJ-3", "the list does not add up to the object's size")
    return rows


def stream(contents, ref):
    """Yields the bytes of an object, a content at a time."""
    for content, size in contents_of(contents, ref):
        yield _sized(contents, content, DATA, size)


def read(contents, ref):
    return b"".join(stream(contents, ref))


def _sized(contents, content, kind, size):
    data = contents.get(content, kind)
    check(len(data) == size, "OBJ-3", f"content {content.hex()} has {len(data)} bytes, not {size}")
    return data

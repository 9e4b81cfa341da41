"""Index and manifest segments (SEG, IDX, MSEG)."""

from cursor import Cursor
from header import HEADER_SIZE, INDEX_SEGMENT, MANIFEST_SEGMENT, check_name_hash, open_header
from keys import FOOTER_PART, SEAL_SIZE, ZERO_ID, unseal
from packs import CONTENT_SIZE_MAX, PACK_OF, Place, check_frame, split_trailer
from refuse import check
from rows import decode_row

PAGE_SIZE = 65536
ROWS_MAX = 4194304
PACK_ROW, FRAME_ROW, CONTENT_ROW = 72, 56, 48


def open_table(keys, repository, blob, kind, segment_id):
    """Opens all pages: the table and the four counts of the footer (SEG-1, SEG-2)."""
    check_name_hash(blob, segment_id)
    head = open_header(keys, blob, kind, repository)
    begin, footer = split_trailer(blob)
    at = Cursor(unseal(keys, footer, head, FOOTER_PART, 0, len(footer) - SEAL_SIZE), "SEG-2")
    size, pages = at.uint(8), at.uint(4)
    at.zeros(4)
    counts = [at.uint(4) for _ in range(4)]
    at.padding()
    check(pages == -(-size // PAGE_SIZE), "SEG-2", f"{pages} pages for a table of {size} bytes")
    check(begin == HEADER_SIZE + size + pages * SEAL_SIZE, "SEG-1", "the footer does not begin where the pages end")
    table = []
    for page in range(pages):
        raw, start = min(PAGE_SIZE, size - page * PAGE_SIZE), HEADER_SIZE + page * (PAGE_SIZE + SEAL_SIZE)
        table.append(unseal(keys, blob[start:start + raw + SEAL_SIZE], head, page, 0, raw))
    return b"".join(table), counts


def decode_index(keys, repository, blob, segment_id):
    """The places an index segment knows, in its order (IDX-1, IDX-2)."""
    table, (packs, frames, contents, zero) = open_table(keys, repository, blob, INDEX_SEGMENT, segment_id)
    check(zero == 0, "COMP-3", "a reserved count is not zero")
    return decode_index_table(table, packs, frames, contents)


def decode_index_table(table, packs, frames, contents):
    check(all(1 <= n <= ROWS_MAX for n in (packs, frames, contents)), "IDX-1", "no rows, or too many")
    size = packs * PACK_ROW + frames * FRAME_ROW + contents * CONTENT_ROW
    check(size == len(table), "IDX-1", "the counts do not give the table's size")
    at = Cursor(table, "IDX-1")
    packs = [_pack_row(at) for _ in range(packs)]
    frames = [_frame_row(at, len(packs)) for _ in range(frames)]
    _ascending([p[0] for p in packs], "pack rows")
    _ascending([f[:2] for f in frames], "frame rows")
    rows = [_content_row(at, frames, packs) for _ in range(contents)]
    _ascending([r[:2] for r in rows], "content rows")
    check({f[0] for f in frames} == set(range(len(packs))), "IDX-2", "a pack row that no frame row uses")
    check({r[1] for r in rows} == set(range(len(frames))), "IDX-2", "a frame row that no content row uses")
    return [_place(row, frames, packs) for row in rows]


def _ascending(keys, what):
    check(all(a < b for a, b in zip(keys, keys[1:])), "IDX-2", f"{what} out of order")


def _pack_row(at):
    pack, salt, kind = at.take(32), at.take(32), at.uint(1)
    at.zeros(7)
    check(kind in (3, 4), "IDX-1", f"a pack of blob kind {kind}")
    return pack, salt, kind


def _frame_row(at, packs):
    identity, pack, part, offset = at.take(32), at.uint(4), at.uint(4), at.uint(4)
    stored, raw, codec = at.uint(4), at.uint(4), at.uint(1)
    at.zeros(3)
    check(pack < packs, "IDX-1", f"a frame in pack row {pack} of {packs}")
    check(offset >= HEADER_SIZE, "IDX-1", f"a frame at offset {offset}")
    check_frame(stored, raw, codec, "IDX-1")
    return pack, part, offset, stored, raw, codec, identity


def _content_row(at, frames, packs):
    content, frame, start, size, kind = at.take(32), at.uint(4), at.uint(4), at.uint(4), at.uint(1)
    at.zeros(3)
    check(content != ZERO_ID, "CID-1", "a zero content ID")
    check(frame < len(frames), "IDX-1", f"a content in frame row {frame} of {len(frames)}")
    raw = frames[frame][4]
    check(1 <= size <= CONTENT_SIZE_MAX and start + size <= raw, "IDX-1", f"{size} bytes at {start} of {raw}")
    check(PACK_OF.get(kind) == packs[frames[frame][0]][2], "PACK-1", f"a content of kind {kind} in another's pack")
    return content, frame, start, size, kind


def _place(row, frames, packs):
    content, frame, start, size, kind = row
    pack, part, offset, stored, raw, codec, identity = frames[frame]
    pack_id, salt, pack_kind = packs[pack]
    return Place(content, kind, pack_id, pack_kind, salt, part, offset, stored, raw, codec, identity, start, size)


def decode_manifests(keys, repository, blob, segment_id):
    """The manifest rows of a segment, in its order (MSEG-1)."""
    table, (count, *zeros) = open_table(keys, repository, blob, MANIFEST_SEGMENT, segment_id)
    check(not any(zeros), "COMP-3", "a reserved count is not zero")
    at, rows = Cursor(table, "MSEG-1"), []
    check(count * 4 <= len(table), "MSEG-1", "more rows than bytes")
    for _ in range(count):
        rows.append(decode_row(at.take(at.uint(4))))
    at.end()
    ids = [row[0] for row in rows]
    check(all(a < b for a, b in zip(ids, ids[1:])), "MSEG-1", "rows out of order")
    return rows

"""Chapters 4 and 5: the splitter, packs, segments."""

from case import MASTER, REPO, W, case, flip, put
from header import DATA_PACK, INDEX_SEGMENT, MANIFEST_SEGMENT, META_PACK
from keys import ZERO_ID, H
from packs import DATA, LIST, MANIFEST, NODE
from testing import cbor_of, index_table, le, manifest_row, node_bytes


# Chapter 4.

def splitters():
    for average in (1 << 16, 1 << 17, 1 << 18):
        least = average // 4
        for stream, size in (("corso splitter 1", 3_000_000), ("corso splitter 2", 3_000_001), ("zeros", 2_500_000),
                             ("corso splitter 1", least), ("corso splitter 1", least + 1), ("corso splitter 1", 0)):
            name = f"{average // 1024}k-{stream.split()[-1]}-{size}"
            case(f"splitter/{name}", "accept", "splitter", average=average, stream=stream, size=size, **MASTER)


def pack_cases():
    frames_ = [[(DATA, b"small"), (DATA, b"contents " * 9)], [(DATA, b"alone")]]
    blob_id, blob, _ = W.pack(frames_)
    def one(name, expect, note, blob_, blob_id_=None, kind=DATA_PACK):
        case(f"pack/{name}", expect, "pack", note, **{**REPO, "blob-kind": kind}, blob_id=blob_id_ or H(blob_),
             bytes=blob_)
    one("data", "accept", "two frames, one of them compressed", blob)
    meta = W.pack([[(LIST, bytes(35) + b"x"), (NODE, node_bytes(0, [])), (MANIFEST, b"\xa0")]], META_PACK)[1]
    one("metadata", "accept", "", meta, kind=META_PACK)
    one("name", "refuse CONV-10", "its hash is not its name", blob, bytes(32))
    one("flipped", "refuse CONV-10", "damage", flip(blob, 120), blob_id)
    one("cut", "refuse CONV-10", "truncated", blob[:-1], blob_id)
    one("kind", "refuse CONV-9", "a metadata pack under a data pack's name", meta)
    one("trailer", "refuse PACK-2", "no CORSOEND", flip(blob, -1))
    one("footer-length", "refuse PACK-2", "a footer longer than the blob", blob[:-12] + b"\xff\xff\xff\x7f" + blob[-8:])
    one("footer-cut", "refuse SEAL-4", "a footer length one too small", blob[:-12] + le(
        int.from_bytes(blob[-12:-8], "little") - 1, 4) + blob[-8:])
    one("frame", "refuse SEAL-4", "a frame that does not open", flip(blob, 120))
    one("swapped-frames", "refuse SEAL-4", "two frames of one length have changed places", swapped_frames())
    one("tiny", "refuse PACK-2", "a header and nothing else", blob[:96])
    one("foreign-content", "refuse CID-1", "a content under another's ID", foreign_content())
    one("list-in-data", "refuse PACK-1", "a list in a data pack", W.pack([[(LIST, bytes(36))]])[1])
    one("data-in-metadata", "refuse PACK-1", "data in a metadata pack", W.pack([[(DATA, b"x")]], META_PACK)[1],
        kind=META_PACK)
    footers()


def swapped_frames():
    blob = W.pack([[(DATA, b"one")], [(DATA, b"two")]])[1]
    return blob[:96] + blob[131:166] + blob[96:131] + blob[166:]


def foreign_content():
    """A well-sealed pack whose footer tells a content ID that the bytes do not have."""
    false = W.keys.content_id(DATA, b"said")
    front, head = W.header(DATA_PACK)
    identity = H(false + le(4, 4))
    blob = front + W.seal(head, 0, 0, 4, b"held", list_hash=identity)
    table = le(1, 4) * 2 + le(4, 4) * 2 + bytes(4) + le(1, 4) + false + le(4, 4) + bytes([DATA, 0, 0, 0])
    return W.close(blob, head, table)


def footers():
    ids = [W.keys.content_id(DATA, bytes([i])) for i in range(3)]
    def frame(stored, raw, codec, count):
        return le(stored, 4) + le(raw, 4) + bytes([codec, 0, 0, 0]) + le(count, 4)
    def content(i, size, kind=DATA, id_=None):
        return (id_ or ids[i]) + le(size, 4) + bytes([kind, 0, 0, 0])
    counts = le(2, 4) + le(3, 4)
    fine = [frame(10, 30, 1, 2), frame(5, 5, 0, 1), content(0, 10), content(1, 20), content(2, 5)]
    end = 96 + 42 + 37
    def one(name, expect, note, rows, counts_=counts, end_=end, **more):
        case(f"pack-footer/{name}", expect, "pack-footer", note, blob_kind=DATA_PACK, footer_offset=end_,
             bytes=counts_ + b"".join(rows), **more)
    one("good", "accept", "two frames, three contents", fine)
    one("padded", "accept", "zeros behind", fine + [bytes(9)])
    one("padding", "refuse CONV-5", "padding that is not zero", fine + [b"\0\1"])
    one("no-frames", "refuse PACK-3", "", [], le(0, 8))
    one("fewer-contents", "refuse PACK-3", "fewer contents than frames", fine, le(2, 4) + le(1, 4))
    one("frames-over", "refuse PACK-3", "65,537 frames", fine, le(65537, 4) + le(65537, 4))
    one("contents-over", "refuse PACK-3", "1,048,577 contents", fine, le(1, 4) + le(1048577, 4))
    one("counts-over", "refuse PACK-3", "more rows than bytes", fine, le(2, 4) + le(1048576, 4))
    one("cut", "refuse PACK-3", "the last row is cut", [b"".join(fine)[:-1]])
    one("frame-without-contents", "refuse PACK-3", "", [frame(10, 30, 1, 3), frame(5, 5, 0, 0)] + fine[2:])
    one("contents-sum", "refuse PACK-3", "the frames' contents do not add up", [frame(10, 30, 1, 1)] + fine[1:])
    one("raw-sum", "refuse PACK-3", "a frame longer than its contents", [frame(10, 31, 1, 2)] + fine[1:])
    one("frame-over", "refuse PACK-3", "a frame over 1 MiB", [frame(10, 1 << 20 | 1, 1, 2)] + fine[1:])
    one("codec", "refuse PACK-4", "codec 2", [frame(10, 30, 2, 2)] + fine[1:])
    one("stored-over-raw", "refuse PACK-4", "stored longer than raw", [frame(31, 30, 1, 2)] + fine[1:], end_=end + 21)
    one("raw-not-stored", "refuse PACK-4", "codec 0 with two lengths", fine[:1] + [frame(4, 5, 0, 1)] + fine[2:])
    one("offset", "refuse PACK-3", "the footer begins behind the last frame's end", fine, end_=end + 1)
    one("zero-id", "refuse CID-1", "a zero content ID", fine[:2] + [content(0, 10, id_=ZERO_ID)] + fine[3:])
    one("empty-content", "refuse CID-1", "a content of 0 bytes", [
        frame(10, 20, 1, 2), fine[1], content(0, 0), *fine[3:]])
    one("kind", "refuse PACK-1", "a content of kind 9", fine[:2] + [content(0, 10, 9)] + fine[3:])
    one("reserved", "refuse COMP-3", "a reserved byte", [put(fine[0], 9, b"\1")] + fine[1:])


# Chapter 5.

def segments():
    places = W.pack([[(DATA, b"one"), (DATA, b"two")], [(DATA, b"three")]])[2]
    places += W.pack([[(NODE, node_bytes(0, []))]], META_PACK)[2]
    blob_id, blob = W.index_segment(places)
    table, counts = index_table(places)
    def one(name, expect, note, blob_, blob_id_=None, kind="index-segment"):
        case(f"segment/{name}", expect, kind, note, **REPO, blob_id=blob_id_ or H(blob_), bytes=blob_)
    one("index", "accept", "", blob)
    one("name", "refuse CONV-10", "its hash is not its name", blob, bytes(32))
    one("page", "refuse SEAL-4", "a page that does not open", flip(blob, 100))
    one("trailer", "refuse PACK-2", "no CORSOEND", flip(blob, -3))
    one("counts", "refuse IDX-1", "counts that do not give the table's size",
        W.segment(INDEX_SEGMENT, table, (*counts[:2], counts[2] + 1, 0))[1])
    one("count-reserved", "refuse COMP-3", "the fourth count is not zero",
        W.segment(INDEX_SEGMENT, table, (*counts[:3], 1))[1])
    one("pages", "refuse SEG-2", "two pages told, one there", footer_of(table, counts, pages=2))
    one("size", "refuse SEG-1", "a table longer than its page", footer_of(table, counts, size=len(table) + 1))
    one("padding", "refuse CONV-5", "padding that is not zero", footer_of(table, counts, tail=b"\1"))
    rows = [manifest_row(bytes([i]) * 32, start=i, revision=1) for i in (1, 2)]
    good = W.manifest_segment(rows)[1]
    one("manifest", "accept", "", good, kind="manifest-segment")
    one("kind", "refuse CONV-9", "an index segment where a manifest segment should be", blob, kind="manifest-segment")
    packed = [le(len(cbor_of(row)), 4) + cbor_of(row) for row in rows]
    for name, table_, count, clause, note in (
            ("manifest-order", packed[1] + packed[0], 2, "MSEG-1", "rows out of order"),
            ("manifest-twice", packed[0] * 2, 2, "MSEG-1", "an ID twice"),
            ("manifest-gap", packed[0] + b"\0", 1, "MSEG-1", "a byte behind the last row"),
            ("manifest-long", put(packed[0], 0, b"\xff"), 1, "MSEG-1", "a row longer than the table"),
            ("manifest-row", le(1, 4) + b"\xa0", 1, "CAT-4", "an empty map")):
        one(name, f"refuse {clause}", note, W.segment(MANIFEST_SEGMENT, table_, (count, 0, 0, 0))[1],
            kind="manifest-segment")
    index_tables(table, counts)


def manifest_counts():
    rows = [manifest_row(bytes([i]) * 32, start=i, revision=1) for i in (1, 2)]
    table = b"".join(le(len(cbor_of(row)), 4) + cbor_of(row) for row in rows)
    for name, counts, clause, note in (
            ("count-low", (1, 0, 0, 0), "MSEG-1", "one row told, two there"),
            ("count-high", (3, 0, 0, 0), "MSEG-1", "three rows told, two there"),
            ("reserved-1", (2, 1, 0, 0), "COMP-3", "the second count is not zero"),
            ("reserved-2", (2, 0, 1, 0), "COMP-3", "the third count is not zero"),
            ("reserved-3", (2, 0, 0, 1), "COMP-3", "the fourth count is not zero")):
        blob = W.segment(MANIFEST_SEGMENT, table, counts)[1]
        case(f"segment/manifest-{name}", f"refuse {clause}", "manifest-segment", note, **REPO, blob_id=H(blob), bytes=blob)


def footer_of(table, counts, size=None, pages=1, tail=b""):
    front, head = W.header(INDEX_SEGMENT)
    footer = le(len(table) if size is None else size, 8) + le(pages, 4) + bytes(4)
    footer += b"".join(le(count, 4) for count in counts) + tail
    return W.close(front + W.seal(head, 0, 0, len(table), table), head, footer)


def index_tables(table, counts):
    p, f, c, _ = counts
    packs, frames, contents = table[:72 * p], table[72 * p:72 * p + 56 * f], table[72 * p + 56 * f:]
    def one(name, expect, note, packs_=packs, frames_=frames, contents_=contents, counts_=None):
        told = counts_ or (len(packs_) // 72, len(frames_) // 56, len(contents_) // 48)
        case(f"index-table/{name}", expect, "index-table", note, counts=" ".join(map(str, told)),
             bytes=packs_ + frames_ + contents_)
    one("good", "accept", "")
    again = index_table(W.pack([[(DATA, b"one")]])[2] + W.pack([[(DATA, b"one"), (DATA, b"two")]])[2])
    case("index-table/two-locations", "accept", "index-table", "a content that two packs hold",
         counts=" ".join(map(str, again[1][:3])), bytes=again[0])
    twice = index_table(W.pack([[(DATA, b"one"), (DATA, b"two"), (DATA, b"one")]])[2])
    case("index-table/twice-in-a-frame", "accept", "index-table", "a content that a frame holds twice has one row",
         counts=" ".join(map(str, twice[1][:3])), bytes=twice[0])
    one("no-contents", "refuse IDX-1", "nothing in it", b"", b"", b"")
    one("packs-over", "refuse IDX-1", "more pack rows than allowed", counts_=(4194305, f, c))
    one("cut", "refuse IDX-1", "the last row is cut", contents_=contents[:-1], counts_=(p, f, c))
    one("pack-order", "refuse IDX-2", "pack rows out of order", packs_=packs[72:] + packs[:72])
    one("frame-order", "refuse IDX-2", "frame rows out of order", frames_=frames[56:112] + frames[:56] + frames[112:])
    one("content-order", "refuse IDX-2", "content rows out of order", contents_=contents[48:] + contents[:48])
    one("content-twice", "refuse IDX-2", "the same row twice", contents_=contents[:48] + contents)
    one("pack-unused", "refuse IDX-2", "a pack row without frames", packs_=packs + b"\xff" * 64 + b"\3" + bytes(7))
    one("pack-kind", "refuse IDX-1", "a pack of kind 5", packs_=put(packs, 64, b"\5"))
    one("pack-reserved", "refuse COMP-3", "", packs_=put(packs, 65, b"\1"))
    one("frame-pack", "refuse IDX-1", "a frame in a pack row that is not there", frames_=put(frames, 32, le(p, 4)))
    one("frame-offset", "refuse IDX-1", "a frame inside the header", frames_=put(frames, 40, le(95, 4)))
    one("frame-codec", "refuse PACK-4", "codec 2", frames_=put(frames, 52, b"\2"))
    one("content-frame", "refuse IDX-1", "a frame row that is not there", contents_=put(contents, 32, le(f, 4)))
    one("content-range", "refuse IDX-1", "behind the frame's end", contents_=put(contents, 36, le(1 << 20, 4)))
    one("content-kind", "refuse PACK-1", "a kind that its pack does not hold", contents_=put(contents, 44, b"\2"))
    one("content-zero", "refuse CID-1", "a zero ID", contents_=bytes(32) + contents[32:])

"""The reader against repositories that `testing.Writer` makes, and against every vector."""

import contextlib
import io
import os
import re
import stat
import sys
import tempfile
import unittest
import unittest.mock
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import cbor
import corso_reader
import maps
import objects
import splitter
import vectors
from header import COPY_MARKER
from packs import DATA, LIST
from refuse import Refused
from repository import Repository
from restore import Restore
from rows import decode_row
from slots import KEY_FILE, RECOVERY, recovery_text
from storage import Folder, record_name
from testing import Writer, boxed, cbor_of, manifest_row, stream_of, with_hash
from verify import Verify

KEY = b"a key file of forty bytes, for the tests"
RECOVERY_KEY = bytes(range(32))
MTIME = 1_600_000_000_123_456_789
BIG = stream_of("big file", 700_000)
SPARSE = b"front" + bytes(20_000) + b"back" + bytes(9000)


def sample(writer, pool):
    """A folder with one of everything; returns its entry."""
    def file(data, **more):
        return {0: 0, 1: writer.object(pool, data), 2: len(data), 4: MTIME, 7: 0o640, **more}

    inner = {b"deep\0": boxed(pool, writer, file(b"deep down"))}
    entries = {
        b"big\0": file(BIG), b"empty\0": {**file(b""), 2: 0},
        b"one\0": {**file(b"linked"), 15: 7}, b"two\0": {**file(b"linked"), 15: 7},
        b"not utf-8 \xff\xfe\0": file(b"bytes"), b"sparse\0": {**file(SPARSE), 16: True},
        b"link\0": {0: 2, 1: b"nowhere \xff", 4: MTIME}, b"pipe\0": {0: 3, 4: MTIME, 7: 0o600},
        b"fat\0": {**file(b"fat"), 14: [[b"user.fat", bytes(2000)]]},
        b"sub\0": {0: 1, 1: writer.map(pool, inner), 4: MTIME, 7: 0o750},
        **{b"many %03d\0" % i: file(b"%d" % i) for i in range(300)},
    }
    for fields in entries.values():
        if fields.get(2) == 0:
            del fields[2]
    values = {key: boxed(pool, writer, fields) for key, fields in entries.items()}
    return {0: 1, 1: writer.map(pool, values), 2: len(BIG), 4: MTIME, 7: 0o700}


def repository():
    writer, pool = Writer("test"), {}
    writer.init((KEY_FILE, KEY), (RECOVERY, RECOVERY_KEY))
    writer.snapshot(sample(writer, pool), pool)
    return writer


class WholeRepository(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder, self.target = Path(scratch.name, "repo"), Path(scratch.name, "out")
        self.writer = repository()
        self.writer.save(self.folder)

    def open(self, **how):
        return Repository(Folder(self.folder), KEY_FILE, KEY, **how)

    def damage(self, name, change):
        path = self.folder / name
        path.write_bytes(change(path.read_bytes()))

    def test_restore_gives_back_every_byte_and_time(self):
        for from_packs in (False, True):
            opened, target = self.open(from_packs=from_packs), self.target / str(from_packs)
            job = Restore(opened.contents)
            job.run(opened.manifest("latest")[1][4], target)
            out = os.fsencode(target)
            self.assertEqual((target / "big").read_bytes(), BIG)
            self.assertEqual((target / "sparse").read_bytes(), SPARSE)
            self.assertEqual((target / "sub/deep").read_bytes(), b"deep down")
            self.assertEqual(os.readlink(out + b"/link"), b"nowhere \xff")
            self.assertTrue(os.path.exists(out + b"/not utf-8 \xff\xfe"))
            self.assertTrue(stat.S_ISFIFO(os.lstat(out + b"/pipe").st_mode))
            self.assertEqual((target / "one").stat().st_ino, (target / "two").stat().st_ino)
            self.assertEqual(len(os.listdir(target)), 310)
            for name, mode in (("big", 0o640), ("sub", 0o750), ("link", None)):
                found = os.lstat(target / name)
                self.assertEqual(found.st_mtime_ns, MTIME)
                self.assertIn(stat.S_IMODE(found.st_mode), (mode, 0o777))
            self.assertLessEqual({what for _, what in job.problems}, {"xattr: Operation not supported"})

    def test_verify_is_clean_and_cuts_are_right(self):
        job = Verify(self.open(), check_splitter=True)
        job.run()
        self.assertEqual(job.problems, [])
        self.assertEqual(job.counts["packs"], 2)

    def test_what_only_a_ledger_names_is_verified(self):
        pool = {}
        root = sample(self.writer, pool)
        kept, lost = (self.writer.object(target, b"only in the ledger " + name)
                      for target, name in ((pool, b"kept"), ({}, b"lost")))
        for ref, complaint in ((kept, None), (lost, lost[1].hex())):
            layers = [self.writer.map(pool, {b"item": boxed(pool, self.writer, {0: ref, 1: b"known"})}),
                      self.writer.map(pool, {b"item": b"\0\xa0"})]
            self.writer.snapshot(root, pool, more={12: layers, 13: b"next"})
            self.writer.save(self.folder)
            if complaint:
                self.assertIn(complaint, self.complaints())
            else:
                self.assertEqual(self.complaints(), "")

    def test_a_verification_map_is_what_its_rows_come_to(self):
        def row(revision, number, level):
            return revision.to_bytes(8, "big") + b"\3" + bytes([number]) * 32, cbor_of([level, 10, 0, 20])

        rows = dict([row(1, 1, 0), row(2, 2, 2)])
        for entries, complaint in (
                ({**rows, b"\0": cbor_of([2, 20, 1, 10, 0])}, ""), (rows, "COV-1"),
                ({**rows, b"\0": cbor_of([2, 20, 2, 20, 0])}, "COV-2"),
                ({**rows, b"\0": cbor_of([3, 30, 2, 20, 0]), **dict([row(3, 2, 2)])}, "COV-1")):
            pool = {}
            root = sample(self.writer, pool)
            verified = self.writer.map(pool, entries)
            self.writer.snapshot(root, pool)
            self.writer.commit([[14, verified, []]])
            self.writer.save(self.folder)
            self.assertRegex(self.complaints(), complaint or "^$")

    def test_a_recovery_key_opens_as_typed(self):
        path = self.folder.parent / "recovery"
        path.write_text(recovery_text(RECOVERY_KEY).lower().replace("-", " ") + "\n")
        out = io.StringIO()
        argv = ["corso_reader", "--repo", str(self.folder), "--recovery-key-file", str(path), "list"]
        with contextlib.redirect_stdout(out), unittest.mock.patch.object(sys, "argv", argv):
            self.assertEqual(corso_reader.main(), 0)
        self.assertIn("complete", out.getvalue())

    def test_a_wrong_key_is_not_damage(self):
        with self.assertRaises(Refused) as caught:
            Repository(Folder(self.folder), KEY_FILE, KEY + b"!")
        self.assertEqual(caught.exception.clause, "SLOT-4")

    def test_the_format_blob_is_found_in_a_slot(self):
        (self.folder / "corso.format").unlink()
        self.assertEqual(len(self.open().history.snapshots()), 1)

    def test_a_copy_is_read_like_its_source(self):
        ours, others = (with_hash(writer.header(COPY_MARKER)[0][:32] + bytes(16))
                        for writer in (self.writer, Writer("another repository")))
        (self.folder / "corso.copy").write_bytes(ours)
        self.assertEqual(len(self.open().history.snapshots()), 1)
        self.assertEqual(self.complaints(), "")
        (self.folder / "corso.copy").write_bytes(others)
        self.assertIn("corso.copy: a copy of another repository (COPY-3)", self.complaints())
        (self.folder / "corso.copy").write_bytes(ours[:-1])
        self.assertIn("corso.copy: damaged", self.complaints())

    def test_every_damaged_blob_is_named(self):
        for name in self.writer.blobs:
            for at in (0, 70, -1):
                flipped = bytearray(self.writer.blobs[name])
                flipped[at if at < len(flipped) else 40] ^= 1
                self.damage(name, lambda _: bytes(flipped))
                self.assertIn(name, self.complaints(), f"byte {at}")
            self.damage(name, lambda _: self.writer.blobs[name])

    def complaints(self):
        try:
            opened = self.open()
            job = Verify(opened)
            job.run()
            return "\n".join(map(str, job.problems))
        except Refused as error:
            return str(error)

    def test_a_catalog_stands_for_the_records_below_it(self):
        state = self.open().history.state
        self.writer.put_catalog({5: state.index_segments, 7: list(state.rows.values())})
        self.writer.commit([[4, [next(iter(state.rows))]]])
        self.writer.save(self.folder)
        (self.folder / record_name(1)).unlink()
        self.assertEqual(self.open().history.snapshots(), [])

    def test_a_manifest_segment_holds_rows(self):
        state = self.open().history.state
        row = next(iter(state.rows.values()))
        segment, blob = self.writer.manifest_segment([row])
        self.writer.put(f"segments/{segment.hex()[:2]}/{segment.hex()}", blob)
        self.writer.put_catalog({5: state.index_segments, 6: [[segment, 1, len(blob)]]})
        self.writer.save(self.folder)
        self.assertEqual(self.open().history.snapshots(), [row])

    def test_a_void_passes_over_a_record_that_does_not_open(self):
        self.writer.commit([[4, []]])
        broken = bytes([1]) + self.writer.blobs[record_name(3)]
        self.writer.put(record_name(3), broken)
        self.writer.save(self.folder)
        self.assertIn("stops at revision 2", self.open().history.warnings[0])
        self.writer.head = vectors.H(broken)
        self.writer.commit([[16, 3, vectors.H(broken)]])
        self.writer.save(self.folder)
        self.assertEqual((self.open().history.warnings, self.open().history.state.revision), ([], 4))

    def test_a_void_stands_for_a_record_that_is_gone(self):
        self.writer.commit([[4, []]])
        head = self.writer.head
        self.writer.commit([[16, 3, bytes(32)]])
        del self.writer.blobs[record_name(3)]
        self.writer.save(self.folder)
        self.assertEqual((self.open().history.warnings, self.open().history.state.revision), ([], 4))
        self.assertEqual(self.writer.revision, 4)
        self.assertNotEqual(self.open().history.state.hash, head)

    def test_a_log_begins_anew_far_above_what_is_lost(self):
        state = self.open().history.state
        row = {**next(iter(state.rows.values())), 2: 1, 12: [["corso.revived", str(1 << 32)]]}
        for revision in (1, 2):
            self.writer.put(record_name(revision), self.writer.blobs[record_name(revision)][:-1])
        self.writer.revision, self.writer.head = 1 << 32, bytes([7]) * 32
        self.writer.put_catalog({2: (1 << 32) + 1, 3: [[1 << 32, self.writer.head]], 18: [1 << 32, False]})
        self.writer.commit([[1, state.index_segments], [3, row, [], []], [18, 1 << 32, False]])
        self.writer.save(self.folder)
        history = self.open().history
        self.assertEqual((history.warnings, history.snapshots()), ([], [row]))
        self.assertEqual(history.state.hold, [(1 << 32) + 1, True])
        self.writer.commit([[18, (1 << 32) + 1, True]])
        self.writer.save(self.folder)
        self.assertIsNone(self.open().history.state.hold)
        # Without its catalog the log is lost again, however long the gap is.
        name = next(name for name in self.writer.blobs if name.startswith("catalog"))
        (self.folder / name).unlink()
        self.assertIn("stops at revision 0", self.open().history.warnings[0])

    def test_a_damaged_catalog_is_passed_over(self):
        self.writer.put_catalog({})
        name = next(name for name in self.writer.blobs if name.startswith("catalog"))
        self.writer.put(name, self.writer.blobs[name][:-1])
        self.writer.save(self.folder)
        self.assertIn("passed over", self.open().history.warnings[0])
        self.assertEqual(len(self.open().history.snapshots()), 1)

    def test_a_required_feature_stops_the_reader(self):
        self.writer.commit([[15, "time travel", 1]])
        self.writer.save(self.folder)
        self.assertIn("time travel", self.complaints())


class Codecs(unittest.TestCase):
    def test_equal_entries_give_equal_roots(self):
        writer, one, two = Writer(), {}, {}
        entries = {b"key %05d" % i: b"%d" % i for i in range(3000)}
        root = writer.map(one, entries)
        self.assertEqual(root, writer.map(two, dict(reversed(entries.items()))))
        pool = type("Pool", (), {"get": lambda self, content, kind: one[content][1]})()
        self.assertEqual(dict(maps.walk(pool, root, maps.boundary_checker(writer.keys))), entries)

    def test_lists_of_lists_are_joined_across_pieces(self):
        writer, pool = Writer(), {}
        rows = b"".join(writer.content(pool, DATA, b"%d" % i) + len(b"%d" % i).to_bytes(4, "little") for i in range(50))
        pieces = [rows[i:i + 100] for i in range(0, len(rows), 100)]
        above = b"".join(writer.content(pool, LIST, piece) + len(piece).to_bytes(4, "little") for piece in pieces)
        whole = b"".join(b"%d" % i for i in range(50))
        store = type("Pool", (), {"get": lambda self, content, kind: pool[content][1]})()
        ref = objects.Reference(2, writer.content(pool, LIST, above), len(whole))
        self.assertEqual(objects.read(store, ref), whole)
        with self.assertRaises(Refused):
            objects.read(store, objects.Reference(2, ref.id, len(whole) + 1))

    def test_pieces_join_to_the_stream(self):
        data = stream_of("pieces", 1_000_000)
        for average in splitter.MASKS:
            cut = list(splitter.pieces(Writer().keys.gear, average, data))
            self.assertEqual(sum(cut), len(data))
            self.assertTrue(all(average // 4 <= size <= average * 4 for size in cut[:-1]))

    def test_unknown_high_keys_are_passed_over(self):
        row = {**manifest_row(bytes(32)), 1000: [1]}
        self.assertEqual(decode_row(cbor_of(row)), row)
        with self.assertRaises(Refused):
            decode_row(cbor_of({**row, 999: 1}))

    def test_cbor_bombs_are_refused_at_once(self):
        for data in (b"\x9b" + b"\x7f" * 8, b"\x5b" + b"\x7f" * 8, b"\x81" * 100_000, b""):
            with self.assertRaises(Refused):
                cbor.decode(data)


class Spec(unittest.TestCase):
    chapters = "\n".join(path.read_text() for path in sorted(vectors.FOLDER.parent.glob("*.md")))

    def test_every_clause_the_reader_names_is_in_the_spec(self):
        code = "".join(path.read_text() for path in Path(__file__).parent.glob("*.py"))
        tags = set(re.findall(r"\b[A-Z]{3,5}-\d+\b", code)) - {"UTF-8", "AES-256"}
        self.assertEqual({tag for tag in tags if not re.search(rf"(?m)^(\| )?{tag}\b", self.chapters)}, set())

    def test_every_vector_the_spec_names_is_there(self):
        named = re.findall(r"Vectors:\s+`([^`]+)`|\*Example\* \(`([^`]+)`", self.chapters)
        self.assertGreater(len(named), 20)
        for name in map("".join, named):
            self.assertTrue(list(vectors.FOLDER.glob(f"{name}.txt")), name)


class Vectors(unittest.TestCase):
    def test_every_vector(self):
        cases = vectors.load_all()
        self.assertGreater(len(cases), 50)
        for case in cases:
            with self.subTest(case.name):
                case.run()

    def test_more_are_refused_than_accepted(self):
        refused = [case for case in vectors.load_all() if case.refused]
        self.assertGreater(2 * len(refused), len(vectors.load_all()))


if __name__ == "__main__":
    unittest.main()

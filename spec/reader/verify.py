"""Checks a whole repository: every blob decodes, every content has its hash, every snapshot is whole."""

import coverage
import maps
import objects
import snapshots
import splitter
import trees
from header import DATA_PACK, META_PACK, decode_copy_marker
from refuse import Refused, check, naming
from segments import decode_index
from slots import decode_slot
from storage import segment_name


class Verify:
    """`problems` holds every refusal met; `counts` what was read."""

    def __init__(self, repository, check_splitter=False):
        self.repository, self.check_splitter = repository, check_splitter
        self.problems, self.counts = [], dict.fromkeys(("slots", "segments", "packs", "contents", "coverage", "snapshots"), 0)
        self.nodes_end_right = maps.boundary_checker(repository.keys)
        self.walked = set()

    def run(self):
        self.problems += self.repository.history.warnings
        storage = self.repository.storage
        for name in ("corso.copy", "corso.promoted"):
            if storage.has(name):
                self._marker(name, storage.get(name))
        for name in storage.list("keys"):
            self._try("slots", name, decode_slot, storage.get(name), bytes.fromhex(name[5:]))
        for kind, prefix in ((DATA_PACK, "packs/data"), (META_PACK, "packs/meta")):
            for name in storage.list(prefix):
                self._try("packs", name, self._pack, bytes.fromhex(name[-64:]), kind)
        for reference in self.repository.history.state.index_segments:
            self._try("segments", segment_name(reference[0]), self._segment, reference)
        if self.repository.history.state.verification is not None:
            self._try("coverage", "the verification map", self._coverage, self.repository.history.state.verification)
        for row in self.repository.history.snapshots():
            self._try("snapshots", f"snapshot {row[0].hex()}", self._snapshot, row)

    def _try(self, what, name, call, *args):
        try:
            with naming(name):
                call(*args)
            self.counts[what] += 1
        except Refused as error:
            self.problems.append(str(error))

    def _marker(self, name, blob):
        try:
            with naming(name):
                repository, _ = decode_copy_marker(blob)
                check(repository == self.repository.id, "COPY-3", "a copy of another repository")
        except Refused as error:
            self.problems.append(str(error))

    def _pack(self, pack_id, kind):
        for place in self.repository.contents.read_pack(pack_id, kind):
            self.repository.contents.get_at(place, place.kind)
            self.counts["contents"] += 1

    def _segment(self, reference):
        """The reference tells the truth, and so does every place: packs' footers say the same."""
        segment, count, first, last, size = reference
        blob = self.repository.storage.get(segment_name(segment))
        places = decode_index(self.repository.keys, self.repository.id, blob, segment)
        told = (len(places), places[0].id, places[-1].id, len(blob))
        if told != (count, first, last, size):
            raise Refused("ACT-1", "its reference tells otherwise")
        footers = {}
        for place in places:
            if place.pack not in footers:
                footers[place.pack] = set(self.repository.contents.read_pack(place.pack, place.pack_kind))
            if place not in footers[place.pack]:
                raise Refused("IDX-1", f"content {place.id.hex()} is not where it says")

    def _coverage(self, root):
        coverage.read(maps.walk(self.repository.contents, root, self.nodes_end_right))

    def _snapshot(self, row):
        manifest = self.repository.read_manifest(row[0])
        self._folder(manifest[4][1], manifest[11][2])
        beside = [(manifest[5], snapshots.decode_failure)] if 5 in manifest else []
        beside += [(root, snapshots.decode_ledger_entry) for root in manifest.get(12, ())]
        beside += [(manifest[14], snapshots.decode_part_entry)] if 14 in manifest else []
        for root, decode in beside:
            for _, value in maps.walk(self.repository.contents, root, self.nodes_end_right):
                found = decode(maps.unbox(value, lambda ref: objects.read(self.repository.contents, ref)))
                if decode is not snapshots.decode_failure and 0 in found:
                    # A part of a file ends where reading did, not where the splitter would cut.
                    average = manifest[11][2] if decode is snapshots.decode_ledger_entry else None
                    self._object(objects.check_reference(found[0]), average)

    def _folder(self, root, average):
        if root in self.walked:
            return
        for entry in trees.children(self.repository.contents, root, self.nodes_end_right):
            if entry.kind == trees.FOLDER:
                self._folder(entry.target, average)
            elif entry.kind == trees.FILE and 1 in entry.fields:
                self._object(objects.check_reference(entry.target), average)
        self.walked.add(root)

    def _object(self, ref, average):
        found = objects.contents_of(self.repository.contents, ref)
        data = objects.read(self.repository.contents, ref)
        if self.check_splitter and average:
            cut = list(splitter.pieces(self.repository.keys.gear, average, data))
            if cut != [size for _, size in found]:
                raise Refused("SPL-3", f"the object of content {ref.id.hex()} is cut otherwise")

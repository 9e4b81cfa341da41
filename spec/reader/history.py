"""The state of a repository, folded from its newest catalog and the records after it (CAT-3, LOG-5, LOG-8)."""

from keys import ZERO_ID, H
from log import State, decode_catalog, decode_record
from refuse import Refused, check, naming
from segments import decode_manifests
from storage import U64_MAX, record_name, segment_name


class History:
    """`state` is the fold; `warnings` say what was passed over and where it had to stop."""

    def __init__(self, storage, keys, repository):
        self.storage, self.keys, self.repository = storage, keys, repository
        newest = None
        while newest is None or newest != self._catalogs()[:1]:
            newest = self._catalogs()[:1]
            self._fold(newest)

    def _catalogs(self):
        return self.storage.list("catalog")

    def _fold(self, newest):
        self.warnings, self.read_segments, self.segment_rows = [], set(), {}
        self.state = self._base()
        self._read_manifest_segments()
        listed = sorted(int(name[4:]) for name in self.storage.list("log"))
        check(newest or listed, "INIT-1", "an unfinished init: no record and no catalog")
        # Between two names there may be a gap of any length: only what is there is read.
        records = {revision: self._record(revision) for revision in listed if revision > self.state.revision}
        voids = _voids(records)
        while listed and self.state.revision < listed[-1]:
            revision = self.state.revision + 1
            if revision in voids:
                self.state.pass_over(_void_hash(voids[revision], records.get(revision + 1)))
                continue
            try:
                with naming(record_name(revision)):
                    self._apply(records.get(revision) or self._record(revision))
            except Refused as problem:
                self.warnings.append(f"the log stops at revision {self.state.revision}: {problem}")
                return

    def _base(self):
        """The newest catalog that can be used, or the empty state (CAT-3)."""
        for name in self._catalogs():
            try:
                with naming(name):
                    revision = U64_MAX - int(name[8:])
                    return State(decode_catalog(self.keys, self.repository, self.storage.get(name), revision))
            except Refused as problem:
                if problem.clause == "CONV-9":
                    raise
                self.warnings.append(f"passed over a catalog: {problem}")
        return State()

    def _record(self, revision):
        """The record and its blob's hash, or why it does not open."""
        try:
            with naming(record_name(revision)):
                check(self.storage.has(record_name(revision)), "LOG-5", "missing, while a higher record exists")
                blob = self.storage.get(record_name(revision))
                return decode_record(self.keys, self.repository, blob, revision), H(blob)
        except Refused as problem:
            return problem

    def _apply(self, found):
        if isinstance(found, Refused):
            raise found
        self.state.apply(*found, self.segment_rows.get)
        self._read_manifest_segments()

    def _read_manifest_segments(self):
        for segment, *_ in self.state.manifest_segments:
            if segment not in self.read_segments:
                name = segment_name(segment)
                with naming(name):
                    found = decode_manifests(self.keys, self.repository, self.storage.get(name), segment)
                self.read_segments.add(segment)
                self.segment_rows.update({row[0]: row for row in found})

    def snapshots(self):
        """The rows of all live manifests, oldest first; newer rows replace older ones of an ID (CAT-4)."""
        rows = {**self.segment_rows, **self.state.rows}
        return sorted((row for row in rows.values() if 3 not in row), key=lambda row: (row[5], row[0]))


def _voids(records):
    """Revision to hash of the records that later ones declare void (LOG-8)."""
    opened = [found[0] for found in records.values() if not isinstance(found, Refused)]
    return {action[1]: action[2] for body in opened for action in body[5] if action[0] == 16 and action[1] < body[0]}


def _void_hash(told, following):
    """If the voider did not know the hash, its successor does."""
    if told == ZERO_ID and following and not isinstance(following, Refused):
        return following[0][1]
    return told

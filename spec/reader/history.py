"""The state of a repository, folded from its newest catalog and the records after it (CAT-3, LOG-5, LOG-8)."""

from keys import ZERO_ID, H
from log import State, decode_catalog, decode_record
from refuse import Refused, check, naming
from segments import decode_manifests
from storage import U64_MAX, record_name, segment_name


class History:
    """`state` is the fold, `warnings` say where it had to stop."""

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
        self.state = self._catalog(newest[0]) if newest else State()
        self._read_manifest_segments()
        last = max((int(name[4:]) for name in self.storage.list("log")), default=0)
        check(newest or last, "INIT-1", "an unfinished init: no record and no catalog")
        bad = []
        for revision in range(self.state.revision + 1, last + 1):
            blob = self.storage.get(record_name(revision)) if self.storage.has(record_name(revision)) else None
            blob_hash = H(blob) if blob is not None else ZERO_ID
            try:
                body = self._record(blob, revision, bad[-1][1] if bad else self.state.hash)
            except Refused as problem:
                bad.append((revision, blob_hash, problem))
                continue
            if not self._voids(body, bad):
                break
            bad = []
            self.state.apply(body, blob_hash, self.segment_rows.get)
            self._read_manifest_segments()
        if bad:
            self.warnings.append(f"the log stops at revision {self.state.revision}: {bad[0][2]}")

    def _catalog(self, name):
        with naming(name):
            revision = U64_MAX - int(name[8:])
            return State(decode_catalog(self.keys, self.repository, self.storage.get(name), revision))

    def _record(self, blob, revision, previous):
        with naming(record_name(revision)):
            check(blob is not None, "LOG-5", "missing, while a higher record exists")
            body = decode_record(self.keys, self.repository, blob, revision)
            check(body[1] == previous, "LOG-5", "does not chain to the record before it")
            return body

    def _voids(self, body, bad):
        """Whether the record voids all the bad ones just before it (LOG-8); passes over them if so."""
        voids = {tuple(fields) for number, *fields in body[5] if number == 16}
        if not {(revision, blob_hash) for revision, blob_hash, _ in bad} <= voids:
            return False
        if bad:
            self.state.revision, self.state.hash = bad[-1][:2]
        return True

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

"""Opens a repository: format blob, slot, history, index; finds manifests (INIT-1)."""

from contents import Contents
from header import decode_format
from history import History
from keys import Keys
from packs import MANIFEST
from refuse import Refused, check, naming
from slots import decode_slot, open_slot
from snapshots import decode_manifest


class Repository:
    """`slot_kind` says which slots the secret may open (SLOT-1)."""

    def __init__(self, storage, slot_kind, secret, from_packs=False):
        self.storage = storage
        self.id = self._repository_id()
        self.keys = Keys(self._master_key(slot_kind, secret))
        self.history = History(storage, self.keys, self.id)
        for name, scope in self.history.state.features.items():
            check(scope == 0, "COMP-2", f"required feature {name!r} needs a newer release")
        self.contents = Contents(storage, self.keys, self.id)
        if from_packs:
            self.contents.add_all_packs()
        else:
            for reference in self.history.state.index_segments:
                self.contents.add_segment(reference[0])

    def _repository_id(self):
        if self.storage.has("corso.format"):
            with naming("corso.format"):
                return decode_format(self.storage.get("corso.format"))
        found = {decode_format(self.storage.get(name)[96:160]) for name in self.storage.list("keys")}
        check(len(found) == 1, "INIT-1", "no corso.format here, and no slots that agree on one")
        return found.pop()

    def _master_key(self, kind, secret):
        """What the first fitting slot gives. Damage of another slot is told only if none opens."""
        problem = Refused("INIT-1", "no key slot for this kind of secret")
        for name in self.storage.list("keys"):
            try:
                with naming(name):
                    slot = decode_slot(self.storage.get(name), bytes.fromhex(name[5:]))
                    if slot.head.repository == self.id and slot.kind == kind:
                        return open_slot(slot, secret)
            except Refused as error:
                problem = error
        raise problem

    def manifest(self, prefix):
        """The row and the manifest that the unique beginning of an ID, or `latest`, names."""
        live = self.history.snapshots()
        found = live[-1:] if prefix == "latest" else [row for row in live if row[0].hex().startswith(prefix)]
        check(len(found) == 1, "CAT-4", f"{len(found)} snapshots are called {prefix}")
        return found[0], self.read_manifest(found[0][0])

    def read_manifest(self, manifest_id):
        return decode_manifest(self.contents.get(manifest_id, MANIFEST))

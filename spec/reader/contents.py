"""Finds contents: content ID → places, from segments or from packs' own footers (IDX, PACK-3)."""

from collections import OrderedDict

from header import DATA_PACK, META_PACK, check_name_hash, open_header
from keys import SEAL_SIZE
from packs import decode_pack, open_frame, take_content
from refuse import Refused, naming
from segments import decode_index
from storage import pack_name, segment_name

PACKS_KEPT, FRAMES_KEPT = 4, 16


class Contents:
    def __init__(self, storage, keys, repository):
        self.storage, self.keys, self.repository = storage, keys, repository
        self.places = {}
        self.packs, self.frames = OrderedDict(), OrderedDict()

    def add_segment(self, segment_id):
        name = segment_name(segment_id)
        with naming(name):
            self._add(decode_index(self.keys, self.repository, self.storage.get(name), segment_id))

    def add_all_packs(self):
        """Builds the index from the footers of all packs, without any segment."""
        for kind, prefix in ((DATA_PACK, "packs/data"), (META_PACK, "packs/meta")):
            for name in self.storage.list(prefix):
                self._add(self.read_pack(bytes.fromhex(name[-64:]), kind))

    def read_pack(self, pack_id, kind):
        """The places of one pack, from its footer."""
        name = pack_name(pack_id, kind)
        with naming(name):
            return decode_pack(self.keys, self.repository, self.storage.get(name), kind, pack_id)

    def _add(self, places):
        for place in places:
            known = self.places.setdefault(place.id, [])
            if place not in known:
                known.append(place)

    def get(self, content_id, kind):
        """The plaintext of a content, from the first of its places that is whole."""
        problem = Refused("IDX-2", f"content {content_id.hex()} is in no pack that the index names")
        for place in self.places.get(content_id, []):
            try:
                return self.get_at(place, kind)
            except Refused as error:
                problem = error
        raise problem

    def get_at(self, place, kind):
        with naming(pack_name(place.pack, place.pack_kind)):
            return take_content(self.keys, place, self._frame(place), kind)

    def _frame(self, place):
        def load():
            head, blob = self._pack(place)
            if head.salt != place.salt:
                raise Refused("IDX-1", "the index has another salt for this pack")
            sealed = blob[place.offset:place.offset + place.stored + SEAL_SIZE]
            return open_frame(self.keys, head, place.part, sealed, place.raw, place.codec, place.list_hash)
        return _cached(self.frames, (place.pack, place.part), load, FRAMES_KEPT)

    def _pack(self, place):
        def load():
            blob = self.storage.get(pack_name(place.pack, place.pack_kind))
            check_name_hash(blob, place.pack)
            return open_header(self.keys, blob, place.pack_kind, self.repository), blob
        return _cached(self.packs, place.pack, load, PACKS_KEPT)


def _cached(cache, key, load, kept):
    if key not in cache:
        cache[key] = load()
        while len(cache) > kept:
            cache.popitem(last=False)
    cache.move_to_end(key)
    return cache[key]

"""A repository's blobs in a local folder, read only (STO-1)."""

import os
import re

from header import BLOB_SIZE_MAX, DATA_PACK, META_PACK
from refuse import Refused, check

NAMES = re.compile(r"corso\.(?:format|copy)|keys/[0-9a-f]{32}|packs/(data|meta)/([0-9a-f]{2})/\2[0-9a-f]{62}"
                   r"|segments/([0-9a-f]{2})/\3[0-9a-f]{62}|(log|catalog)/[0-9]{20}")
U64_MAX = (1 << 64) - 1


class Folder:
    def __init__(self, path):
        self.path = path

    def get(self, name):
        """The bytes of a blob; a missing one is refused as such."""
        try:
            with open(os.path.join(self.path, name), "rb") as file:
                check(os.fstat(file.fileno()).st_size <= BLOB_SIZE_MAX, "CONV-7", f"{name}: larger than 64 MiB")
                return file.read()
        except FileNotFoundError:
            raise Refused("STO-1", "missing", name) from None

    def has(self, name):
        return os.path.isfile(os.path.join(self.path, name))

    def list(self, prefix):
        """The names of Corso's blobs under a prefix, in order; other names are ignored."""
        found = []
        for folder, _, files in os.walk(os.path.join(self.path, prefix)):
            relative = os.path.relpath(folder, self.path)
            found += [f"{relative}/{file}" for file in files]
        return sorted(name for name in found if NAMES.fullmatch(name))


def pack_name(pack_id, kind):
    folder = {DATA_PACK: "data", META_PACK: "meta"}[kind]
    return f"packs/{folder}/{pack_id.hex()[:2]}/{pack_id.hex()}"


def segment_name(segment_id):
    return f"segments/{segment_id.hex()[:2]}/{segment_id.hex()}"


def record_name(revision):
    return f"log/{revision:020}"


def catalog_name(revision):
    return f"catalog/{U64_MAX - revision:020}"

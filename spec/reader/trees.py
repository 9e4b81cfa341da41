"""Trees: folders as maps from name to entry (TREE)."""

from dataclasses import dataclass

import cbor
import maps
import objects
import rows
from cbor import id32, row, u32
from refuse import check

FILE, FOLDER, SYMLINK, FIFO, SOCKET, CHAR_DEVICE, BLOCK_DEVICE = range(7)


@dataclass(frozen=True)
class Entry:
    """A child of a folder; `fields` is the map of TREE-3."""
    name: bytes
    discriminator: bytes
    fields: dict

    @property
    def kind(self):
        return self.fields[0]

    @property
    def target(self):
        return self.fields.get(1)


def split_key(key):
    """Name and discriminator (TREE-1)."""
    name, zero, discriminator = key.partition(b"\0")
    check(zero, "TREE-1", "a key without a zero byte")
    check(1 <= len(name) <= 1024, "TREE-1", f"a name of {len(name)} bytes")
    check(name not in (b".", b"..") and b"/" not in name, "TREE-1", f"the name {name!r}")
    check(len(discriminator) <= 75, "TREE-1", f"a discriminator of {len(discriminator)} bytes")
    return name, discriminator


def check_entry(fields):
    """Refuses a decoded map that is no entry (TREE-3)."""
    check(rows.entry(fields), "TREE-3", "not an entry")
    kind, target = fields[0], fields.get(1)
    if kind == FILE:
        check(target is None and 1 not in fields or rows.reference(target), "TREE-3", "a file without an object")
        if target is not None:
            check(objects.check_reference(target).size == fields.get(2, 0), "TREE-3", "a file of two sizes")
    elif kind == FOLDER:
        check(id32(target), "TREE-3", "a folder without a tree")
    elif kind == SYMLINK:
        check(cbor.raw(target), "TREE-3", "a symlink without a target")
    elif kind in (CHAR_DEVICE, BLOCK_DEVICE):
        check(row(u32, u32)(target), "TREE-3", "a device without numbers")
    else:
        check(1 not in fields, "TREE-3", f"an entry of kind {kind} with a target")
    names = [name for name, _ in fields.get(14, [])]
    check(names == sorted(set(names)), "TREE-3", "xattrs out of order")
    return fields


def decode_entry(body):
    """The entry whose CBOR a map value stands for (TREE-2)."""
    return check_entry(cbor.decode(body))


def children(contents, root, seen=None):
    """Yields the entries of a folder in the order of their keys."""
    for key, value in maps.walk(contents, root, seen):
        name, discriminator = split_key(key)
        yield Entry(name, discriminator, decode_entry(maps.unbox(value, lambda ref: objects.read(contents, ref))))

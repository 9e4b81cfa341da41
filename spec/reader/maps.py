"""Maps: sorted tables as trees of nodes with boundaries chosen by a keyed hash (MAP)."""

from dataclasses import dataclass

import cbor
import objects
import rows
from cursor import Cursor
from keys import ZERO_ID, K
from packs import NODE
from refuse import check

ENTRIES_MIN, ENTRIES_MAX = 8, 128
KEY_MAX, VALUE_MAX = 1100, 1024
THRESHOLD = (1 << 64) // 24
LEVEL_MAX = 11
BOXED_MAX = 16 << 20


@dataclass(frozen=True)
class Node:
    """`entries`: (key, value) in a leaf, (first key, child ID, leaf entries below) in an inner node."""
    level: int
    entries: list


def decode_node(data):
    """Reads the plaintext of a node (MAP-1, MAP-2)."""
    at = Cursor(data, "MAP-2")
    level = at.uint(1)
    at.zeros(1)
    count = at.uint(2)
    check(level <= LEVEL_MAX, "MAP-4", f"a node of level {level}")
    check(count <= ENTRIES_MAX and (count or not level), "MAP-2", f"{count} entries at level {level}")
    entries = [_leaf_entry(at) if level == 0 else _inner_entry(at) for _ in range(count)]
    at.end()
    names = [entry[0] for entry in entries]
    check(all(a < b for a, b in zip(names, names[1:])), "MAP-2", "keys out of order")
    return Node(level, entries)


def _sizes(at):
    key, value = at.uint(2), at.uint(2)
    check(1 <= key <= KEY_MAX, "MAP-1", f"a key of {key} bytes")
    return key, value


def _leaf_entry(at):
    key, value = _sizes(at)
    check(value <= VALUE_MAX, "MAP-1", f"a value of {value} bytes")
    return at.take(key), at.take(value)


def _inner_entry(at):
    key, value = _sizes(at)
    check(value == 40, "MAP-2", f"a child of {value} bytes")
    key, child, below = at.take(key), at.take(32), at.uint(8)
    check(child != ZERO_ID and below >= 1, "MAP-2", "a child that is not there")
    return key, child, below


def unbox(value, load=None):
    """The body that a boxed value stands for; `load(reference)` reads one that is an object (MAP-5).

    Without `load` the reference of an object is all that is given.
    """
    check(value and value[0] in (0, 1), "MAP-5", "a value that is neither body nor object")
    if value[0] == 0:
        return value[1:]
    found = cbor.decode(value[1:])
    check(rows.reference(found), "OBJ-1", "not an object reference")
    ref = objects.check_reference(found)
    check(VALUE_MAX <= ref.size <= BOXED_MAX, "MAP-5", f"a body of {ref.size} bytes kept as an object")
    return load(ref) if load else ref


def ends_node(keys, level, key, count):
    """Whether a node ends after its `count`-th entry (MAP-3)."""
    if count < ENTRIES_MIN:
        return False
    cut = int.from_bytes(K(keys.map, bytes([level]) + key)[:8], "little") < THRESHOLD
    return cut or count >= ENTRIES_MAX


def walk(contents, root, seen=None):
    """Yields (key, value) of a map in order; `seen(node, is_last_of_level)` hears of every node."""
    node = decode_node(contents.get(root, NODE))
    check(node.level == 0 or len(node.entries) > 1, "MAP-3", "a root with a single child")
    yield from _walk(contents, node, None, True, seen)


def _walk(contents, node, upper, last, seen):
    if seen:
        seen(node, last)
    if node.level == 0:
        yield from node.entries
        return
    bounds = [entry[0] for entry in node.entries[1:]] + [upper]
    for i, ((first, child, below), bound) in enumerate(zip(node.entries, bounds)):
        lower = decode_node(contents.get(child, NODE))
        check_child(node, lower, first, bound, below)
        yield from _walk(contents, lower, bound, last and i == len(node.entries) - 1, seen)


def check_child(node, child, first, bound, below):
    """A child fits what its parent says of it (MAP-4); `bound` is the next child's first key."""
    check(child.level == node.level - 1, "MAP-4", f"a node of level {child.level} under one of {node.level}")
    check(child.entries and child.entries[0][0] == first, "MAP-4", "a node's first key is not its parent's")
    check(bound is None or child.entries[-1][0] < bound, "MAP-4", "a node's keys leave its parent's range")
    found = len(child.entries) if child.level == 0 else sum(entry[2] for entry in child.entries)
    check(found == below, "MAP-4", f"{found} entries below a node, not {below}")


def boundary_checker(keys):
    """For `walk`: refuses nodes that end elsewhere than MAP-3 says."""
    def seen(node, last):
        ends = [ends_node(keys, node.level, entry[0], i) for i, entry in enumerate(node.entries, 1)]
        check(not any(ends[:-1]), "MAP-3", "a node that should have ended earlier")
        check(last or ends[-1], "MAP-3", "a node that should not have ended yet")
    return seen

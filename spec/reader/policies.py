"""Policies and their names (POL)."""

import cbor
from cbor import array, below, either, null, row, table, text, u32, uint
from refuse import Refused, check
from rows import source

SIZE_MAX, VALUES_MAX = 1 << 16, 1024
SCOPES = ("global", "service", "source")

not_empty = lambda value: text(value) and value != ""
few = lambda shape: lambda value: array(shape)(value) and len(value) <= VALUES_MAX
policy = table({}, {**{key: u32 for key in range(6)}, 6: uint, 7: few(row(not_empty, either(text, null))), 8: below(4),
                    9: few(not_empty)})


def decode_policy(data):
    """Reads what a policy says (POL-1)."""
    check(len(data) <= SIZE_MAX, "POL-1", f"a policy of {len(data)} bytes")
    value = cbor.decode(data)
    check(policy(value), "POL-1", "not a policy")
    tags = [(name.encode(), b"" if given is None else b"\1" + given.encode())
            for name, given in value.get(7, [])]
    check(all(a < b for a, b in zip(tags, tags[1:])), "POL-1", "tags do not ascend")
    return value


retention = row(lambda value: uint(value) and value in (1, 2), lambda value: uint(value) and value > 0)


def decode_retention(data):
    """Reads how long blobs are to be locked: a mode and seconds (RET-1)."""
    value = cbor.decode(data)
    check(retention(value), "RET-1", "not a retention")
    return value


def scope_of(name):
    """Reads where a policy holds: its scope and what is named within it (POL-2)."""
    scope, slash, rest = name.partition("/")
    if name == "global":
        return "global", None
    if scope == "service" and rest:
        return scope, rest
    check(scope == "source" and slash, "POL-2", "the name of no scope")
    try:
        data = bytes.fromhex(rest)
    except ValueError as error:
        raise Refused("POL-2", "not hexadecimal") from error
    check(data.hex() == rest, "POL-2", "hexadecimal that is not lower case")
    value = cbor.decode(data)
    check(source(value) and value.keys() <= {0, 1, 2, 3, 4}, "POL-2", "not a source")
    return scope, value

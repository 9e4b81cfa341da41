"""CBOR bodies: deterministic decoding (CONV-4) and the shapes of chapter 7 and 8's maps and arrays."""

import io

import cbor2

from refuse import Refused, check

DEPTH_MAX = 16
PLAIN = (int, bytes, str, bool, type(None))


def decode_front(data):
    """Decodes one CBOR item at the front of `data`; returns it and its length."""
    source = io.BytesIO(data)
    try:
        value = cbor2.CBORDecoder(source, read_size=1).decode()
    except (cbor2.CBORError, ValueError, TypeError, OverflowError, RecursionError, MemoryError) as error:
        raise Refused("CONV-4", f"not CBOR: {error}") from error
    _plain(value, 0)
    size = source.tell()
    check(cbor2.dumps(value, canonical=True) == data[:size], "CONV-4", "CBOR is not deterministic")
    return value, size


def decode(data):
    """Decodes the one item that `data` is."""
    value, size = decode_front(data)
    check(size == len(data), "CONV-4", "bytes behind the CBOR item")
    return value


def decode_padded(data):
    """Decodes an item that zero padding follows (CONV-5)."""
    value, size = decode_front(data)
    check(not any(data[size:]), "CONV-5", "padding that is not zero")
    return value


def _plain(value, depth):
    """Refuses what deterministic bodies never hold: floats, tags, deep nesting, other than integer keys."""
    if isinstance(value, (list, dict)):
        check(depth < DEPTH_MAX, "CONV-4", "nested too deep")
        if isinstance(value, dict):
            check(all(type(k) is int and k >= 0 for k in value), "CONV-4", "a map key is not an unsigned integer")
            value = value.values()
        for item in value:
            _plain(item, depth + 1)
    else:
        check(type(value) in PLAIN, "CONV-4", f"a value of type {type(value).__name__}")
        if type(value) is int:
            check(-(1 << 64) <= value < 1 << 64, "CONV-4", "an integer over 64 bits")


# Shapes. A shape is a function (value) -> bool.

def uint(value):
    return type(value) is int and 0 <= value < 1 << 64


def u32(value):
    return type(value) is int and 0 <= value < 1 << 32


def sint(value):
    return type(value) is int and -(1 << 63) <= value < 1 << 63


def boolean(value):
    return type(value) is bool


def text(value):
    return type(value) is str


def raw(value):
    return type(value) is bytes


def fixed(size):
    return lambda value: type(value) is bytes and len(value) == size


def below(limit):
    return lambda value: uint(value) and value < limit


def array(shape):
    return lambda value: type(value) is list and all(map(shape, value))


def row(*shapes):
    return lambda value: type(value) is list and len(value) == len(shapes) and all(s(v) for s, v in zip(shapes, value))


def either(*shapes):
    return lambda value: any(shape(value) for shape in shapes)


def but(shape, default):
    """What a key marked *omit* may hold: not its default (CONV-11)."""
    return lambda value: shape(value) and value != default


def null(value):
    return value is None


def table(required, optional=()):
    """A map with integer keys: all of `required`, any of `optional`; unknown ones from 1000 up are ignored."""
    shapes = {**required, **dict(optional)}

    def fits(value):
        if type(value) is not dict or not required.keys() <= value.keys():
            return False
        return all(shapes[k](v) if k in shapes else k >= 1000 for k, v in value.items())
    return fits


id32 = fixed(32)

"""Splitter 1: FastCDC 2020 with a keyed gear table (SPL)."""

from refuse import check

MASKS = {
    1 << 16: (0x0000D90703537000, 0x0000D90F03530000),
    1 << 17: (0x0000D90707537000, 0x0000D90303537000),
    1 << 18: (0x0000D91707537000, 0x0000D90703537000),
}


def check_parameters(parameters):
    """`[1, L, A, G]` as ACT-10 and SNAP-1 store it."""
    number, least, average, greatest = parameters
    check(number == 1, "SPL-1", f"unknown splitter {number}")
    check(average in MASKS and least * 4 == average and greatest == average * 4, "SPL-1", "sizes of no splitter")


def pieces(gear, average, data):
    """Yields the lengths of the pieces of `data`, which is a whole stream (SPL-3)."""
    small, wide = MASKS[average]
    least, greatest = average // 4, average * 4
    start = 0
    while start < len(data):
        size = _piece(gear, data, start, least, average, greatest, small, wide)
        yield size
        start += size


def _piece(gear, data, start, least, average, greatest, small, wide):
    left = len(data) - start
    if left <= least:
        return left
    end = min(left, greatest)
    centre = min(average, left) & ~1
    h = 0
    for p in range(least, end & ~1):
        h = (h << 1) + gear[data[start + p]] & 0xFFFFFFFFFFFFFFFF
        if not h & (small if p < centre else wide):
            return p
    return end

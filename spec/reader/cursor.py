"""Reads fixed fields from the front of a byte string; every read is bounded (CONV-2)."""

from refuse import Refused, check


class Cursor:
    """`clause` is what a short or overlong byte string breaks."""

    def __init__(self, data, clause):
        self.data, self.clause, self.at = data, clause, 0

    def take(self, size):
        if size > len(self.data) - self.at:
            raise Refused(self.clause, f"{size} bytes wanted at {self.at}, {len(self.data) - self.at} left")
        self.at += size
        return self.data[self.at - size:self.at]

    def uint(self, size):
        return int.from_bytes(self.take(size), "little")

    def zeros(self, size):
        check(not any(self.take(size)), "COMP-3", f"a reserved field before {self.at} is not zero")

    def left(self):
        return len(self.data) - self.at

    def end(self):
        check(not self.left(), self.clause, f"{self.left()} bytes too many")

    def padding(self):
        """Takes what is left, which holds zeros only (CONV-5)."""
        check(not any(self.take(self.left())), "CONV-5", "padding that is not zero")

"""The one error of this reader: bytes that break a rule of the spec (CONV-1)."""


class Refused(Exception):
    """Says which clause is broken, how, and in which blob (filled in by whoever knows its name)."""

    def __init__(self, clause, why, blob=""):
        super().__init__(clause, why, blob)
        self.clause, self.why, self.blob = clause, why, blob

    def __str__(self):
        where = f"{self.blob}: " if self.blob else ""
        return f"{where}{self.why} ({self.clause})"


def check(holds, clause, why):
    """Refuses unless `holds`."""
    if not holds:
        raise Refused(clause, why)


class naming:
    """`with naming(blob):` puts the blob's name into a refusal that has none yet."""

    def __init__(self, blob):
        self.blob = blob

    def __enter__(self):
        return self

    def __exit__(self, _kind, error, _trace):
        if isinstance(error, Refused) and not error.blob:
            error.blob = self.blob

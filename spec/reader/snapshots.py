"""Manifests, failures, part entries and ledgers (SNAP)."""

import cbor
import rows
from objects import check_reference
from refuse import check
from splitter import check_parameters
from trees import FILE, FOLDER, check_entry


def decode_manifest(data):
    """Reads a manifest (SNAP-1)."""
    value = cbor.decode(data)
    check(rows.manifest(value), "SNAP-1", "not a manifest")
    rows.check_tags(value[8], "SNAP-1")
    check_entry(value[4])
    check(value[4][0] == FOLDER, "SNAP-1", "its root is not a folder")
    check_parameters(value[11])
    return value


def decode_failure(data):
    value = cbor.decode(data)
    check(rows.failure(value), "SNAP-4", "not a failure")
    return value


def decode_ledger_entry(data):
    value = cbor.decode(data)
    check(rows.ledger_entry(value), "SNAP-8", "not an entry of a ledger")
    if 0 in value:
        check_reference(value[0])
    return value


def decode_part_entry(data):
    value = cbor.decode(data)
    check(rows.part_entry(value), "SNAP-6", "not a part entry")
    check(check_reference(value[0]).size == value[1], "SNAP-6", "it covers another size than its object has")
    check(check_entry(value[2])[0] == FILE, "SNAP-6", "a part entry of no file")
    return value

"""A disk without room: told, survived, and emptied again."""

import unittest

from place import Place

MIB = 1 << 20


class FullDisk(unittest.TestCase):
    def test_a_full_disk_is_told_and_can_be_emptied(self):
        with Place(self, size=48 * MIB) as place:
            small = place.source("small", 8 * MIB, 1)
            large = place.source("large", 14 * MIB, 2)
            first = place.corso("snapshot", "create", small)
            second = place.corso("snapshot", "create", large)
            # Leaves the room that it may use one day.
            place.corso("maintenance", "run")

            too_large = place.source("too large", 60 * MIB, 3)
            code, _, errors = place.run("snapshot", "create", too_large)
            self.assertEqual(code, 1, errors)
            self.assertIn("full", errors[-1]["message"])
            self.assertTrue(errors[-1].get("hint"), errors[-1])
            place.fill()
            self.assertLess(place.room(), MIB)

            # Everything that was there can be read.
            place.verify()
            self.assertEqual({first["snapshot_id"], second["snapshot_id"]} - {line["id"] for line in place.snapshots()}, set())

            # And nothing but Corso is needed to make room.
            place.corso("snapshot", "forget", second["snapshot_id"])
            report = place.corso("maintenance", "run", "--grace", "0s", "--grace-unknown", "0s")
            self.assertGreater(place.room(), 12 * MIB, report)
            place.verify()
            place.corso("snapshot", "create", small)


if __name__ == "__main__":
    unittest.main()

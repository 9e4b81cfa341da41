"""A repository among whose blobs somebody has put large ones of his own: they are named, and cost no memory."""

import json
import os
import subprocess
import unittest

from place import CORSO, Place

MEMORY_MAX = 256 << 20
JUNK_SIZE = 60_000_000


class Junk(unittest.TestCase):
    def test_what_nobody_can_open_is_named_and_takes_no_memory(self):
        with Place(self) as place:
            place.corso("snapshot", "create", place.source("source", 1_000_000, 1))
            newest = max(int(record.name) for record in (place.repository / "log").iterdir())
            junk = {f"log/{newest + number:020}" for number in range(2, 18)}
            junk |= {f"keys/{number:032x}" for number in range(1, 9)}
            for name in junk:
                with open(place.repository / name, "wb") as blob:
                    # A hole: it is read like any file, and takes no room.
                    blob.truncate(JUNK_SIZE)
            snapshots = self.within_memory(place, "snapshot", "list")
            self.assertEqual(sum("id" in line for line in snapshots), 1, snapshots)
            findings = self.within_memory(place, "repo", "verify")
            damaged = {line["blob"] for line in findings if line.get("kind") == "damaged"}
            self.assertEqual(damaged, junk)

    def within_memory(self, place, *arguments):
        """Runs a command that finds damage, in little memory; gives its JSON lines on stdout."""
        with open(place.root / "said", "w+b") as said:
            command = [CORSO, "--repo", str(place.repository), *arguments, "--json"]
            child = subprocess.Popen(command, env=place.env, cwd=place.root, stdout=said, stderr=subprocess.DEVNULL)
            _, status, used = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            said.seek(0)
            lines = [json.loads(line) for line in said if line.startswith(b"{")]
        self.assertEqual(child.returncode, 30, lines)
        self.assertLess(used.ru_maxrss * 1024, MEMORY_MAX, f"bytes of memory that {arguments} took")
        return lines


if __name__ == "__main__":
    unittest.main()

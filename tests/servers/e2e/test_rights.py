"""Rights apart: a machine that backs up need not be able to delete, and cannot, on a server that enforces the
policies of docs/storages.md."""

import os
import shutil
import unittest

import bucket
import tree
from bucket import client, keys, refused
from place import PORTS, Place, s3

# The policies are for this bucket and prefix.
BUCKET, PREFIX = "backup", "laptop"
AT_ONCE = ("--grace", "0", "--grace-unknown", "0")


def names():
    return set(bucket.names(BUCKET, PREFIX))


class Rights(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        bucket.make(BUCKET)

    def setUp(self):
        for name in names():
            client().delete_object(Bucket=BUCKET, Key=name)

    def test_the_server_enforces_the_policies(self):
        weak, strong = client(keys("backup")), client(keys("maintenance"))
        inside, outside = f"{PREFIX}/probe/x", "elsewhere/x"
        weak.put_object(Bucket=BUCKET, Key=inside, Body=b"bytes")
        self.assertEqual(weak.get_object(Bucket=BUCKET, Key=inside)["Body"].read(), b"bytes")
        self.assertEqual(weak.list_objects_v2(Bucket=BUCKET, Prefix=f"{PREFIX}/")["KeyCount"], 1)
        refused(self, weak.delete_object, Bucket=BUCKET, Key=inside)
        for keys_of in (weak, strong):
            refused(self, keys_of.put_object, Bucket=BUCKET, Key=outside, Body=b"bytes")
            refused(self, keys_of.list_objects_v2, Bucket=BUCKET, Prefix="elsewhere/")
        strong.delete_object(Bucket=BUCKET, Key=inside)
        self.assertEqual(names(), set())

    def test_backups_need_no_right_to_delete_and_maintenance_does(self):
        with Place(self, **keys("backup")) as place:
            place.env["CORSO_NEW_PASSPHRASE"] = "a second way in"
            tree.generate(place.source)
            place.init(s3(PORTS["seaweedfs"], bucket=BUCKET, prefix=PREFIX))
            first = place.back_up()
            tree.add_noise(place.source, 3, 6_000_000)
            second = place.back_up()
            shutil.rmtree(os.path.join(place.source, "noise 3"))
            place.back_up()
            self.use_everything(place)
            place.summary("snapshot", "forget", second["snapshot_id"])

            before = names()
            print("\nmaintenance without the right to delete:")
            place.fails(
                *("maintenance", "run", *AT_ONCE), code=1, says="does not let this client delete", hint="s3:DeleteObject"
            )
            self.assertLessEqual(before, names(), "nothing is gone")
            self.use_everything(place)
            place.back_up()
            # Once more, now that all of it is doomed.
            place.fails(*("maintenance", "run", *AT_ONCE), code=1, says="does not let", hint="nothing is lost")

            place.env |= keys("maintenance")
            run = place.summary("maintenance", "run", *AT_ONCE)
            print(f"  with it {run['deleted']} blobs of {run['deleted_bytes']:,} bytes are deleted")
            self.assertGreater(run["deleted_bytes"], 6_000_000)
            self.assertFalse(before <= names())
            place.env |= keys("backup")
            self.use_everything(place)
            snapshots = [line["id"] for line in place.corso("snapshot", "list")[0][:-1]]
            self.assertIn(first["snapshot_id"], snapshots)
            self.assertNotIn(second["snapshot_id"], snapshots)

    def use_everything(self, place):
        """All that is promised to work without the right to delete."""
        count = len(place.corso("snapshot", "list")[0])
        self.assertGreater(count, 2)
        target = place.root / "restored"
        restored = place.summary("snapshot", "restore", "latest", "--target", str(target), "--verify")
        self.assertEqual((restored["failed"], restored["differences"]), (0, 0))
        self.assertEqual(tree.differences(place.source, str(target)), [])
        shutil.rmtree(target)
        self.assertEqual(place.summary("repo", "verify", "--level", "data")["damage"], 0)
        place.summary("repo", "key", "add", "--kdf-memory", "64MiB", "--label", "second")


if __name__ == "__main__":
    unittest.main()

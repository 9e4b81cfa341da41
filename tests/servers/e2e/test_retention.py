"""Object lock: blobs that nobody can delete for a time, on a bucket that enforces it, with the rights of
docs/storages.md."""

import datetime
import os
import shutil
import time
import unittest

import bucket
import tree
from bucket import client, keys, lock, names, now, refused, versions
from place import PORTS, Place, s3
from proxy import Proxy

BUCKET = "locked"
AT_ONCE = ("--grace", "0", "--grace-unknown", "0")
HOUR = datetime.timedelta(hours=1)
A_MINUTE = datetime.timedelta(minutes=1)


class Retention(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        bucket.make(BUCKET, ObjectLockEnabledForBucket=True)
        bucket.make("corso")

    def setUp(self):
        # The policies are for what is below `laptop/`.
        self.prefix = f"laptop/{self.id().split('.')[-1].replace('_', '-')}"
        print(f"\n{self.prefix}:")

    def init(self, place, *options, port=PORTS["seaweedfs"]):
        return place.init([*options, *s3(port, bucket=BUCKET, prefix=self.prefix)])

    def blobs(self):
        """What readers see, without the scratch of the probe."""
        return [key for key in names(BUCKET, self.prefix) if "/probe/" not in key]

    def test_every_blob_is_locked_as_it_is_written(self):
        with Place(self, **keys("locked-backup")) as place:
            tree.generate(place.source)
            # Asking the bucket whether it has locks takes another right, once.
            place.env |= keys("locked-maintenance")
            self.init(place, "--retention", "1h")
            place.env |= keys("locked-backup")
            place.back_up()
            tree.change(place.source)
            place.back_up()
            blobs = self.blobs()
            for key in blobs:
                mode, until = lock(BUCKET, key)
                self.assertEqual(mode, "GOVERNANCE", key)
                self.assertLess(abs(until - now() - HOUR), 10 * A_MINUTE, key)
            for key, version in versions(BUCKET, self.prefix):
                if "/probe/" not in key:
                    refused(self, client().delete_object, Bucket=BUCKET, Key=key, VersionId=version)
            self.assertEqual(blobs, self.blobs())
            shown = place.summary("repo", "retention")
            self.assertEqual(shown["retention"], {"mode": "governance", "seconds": 3600})
            place.env |= keys("locked-maintenance")
            checked = place.summary("repo", "verify", "--retention")
            self.assertEqual((checked["unlocked"], checked["locks_asked"]), (0, len(blobs)))
            print(f"  {len(blobs)} blobs, each locked for an hour, none of which could be deleted")

    def test_what_is_locked_too_short_is_named(self):
        with Place(self, **keys("locked-maintenance")) as place:
            tree.generate(place.source)
            self.init(place, "--retention", "1h")
            place.back_up()
            pack = next(key for key in self.blobs() if "/packs/data/" in key)
            client().put_object_retention(
                Bucket=BUCKET,
                Key=pack,
                BypassGovernanceRetention=True,
                Retention={"Mode": "GOVERNANCE", "RetainUntilDate": now() + A_MINUTE},
            )
            lines, _ = place.corso("repo", "verify", "--level", "log", "--retention", code=30)
            *findings, summary = [line for line in lines if line["message_type"] in ("finding", "summary")]
            findings = [line for line in findings if line["kind"] == "unlocked"]
            self.assertEqual([line["blob"] for line in findings], [pack.removeprefix(f"{self.prefix}/")])
            self.assertEqual((summary["unlocked"], summary["damage"]), (1, 0))
            self.assertFalse(findings[0]["is_damage"])
            print(f"  {findings[0]['what']}")
            # All the others are, too, if more is asked.
            longer = place.summary("repo", "verify", "--level", "log", "--retention=2h", code=30)
            self.assertEqual(longer["unlocked"], longer["locks_asked"])
            place.summary("repo", "verify", "--level", "log")

    def test_what_was_there_before_is_locked_by_maintenance(self):
        with Place(self, **keys("locked-maintenance")) as place, Proxy(PORTS["seaweedfs"]) as proxy:
            tree.generate(place.source)
            self.init(place, port=proxy.port)
            place.back_up()
            self.assertTrue(all(lock(BUCKET, key) is None for key in self.blobs()))
            place.fails("repo", "verify", "--retention", code=2, says="no retention", hint="repo retention 30d")
            place.summary("repo", "retention", "1h")
            place.fails("repo", "retention", "0d", code=2, says="hundred years", hint="--help")
            unlocked = place.summary("repo", "verify", "--level", "log", "--retention", code=30)
            self.assertGreater(unlocked["unlocked"], 3)
            run = place.summary("maintenance", "run")
            # Small packs were put together: the old ones are left to go.
            self.assertGreater(run["retention"]["extended"], 10)
            self.assertEqual(run["retention"]["failed"], 0)
            self.assertEqual(place.summary("repo", "verify", "--level", "log", "--retention")["unlocked"], 0)
            proxy.counts.clear()
            again = place.summary("maintenance", "run")["retention"]
            self.assertEqual(again["extended"], 0)
            self.assertIn("until", again)
            print(f"  locked {run['retention']['extended']} blobs; then not due: {proxy.told()}")

    def test_maintenance_waits_and_then_frees_the_space(self):
        with Place(self, **keys("locked-maintenance")) as place:
            tree.generate(place.source)
            self.init(place, "--retention", "40s")
            tree.add_noise(place.source, 3, 6_000_000)
            first = place.back_up()
            shutil.rmtree(os.path.join(place.source, "noise 3"))
            place.back_up()
            place.summary("snapshot", "forget", first["snapshot_id"])
            before = names(BUCKET, self.prefix)

            run = place.summary("maintenance", "run", *AT_ONCE)
            self.assertGreater(run["locked"], 0)
            self.assertGreater(run["locked_bytes"], 6_000_000)
            self.assertEqual(run["deleted"], 0)
            self.assertLessEqual(before.items(), names(BUCKET, self.prefix).items())
            waiting = place.summary("maintenance", "status")["doomed"]
            self.assertEqual(waiting, run["locked"])
            doomed = self.doomed(place)
            self.assertGreater(len(doomed), 0)
            # A doomed blob is in the way of nothing, and is no damage.
            place.back_up()
            self.assertEqual(place.summary("repo", "verify", "--level", "data")["damage"], 0)
            print(f"  waits until {run['last_unlocked']}: {run['locked']} blobs, {run['locked_bytes']:,} bytes")

            last = datetime.datetime.fromisoformat(run["last_unlocked"])
            while now() < last + datetime.timedelta(seconds=1):
                # What is needed stays locked meanwhile, as long as somebody looks after it.
                time.sleep(5)
                place.summary("maintenance", "run")
            freed = place.summary("maintenance", "run", *AT_ONCE)
            there = {key for key, _ in versions(BUCKET, self.prefix)}
            for key in doomed:
                self.assertNotIn(key, there, "every version is gone")
            self.assertLess(sum(names(BUCKET, self.prefix).values()), sum(before.values()) - 5_500_000)
            print(f"  then {freed['deleted']} more blobs of {freed['deleted_bytes']:,} bytes are deleted for good")
            for key in self.needed(place):
                self.assertGreater(lock(BUCKET, key)[1], now(), key)
            target = str(place.root / "restored")
            place.summary("snapshot", "restore", "latest", "--target", target, "--verify")
            self.assertEqual(tree.differences(place.source, target), [])

    def test_a_blob_that_was_hidden_is_missing_and_comes_back(self):
        with Place(self, **keys("locked-maintenance")) as place:
            tree.generate(place.source)
            self.init(place, "--retention", "1h")
            place.back_up()
            pack = next(key for key in self.blobs() if "/packs/data/" in key)
            marker = client().delete_object(Bucket=BUCKET, Key=pack)["VersionId"]
            lines, _ = place.corso("repo", "verify", "--level", "log", code=30)
            missing = [line["blob"] for line in lines if line.get("kind") == "missing"]
            self.assertEqual(missing, [pack.removeprefix(f"{self.prefix}/")])
            client().delete_object(Bucket=BUCKET, Key=pack, VersionId=marker)
            self.assertEqual(place.summary("repo", "verify", "--level", "data")["damage"], 0)

    def test_where_there_are_no_locks_a_retention_is_refused(self):
        with Place(self) as place:
            unlockable = s3(PORTS["seaweedfs"], prefix="unlockable")
            refusal = {"code": 1, "says": "cannot be locked", "hint": "object lock"}
            place.fails("repo", "init", "--retention", "30d", *unlockable, **refusal)
            self.assertEqual([key for key in names("corso", "unlockable") if "/probe/" not in key], [])
            place.init(unlockable)
            place.fails("repo", "retention", "30d", **refusal)
            folder = ["filesystem", "--path", str(place.root / "repository")]
            place.fails("repo", "init", "--name", "folder", "--retention", "30d", *folder, **refusal)
            place.summary("repo", "init", "--no-recovery-key", "--name", "folder", *folder)
            place.fails("repo", "retention", "30d", "--repo", "folder", **refusal)
            self.assertNotIn("retention", place.summary("repo", "retention", "--repo", "folder"))

    def doomed(self, place):
        """Keys of the packs that a record dooms."""
        packs, _ = place.corso("maintenance", "explain", "1TiB")
        names_of = [line["pack"] for line in packs if line.get("fate") == "doomed"]
        return [key for key in self.blobs() if any(key.endswith(name) for name in names_of)]

    def needed(self, place):
        """Keys of what the repository cannot do without."""
        packs, _ = place.corso("maintenance", "explain", "1TiB")
        gone = [line["pack"] for line in packs if line.get("fate") in ("doomed", "condemned", "fresh")]
        whole = ("/packs/", "/keys/", "corso.format", "/log/")
        blobs = [key for key in self.blobs() if any(part in key for part in whole)]
        return [key for key in blobs if not any(key.endswith(name) for name in gone)]


if __name__ == "__main__":
    unittest.main()

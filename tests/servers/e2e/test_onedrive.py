"""Users' drives into a repository on a real S3 server: killed, gone on with, verified, exported, compared."""

import json
import signal
import subprocess
import time
import unittest

from cloud import LONGEST_WAIT_SECONDS, Cloud, differences, modest_faults
from place import PORTS, Place, s3
from proxy import Proxy

USERS, ITEMS = 3, 150
CHANGES = 10
CREATE = ["backup", "create", "onedrive", "--user", "*", "--pack-size", "2MiB"]
# Contents take their time, so that the backup is still running when it is to be killed.
SLOW = {"name": "slow", "rate": 1.0, "on": ["download"], "fault": {"kind": "delay", "ms": 60}}


class OneDrive(unittest.TestCase):
    def test_drives_are_backed_up_into_seaweedfs(self):
        with Place(self) as place, Proxy(PORTS["seaweedfs"]) as proxy:
            faults = modest_faults()
            faults["rules"].append(SLOW)
            options = ["--users", str(USERS), "--items", str(ITEMS), "--size-max", "1000000"]
            with Cloud(place.root, faults, *options) as cloud:
                place.env |= cloud.environment()
                self.facts = Facts(cloud, proxy)
                self.walk(place, cloud, proxy)

    def walk(self, place, cloud, proxy):
        place.init(s3(proxy.port, prefix="drives"))
        before = self.kill_half_way(place, cloud)
        self.go_on(place, cloud, before)
        self.look(place)
        unhad = [cloud.unhad(drive) for drive in range(USERS)]
        self.compare(place, cloud, unhad, code=3, name="with faults")

        cloud.ask("faults?preset=none", method="PUT")
        healed = place.summary(*CREATE)
        self.assertEqual(healed["fetched"], sum(map(len, unhad)), "what could not be had, and nothing else")
        self.facts.told(f"healed: {healed['fetched']} files fetched that could not be had before")
        self.compare(place, cloud, [set()] * USERS, code=0, name="healed")
        self.ask_for_changes(place, cloud)
        broken = json.loads(cloud.ask("violations"))
        self.assertEqual(broken["counts"], {}, broken["entries"])
        self.facts.told("no rule of Microsoft's was broken")

    def kill_half_way(self, place, cloud):
        how = ["--checkpoint-interval", "500ms", "--threads", "2", "--parallelism", "2"]
        with open(place.root / "stderr", "wb") as errors:
            command = place.command([*CREATE, *how])
            run = subprocess.Popen(command, env=place.env, cwd=place.root, stdout=subprocess.PIPE, stderr=errors)
        for line in run.stdout:
            told = json.loads(line)
            if told.get("checkpoints", 0) > 0 and cloud.downloads() > USERS * ITEMS // 3:
                break
        run.kill()
        place.end(run, code=-signal.SIGKILL)
        listed, _ = place.corso("backup", "list", "onedrive", "--all")
        self.assertIn("checkpoint", [line.get("state") for line in listed])
        before = cloud.downloads()
        self.facts.told(f"kill -9 when {before} contents had been asked for; a checkpoint is listed")
        # Whoever was killed takes what Microsoft asked for along: the next run cannot know of it.
        time.sleep(2 * LONGEST_WAIT_SECONDS)
        return before

    def go_on(self, place, cloud, before):
        summary = place.summary(*CREATE, code=3)
        files, failed = summary["statistics"]["files"], summary["statistics"]["failed"]
        self.assertLess(summary["fetched"], files - failed, "what was committed is not fetched again")
        self.assertEqual(summary["partial"] + summary["complete"], USERS)
        self.facts.told(f"gone on with: {summary['fetched']} of {files} contents fetched, {failed} cannot be had")

    def look(self, place):
        listed = place.corso("backup", "list", "onedrive", "--all")[0]
        states = [line["state"] for line in listed if line["message_type"] == "backup"]
        self.assertEqual(len(states), USERS, "the checkpoints are gone")
        self.facts.told(f"backup list: {', '.join(sorted(states))}")
        for level in ("blobs", "data"):
            self.assertEqual(place.summary("repo", "verify", "--level", level)["damage"], 0)
            self.facts.told(f"repo verify --level {level}")

    def compare(self, place, cloud, without, code, name):
        compared = 0
        for drive, user in enumerate(cloud.users()):
            target = place.root / f"{name} {drive}"
            export = ["export", "onedrive", "--backup", "latest", "--user", user, str(target)]
            place.corso(*export, code=code)
            state = cloud.state(drive)
            self.assertEqual(differences(state, without[drive], target), [])
            compared += len(state) - 1 - len(without[drive])
        missing = sum(map(len, without))
        self.facts.told(f"exports {name}: {compared} items as they truly are, {missing} missing and told of")

    def ask_for_changes(self, place, cloud):
        requests = cloud.requests()
        rest = place.summary(*CREATE)
        requests = cloud.requests() - requests
        self.assertEqual((rest["fetched"], rest["complete"]), (0, USERS))
        # For each user the drive and one page; besides the sign-in and the users.
        self.assertLessEqual(requests, 3 * (USERS + 2) + 3)
        self.facts.told(f"at rest: nothing fetched, {requests} requests")
        cloud.ask("mutate", method="POST", body={"seed": 7, "count": CHANGES})
        changed = place.summary(*CREATE)
        self.assertLessEqual(changed["fetched"], USERS * CHANGES)
        self.assertGreater(changed["fetched"], 0)
        self.facts.told(f"after {CHANGES} changes in each drive: {changed['fetched']} contents fetched")
        self.compare(place, cloud, [set()] * USERS, code=0, name="changed")


class Facts:
    """Prints each fact with the time that it took, and what went to Microsoft and to the server."""

    def __init__(self, cloud, proxy):
        self.cloud, self.proxy = cloud, proxy
        self.began, self.asked = time.monotonic(), 0
        print("\nonedrive into seaweedfs:")

    def told(self, fact):
        asked, broken = self.cloud.requests(), self.cloud.violations()
        print(
            f"  {time.monotonic() - self.began:5.1f} s  {fact}\n           Microsoft: {asked - self.asked} requests;"
            f" server: {self.proxy.told() or 'nothing'}{f'; broken rules: {broken}' if broken else ''}",
            flush=True,
        )
        with self.proxy.lock:
            self.proxy.counts.clear()
        self.began, self.asked = time.monotonic(), asked

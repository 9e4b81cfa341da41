"""The whole way through the program, against each server that a repository may be on."""

import os
import signal
import time
import unittest

import tree
from place import PORTS, Place, azure, s3
from proxy import Proxy

# Each through a proxy that counts requests.
LOCATIONS = {
    "seaweedfs": lambda port: s3(port, prefix="laptop/daily"),
    "moto": lambda port: s3(port, prefix=""),
    "azurite": lambda port: azure(port, "laptop"),
}


class Corridor(unittest.TestCase):
    def test_seaweedfs(self):
        self.walk("seaweedfs")

    def test_moto(self):
        self.walk("moto")

    def test_azurite(self):
        self.walk("azurite")

    def walk(self, server):
        with Place(self) as place, Proxy(PORTS[server]) as proxy:
            step = Steps(server, proxy)
            tree.generate(place.source)
            place.init(LOCATIONS[server](proxy.port))
            step.done("init")

            first = place.back_up("--tag", "run=first")
            self.assertEqual((first["state"], first["statistics"]["failed"]), ("complete", 0))
            step.done(f"first backup of {tree.size(place.source):,} bytes")
            self.back_up_a_change(place, first, step)
            self.look(place, first)
            step.done("list, show, ls, cat, find, diff")
            for level in ("log", "blobs", "data"):
                self.assertEqual(place.summary("repo", "verify", "--level", level)["damage"], 0)
                step.done(f"verify --level {level}")
            self.restore(place, "latest", "second")
            step.done("restore --verify, equal")
            self.kill_and_resume(place, proxy, step)
            self.restore(place, "latest", "resumed")
            step.done("restore --verify, equal")
            self.connect_again(place, LOCATIONS[server](proxy.port))
            step.done("disconnect, connect, status")

    def back_up_a_change(self, place, first, step):
        tree.change(place.source)
        second = place.back_up()
        statistics = second["statistics"]
        self.assertEqual(second["base"], first["snapshot_id"])
        # What moved, or has other metadata, is read again, and not stored again.
        self.assertLess(statistics["bytes_read"], 17_000_000)
        self.assertLess(statistics["bytes_stored"], 3_400_000)
        step.done(f"second backup, {statistics['bytes_stored']:,} bytes stored")

    def look(self, place, first):
        lines, _ = place.corso("snapshot", "list")
        self.assertEqual([line["message_type"] for line in lines], ["snapshot", "snapshot", "summary"])
        tagged, _ = place.corso("snapshot", "list", "--tag", "run=first")
        self.assertEqual(tagged[0]["id"], first["snapshot_id"])
        self.assertEqual(place.summary("snapshot", "show", "latest")["state"], "complete")
        entries, _ = place.corso("snapshot", "ls", "latest", "--recursive")
        self.assertEqual(len(entries) - 1, len(tree.describe(place.source)) - 1)
        cat, _ = place.corso("snapshot", "cat", "latest:folder 1/1/file 1")
        with open(os.path.join(place.source, "folder 1/1/file 1"), "rb") as file:
            self.assertEqual("".join(line["hex"] for line in cat[:-1]), file.read().hex())
        self.assertEqual(place.summary("snapshot", "find", "added", "--snapshot", "latest")["count"], 1)
        changes, _ = place.corso("snapshot", "diff", first["snapshot_id"][:12], "latest")
        told = {line.get("path"): line["change"] for line in changes[:-1]}
        self.assertEqual(told["added"], "added")
        self.assertEqual(told["folder 1/1/file 1"], "modified")
        self.assertEqual(told["folder 2/2/file 2"], "removed")
        self.assertEqual(told["text"], "metadata")

    def restore(self, place, snapshot, name):
        target = str(place.root / name)
        restored = place.summary("snapshot", "restore", snapshot, "--target", target, "--verify")
        self.assertEqual((restored["failed"], restored["warnings"], restored["differences"]), (0, 0, 0))
        self.assertEqual(tree.differences(place.source, target), [])

    def kill_and_resume(self, place, proxy, step):
        tree.add_noise(place.source, 3, 40_000_000)
        proxy.put_seconds = 0.4
        run = place.start()
        run.kill()
        place.end(run, code=-signal.SIGKILL)
        proxy.put_seconds = 0
        step.done("kill -9 after a checkpoint")
        states = [line.get("state") for line in place.corso("snapshot", "list", "--all")[0]]
        self.assertIn("checkpoint", states)
        place.summary("repo", "verify", "--level", "log")
        resumed = place.back_up()
        stored = resumed["statistics"]["bytes_stored"]
        self.assertEqual(resumed["state"], "complete")
        self.assertLess(stored, 39_000_000, "what the checkpoint held is not stored again")
        step.done(f"resumed, {stored:,} of 40,000,000 bytes stored")
        self.assertEqual(place.summary("repo", "verify", "--level", "data")["damage"], 0)
        step.done("verify --level data")

    def connect_again(self, place, location):
        before = place.summary("repo", "status")
        place.summary("repo", "disconnect")
        place.summary("repo", "connect", *location)
        self.assertEqual(place.summary("repo", "status"), before)
        self.assertEqual(before["snapshots"], 3)


class Steps:
    """Prints what each step took."""

    def __init__(self, server, proxy):
        self.server, self.proxy = server, proxy
        self.began = time.monotonic()
        print(f"\n{server}:")

    def done(self, what):
        print(f"  {time.monotonic() - self.began:5.1f} s  {what}: {self.proxy.told()}", flush=True)
        with self.proxy.lock:
            self.proxy.counts.clear()
        self.began = time.monotonic()

"""A copy from a server to a folder, to another server and on to a third; killed, resumed and promoted."""

import os
import signal
import subprocess
import time
import unittest

import tree
from place import PORTS, Place, s3
from proxy import Proxy
from test_corridor import Steps


class Copies(unittest.TestCase):
    def test_copies_from_server_to_server(self):
        with Place(self) as place, Proxy(PORTS["seaweedfs"]) as source, Proxy(PORTS["moto"]) as second:
            step = Steps("copies", second)
            tree.generate(place.source)
            place.init(s3(source.port, prefix="copied"))
            first = place.back_up()
            step.done("init, backup on seaweedfs")

            to = f"s3://corso/copy?endpoint=http%3A%2F%2F127.0.0.1%3A{second.port}"
            self.kill(place, second, to)
            step.done("sync to moto, kill -9")
            keyless = {name: value for name, value in place.env.items() if name != "CORSO_KEY_FILE"}
            with_key, place.env = place.env, keyless
            self.reset(source, second)
            resumed = place.summary("repo", "sync", "--to", to)
            self.assertGreater(resumed["there"], 0)
            # What is there is listed, and neither read nor sent again.
            sent = self.counts(second)["bytes up"]
            fetched = self.counts(source)["bytes down"]
            self.assertLess(sent, resumed["copied_bytes"] + 100_000)
            self.assertLess(fetched, resumed["copied_bytes"] + 300_000)
            step.done(f"sync goes on, without a secret: {resumed['there']} blobs were there, {resumed['copied']} copied")
            self.reset(source, second)
            idle = place.summary("repo", "sync", "--to", to)
            self.assertEqual(idle["copied"], 0)
            self.assertLess(self.counts(second)["requests"], 40)
            step.done("sync with nothing to do")
            onward = f"azure://devstoreaccount1/corso/third?endpoint={self.azurite()}"
            third = place.summary("repo", "sync", "--repo", to, "--to", onward)
            self.assertEqual(third["copied"], resumed["copied"] + resumed["there"])
            folder = place.summary("repo", "sync", "--repo", onward, "--to", str(place.root / "folder"))
            self.assertEqual(folder["copied"], third["copied"])
            step.done("on to azurite, and on to a folder")

            place.env = with_key
            for copy in (to, onward, str(place.root / "folder")):
                report = place.summary("repo", "verify", "--level", "data", "--repo", copy)
                self.assertEqual(report["damage"], 0)
            target = str(place.root / "restored")
            place.summary("snapshot", "restore", first["snapshot_id"], "--target", target, "--repo", onward)
            self.assertEqual(tree.differences(place.source, target), [])
            step.done("verify --level data of all three, restore from the last")
            self.follow(place, to)
            step.done("backup, forget, maintenance; sync --delete --check")
            self.promote(place, to)
            step.done("refused, promoted, backed up to")

    def kill(self, place, proxy, to):
        """Kills a copying when some packs are there."""
        proxy.put_seconds = 0.3
        command = place.command(["repo", "sync", "--to", to, "--threads", "1"])
        run = subprocess.Popen(command, env=place.env, cwd=place.root, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
        until = time.monotonic() + 60
        while self.counts(proxy)["bytes up"] < 6_000_000 and run.poll() is None:
            self.assertLess(time.monotonic(), until)
            time.sleep(0.05)
        run.kill()
        self.assertEqual(run.wait(), -signal.SIGKILL, "it was done before it was killed")
        proxy.put_seconds = 0
        place.fails("snapshot", "list", "--repo", to, code=10, says="not finished", hint="corso repo sync")

    def follow(self, place, to):
        tree.change(place.source)
        place.back_up()
        snapshots, _ = place.corso("snapshot", "list")
        place.summary("snapshot", "forget", snapshots[0]["id"])
        place.summary("maintenance", "run", "--grace", "0", "--grace-unknown", "0", "--max-unused", "0")
        followed = place.summary("repo", "sync", "--to", to, "--check", "--delete")
        self.assertGreater(followed["deleted"], 0)
        self.assertEqual((followed["lost"], followed["replaced"], followed["damaged"]), (0, 0, 0))
        report = place.summary("repo", "verify", "--level", "data", "--repo", to)
        self.assertEqual(report["damage"], 0)

    def promote(self, place, to):
        place.fails("snapshot", "create", place.source, "--repo", to, code=1,
                    says="read-only until it is promoted", hint="corso repo promote")
        self.assertEqual(place.summary("repo", "promote", "--repo", to)["missing"], 0)
        place.back_up("--repo", to)
        place.fails("repo", "sync", "--to", to, code=1, says="no copy", hint="empty place")
        target = str(place.root / "promoted")
        place.summary("snapshot", "restore", "latest", "--target", target, "--repo", to)
        self.assertEqual(tree.differences(place.source, target), [])

    @staticmethod
    def azurite():
        return f"http%3A%2F%2F127.0.0.1%3A{PORTS['azurite']}%2Fdevstoreaccount1"

    @staticmethod
    def counts(proxy):
        with proxy.lock:
            return proxy.counts.copy()

    @staticmethod
    def reset(*proxies):
        for proxy in proxies:
            with proxy.lock:
                proxy.counts.clear()


class OtherKeys(unittest.TestCase):
    def test_copies_with_keys_of_their_own(self):
        """The repository's keys are wrong for the copy, and the other way round."""
        with Place(self) as place:
            port = PORTS["seaweedfs"]
            os.mkdir(place.source)
            with open(os.path.join(place.source, "file"), "wb") as file:
                file.write(b"content")
            place.summary("repo", "init", "--no-recovery-key", "filesystem", "--path", str(place.root / "first"))
            place.back_up()
            right = {name: place.env[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
            place.env["AWS_SECRET_ACCESS_KEY"] = "the repository's own"
            to = f"s3://corso/keys?endpoint=http%3A%2F%2F127.0.0.1%3A{port}"
            place.fails("repo", "sync", "--to", to, code=1, says="denies access", hint="AWS_")
            place.env |= {f"CORSO_TO_{name}": value for name, value in right.items()}
            self.assertGreater(place.summary("repo", "sync", "--to", to)["copied"], 0)

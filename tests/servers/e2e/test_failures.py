"""What goes wrong with a server: the message, the exit code, the next step, and nothing lost."""

import random
import socket
import subprocess
import time
import unittest
from pathlib import Path

import tree
from place import PORTS, Place, azure, s3
from proxy import LOSE_ANSWER, PASS, Proxy

HASTY = ["--retries", "2", "--request-timeout", "2s"]


class Refusals(unittest.TestCase):
    """The first request fails, so nothing is begun."""

    def setUp(self):
        print(f"\n{self.id().split('.')[-1]}:")

    def init_fails(self, location, code, says, hint, arguments=(), **env):
        with Place(self, **env) as place:
            return place.fails("repo", "init", *arguments, *location, code=code, says=says, hint=hint)

    def test_wrong_keys_are_denied(self):
        location = s3(PORTS["seaweedfs"])
        for env in ({"AWS_ACCESS_KEY_ID": "nobody"}, {"AWS_SECRET_ACCESS_KEY": "another-secret"}):
            self.init_fails(location, 1, "denies access", "keys in AWS_", **env)
        key = {"AZURE_STORAGE_KEY": "bm90IHRoZSByaWdodCBrZXkgYXQgYWxs"}
        self.init_fails(azure(PORTS["azurite"], "x"), 1, "denies access", "keys in AWS_", **key)

    def test_a_missing_bucket_is_no_repository(self):
        self.init_fails(s3(PORTS["moto"], bucket="absent"), 10, "there is no s3://absent", "the bucket made")
        with Place(self) as place:
            url = f"s3://absent?endpoint=http://127.0.0.1:{PORTS['moto']}"
            place.fails("snapshot", "list", "--repo", url, code=10, says="there is no s3://absent", hint="bucket")
            url = f"s3://corso/empty?endpoint=http://127.0.0.1:{PORTS['moto']}"
            place.fails("snapshot", "list", "--repo", url, code=10, says="no repository", hint="repo init")

    def test_a_repository_that_is_there_is_not_made_again(self):
        location = s3(PORTS["moto"], prefix="twice")
        with Place(self) as place:
            place.init(location)
        self.init_fails(location, 1, "already", "repo connect")

    def test_a_server_that_overwrites_is_refused_by_name(self):
        self.init_fails(s3(PORTS["rclone"]), 1, "create-if-absent", "another storage")

    def test_nobody_listens(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            location = s3(unused.getsockname()[1])
        self.init_fails(location, 1, "cannot be reached", "--retries", HASTY)

    def test_nobody_answers(self):
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            self.init_fails(s3(silent.getsockname()[1]), 1, "no answer", "--request-timeout", HASTY)

    def test_no_keys_at_all(self):
        none = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true"}
        self.init_fails(s3(PORTS["moto"]), 1, "no AWS credentials", "AWS_", **none)

    def test_endless_throttling(self):
        with Proxy(PORTS["moto"], lambda *_: (503, "<Error><Code>SlowDown</Code></Error>")) as proxy:
            self.init_fails(s3(proxy.port), 1, "throttles", "--retries", HASTY)
            self.assertEqual(proxy.counts["requests"], 3)

    def test_an_expired_token_is_denied(self):
        said = "<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>"
        with Proxy(PORTS["moto"], lambda *_: (400, said)) as proxy:
            env = {"AWS_SESSION_TOKEN": "temporary-token"}
            self.init_fails(s3(proxy.port), 1, "denies access", "keys in AWS_", HASTY, **env)

    def test_an_answer_that_repeats_the_request_is_not_shown(self):
        token = "temporary-token"
        said = (
            "<Error><Code>SignatureDoesNotMatch</Code><Message>Wrong signature.</Message>"
            f"<CanonicalRequest>x-amz-security-token:{token}</CanonicalRequest></Error>"
        )
        with Proxy(PORTS["moto"], lambda *_: (403, said)) as proxy:
            self.init_fails(s3(proxy.port), 1, "Wrong signature.", "keys in AWS_", HASTY, AWS_SESSION_TOKEN=token)


class Storms(unittest.TestCase):
    """Servers that fail now and then, or go away: the backup goes on, or the next one does."""

    def setUp(self):
        print(f"\n{self.id().split('.')[-1]}:")

    def backs_up_through(self, server, fault):
        with Place(self) as place, Proxy(PORTS[server]) as proxy:
            place.init(s3(proxy.port, prefix=self.id()))
            Path(place.source).mkdir()
            tree.add_noise(place.source, 4, 20_000_000)
            proxy.counts.clear()
            proxy.fault = fault
            began = time.monotonic()
            self.assertEqual(place.back_up()["state"], "complete")
            print(f"  backup {time.monotonic() - began:.1f} s: {proxy.told()}")
            proxy.fault = lambda *_: PASS
            self.whole(place)

    def whole(self, place):
        self.assertEqual(place.summary("repo", "verify", "--level", "data")["damage"], 0)
        target = str(place.root / "back")
        place.summary("snapshot", "restore", "latest", "--target", target, "--verify")
        self.assertEqual(tree.differences(place.source, target), [])

    def test_every_third_request_is_throttled(self):
        slow_down = (503, "<Error><Code>SlowDown</Code></Error>")
        self.backs_up_through("seaweedfs", lambda method, number: slow_down if number % 3 == 0 else PASS)

    def test_every_fourth_answer_is_lost(self):
        self.backs_up_through("seaweedfs", lambda method, number: LOSE_ANSWER if number % 4 == 0 else PASS)

    def test_failures_and_lost_answers_at_random(self):
        dice = random.Random(5)
        faults = [PASS, PASS, PASS, LOSE_ANSWER, (500, "<Error><Code>InternalError</Code></Error>"), (503, "")]
        self.backs_up_through("moto", lambda *_: dice.choice(faults))

    def test_keys_that_may_not_delete_are_enough(self):
        denied = (403, "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>")
        keep = lambda method, number: denied if method == "DELETE" else PASS
        with Place(self) as place, Proxy(PORTS["moto"], keep) as proxy:
            location = s3(proxy.port, prefix=self.id())
            place.init(location)
            tree.generate(place.source)
            place.back_up()
            place.summary("repo", "disconnect")
            place.summary("repo", "connect", *location)
            self.whole(place)

    def test_seaweedfs_is_killed_and_restarted_in_a_backup(self):
        with Place(self) as place, Proxy(PORTS["seaweedfs"], put_seconds=0.4) as proxy:
            place.init(s3(proxy.port, prefix=self.id()))
            Path(place.source).mkdir()
            tree.add_noise(place.source, 6, 60_000_000)
            run = place.start()
            began = time.monotonic()
            restart("seaweedfs")
            print(f"  away for {time.monotonic() - began:.1f} s")
            proxy.put_seconds = 0
            self.assertEqual(place.end(run)[0]["state"], "complete")
            print(f"  the backup ended {time.monotonic() - began:.1f} s after the kill: {proxy.told()}")
            self.whole(place)

    def test_seaweedfs_goes_away_for_longer_than_patience(self):
        with Place(self) as place, Proxy(PORTS["seaweedfs"], put_seconds=0.4) as proxy:
            place.init(s3(proxy.port, prefix=self.id()))
            Path(place.source).mkdir()
            tree.add_noise(place.source, 7, 40_000_000)
            run = place.start(*HASTY)
            upstream, proxy.upstream = proxy.upstream, 1
            _, error = place.end(run, code=1)
            print(f"  {error['message']}\n      hint: {error['hint']}")
            self.assertIn("cannot be reached", error["message"])
            self.assertIn("run the same command again", error["hint"])
            proxy.upstream, proxy.put_seconds = upstream, 0
            stored = place.back_up()["statistics"]["bytes_stored"]
            print(f"  the next run stored {stored:,} of 40,000,000 bytes")
            self.assertLess(stored, 39_000_000)
            self.whole(place)


def restart(server):
    """Kills a server, and starts it on what it left."""
    script = Path(__file__).parent.parent / f"{server}.sh"
    subprocess.run([script, "restart", str(PORTS[server])], check=True)

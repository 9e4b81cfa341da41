"""The `corso` binary in a place of its own: configuration, cache, state, key file and source."""

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

KEY = b"sixty-four bytes that nobody else has, and nobody may ever read."
CORSO = os.environ["CORSO_BINARY"]
PORTS = {name: int(os.environ[f"CORSO_TEST_{name.upper()}"]) for name in ("seaweedfs", "moto", "azurite", "rclone")}


class Place:
    """Use in a `with`; the folder goes with it. `env` goes over the usual variables."""

    def __init__(self, test, **env):
        self.test = test
        self.folder = tempfile.TemporaryDirectory(prefix="corso-e2e-")
        self.root = Path(self.folder.name)
        key = self.root / "key"
        key.write_bytes(KEY)
        key.chmod(0o600)
        self.source = str(self.root / "source")
        inherited = ("PATH", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AZURE_STORAGE_KEY")
        self.env = {name: os.environ[name] for name in inherited}
        self.env |= {"HOME": str(self.root), "CORSO_KEY_FILE": str(key), "CORSO_TESTING": "1"} | env

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.folder.cleanup()

    def corso(self, *arguments, code=0):
        """Runs a command that must end with `code`. Gives its JSON lines on stdout, then stderr."""
        done = subprocess.run(self.command(arguments), env=self.env, cwd=self.root, capture_output=True, timeout=300)
        self.shows_no_secret(done.stdout + done.stderr)
        shown = done.stderr.decode()
        self.test.assertEqual(done.returncode, code, f"{arguments}: {shown[-3000:]}")
        return [parse(done.stdout), parse(done.stderr)]

    def summary(self, *arguments, code=0):
        """Runs a command, and gives the last line on stdout."""
        return self.corso(*arguments, code=code)[0][-1]

    def fails(self, *arguments, code, says, hint):
        """Runs a command that fails; its message and hint must have these words."""
        began = time.monotonic()
        error = self.corso(*arguments, code=code)[1][-1]
        self.test.assertEqual(error["message_type"], "exit_error", error)
        self.test.assertIn(says, error["message"])
        self.test.assertIn(hint, error["hint"])
        print(f"  {time.monotonic() - began:.1f} s, {code}: {error['message']}\n      hint: {error['hint']}")
        return error

    def start(self, *arguments):
        """Starts a backup of the source in small packs and steps, and waits for its first checkpoint."""
        how = ["--pack-size", "2MiB", "--checkpoint-interval", "2s", "--connections", "2", *arguments]
        command = self.command(["snapshot", "create", self.source, *how])
        with open(self.root / "stderr", "wb") as errors:
            run = subprocess.Popen(command, env=self.env, cwd=self.root, stdout=subprocess.PIPE, stderr=errors)
        for line in run.stdout:
            if json.loads(line).get("checkpoints", 0) > 0:
                return run
        self.test.fail(f"the backup ended before a checkpoint: {self.end(run)}")

    def end(self, run, code=0):
        """Waits for a backup that was started; gives the last JSON line of stdout and of stderr."""
        output, _ = run.communicate(timeout=300)
        errors = (self.root / "stderr").read_bytes()
        self.shows_no_secret(output + errors)
        self.test.assertEqual(run.returncode, code, errors[-3000:])
        return [(parse(lines) or [None])[-1] for lines in (output, errors)]

    def command(self, arguments):
        return [CORSO, *arguments, "--json", "--log-level", "debug"]

    def shows_no_secret(self, shown):
        """Keys, tokens and signatures, whatever the log level."""
        secrets = [KEY, KEY.hex().encode(), b"Signature=", b"authorization: "]
        secrets += [value.encode() for name, value in self.env.items() if value and name in SECRET_VARIABLES]
        for secret in secrets:
            self.test.assertNotIn(secret, shown)

    def init(self, location):
        return self.summary("repo", "init", "--no-recovery-key", *location)

    def back_up(self, *arguments, code=0):
        return self.summary("snapshot", "create", self.source, "--pack-size", "2MiB", *arguments, code=code)


SECRET_VARIABLES = (
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AZURE_CLIENT_SECRET",
    "AZURE_STORAGE_KEY",
    "CORSO_PASSPHRASE",
    "CORSO_TO_AWS_SECRET_ACCESS_KEY",
)


def parse(lines):
    """JSON lines, and nothing else."""
    return [json.loads(line) for line in lines.decode().splitlines()]


def s3(port, bucket="corso", prefix=""):
    """Options for a bucket on loopback."""
    endpoint = f"http://127.0.0.1:{port}"
    return ["s3", "--bucket", bucket, "--prefix", prefix, "--endpoint", endpoint, "--path-style"]


def azure(port, prefix):
    """Options for the container on Azurite."""
    account = "devstoreaccount1"
    endpoint = f"http://127.0.0.1:{port}/{account}"
    return ["azure", "--account", account, "--container", "corso", "--prefix", prefix, "--endpoint", endpoint]

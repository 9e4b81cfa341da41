"""The `corso` binary in a folder of its own, with a small file system for its repository."""

import json
import os
import random
import subprocess
import tempfile
from pathlib import Path

KEY = b"sixty-four bytes that nobody else has, and nobody may ever read."
CORSO = os.environ["CORSO_BINARY"]


class Place:
    """Use in a `with`. `size` is that of the file system in bytes; without one, the repository lies in a folder."""

    def __init__(self, test, size=None):
        self.test = test
        self.size = size
        self.folder = tempfile.TemporaryDirectory(prefix="corso-disk-")
        self.root = Path(self.folder.name)
        key = self.root / "key"
        key.write_bytes(KEY)
        key.chmod(0o600)
        self.disk = self.root / "disk"
        self.disk.mkdir()
        self.env = {"PATH": os.environ["PATH"], "HOME": str(self.root), "CORSO_KEY_FILE": str(key)}

    def __enter__(self):
        if self.size:
            options = ["-o", f"size={self.size}", "none", str(self.disk)]
            subprocess.run(["mount", "-t", "tmpfs", *options], check=True)
        self.repository = self.disk / "repository"
        self.corso("repo", "init", "filesystem", "--path", str(self.repository), "--no-recovery-key")
        return self

    def __exit__(self, *_):
        if self.size:
            subprocess.run(["umount", str(self.disk)], check=True)
        self.folder.cleanup()

    def source(self, name, size, seed, piece=400_000):
        """A folder of random files."""
        folder = self.root / name
        folder.mkdir()
        dice = random.Random(seed)
        for number in range(max(1, size // piece)):
            (folder / f"file {number}").write_bytes(dice.randbytes(piece))
        return str(folder)

    def run(self, *arguments, under=()):
        """Runs a command; gives its code, its JSON lines on stdout, and those on stderr."""
        command = [*under, CORSO, *arguments, "--json"]
        done = subprocess.run(command, env=self.env, cwd=self.root, capture_output=True, timeout=300)
        lines = lambda output: [json.loads(line) for line in output.splitlines() if line.startswith(b"{")]
        return done.returncode, lines(done.stdout), lines(done.stderr)

    def corso(self, *arguments):
        """Runs a command that must succeed; gives the last line on stdout."""
        code, output, errors = self.run(*arguments)
        self.test.assertEqual(code, 0, f"{arguments}: {errors}")
        return output[-1] if output else None

    def fill(self):
        """Leaves no room at all."""
        with open(self.disk / "filler", "ab", buffering=0) as filler:
            size = 1 << 20
            while size:
                try:
                    filler.write(b"x" * size)
                except OSError:
                    size //= 2

    def room(self):
        """Bytes that are free."""
        disk = os.statvfs(self.disk)
        return disk.f_bavail * disk.f_frsize

    def verify(self):
        self.corso("repo", "verify", "--level", "data")

    def snapshots(self):
        _, lines, _ = self.run("snapshot", "list")
        return [line for line in lines if line.get("message_type") == "snapshot"]

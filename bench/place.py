"""Where things are: the data, the programs, and what one run of one tool has."""
import os, shutil, time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
WORK = Path(os.environ.get("BENCH_WORK", ROOT / ".work/bench")).absolute()
BIN = Path(os.environ.get("PEERS_BIN", ROOT / ".work/peers/bin")).absolute()
CORSO = Path(os.environ.get("CORSO_BIN", ROOT / "target/release/corso")).absolute()


def peer(name):
    """The program of a peer: from PEERS_BIN, else from PATH."""
    own = BIN / name
    return str(own) if own.exists() else shutil.which(name) or str(own)


class Ctx:
    """Where one run of one tool on one data set happens. `bucket` is the repository where it is not a folder."""

    def __init__(self, name, dataset, bucket=None):
        self.dir = WORK / "run" / f"{name}-{dataset}"
        self.repo = self.dir / "repo"      # what is measured as the repository
        self.state = self.dir / "state"    # caches, keys, config: outside the repository
        self.out = self.dir / "out"        # restore goes here; empty before it
        self.src = WORK / "data" / dataset
        self.bucket = bucket
        self.n = 0                         # backups made so far
        self.env = {"HOME": str(self.state), "XDG_CACHE_HOME": str(self.state / "cache")}
        if bucket:
            self.env |= bucket.keys

    def make(self):
        """Makes its folders anew."""
        set_aside(self.dir)
        for d in (self.state, self.state / "cache"):
            d.mkdir(parents=True, exist_ok=True)


# What ext4 without a journal does after a deletion: for a minute it passes over each inode that was freed, and creating
# files takes five times as long. A restore would be measured by what was removed before it.
SETTLE_SECONDS = float(os.environ.get("BENCH_SETTLE", 65))
# Below so much room, what is set aside is removed between two runs.
ROOM_BYTES = 20 << 30
ROOM_INODES = 9_000_000


def set_aside(path):
    """Removes a tree later: see SETTLE_SECONDS."""
    if path.exists():
        aside = WORK / "aside"
        aside.mkdir(exist_ok=True)
        path.rename(aside / f"{time.monotonic_ns()}")


def short_of_room():
    disk = os.statvfs(WORK)
    return disk.f_bavail * disk.f_frsize < ROOM_BYTES or disk.f_favail < ROOM_INODES


def make_room(settle=True):
    """Removes what was set aside, and waits until the file system has forgotten it."""
    aside = WORK / "aside"
    if aside.exists():
        remove(aside)
        os.sync()
        time.sleep(SETTLE_SECONDS if settle else 0)


def remove(path):
    """Removes a tree; one of millions of entries in less time than Python takes."""
    os.spawnlp(os.P_WAIT, "rm", "rm", "-rf", "--", str(path))

"""Where things are: the data, the programs, and what one run of one tool has."""
import os, shutil
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
        remove(self.dir)
        for d in (self.state, self.state / "cache"):
            d.mkdir(parents=True, exist_ok=True)


def remove(path):
    """Removes a tree; one of millions of entries in less time than Python takes."""
    os.spawnlp(os.P_WAIT, "rm", "rm", "-rf", "--", str(path))

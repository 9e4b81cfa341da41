"""The records of some runs, and the medians of their rounds."""
import json, statistics

from adapters import FLOORS, OURS, TOOLS
from measure import SETS, cpu

MEASURES = {"cpu": cpu, "wall": lambda s: s["wall"], "memory": lambda s: s["rss"] * 1024 / 1e6,
            "requests": lambda s: s["requests"]}


class Results:
    """The records of some files, with medians over the rounds."""

    def __init__(self, files):
        records = [json.loads(line) for f in files for line in open(f)]
        self.machines = [r for r in records if r.get("kind") == "machine"]
        self.startups = [r for r in records if r.get("kind") == "startup"]
        self.runs, machine = [], None
        for r in records:
            machine = r if r.get("kind") == "machine" else machine
            if "steps" in r:
                self.runs.append(r | {"commit": machine["commit"] if machine else "?"})

    def of(self, dataset, tool, storage="folder"):
        return [r for r in self.runs if (r["set"], r["tool"], r["storage"]) == (dataset, tool, storage)]

    def sets(self, storage="folder"):
        return [s for s in SETS if any(r["set"] == s and r["storage"] == storage for r in self.runs)]

    def tools(self, dataset, storage="folder"):
        return [t for t in self.ordered() if self.of(dataset, t, storage)]

    def ordered(self):
        """Ours first, then the peers, then the floors."""
        return sorted(TOOLS, key=lambda t: (t != OURS, t in FLOORS))

    def storages(self):
        return sorted({r["storage"] for r in self.runs})

    def median(self, dataset, tool, step, what, storage="folder"):
        """None if the step was not done, or failed in any round."""
        steps = [r["steps"].get(step) for r in self.of(dataset, tool, storage)]
        if not steps or any(s is None or s["rc"] for s in steps):
            return None
        return statistics.median(MEASURES[what](s) for s in steps)

    def stored(self, dataset, tool, what, storage="folder"):
        """MB: the repository's `size` after the first backup, its `growth` by the change, or what is `left` after prune."""
        sizes = {"size": lambda r: r["repo-1"]["bytes"], "growth": lambda r: r["repo-2"]["bytes"] - r["repo-1"]["bytes"],
                 "left": lambda r: r["repo-3"]["bytes"]}
        return statistics.median(sizes[what](r) for r in self.of(dataset, tool, storage)) / 1e6

    def versions(self):
        return {t: v for t in self.ordered() for v in [next((r["version"] for r in self.runs + self.startups if r["tool"] == t), None)] if v}

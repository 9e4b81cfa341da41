#!/usr/bin/env python3
"""How corso's commands grow with the number of files and of snapshots.

  growth.py run [--files 1000,10000,100000,1000000] [--snapshots 1,100,10000] [--out growth.jsonl]
  growth.py plot growth.jsonl --svg PLOT.svg         needs matplotlib (bench/plot.txt)
  growth.py report growth.jsonl [--into PAGE]        a table, and a sentence for each curve

Files are of 100 bytes, 100 in a folder, one snapshot each time. Snapshots are of a folder of 100 such files, of which one
changes before each, made by as many runs of the command. Each operation is measured three times on a copy of what there
is then, so that measuring does not grow it; the median counts. Maintenance is measured once: a second run finds less to do.
"""
import argparse, json, math, statistics, sys
from pathlib import Path

import rounds
from adapters import OURS, TOOLS
from markdown import number, put, table
from measure import cpu, gen, machine, sh, timed
from place import Ctx, WORK, remove
from report import taken

FILES = "1000,10000,100000,1000000"
SNAPSHOTS = "1,100,10000"
TREE_FOR_SNAPSHOTS = 100
TIMES = 3
# Kept in this order everywhere: what leaves the repository as it is comes first.
OPERATIONS = {
    "list": "snapshot list",
    "restore": "restore of one file",
    "same": "backup, nothing changed",
    "change": "backup, one file changed",
    "maintenance": "maintenance run",
}


class Repository:
    """One repository with its caches, and the source that is backed up to it."""

    def __init__(self, name, source):
        self.c = Ctx("growth", name)
        self.c.src = source
        self.log = WORK / "log" / f"growth-{name}.log"

    def make(self):
        remove(self.c.dir)
        self.c.make()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.write_bytes(b"")
        self.does("init")

    def copy(self):
        """The same repository and caches elsewhere; the source is the same, so that backups have their predecessor."""
        other = Repository(f"{self.c.dir.name}-copy", self.c.src)
        remove(other.c.dir)
        sh("cp", "-a", self.c.dir, other.c.dir)
        return other

    def does(self, verb, tail=()):
        command = TOOLS[OURS](self.c)[verb][0] + list(tail)
        measured = timed(command, self.c.env, self.c.src, self.log)
        if measured["rc"]:
            sys.exit(f"{verb} ended with {measured['rc']}; see {self.log}")
        return measured

    def restores_one(self, n):
        """A file from the newest snapshot, which must be what the source has."""
        file = one_file(self.c.src)
        out = self.c.dir / f"out-{n}"
        measured = self.does("restore-path", [f"latest:{file.relative_to(self.c.src)}", "--target", str(out)])
        restored = next(p for p in out.rglob("*") if p.is_file())
        if restored.read_bytes() != file.read_bytes():
            sys.exit(f"{restored} is not what {file} is")
        return measured

    def measured(self):
        """Measures every operation on a copy: op to the median of its records."""
        copy = self.copy()
        records = {op: [] for op in OPERATIONS}
        for n in range(TIMES):
            records["list"].append(copy.does("list"))
        for n in range(TIMES):
            records["restore"].append(copy.restores_one(n))
        for n in range(TIMES):
            records["same"].append(copy.does("backup"))
        for n in range(TIMES):
            change(copy.c.src, f"measured {n}")
            records["change"].append(copy.does("backup"))
        records["maintenance"].append(copy.does("maintenance"))
        copy.does("check")
        remove(copy.c.dir)
        return {op: median(seen) for op, seen in records.items()}


def one_file(source):
    return min((source / "000/00").iterdir())


def change(source, how):
    """Other bytes for one file, as many as before."""
    one_file(source).write_text(f"{how} ".ljust(100, "."))


def median(seen):
    told = {"cpu": cpu, "wall": lambda s: s["wall"], "memory": lambda s: s["rss"] * 1024 / 1e6}
    return {what: round(statistics.median(f(s) for s in seen), 4) for what, f in told.items()}


def tree(files):
    source = WORK / "data" / f"grown-{files}"
    if not (source / ".bench-root").exists():
        remove(source)
        print(gen("grown", source, 8, files), flush=True)
    return source


def run(files, snapshots, out):
    WORK.mkdir(parents=True, exist_ok=True)
    rounds.write(out, machine())
    for n in files:
        repository = Repository(f"{n}-files", tree(n))
        repository.make()
        first = repository.does("backup")
        told(out, "files", n, {"first": median([first])} | repository.measured())
        remove(repository.c.dir)
        remove(repository.c.src)
    source = tree(TREE_FOR_SNAPSHOTS)
    repository, made = Repository("snapshots", source), 0
    repository.make()
    for n in snapshots:
        while made < n:
            change(source, f"snapshot {made}")
            repository.does("backup")
            made += 1
        told(out, "snapshots", n, repository.measured())
    remove(repository.c.dir)
    remove(source)


def told(out, axis, n, operations):
    rounds.write(out, {"kind": "growth", "axis": axis, "n": n, "operations": operations})
    print(f"{n} {axis}: " + ", ".join(f"{op} {m['wall']:.2f}/{m['cpu']:.2f} s {m['memory']:.0f} MB" for op, m in operations.items()), flush=True)


# ---- what is told of it -------------------------------------------------------------------------

AXES = {"files": "files in the tree, one snapshot", "snapshots": f"snapshots of {TREE_FOR_SNAPSHOTS} files"}


def curves(file):
    """Axis and operation to [(n, what was measured)], by n."""
    found = {}
    for r in map(json.loads, open(file)):
        if r["kind"] == "growth":
            for op, measured in r["operations"].items():
                found.setdefault((r["axis"], op), []).append((r["n"], measured))
    return {key: sorted(points, key=lambda p: p[0]) for key, points in found.items()}


def exponent(points, what):
    """The k of n^k between the last two points: before them, starting the command hides what grows."""
    (n0, m0), (n1, m1) = points[-2:]
    return math.log(max(m1[what], 1e-3) / max(m0[what], 1e-3)) / math.log(n1 / n0)


def sentence(axis, op, points):
    name = OPERATIONS.get(op, "first backup")
    (n0, m0), (n1, m1) = points[0], points[-1]
    k = exponent(points, "cpu")
    how = "does not grow" if k < 0.1 else f"grows as {axis}^{k:.2f}"
    return (f"- *{name}*: {number(m0['cpu'])} CPU seconds and {m0['memory']:.0f} MB at {n0:,}, {number(m1['cpu'])} and {m1['memory']:.0f} MB at "
            f"{n1:,}; from {points[-2][0]:,} on, CPU time {how}.")


def growth_report(file):
    out, all_curves = [], curves(file)
    for axis, told_as in AXES.items():
        mine = {op: points for (a, op), points in all_curves.items() if a == axis and len(points) > 1}
        if not mine:
            continue
        out.append(f"By the number of {told_as}:\n\n" + "\n".join(sentence(axis, op, points) for op, points in mine.items()) + "\n")
        sizes = [n for n, _ in next(iter(mine.values()))]
        rows = [[OPERATIONS.get(op, "first backup"), *(f"{number(m['wall'])} / {number(m['cpu'])} / {m['memory']:.0f}" for _, m in points)] for op, points in mine.items()]
        out.append("Wall seconds / CPU seconds / peak memory in MB.\n\n" + table([axis, *(f"{n:,}" for n in sizes)], rows))
    if not out:
        return "(nothing was measured)\n"
    machines = [r for r in map(json.loads, open(file)) if r["kind"] == "machine"]
    return "\n".join([*out, f"{taken(machines)}\n"])


def plot(file, svg):
    import matplotlib
    matplotlib.use("svg")
    # The same bytes for the same figures, and text that is text.
    matplotlib.rcParams.update({"svg.hashsalt": "corso", "svg.fonttype": "none", "font.size": 9, "font.family": "sans-serif",
                                "axes.spines.top": False, "axes.spines.right": False})
    import matplotlib.pyplot as plt
    all_curves = curves(file)
    max_memory = max(m["memory"] for points in all_curves.values() for _, m in points)
    figure, panels = plt.subplots(2, 2, figsize=(9, 6.5), sharex="col", sharey="row", layout="constrained")
    for column, (axis, told_as) in zip(panels.T, AXES.items()):
        for panel, what, label in zip(column, ("wall", "memory"), ("wall seconds", "peak memory, MB")):
            for i, op in enumerate(["first", *OPERATIONS]):
                points = all_curves.get((axis, op))
                if points:
                    panel.plot([n for n, _ in points], [m[what] for _, m in points], marker="o", markersize=3.5,
                               linewidth=1.4, color=f"C{i}", label=OPERATIONS.get(op, "first backup"))
            panel.set(xscale="log", yscale="log")
            panel.grid(True, which="major", linewidth=0.4, alpha=0.5)
            panel.minorticks_off()
            if what == "memory":
                panel.set_ylim(10, 10 * 10 ** math.ceil(math.log10(max_memory / 10)))
            if axis == "files":
                panel.set_ylabel(label)
        column[0].set_title(f"by {told_as}", fontsize=9)
        column[1].set_xlabel(axis)
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    figure.savefig(svg, metadata={"Date": None})


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    s = p.add_subparsers(dest="verb", required=True)
    q = s.add_parser("run")
    q.add_argument("--files", default=FILES)
    q.add_argument("--snapshots", default=SNAPSHOTS)
    q.add_argument("--out", default=str(WORK / "growth.jsonl"))
    q = s.add_parser("plot")
    q.add_argument("file")
    q.add_argument("--svg", required=True)
    q = s.add_parser("report")
    q.add_argument("file")
    q.add_argument("--into", type=Path)
    a = p.parse_args()
    if a.verb == "run":
        numbers = lambda text: sorted(int(n) for n in text.split(",") if n)
        run(numbers(a.files), numbers(a.snapshots), a.out)
    elif a.verb == "plot":
        plot(a.file, a.svg)
    else:
        put({"growth": growth_report(a.file)}, a.into)


if __name__ == "__main__":
    main()

"""Records as Markdown: printed, or put between the marks of a page, so that nobody types a figure."""
import json, re, statistics, sys

import aims
from adapters import FLOORS, TOOLS
from measure import SETS, cpu

STEPS = ["backup-1", "backup-same", "backup-mutated", "list", "restore", "check", "prune"]
MEASURES = {"cpu": cpu, "wall": lambda s: s["wall"], "memory": lambda s: s["rss"] * 1024 / 1e6,
            "requests": lambda s: s["requests"]}


class Results:
    """The records of some files, with medians over the rounds."""

    def __init__(self, files):
        records = [json.loads(line) for f in files for line in open(f)]
        self.machines = [r for r in records if r.get("kind") == "machine"]
        self.startups = [r for r in records if r.get("kind") == "startup"]
        self.runs = [r for r in records if "steps" in r]

    def of(self, dataset, tool, storage="folder"):
        return [r for r in self.runs if (r["set"], r["tool"], r["storage"]) == (dataset, tool, storage)]

    def sets(self, storage="folder"):
        return [s for s in SETS if any(r["set"] == s and r["storage"] == storage for r in self.runs)]

    def tools(self, dataset, storage="folder"):
        return [t for t in self.ordered() if self.of(dataset, t, storage)]

    def ordered(self):
        """Ours first, then the peers, then the floors."""
        return sorted(TOOLS, key=lambda t: (t != aims.OURS, t in FLOORS))

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


def table(head, rows):
    """A Markdown table; columns after the first are aligned to the right where their first cell is a number."""
    rows = [[str(c) for c in row] for row in rows]
    if not rows:
        return "(nothing was measured)\n"
    right = [i > 0 and re.match(r"[–\d]", c) for i, c in enumerate(rows[0])]
    lines = [head, ["---:" if r else "---" for r in right], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def number(x):
    """With three digits, or a dash."""
    if x is None:
        return "–"
    return f"{x:.0f}" if x >= 100 else f"{x:.1f}" if x >= 10 else f"{x:.2f}"


def machine(results):
    out = []
    for m in {(m["cpu"], m["cores"], m["kernel"]): m for m in results.machines}.values():
        days = sorted({x["when"][:10] for x in results.machines})
        out.append(f"{m['cores']} cores of {m['cpu']}, {m['memory'] / 2**30:.0f} GiB of memory, Linux {m['kernel']}, {m['file system']}; "
                   f"{' to '.join(dict.fromkeys((days[0], days[-1])))}.\n")
    return "".join(out) + "\n" + table(["tool", "version"], results.versions().items())


def the_aims(results):
    head = ["set", "step", "aim, CPU s / wall s", "corso", "best peer, CPU s", "best peer, wall s", "met"]
    out = table(head, aims.seconds(results)) + "\n"
    return out + table(["set", "what", "corso", "to be no larger than", "met"], aims.sizes(results))


def startup(results):
    rows = []
    for r in results.startups:
        for label, row in r["rows"].items():
            walls, cpus = ([t * 1000 for t in row[k]] for k in ("wall", "cpu"))
            rows.append([r["tool"], label.replace("-", " "), f"{min(walls):.1f}", f"{statistics.median(walls):.1f}",
                         f"{statistics.median(cpus):.1f}", f"{row['rss'] * 1024 / 1e6:.0f}"])
    return table(["tool", "command", "least ms", "median ms", "CPU ms", "memory MB"], rows)


def one_set(results, dataset):
    tools = results.tools(dataset)
    one = results.of(dataset, tools[0])[0]
    out = [f"### {dataset}\n"]
    out.append(f"{one['src']['files']:,} files in {one['src']['folders']:,} folders, {one['src']['bytes'] / 1e6:,.0f} MB. The change: "
               f"{one['mutation'].removeprefix('mutate: ')}.\n")
    for title, what in (("CPU seconds", "cpu"), ("Wall seconds", "wall"), ("Peak memory, MB", "memory")):
        rows = [[t, *(number(results.median(dataset, t, s, what)) for s in STEPS)] for t in tools]
        out.append(table([title, *STEPS], rows))
    out.append(table(["", "MB after backup-1", "of the source", "added for the change", "after prune", "files", "MB outside it", "restored"],
                     [stored_row(results, dataset, t, one) for t in tools]))
    out.append(spread(results, dataset, tools))
    return "\n".join(out)


def stored_row(results, dataset, tool, one):
    runs = results.of(dataset, tool)
    size, source = results.stored(dataset, tool, "size"), one["src"]["bytes"] / 1e6
    pruned = results.median(dataset, tool, "prune", "wall") is not None
    return [tool, number(size), f"{size / source:.3f}" if source > 1 else "–", number(results.stored(dataset, tool, "growth")),
            number(results.stored(dataset, tool, "left")) if pruned else "–",
            f"{statistics.median(r['repo-1']['files'] for r in runs):.0f}",
            number(statistics.median(r["state"]["bytes"] for r in runs) / 1e6), restored(runs)]


def restored(runs):
    """Equal in all rounds, or not; and what is not content."""
    if any(r["restored"]["differences"] for r in runs):
        return "DIFFERS"
    modes, times = (max(r["restored"][k] for r in runs) for k in ("modes", "times"))
    lost = [f"{n} {what}" for n, what in ((modes, "modes"), (times, "times")) if n]
    return "equal" + (f", but for {' and '.join(lost)}" if lost else "")


def spread(results, dataset, tools):
    """How far apart the rounds are, and what else ran: whether the figures above are to be believed."""
    walls = {t: [r["steps"]["backup-1"]["wall"] for r in results.of(dataset, t)] for t in tools}
    rounds = max(map(len, walls.values()))
    other = statistics.median(r["steps"]["backup-1"]["other"] / r["steps"]["backup-1"]["wall"] for t in tools for r in results.of(dataset, t))
    text = f"{rounds} rounds. " if rounds > 1 else "One round. "
    if rounds > 1:
        text += "Wall seconds of backup-1 from least to most: " + "; ".join(f"{t} {min(w):.1f} to {max(w):.1f}" for t, w in walls.items()) + ". "
    return text + f"Other processes took {other:.2f} cores during it (median).\n"


def s3(results):
    """CPU and wall seconds and requests, a row for each tool and way to the server."""
    out = []
    storages = [s for s in results.storages() if s != "folder"]
    for dataset in SETS:
        rows = []
        for tool in results.ordered():
            for storage in storages:
                if not results.of(dataset, tool, storage):
                    continue
                cells = [[results.median(dataset, tool, s, what, storage) for what in ("wall", "cpu", "requests")] for s in STEPS]
                rows.append([tool, storage, *("–" if w is None else f"{number(w)} / {number(c)} / {r:.0f}" for w, c, r in cells),
                             restored(results.of(dataset, tool, storage))])
        if rows:
            out.append(f"### {dataset}, on S3\n\nWall seconds / CPU seconds / requests.\n\n" + table(["tool", "storage", *STEPS, "restored"], rows))
    return "\n".join(out) or "(nothing was measured)\n"


def verdict(results):
    """One line on whether the runs did what they are measured for."""
    failed = [f"{r['tool']} {label} on {r['set']} ({r['storage']}), round {r['round']}" for r in results.runs for label, s in r["steps"].items() if s["rc"]]
    differ = [f"{r['tool']} on {r['set']} ({r['storage']}), round {r['round']}" for r in results.runs if r["restored"]["differences"]]
    checks = sum("check" in r["steps"] for r in results.runs)
    text = f"{len(results.runs)} runs: each restored its tree, which was compared, and {checks} checked all data. "
    text += f"Steps that failed: {', '.join(failed) or 'none'}. Trees that differed: {', '.join(differ) or 'none'}.\n"
    return text


SECTIONS = {
    "machine": machine,
    "verdict": verdict,
    "aims": the_aims,
    "startup": startup,
    "sets": lambda results: "\n".join(one_set(results, d) for d in results.sets()) or "(nothing was measured)\n",
    "s3": s3,
}


def report(files, page=None):
    results = Results(files)
    put({name: make(results) for name, make in SECTIONS.items()}, page)


def put(sections, page):
    """Prints sections, or replaces what stands between a page's marks: <!-- bench:NAME --> and <!-- /bench -->."""
    if not page:
        print("\n".join(sections.values()))
        return
    text = page.read_text()
    for name, section in sections.items():
        mark = re.compile(rf"(<!-- bench:{name} -->\n).*?(<!-- /bench -->)", re.DOTALL)
        text, found = mark.subn(lambda m: m[1] + section + m[2], text)
        if not found:
            sys.exit(f"{page} has no place for {name}: write <!-- bench:{name} --> and <!-- /bench --> where it goes")
    page.write_text(text)


def ratios(file, ours, theirs):
    """MB of source per CPU second, medians of one run, and their ratio; fails if a step failed or a restore differed."""
    results = Results([file])
    for dataset in results.sets():
        for step in ("backup-1", "backup-mutated", "restore"):
            rate = {}
            for t in (ours, theirs):
                runs = results.of(dataset, t)
                took = results.median(dataset, t, step, "cpu")
                if took is None:
                    sys.exit(f"{t} did not finish {step} on {dataset}")
                if any(r["restored"]["differences"] for r in runs):
                    sys.exit(f"{t} restored something else on {dataset}")
                rate[t] = runs[0]["src" if step == "backup-1" else "src-2"]["bytes"] / 1e6 / max(0.001, took)
            print(f"{dataset} {step}: {ours} {rate[ours]:.0f}, {theirs} {rate[theirs]:.0f} MB per CPU second, ratio {rate[ours] / rate[theirs]:.2f}")

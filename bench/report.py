"""Records as Markdown: printed, or put between the marks of a page, so that nobody types a figure."""
import statistics, sys

import aims
from adapters import PLAIN
from markdown import number, put, table
from measure import SETS
from results import Results

STEPS = ["init", "backup-1", "backup-same", "backup-mutated", "list", "restore", "check", "prune"]


def machine(results):
    out = []
    for m in {(m["cpu"], m["cores"], m["kernel"]): m for m in results.machines}.values():
        days = sorted({x["when"][:10] for x in results.machines})
        out.append(f"{m['cores']} cores of {m['cpu']}, {m['memory'] / 2**30:.0f} GiB of memory, Linux {m['kernel']}, {m['file system']}; "
                   f"{' to '.join(dict.fromkeys((days[0], days[-1])))}.\n")
    return "".join(out) + "\n" + table(["tool", "version"], results.versions().items())


def the_aims(results):
    head = ["set", "step", "aim, CPU s / wall s", "corso", "met", "best peer, CPU s", "best peer, wall s", ", ".join(sorted(PLAIN))]
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
    runs = [r for t in tools for r in results.of(dataset, t)]
    other = statistics.median(r["steps"]["backup-1"]["other"] / r["steps"]["backup-1"]["wall"] for r in runs)
    text = f"{rounds} rounds. " if rounds > 1 else "One round. "
    if rounds > 1:
        text += "Wall seconds of backup-1 from least to most: " + "; ".join(f"{t} {min(w):.1f} to {max(w):.1f}" for t, w in walls.items()) + ". "
    return text + f"Other processes took {other:.2f} cores during it (median). {taken(runs)}\n"


def taken(runs):
    """When, and of which corso: sets may be measured on different days, and on machines that differ in more than their names."""
    days = sorted({r["when"][:10] for r in runs})
    return f"Taken on {' to '.join(dict.fromkeys((days[0], days[-1])))} at {', '.join(sorted({r['commit'] for r in runs}))}."


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
                cells = [s3_cell(results, dataset, tool, step, storage) for step in STEPS]
                rows.append([tool, storage, *cells, restored(results.of(dataset, tool, storage))])
        if rows:
            runs = [r for r in results.runs if r["set"] == dataset and r["storage"] in storages]
            out.append(f"### {dataset}, on S3\n\nWall seconds / CPU seconds / requests. {taken(runs)}\n\n"
                       + table(["tool", "storage", *STEPS, "restored"], rows))
    return "\n".join(out) or "(nothing was measured)\n"


def s3_cell(results, dataset, tool, step, storage):
    wall, cpu, requests = (results.median(dataset, tool, step, what, storage) for what in ("wall", "cpu", "requests"))
    if wall is None:
        return "–"
    # Requests that follow a body without a length on the same connection are not seen.
    least = any(r["steps"][step]["uncounted"] for r in results.of(dataset, tool, storage))
    return f"{number(wall)} / {number(cpu)} / {'≥ ' if least else ''}{requests:.0f}"


def verdict(results):
    """Whether the runs did what they are measured for."""
    def where(r):
        return f"on {r['set']} ({r['storage']}), round {r['round']}"
    equal = sum(not r["restored"]["differences"] for r in results.runs)
    checks = [r["steps"]["check"]["rc"] for r in results.runs if "check" in r["steps"]]
    failed = [f"{r['tool']} {step} {where(r)}" for r in results.runs for step, s in r["steps"].items() if s["rc"]]
    differ = [f"{r['tool']} {where(r)}" for r in results.runs if r["restored"]["differences"]]
    text = f"{len(results.runs)} runs. {equal} restored what the source had, byte for byte; {checks.count(0)} of {len(checks)} checks of all data ended well.\n"
    for what, them in (("Steps that failed", failed), ("Restores that differed", differ)):
        if them:
            text += f"\n{what}: {'; '.join(them)}.\n"
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

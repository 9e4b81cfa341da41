"""Rounds: every tool on every set, one after the other, each run a record in a file of JSON lines."""
import json, subprocess, sys, time
from contextlib import ExitStack

from adapters import S3, TOOLS
from bucket import Bucket, Server
from measure import TRANSIENT, compared, cpu, du, gen, machine, prepare, sh, spawn, timed, total
from place import Ctx, WORK, make_room, remove, set_aside, short_of_room


class Run:
    """One tool on one set in one round."""

    def __init__(self, tool, dataset, storage="folder", link=None):
        name = tool if storage == "folder" else f"{tool}-{storage}"
        self.c = Ctx(name, dataset, Bucket(link, name.replace("+", "-")) if link else None)
        self.tool, self.link = tool, link
        self.log = WORK / "log" / f"{name}-{dataset}.log"
        self.record = {"tool": tool, "set": dataset, "storage": storage, "steps": {}}

    def start(self):
        """Makes its folders, and asks for the version; a tool that is not there is a FileNotFoundError."""
        self.c.make()
        if self.c.bucket:
            self.c.bucket.remove()
        self.log.parent.mkdir(exist_ok=True)
        self.log.write_bytes(b"")
        argv = self.commands("version")
        self.record["version"] = subprocess.run(argv, capture_output=True, text=True).stdout.split("\n")[0]
        self.record["when"] = time.strftime("%FT%TZ", time.gmtime())

    def commands(self, verb):
        return TOOLS[self.tool](self.c).get(verb)

    def step(self, label, verb):
        """The commands of a step, up to the first that fails."""
        commands, measured = self.commands(verb), []
        if not commands:
            return
        before = self.link and self.link.counts.copy()
        for command in commands:
            measured.append(timed(command, self.c.env, self.c.src, self.log))
            if measured[-1]["rc"]:
                break
        step = total(measured)
        if self.link:
            step |= {k: self.link.counts[k] - before[k] for k in ("requests", "uncounted", "bytes up", "bytes down")}
        t = time.monotonic()
        sh("sync", "-f", self.c.dir)  # what the tool left for the kernel to write, outside its own time
        step["flush"] = time.monotonic() - t
        self.record["steps"][label] = {k: round(v, 4) for k, v in step.items()}
        if step["rc"]:
            print(f"  !! {self.told()} {label}: exit {step['rc']}, see {self.log}", flush=True)

    def backup(self, label):
        self.step(label, "backup")
        self.c.n += 1

    def repository(self):
        return self.c.bucket.size() if self.c.bucket else du(self.c.repo)

    def whole(self, keep):
        """Init, three backups, list, restore, check, prune, with a change to the source before the third backup."""
        c, record, side = self.c, self.record, WORK / "side"
        try:
            record["src"] = du(c.src)
            self.step("init", "init")
            self.backup("backup-1")
            record["repo-1"] = self.repository()
            self.backup("backup-same")
            record["mutation"] = gen("mutate", c.src, side, 9)
            try:
                record["src-2"] = du(c.src)
                self.backup("backup-mutated")
                record["repo-2"] = self.repository()
                record["state"] = du(c.state)
                self.step("list", "list")
                self.step("restore", "restore")
                self.compare()
                set_aside(c.out)
                self.step("check", "check")
                self.step("prune", "prune")
                record["repo-3"] = self.repository()
            finally:
                gen("revert", c.src, side)
        finally:
            if not keep:
                self.clear()

    def compare(self):
        self.record["restored"] = found = compared(self.c.src, self.c.out)
        if found["differences"]:
            print(f"  !! {self.told()}: the restore differs in {found['differences']}: {found['first']}", flush=True)

    def clear(self):
        set_aside(self.c.dir)
        if self.c.bucket:
            self.c.bucket.remove()

    def told(self):
        r = self.record
        return f"{r['set']:11} {r['storage']:8} {r['tool']:10}"


def write(out, record):
    with open(out, "a") as f:
        f.write(json.dumps(record) + "\n")


def run(tools, sets, storages, rounds, out, minutes, keep):
    """Rounds are outermost, and every round starts with another tool, so that a change in the machine's load hits all.
    Returns whether all ran to their end and restored what was there."""
    prepare(sets)
    write(out, machine())
    end, whole = time.monotonic() + minutes * 60, True
    with ExitStack() as open_:
        links = {"folder": None}
        if any(s != "folder" for s in storages):
            server = open_.enter_context(Server())
            links |= {s: open_.enter_context(server.link(s)) for s in storages if s != "folder"}
            warm_up(next(t for t in tools if t in S3), [s for s in storages if s != "folder"][0], links)
        for n in range(1, rounds + 1):
            for dataset in sets:
                make_room()
                # A warm page cache for everyone.
                sh("bash", "-c", f"find {WORK}/data/{dataset} -type f -print0 | xargs -0 cat > /dev/null")
                first = n % len(tools)
                for tool in tools[first:] + tools[:first]:
                    for storage in storages:
                        if storage != "folder" and tool not in S3:
                            continue
                        if time.monotonic() > end:
                            print("out of time", flush=True)
                            return False
                        if short_of_room():
                            make_room()
                        whole &= one(Run(tool, dataset, storage, links[storage]), n, out, keep)
    for dataset in TRANSIENT & set(sets):
        remove(WORK / "data" / dataset)
    make_room(settle=False)
    return whole


def warm_up(tool, storage, links):
    """A backup that is not recorded: a fresh server takes seconds for its first writes."""
    prepare(["tiny"])
    run = Run(tool, "tiny", storage, links[storage])
    run.start()
    run.step("init", "init")
    run.backup("backup-1")
    run.clear()


def one(run, n, out, keep):
    try:
        run.start()
    except FileNotFoundError as error:
        print(f"  -- {run.tool} is not installed: {error.filename}", flush=True)
        return True
    run.record["round"] = n
    run.whole(keep)
    write(out, run.record)
    steps = run.record["steps"]
    print(f"{n} {run.told()} " + " ".join(f"{k}={m['wall']:.2f}/{cpu(m):.2f}" for k, m in steps.items())
          + f" repo={run.record['repo-1']['bytes'] / 2**20:.0f}M", flush=True)
    return not any(m["rc"] for m in steps.values()) and not run.record["restored"]["differences"]


def startup(tools, times, out):
    """What each command costs before it does anything: its version, and a list of one snapshot. Corso's list also by
    passphrase, whose derivation is slow on purpose; restic, rustic and borg know no other way."""
    prepare(["tiny"])
    write(out, machine())
    for tool in tools:
        run = Run(tool, "tiny")
        try:
            run.start()
        except FileNotFoundError:
            continue
        c, steps = run.c, TOOLS[tool](run.c)
        for command in [*steps["init"], *steps["backup"], *steps.get("add-passphrase", [])]:
            if timed(command, c.env, c.src, run.log)["rc"]:
                sys.exit(f"{tool} failed; see {run.log}")
        rows = {"version": ([steps["version"]], c.env), "list": (steps["list"], c.env)}
        if "list-by-passphrase" in steps:
            rows["list-by-passphrase"] = (steps["list-by-passphrase"], c.env | steps["passphrase"])
        record = {"kind": "startup", "tool": tool, "version": run.record["version"], "rows": {}}
        for label, (commands, env) in rows.items():
            seen = [repeated(commands[0], env, c.src, run.log) for _ in range(times)]
            record["rows"][label] = {"wall": [s[0] for s in seen], "cpu": [s[1] for s in seen],
                                     "rss": timed(commands[0], env, c.src, run.log)["rss"]}
        write(out, record)
        run.clear()
        make_room(settle=False)
        print(f"{tool}: " + ", ".join(f"{k} {min(r['wall']) * 1000:.1f} ms" for k, r in record["rows"].items()), flush=True)


def repeated(command, env, cwd, log):
    with open(log, "ab") as f:
        wall, user, system, rc = spawn(command, env, cwd, f)
    if rc:
        sys.exit(f"{command[0]} ended with {rc}; see {log}")
    return round(wall, 5), round(user + system, 5)

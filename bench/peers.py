#!/usr/bin/env python3
"""Runs backup tools side by side on generated data sets and reports the median.

  peers.py prepare                                  make the data sets (deterministic by seed) under $BENCH_WORK/data
  peers.py run --tools restic,corso --sets office --rounds 3 [--out results.jsonl]
  peers.py report results.jsonl                     Markdown tables, medians over the rounds in the file

  peers.py ratios results.jsonl corso restic        how many times the second's work the first does per CPU second

BENCH_WORK (default .work/bench) holds data, repositories and restores; PEERS_BIN (default .work/peers/bin) holds the
peers, which are else looked for in PATH; CORSO_BIN (default target/release/corso) names our own binary. Nothing else
is needed than python3, rustc (for gen/), GNU time and diff.

To add a tool, write one function below with the decorator @tool("name"). It gets a Ctx and returns
a dict from step to a list of commands (argv lists, or one str for a shell line). Steps are
init, backup, list, restore, check and prune; one that is left out is shown as a dash. backup and
restore run with the source folder as working directory; everything a tool keeps outside its
repository must go under ctx.state.
"""
import argparse, json, os, re, shlex, shutil, statistics, subprocess, sys, time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
WORK = Path(os.environ.get("BENCH_WORK", ROOT / ".work/bench")).absolute()
BIN = Path(os.environ.get("PEERS_BIN", ROOT / ".work/peers/bin")).absolute()
CORSO = Path(os.environ.get("CORSO_BIN", ROOT / "target/release/corso")).absolute()
PW = "bench-password"


class Ctx:
    """Where one run of one tool on one data set happens."""

    def __init__(self, name, dataset):
        self.dir = WORK / "run" / f"{name}-{dataset}"
        self.repo = self.dir / "repo"      # what is measured as the repository
        self.state = self.dir / "state"    # caches, keys, config: outside the repository
        self.out = self.dir / "out"        # restore goes here; empty before it
        self.src = WORK / "data" / dataset
        self.n = 0                         # backups made so far
        self.env = {"HOME": str(self.state), "XDG_CACHE_HOME": str(self.state / "cache")}


TOOLS = {}


def peer(name):
    """The program of a peer: from PEERS_BIN, else from PATH."""
    own = BIN / name
    return str(own) if own.exists() else shutil.which(name) or str(own)


def tool(name):
    def deco(f):
        TOOLS[name] = f
        return f
    return deco


# ---- adapters -----------------------------------------------------------------------------------

def _restic(c, exe, extra=(), backup_extra=()):
    c.env |= {"RESTIC_PASSWORD": PW, "RESTIC_REPOSITORY": str(c.repo), "RESTIC_CACHE_DIR": str(c.state / "rc")}
    r = [peer(exe), "-q", *extra]
    return {
        "version": [peer(exe), "version"],
        "init": [r + ["init"]],
        "backup": [r + ["backup", *backup_extra, "."]],
        "list": [r + ["snapshots"]],
        "restore": [r + ["restore", "latest", "--target", str(c.out)]],
        "check": [r + ["check", "--read-data"]],
        "prune": [r + ["forget", "--group-by", "", "--keep-last", "1", "--prune"]],
    }


@tool("restic")
def restic(c):
    return _restic(c, "restic")


@tool("restic-nocache")
def restic_nocache(c):
    return _restic(c, "restic", ["--no-cache"])


@tool("restic-nocomp")
def restic_nocomp(c):
    return _restic(c, "restic", ["--compression", "off"])


@tool("restic-0.14.0")
def restic_debian(c):
    return _restic(c, "restic-0.14.0")


@tool("rustic")
def rustic(c):
    c.env |= {"RUSTIC_PASSWORD": PW, "RUSTIC_REPOSITORY": str(c.repo), "RUSTIC_CACHE_DIR": str(c.state / "rc"), "RUSTIC_NO_PROGRESS": "true", "RUSTIC_LOG_LEVEL": "warn"}
    r = [peer("rustic")]
    return {
        "version": r + ["--version"],
        "init": [r + ["init"]],
        "backup": [r + ["backup", "."]],
        "list": [r + ["snapshots"]],
        "restore": [r + ["restore", "latest", str(c.out)]],
        "check": [r + ["check", "--read-data"]],
        # without --instant-delete rustic only marks packs and deletes them a day later
        "prune": [r + ["forget", "--group-by", "", "--keep-last", "1"], r + ["prune", "--instant-delete"]],
    }


def _borg(c, exe, comp=None, enc="repokey-blake2"):
    c.env |= {"BORG_PASSPHRASE": PW, "BORG_BASE_DIR": str(c.state), "BORG_REPO": str(c.repo), "BORG_CHECK_I_KNOW_WHAT_I_AM_DOING": "YES"}
    b = [peer(exe)]
    return {
        "version": b + ["--version"],
        "init": [b + ["init", "-e", enc]],
        "backup": [b + ["create", *(["-C", comp] if comp else []), f"::a{c.n}", "."]],
        "list": [b + ["list"]],
        "restore": [f"mkdir -p {c.out} && cd {c.out} && {peer(exe)} extract ::a{c.n - 1}"],
        "check": [b + ["check", "--verify-data"]],
        "prune": [b + ["prune", "--keep-last", "1"], b + ["compact"]],
    }


@tool("borg-lz4")
def borg(c):
    return _borg(c, "borg")


@tool("borg-zstd")
def borg_zstd(c):
    return _borg(c, "borg", "zstd")


@tool("borg-1.2.4")
def borg_debian(c):
    return _borg(c, "borg-1.2.4")


@tool("borg2-zstd")
def borg2(c):  # never run yet: 2.0.0b25 did not build here
    c.env |= {"BORG_PASSPHRASE": PW, "BORG_BASE_DIR": str(c.state), "BORG_REPO": str(c.repo), "BORG_CHECK_I_KNOW_WHAT_I_AM_DOING": "YES"}
    b = [peer("borg2")]
    return {
        "version": b + ["--version"],
        "init": [b + ["repo-create", "-e", os.environ.get("BORG2_ENC", "repokey-blake2-aes-ocb")]],
        "backup": [b + ["create", "-C", "zstd", f"a{c.n}", "."]],
        "list": [b + ["repo-list"]],
        "restore": [f"mkdir -p {c.out} && cd {c.out} && {peer('borg2')} extract a{c.n - 1}"],
        "check": [b + ["check", "--verify-data"]],
        "prune": [b + ["prune", "--keep-last", "1"], b + ["compact"]],
    }


@tool("bupstash")
def bupstash(c):
    c.env |= {"BUPSTASH_REPOSITORY": str(c.repo), "BUPSTASH_KEY": str(c.state / "key")}
    b = [peer("bupstash")]
    return {
        "version": b + ["--version"],
        "init": [b + ["new-key", "-o", str(c.state / "key")], b + ["init"]],
        "backup": [b + ["put", "-q", "--send-log", str(c.state / "send.log"), f"n={c.n}", "."]],
        "list": [b + ["list", "--query-cache", str(c.state / "q.cache")]],
        "restore": [["mkdir", "-p", str(c.out)],
                    b + ["restore", "-q", "--query-cache", str(c.state / "q.cache"), "--into", str(c.out), f"n={c.n - 1}"]],
        # no check command: a full read that decrypts everything is the nearest thing
        "check": [f"{b[0]} get -q --query-cache {c.state}/q.cache n={c.n - 1} > /dev/null"],
        "prune": [b + ["rm", "--allow-many", "--query-cache", str(c.state / "q.cache"), "n=0", "or", "n=1"], b + ["gc"]],
    }


@tool("conserve")
def conserve(c):  # no encryption
    b = [peer("conserve")]
    return {
        "version": b + ["--version"],
        "init": [b + ["init", str(c.repo)]],
        "backup": [b + ["backup", "--no-progress", "--no-stats", str(c.repo), "."]],
        "list": [b + ["versions", str(c.repo)]],
        "restore": [b + ["restore", "--no-progress", "--no-stats", str(c.repo), str(c.out)]],
        "check": [b + ["validate", "--no-progress", str(c.repo)]],
        "prune": [b + ["delete", "--no-progress", "--no-stats", "-b", "b0000", "-b", "b0001", str(c.repo)]],
    }


@tool("tar-zstd")
def tar_zstd(c):  # a floor: tar, zstd -3 with two threads, AES-256-CTR; no dedup
    k = f"openssl enc -aes-256-ctr -pass pass:{PW} -pbkdf2 -iter 1"
    return {
        "version": ["zstd", "--version"],
        "init": [["mkdir", "-p", str(c.repo)]],
        "backup": [f"tar -cf - . | zstd -q -3 -T2 | {k} > {c.repo}/a{c.n}"],
        "list": [["ls", str(c.repo)]],
        "restore": [f"mkdir -p {c.out} && {k} -d < {c.repo}/a{c.n - 1} | zstd -dq | tar -xf - -C {c.out}"],
        "check": [f"{k} -d < {c.repo}/a{c.n - 1} | zstd -tq"],
        "prune": [f"rm {c.repo}/a0 {c.repo}/a1"],
    }


@tool("cp")
def cp(c):  # a floor: read every byte, write every byte
    return {
        "version": ["cp", "--version"],
        "init": [["mkdir", "-p", str(c.repo)]],
        "backup": [["cp", "-a", "--reflink=never", ".", f"{c.repo}/a{c.n}"]],
        "list": [["ls", str(c.repo)]],
        "restore": [["cp", "-a", "--reflink=never", f"{c.repo}/a{c.n - 1}", str(c.out)]],
        "check": [f"tar -cf - -C {c.repo}/a{c.n - 1} . | cat > /dev/null"],
        "prune": [["rm", "-rf", f"{c.repo}/a0", f"{c.repo}/a1"]],
    }


@tool("corso")
def corso(c):
    """Unlocked by a key file: deriving a key from a passphrase is made slow on purpose, and is not what is compared."""
    c.env |= {f"XDG_{kind}_HOME": str(c.state / kind.lower()) for kind in ("CONFIG", "CACHE", "STATE", "DATA")}
    key = c.state / "key"
    if not key.exists():
        key.write_bytes(os.urandom(64))
    exe, unlock = str(CORSO), ["--key-file", str(key)]
    b = [exe, "--repo", str(c.repo), *unlock]
    return {
        "version": [exe, "--version"],
        "init": [[exe, "repo", "init", "filesystem", "--path", str(c.repo), *unlock, "--no-recovery-key"]],
        "backup": [b + ["snapshot", "create", "."]],
        "list": [b + ["snapshot", "list"]],
        "restore": [b + ["snapshot", "restore", "latest", "--target", str(c.out)]],
        "check": [b + ["repo", "verify", "--level", "data"]],
    }


# ---- measuring ----------------------------------------------------------------------------------

def busy():
    v = [int(x) for x in open("/proc/stat").readline().split()[1:9]]
    return (sum(v) - v[3] - v[4]) / os.sysconf("SC_CLK_TCK")


def timed(cmd, env, cwd, log):
    """One command under GNU time -v."""
    tf = WORK / "time.out"
    argv = ["/bin/bash", "-c", "set -o pipefail; " + cmd] if isinstance(cmd, str) else [str(x) for x in cmd]
    e = {k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "TMPDIR")} | env
    b0, t0 = busy(), time.monotonic()
    with open(log, "ab") as lf:
        lf.write(("\n$ " + " ".join(map(shlex.quote, argv)) + "\n").encode())
        lf.flush()
        rc = subprocess.run(["/usr/bin/time", "-v", "-o", str(tf), *argv], env=e, cwd=cwd, stdin=subprocess.DEVNULL, stdout=lf, stderr=lf).returncode
    wall, b1 = time.monotonic() - t0, busy()
    s = tf.read_text()
    g = lambda k: float(re.search(re.escape(k) + r": ([\d.]+)", s).group(1))
    u, y = g("User time (seconds)"), g("System time (seconds)")
    return {"wall": wall, "user": u, "sys": y, "rss": g("Maximum resident set size (kbytes)"), "rc": rc, "other": max(0.0, b1 - b0 - u - y)}


def du(p):
    n = b = a = 0
    for root, dirs, files in os.walk(p):
        for f in files:
            st = os.lstat(os.path.join(root, f))
            n, b, a = n + 1, b + st.st_size, a + st.st_blocks * 512
    return {"files": n, "bytes": b, "disk": a}


def sh(*a, **k):
    return subprocess.run([str(x) for x in a], check=True, **k)


def gen(*a):
    g = WORK / "gen"
    if not g.exists() or g.stat().st_mtime < max(f.stat().st_mtime for f in (HERE / "gen").iterdir()):
        sh("rustc", "--edition", "2021", "-O", "-C", "target-cpu=native", "-o", g, HERE / "gen/main.rs")
    return subprocess.run([str(x) for x in (g, *a)], check=True, capture_output=True, text=True).stdout.strip()


SETS = {
    "tiny": lambda d: gen("office", d, 5, 48),
    "office": lambda d: gen("office", d, 1, 2048),
    "many-small": lambda d: gen("small", d, 2, 200000),
    "one-big": lambda d: gen("big", d, 3, 4096),
    "real": lambda d: sh("bash", HERE / "real.sh", d),
}


def prepare(names):
    WORK.mkdir(parents=True, exist_ok=True)
    for n in names:
        d = WORK / "data" / n
        if not (d / ".bench-root").exists():
            print(n, SETS[n](d) or "", flush=True)


def run_one(name, dataset, rnd, out, verify, keep=False):
    c = Ctx(name, dataset)
    shutil.rmtree(c.dir, ignore_errors=True)
    for d in (c.state, c.state / "cache"):
        d.mkdir(parents=True, exist_ok=True)
    log = WORK / "log" / f"{name}-{dataset}.log"
    log.parent.mkdir(exist_ok=True)
    log.write_bytes(b"")
    side = WORK / "side"
    src_now = du(c.src)
    v = subprocess.run([str(x) for x in TOOLS[name](c)["version"]], capture_output=True, text=True).stdout.split("\n")[0]
    rec = {"tool": name, "set": dataset, "round": rnd, "version": v, "src": src_now, "when": time.strftime("%FT%TZ", time.gmtime()), "steps": {}}

    def step(label, verb):
        cmds = TOOLS[name](c).get(verb)
        if not cmds:
            return
        tot = None
        for cmd in cmds:
            m = timed(cmd, c.env, c.src, log)
            tot = m if tot is None else {k: max(tot[k], m[k]) if k in ("rss", "rc") else tot[k] + m[k] for k in m}
            if m["rc"]:
                break
        t = time.monotonic()
        sh("sync", "-f", c.dir)  # what the tool left for the kernel to write, outside its own time
        tot["flush"] = time.monotonic() - t
        rec["steps"][label] = tot
        if tot["rc"]:
            print(f"  !! {name} {dataset} {label}: exit {tot['rc']}, see {log}", flush=True)

    try:
        step("init", "init")
        step("backup-1", "backup"); c.n += 1
        rec["repo-1"] = du(c.repo)
        step("backup-same", "backup"); c.n += 1
        rec["mutation"] = gen("mutate", c.src, side, 9)
        rec["src-2"] = du(c.src)
        try:
            step("backup-mutated", "backup"); c.n += 1
            rec["repo-2"] = du(c.repo)
            rec["state"] = du(c.state)
            step("list", "list")
            shutil.rmtree(c.out, ignore_errors=True)
            step("restore", "restore")
            if verify:
                root = next((Path(r) for r, _, f in os.walk(c.out) if ".bench-root" in f), None)
                d = root and subprocess.run(["diff", "-rq", "--no-dereference", str(c.src), str(root)], capture_output=True, text=True)
                rec["restored-equal"] = bool(root) and d.returncode == 0
                rec["restored"] = du(c.out)
                if not rec["restored-equal"]:
                    print(f"  !! {name} {dataset}: the restore differs: {d and (d.stdout + d.stderr)[:400]}", flush=True)
            shutil.rmtree(c.out, ignore_errors=True)
            step("check", "check")
            step("prune", "prune")
            rec["repo-3"] = du(c.repo)
        finally:
            gen("revert", c.src, side)
    finally:
        if not keep:
            shutil.rmtree(c.dir, ignore_errors=True)
    with open(out, "a") as f:
        f.write(json.dumps(rec) + "\n")
    s = rec["steps"]
    print(f"{rnd} {dataset:11} {name:14} " + " ".join(f"{k}={s[k]['wall']:.1f}/{s[k]['user'] + s[k]['sys']:.1f}" for k in s)
          + f" repo={rec['repo-1']['bytes'] / 2**20:.0f}M", flush=True)


def run(a):
    tools, sets = a.tools.split(","), a.sets.split(",")
    prepare(sets)
    end = time.monotonic() + a.minutes * 60
    for rnd in range(a.first_round, a.first_round + a.rounds):
        for ds in sets:
            sh("bash", "-c", f"find {WORK}/data/{ds} -type f -print0 | xargs -0 cat > /dev/null")  # a warm page cache for everyone
            k = rnd % len(tools)
            for t in tools[k:] + tools[:k]:  # interleaved, starting elsewhere each round
                if time.monotonic() > end:
                    print("out of time", flush=True)
                    return
                try:
                    run_one(t, ds, rnd, a.out, verify=rnd == 1)
                except FileNotFoundError as e:
                    print(f"  -- {t} skipped: {e}", flush=True)


# ---- report -------------------------------------------------------------------------------------

STEPS = ["init", "backup-1", "backup-same", "backup-mutated", "list", "restore", "check", "prune"]


def report(files, out=sys.stdout):
    recs = [json.loads(l) for f in files for l in open(f)]
    med = statistics.median
    sets = [s for s in SETS if any(r["set"] == s for r in recs)]
    order = [t for t in TOOLS if any(r["tool"] == t for r in recs)]
    P = lambda *x, **k: print(*x, file=out, **k)
    vs = {t: next(r["version"] for r in recs if r["tool"] == t) for t in order}
    P("Versions: " + "; ".join(f"{t}: {v}" for t, v in vs.items()) + "\n")
    for ds in sets:
        rs = {t: [r for r in recs if r["set"] == ds and r["tool"] == t] for t in order}
        rs = {t: v for t, v in rs.items() if v}
        one = next(iter(rs.values()))[0]
        mb = one["src"]["bytes"] / 1e6
        P(f"### {ds}: {one['src']['files']} files, {mb:.0f} MB\n\nAfter the mutation: {one['src-2']['files']} files, {one['src-2']['bytes'] / 1e6:.0f} MB ({one['mutation'].removeprefix('mutate: ')}).\n")

        def m(t, s, f):
            v = [f(r["steps"][s]) for r in rs[t] if s in r["steps"] and r["steps"][s]["rc"] == 0]
            return med(v) if v else None

        def cell(x, fmt):
            return "–" if x is None else format(x, fmt)

        for title, f in (("Wall seconds", lambda x: x["wall"]), ("CPU seconds (user + sys)", lambda x: x["user"] + x["sys"])):
            P(f"{title}\n\n| tool | rounds | " + " | ".join(STEPS[1:]) + " |\n|" + " --- |" * (len(STEPS) + 1))
            for t in rs:
                P(f"| {t} | {len(rs[t])} | " + " | ".join(cell(m(t, s, f), ".2f") for s in STEPS[1:]) + " |")
            P()
        P("Size, memory and speed\n\n| tool | backup-1 MB/s wall | backup-1 MB per CPU s | restore MB/s wall | restore MB per CPU s | repo MB after 1 | repo/source | added by mutated MB | after prune MB | repo files | state outside MB | peak RSS MB backup-1 / restore / check / prune | restore equal |\n|" + " --- |" * 13)
        for t in rs:
            w, cpu = m(t, "backup-1", lambda x: x["wall"]), m(t, "backup-1", lambda x: x["user"] + x["sys"])
            rw, rc = m(t, "restore", lambda x: x["wall"]), m(t, "restore", lambda x: x["user"] + x["sys"])
            g = lambda k, q="bytes": med(r[k][q] for r in rs[t] if k in r)
            r1, r2, r3 = g("repo-1") / 1e6, g("repo-2") / 1e6, g("repo-3") / 1e6
            rss = " / ".join(cell(m(t, s, lambda x: x["rss"] / 1024), ".0f") for s in ("backup-1", "restore", "check", "prune"))
            eq = {r["restored-equal"] for r in rs[t] if "restored-equal" in r}
            mb2 = one["src-2"]["bytes"] / 1e6
            P(f"| {t} | {cell(w and mb / w, '.0f')} | {cell(cpu and mb / cpu, '.0f')} | {cell(rw and mb2 / rw, '.0f')} | {cell(rc and mb2 / rc, '.0f')} | {r1:.1f} | {r1 / mb:.3f} | {r2 - r1:.1f} | {r3:.1f} | {g('repo-1', 'files'):.0f} | {g('state') / 1e6:.1f} | {rss} | {'yes' if eq == {True} else 'not checked' if not eq else 'NO'} |")
        P()
        lo = lambda t, s: [r["steps"][s]["wall"] for r in rs[t] if s in r["steps"]]
        sp = [f"{t} {min(lo(t, 'backup-1')):.1f}–{max(lo(t, 'backup-1')):.1f}" for t in rs if len(lo(t, "backup-1")) > 1]
        oth = med(r["steps"]["backup-1"]["other"] / r["steps"]["backup-1"]["wall"] for v in rs.values() for r in v if "backup-1" in r["steps"])
        if sp:
            P(f"Spread of backup-1 wall seconds over the rounds: {'; '.join(sp)}.", end=" ")
        P(f"Other processes took {oth:.2f} of 2 cores (median) during backup-1.\n")


def ratios(file, ours, theirs):
    """MB of source per CPU second in each round of one run, and the medians' ratio; fails if a restore differed."""
    recs = [json.loads(l) for l in open(file)]
    for ds in sorted({r["set"] for r in recs}):
        for step in ("backup-1", "backup-mutated", "restore"):
            rate = {}
            for t in (ours, theirs):
                mine = [r for r in recs if r["tool"] == t and r["set"] == ds]
                if any(r["steps"].get(step, {}).get("rc", 1) for r in mine) or not mine:
                    sys.exit(f"{t} did not finish {step} on {ds}")
                if any(r.get("restored-equal") is False for r in mine):
                    sys.exit(f"{t} restored something else on {ds}")
                size = lambda r: r["src" if step == "backup-1" else "src-2"]["bytes"] / 1e6
                rate[t] = statistics.median(size(r) / max(0.01, r["steps"][step]["user"] + r["steps"][step]["sys"]) for r in mine)
            print(f"{ds} {step}: {ours} {rate[ours]:.0f}, {theirs} {rate[theirs]:.0f} MB per CPU second, ratio {rate[ours] / rate[theirs]:.2f}")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    s = p.add_subparsers(dest="verb", required=True)
    q = s.add_parser("prepare")
    q.add_argument("--sets", default="office,many-small,one-big,real")
    q = s.add_parser("run")
    q.add_argument("--tools", default="restic,rustic,borg-lz4,borg-zstd,bupstash,conserve")
    q.add_argument("--sets", default="office,many-small,one-big,real")
    q.add_argument("--rounds", type=int, default=3)
    q.add_argument("--first-round", type=int, default=1)
    q.add_argument("--minutes", type=float, default=600)
    q.add_argument("--out", default=str(WORK / "results.jsonl"))
    q = s.add_parser("report")
    q.add_argument("files", nargs="+")
    q = s.add_parser("ratios")
    q.add_argument("file")
    q.add_argument("ours")
    q.add_argument("theirs")
    a = p.parse_args()
    if a.verb == "prepare":
        prepare(a.sets.split(","))
    elif a.verb == "run":
        run(a)
    elif a.verb == "ratios":
        ratios(a.file, a.ours, a.theirs)
    else:
        report(a.files)


if __name__ == "__main__":
    main()

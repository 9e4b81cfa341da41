"""One command measured, one tree measured, and the data sets."""
import os, re, shlex, subprocess, time
from pathlib import Path

from place import HERE, ROOT, WORK, remove


def busy():
    """CPU seconds that all processes have used since the machine started."""
    v = [int(x) for x in open("/proc/stat").readline().split()[1:9]]
    return (sum(v) - v[3] - v[4]) / os.sysconf("SC_CLK_TCK")


def spawn(cmd, env, cwd, out):
    """Runs a command and returns wall, user and system seconds, with those of its children, and its exit code."""
    argv = ["/bin/bash", "-c", "set -o pipefail; " + cmd] if isinstance(cmd, str) else [str(x) for x in cmd]
    e = {k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "TMPDIR")} | env
    start = time.monotonic()
    child = subprocess.Popen(argv, env=e, cwd=cwd, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return time.monotonic() - start, used.ru_utime, used.ru_stime, child.returncode


def timed(cmd, env, cwd, log):
    """One command below GNU time, which knows the peak memory of the largest process: what the kernel tells us of a
    child counts ourselves, too. Seconds are the kernel's, since GNU time rounds them to hundredths."""
    told = WORK / "time.out"
    argv = ["/bin/bash", "-c", "set -o pipefail; " + cmd] if isinstance(cmd, str) else [str(x) for x in cmd]
    before = busy()
    with open(log, "ab") as out:
        out.write(("\n$ " + " ".join(map(shlex.quote, argv)) + "\n").encode())
        out.flush()
        wall, user, system, rc = spawn(["/usr/bin/time", "-v", "-o", told, *argv], env, cwd, out)
    other = max(0.0, busy() - before - user - system)
    rss = float(re.search(r"Maximum resident set size \(kbytes\): (\d+)", told.read_text()).group(1))
    return {"wall": wall, "user": user, "sys": system, "rss": rss, "rc": rc, "other": other}


def total(measured):
    """Several commands as one: times are added up, of memory and exit codes the largest counts."""
    return {k: (max if k in ("rss", "rc") else sum)(m[k] for m in measured) for k in measured[0]}


def cpu(step):
    return step["user"] + step["sys"]


def sh(*a, **k):
    return subprocess.run([str(x) for x in a], check=True, **k)


def gen(*a):
    """Runs the generator, which is built when its source is newer; a comparison may end with 1."""
    g = WORK / "gen"
    if not g.exists() or g.stat().st_mtime < max(f.stat().st_mtime for f in (HERE / "gen").iterdir()):
        WORK.mkdir(parents=True, exist_ok=True)
        sh("rustc", "--edition", "2021", "-O", "-C", "target-cpu=native", "-o", g, HERE / "gen/main.rs")
    done = subprocess.run([str(x) for x in (g, *a)], capture_output=True, text=True)
    if done.returncode not in ((0, 1) if a[0] == "compare" else (0,)):
        raise SystemExit(f"gen {a[0]} failed on {a[1]}: {done.stderr.strip()}")
    return done.stdout.strip()


def du(path):
    if not Path(path).exists():
        return {"files": 0, "folders": 0, "bytes": 0, "disk": 0}
    return dict(zip(("files", "folders", "bytes", "disk"), map(int, gen("measure", path).split())))


def compared(source, out):
    """How the restored tree differs from the source. Some tools restore below a folder of their own."""
    root = next((r for r, _, files in os.walk(out) if ".bench-root" in files), None)
    if root is None:
        return {"entries": 0, "differences": 1, "modes": 0, "times": 0, "first": ["nothing was restored"]}
    counts, *first = gen("compare", source, root).splitlines()
    return dict(zip(("entries", "differences", "modes", "times"), map(int, counts.split()))) | {"first": first}


SETS = {
    "tiny": lambda d: gen("office", d, 5, 48),
    "tiny-mail": lambda d: gen("mail", d, 4, 2000),
    "tiny-metadata": lambda d: gen("metadata", d, 6, 20000),
    "office": lambda d: gen("office", d, 1, 2048),
    "many-small": lambda d: gen("small", d, 2, 200000),
    "one-big": lambda d: gen("big", d, 3, 4096),
    "real": lambda d: sh("bash", HERE / "real.sh", d),
    "mail": lambda d: gen("mail", d, 4, 100000),
    "metadata": lambda d: gen("metadata", d, 6, 2000000),
}
# Removed after a run: millions of inodes are a burden to whoever else uses the disk.
TRANSIENT = {"metadata"}


def prepare(names):
    """Makes the sets that are not there, and anew those that a killed run left half made or changed."""
    journal = WORK / "side/journal"
    changed = journal.read_text().splitlines() if journal.exists() else []
    if changed:
        path = Path(changed[0].split("\t")[1])
        remove(WORK / "data" / path.relative_to(WORK / "data").parts[0])
    remove(WORK / "side")
    for n in names:
        d = WORK / "data" / n
        if not (d / ".bench-root").exists():
            remove(d)
            print(n, SETS[n](d) or "", flush=True)


def machine():
    """What is measured on; kept with the records."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())
    lines = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    mount = max((m for m in lines if WORK.is_relative_to(m[1])), key=lambda m: len(m[1]))
    commit = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    return {
        "kind": "machine", "cpu": model.group(1) if model else os.uname().machine, "cores": os.cpu_count(),
        "memory": int(memory.group(1)) * 1024, "kernel": os.uname().release, "file system": mount[2],
        "load": os.getloadavg()[0], "commit": commit.stdout.strip(), "when": time.strftime("%FT%TZ", time.gmtime()),
    }

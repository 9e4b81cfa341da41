#!/usr/bin/env python3
"""Backups of large and slow OneDrives, measured: tests/long/onedrive.py checkpoints|million|budget…

checkpoints   the same backup with a hundred checkpoints and with none: bytes in the repository
million       one drive of a million small files: a full backup, then one after 100 changes (ITEMS=1000000)
budget        ten minutes against the throttle of the smallest tenant, at the pace that Corso chooses

Each starts a simulator of its own on loopback, and stores below .work/long until it ends. Times are those of
this machine, with the simulator on the same cores.
"""

import atexit
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / ".work/long" / f"onedrive-{os.getpid()}"
CORSO, SIM = ROOT / "target/release/corso", ROOT / "target/release/graph-sim"


class Cloud:
    """A simulator that runs until the block ends."""

    def __init__(self, *options):
        self.options = options

    def __enter__(self):
        command = [SIM, "serve", "--users", "1", "--users-without-drive", "0", "--users-without-license", "0", *self.options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.urls = json.loads(self.process.stdout.readline())
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        self.process.wait()

    def ask(self, what, method="GET", body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.urls['api']}__sim/{what}", method=method, data=data)
        with urllib.request.urlopen(request) as answer:
            text = answer.read()
        return json.loads(text) if text else None


def environment(cloud=None):
    env = {"PATH": os.environ["PATH"], "HOME": str(HERE / "home"), "CORSO_KEY_FILE": str(HERE / "key")}
    env |= {name: value for name, value in os.environ.items() if name.startswith("MALLOC_")}
    env |= {"CORSO_NO_PROGRESS": "1", "CORSO_TESTING": "1"}
    if cloud:
        env |= {"CORSO_GRAPH_URL": cloud.urls["api"], "CORSO_LOGIN_URL": cloud.urls["login"]}
        env |= {"AZURE_TENANT_ID": cloud.urls["tenant"], "AZURE_CLIENT_ID": cloud.urls["client_id"]}
        env |= {"AZURE_CLIENT_SECRET": "sim-secret"}
    return env


def corso(*words, cloud=None):
    """Runs the command; gives its summary with wall, CPU seconds and peak memory."""
    begun = time.monotonic()
    process = subprocess.Popen([CORSO, *words, "--json"], env=environment(cloud), stdout=subprocess.PIPE, text=True)
    lines = process.stdout.read().splitlines()
    _, status, used = os.wait4(process.pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if code != 0:
        sys.exit(f"corso {' '.join(map(str, words))} ended with {code}")
    summary = json.loads(lines[-1])
    wall = time.monotonic() - begun
    summary["used"] = {"wall_s": round(wall, 1), "cpu_s": round(used.ru_utime + used.ru_stime, 2)}
    summary["used"]["peak_mib"] = used.ru_maxrss // 1024
    return summary


def fresh_repository():
    shutil.rmtree(HERE, ignore_errors=True)
    (HERE / "home").mkdir(parents=True)
    key = os.open(HERE / "key", os.O_CREAT | os.O_WRONLY, 0o600)
    os.write(key, os.urandom(64))
    os.close(key)
    corso("repo", "init", "--name", "long", "--no-recovery-key", "filesystem", "--path", HERE / "repository")


def back_up(cloud, *more):
    return corso("backup", "create", "onedrive", "--user", "*", *more, cloud=cloud)


def stored_bytes():
    return sum(path.stat().st_size for path in (HERE / "repository").rglob("*") if path.is_file())


def show(what, summary, cloud):
    told = cloud.ask("counters")
    calls = sum(count for call, count in told["calls"].items() if call != "control")
    counted = summary["statistics"]
    print(f"{what}: {json.dumps(summary['used'])}")
    print(f"    {counted['files']} files, {summary['fetched']} fetched, {calls} requests,")
    print(f"    {told['resource_units']} units, optimum {told['optimum_units']}")
    print(f"    {counted['contents_added']} contents and {counted['bytes_stored']} bytes written")
    broken = cloud.ask("violations")["counts"]
    print(f"    violations: {broken or 'none'}", flush=True)


def checkpoints():
    slow = HERE.parent / "slow.json"
    slow.parent.mkdir(parents=True, exist_ok=True)
    rule = {"name": "slow", "rate": 1.0, "on": ["download"], "fault": {"kind": "delay", "ms": 140}}
    slow.write_text(json.dumps({"rules": [rule]}))
    bytes_of = {}
    for interval in ["1h", "1s"]:
        fresh_repository()
        with Cloud("--items", "6500", "--faults", str(slow)) as cloud:
            pace = ["--units-per-second", "100000", "--checkpoint-interval", interval]
            show(f"checkpoints each {interval}", back_up(cloud, *pace), cloud)
        bytes_of[interval] = stored_bytes()
    more = bytes_of["1s"] / bytes_of["1h"] - 1
    print(f"bytes in the repository: {bytes_of}, {100 * more:.2f} % more")


def million():
    items = os.environ.get("ITEMS", "1000000")
    fresh_repository()
    sizes = ["--size-median", "600", "--size-sigma", "1.0", "--size-max", "20000"]
    with Cloud("--items", items, *sizes) as cloud:
        pace = ["--units-per-second", "100000", "--threads", "16", "--no-permissions"]
        show("first backup", back_up(cloud, *pace), cloud)
        cloud.ask("books", "DELETE")
        changes = cloud.ask("mutate", "POST", {"drive": 0, "seed": 7, "count": 100})
        print("changes:", changes)
        show("after 100 acts", back_up(cloud, *pace), cloud)
        cloud.ask("books", "DELETE")
        show("at rest", back_up(cloud, *pace), cloud)


def budget():
    minutes = float(os.environ.get("MINUTES", "10"))
    fresh_repository()
    items = str(int(1250 * minutes))
    sizes = ["--size-median", "2000", "--size-max", "60000"]
    with Cloud("--items", items, "--throttle", "up-to1k", *sizes) as cloud:
        summary = back_up(cloud)
        show("at the smallest tier", summary, cloud)
        told = cloud.ask("counters")
        allowed = 1250 * summary["used"]["wall_s"] / 60
        calls = sum(count for call, count in told["calls"].items() if call != "control")
        print(f"    {100 * told['resource_units'] / allowed:.1f} % of the allowed units used,")
        print(f"    {told['throttled']} of {calls} calls refused ({100 * told['throttled'] / calls:.2f} %)")


if __name__ == "__main__":
    runs = {"checkpoints": checkpoints, "million": million, "budget": budget}
    if not sys.argv[1:] or any(name not in runs for name in sys.argv[1:]):
        sys.exit(__doc__)
    subprocess.run(["cargo", "build", "--release", "--locked", "-p", "corso", "-p", "graph-sim"], cwd=ROOT, check=True)
    atexit.register(shutil.rmtree, HERE, ignore_errors=True)
    for name in sys.argv[1:]:
        print(f"== {name}", flush=True)
        runs[name]()

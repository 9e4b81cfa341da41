#!/usr/bin/env python3
"""Runs backup tools side by side on generated data sets and reports the median.

  peers.py prepare                                  make the data sets (deterministic by seed) under $BENCH_WORK/data
  peers.py run --tools restic,corso --sets office --rounds 3 [--storage folder,s3,s3+50ms] [--out results.jsonl]
  peers.py startup --tools restic,corso             what --version and a list of snapshots take, in milliseconds
  peers.py report results.jsonl…                    Markdown: the aims, and medians over the rounds
  peers.py report results.jsonl… --into PAGE        the same, put between a page's marks
  peers.py ratios results.jsonl corso restic        how many times the second's work the first does per CPU second

BENCH_WORK (default .work/bench) holds data, repositories and restores; PEERS_BIN (default .work/peers/bin) holds the
peers, which are else looked for in PATH; CORSO_BIN (default target/release/corso) names our own binary. Nothing else
is needed than python3, rustc (for gen/) and GNU time; for S3 tests/servers/install.sh. adapters.py has the tools.
"""
import argparse, sys
from pathlib import Path

import report
import rounds
from measure import prepare
from place import WORK

SETS = "office,many-small,one-big,real,mail,metadata"
TOOLS = "corso,restic,rustic,borg-zstd,bupstash,conserve,tar-zstd,cp"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    s = p.add_subparsers(dest="verb", required=True)
    q = s.add_parser("prepare")
    q.add_argument("--sets", default=SETS)
    q = s.add_parser("run")
    q.add_argument("--tools", default=TOOLS)
    q.add_argument("--sets", default=SETS)
    q.add_argument("--storage", default="folder", help="folder, s3, s3+50ms")
    q.add_argument("--rounds", type=int, default=3)
    q.add_argument("--minutes", type=float, default=2000, help="start no run after so long")
    q.add_argument("--keep", action="store_true", help="leave repositories and caches")
    q.add_argument("--out", default=str(WORK / "results.jsonl"))
    q = s.add_parser("startup")
    q.add_argument("--tools", default=TOOLS)
    q.add_argument("--times", type=int, default=30)
    q.add_argument("--out", default=str(WORK / "results.jsonl"))
    q = s.add_parser("report")
    q.add_argument("files", nargs="+")
    q.add_argument("--into", type=Path)
    q = s.add_parser("ratios")
    q.add_argument("file")
    q.add_argument("ours")
    q.add_argument("theirs")
    a = p.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    if a.verb == "prepare":
        prepare(a.sets.split(","))
    elif a.verb == "run":
        whole = rounds.run(a.tools.split(","), a.sets.split(","), a.storage.split(","), a.rounds, a.out, a.minutes, a.keep)
        sys.exit(not whole)
    elif a.verb == "startup":
        rounds.startup(a.tools.split(","), a.times, a.out)
    elif a.verb == "ratios":
        report.ratios(a.file, a.ours, a.theirs)
    else:
        report.report(a.files, a.into)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Changes the code in one small way after the other, and sees whether a test fails each time.

cargo-mutants says what may be changed. Building each change alone would take days here, so they are built together,
each behind a switch (weave.py), and chosen by CORSO_MUTANT when the tests run. Changes that do not compile are
taken out. What survives the first list of tests is tried with the next one.

  run.py [--area NAME]... [--every N] [--only REGEX] [--stages N] [--built]

Results go to .work/mutants: `survivors`, `caught`, and `unviable`. CONTRIBUTING.md says what is done about survivors.
Every try is written to `tried` at once, so a run that was stopped goes on with --built.
"""

import argparse
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

from weave import weave

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / ".work/mutants"
TREE = WORK / "tree"
BUILT = WORK / "built.json"
# A line a try: the mutant's number, the stage, and 1 if a test failed.
TRIED = WORK / "tried"
REPOSITORY = "repo-format/src"
AREAS = {
    "sealing": [f"{REPOSITORY}/codec/*.rs", f"{REPOSITORY}/format/slot.rs", f"{REPOSITORY}/pack/*.rs"],
    "log": [f"{REPOSITORY}/log/*.rs"],
    "maintenance": [f"{REPOSITORY}/maintenance/*.rs"],
}
# Together in every call of cargo: alone, each would want its dependencies with other features, built once more.
PACKAGES = ["--package", "repo-format", "--package", "corso-tests"]
# The fast ones first. The near ones are the library's tests of the areas, the units all of them.
STAGES = ["near", "vectors", "maintenance", "coverage", "healing", "verify", "repair_log", "units", "damage", "histories"]
NEAR = {"sealing": ["codec::", "format::", "pack::"], "log": ["log::"], "maintenance": ["maintenance::"]}
SWITCH = """
#[doc(hidden)]
pub mod mutant {
    pub fn is(number: u32) -> bool {
        static CHOSEN: std::sync::OnceLock<u32> = std::sync::OnceLock::new();
        number == *CHOSEN.get_or_init(|| {
            std::env::var("CORSO_MUTANT").ok().and_then(|number| number.parse().ok()).unwrap_or(0)
        })
    }
}
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--area", action="append", choices=AREAS, help="all, if none is named")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="every N-th mutant")
    parser.add_argument("--only", default="", metavar="REGEX", help="those whose names match")
    parser.add_argument("--stages", type=int, metavar="N", help=f"only the first N of: {', '.join(STAGES)}")
    parser.add_argument("--built", action="store_true", help="run what was woven last")
    args = parser.parse_args()
    if not args.built:
        mutants = listed(args)
        print(f"{len(mutants)} mutants", flush=True)
        copy_tree()
        TRIED.unlink(missing_ok=True)
        put(BUILT, json.dumps([mutants, sorted(build(mutants))]).encode())
    mutants, viable = json.loads(BUILT.read_text())
    mutants = {int(number): mutant for number, mutant in mutants.items()}
    results = {number: None for number in viable}
    tried = [line.split() for line in TRIED.read_text().splitlines()] if TRIED.exists() else []
    results.update({int(number): stage for number, stage, caught in tried if caught == "1"})
    for name in STAGES[:args.stages]:
        passed = {int(number) for number, stage, caught in tried if (stage, caught) == (name, "0")}
        near = [test for area in args.area or AREAS for test in NEAR[area]]
        run_stage(name, near if name == "near" else [], mutants, results, passed)
    write("caught", [f"{mutants[n]['name']}  ({by})" for n, by in results.items() if by])
    write("survivors", [mutants[n]["name"] for n, by in results.items() if not by])
    write("unviable", [mutants[n]["name"] for n in mutants if n not in viable])
    caught = sum(1 for by in results.values() if by)
    print(f"{len(mutants)} mutants: {len(mutants) - len(viable)} do not compile or cannot be woven, "
          f"{caught} caught, {len(viable) - caught} survive ({WORK / 'survivors'})")


def listed(args):
    """The mutants that are wanted, by numbers from 1 on: 0 is none."""
    globs = [glob for area in args.area or AREAS for glob in AREAS[area]]
    found = [mutant for glob in globs for path in sorted(ROOT.glob(glob)) for mutant in mutants_of(path)]
    chosen = [mutant for mutant in found if re.search(args.only, mutant["name"])][::args.every]
    return dict(enumerate(chosen, 1))


def mutants_of(path):
    """What cargo-mutants would change in one file; it needs no cargo for that."""
    command = [ROOT / ".work/tools/bin/cargo-mutants", "mutants", "--list", "--json", "--Zmutate-file", path]
    mutants = json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)
    file = str(path.relative_to(ROOT))
    # Two values of one `impl Trait` would have to be of one type.
    mutants = [m for m in mutants if "impl " not in (m["function"] or {}).get("return_type", "")
               or m["genre"] != "FnValue"]
    return [dict(mutant, file=file, name=mutant["name"].replace(path.name, file, 1)) for mutant in mutants]


def copy_tree():
    """All that is under version control, as it is now."""
    names = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                           check=True, stdout=subprocess.PIPE).stdout.decode().split("\0")
    kept = {name for name in names if name and (ROOT / name).exists()}
    for name in kept:
        put(TREE / name, (ROOT / name).read_bytes())
    for path in TREE.rglob("*"):
        if path.is_file() and str(path.relative_to(TREE)) not in kept:
            path.unlink()


def put(path, content):
    """Leaves alone what is the same: cargo goes by times."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_bytes() != content:
        path.write_bytes(content)


def build(mutants):
    """Weaves, and takes out what does not compile, until all does; gives the numbers that are in it."""
    left = dict(mutants)
    while True:
        woven = set()
        for file in sorted({mutant["file"] for mutant in mutants.values()} | {f"{REPOSITORY}/lib.rs"}):
            source = (ROOT / file).read_bytes()
            text, here = weave(source, {n: m for n, m in left.items() if m["file"] == file})
            woven |= here
            put(TREE / file, text + SWITCH.encode() if file.endswith("src/lib.rs") else text)
        left = {number: left[number] for number in woven}
        broken = errors()
        print(f"{len(left)} are woven, {len(broken)} of them do not compile", flush=True)
        if not broken:
            return set(left)
        left = {number: mutant for number, mutant in left.items() if number not in broken}


def cargo(*arguments):
    # Quick to build counts for more than quick to run, for what is ours.
    environment = dict(os.environ, CARGO_TARGET_DIR=str(WORK / "target"), CARGO_PROFILE_DEV_OPT_LEVEL="0",
                       CARGO_PROFILE_DEV_DEBUG="0")
    return subprocess.run(["cargo", *arguments, "--message-format=json"], cwd=TREE, env=environment,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def messages(done):
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith(b"{")]


def errors():
    """The mutants that compiler errors are about."""
    # A test among the targets makes cargo choose the features that the tests are built with.
    done = cargo("build", *PACKAGES, "--lib", "--test", "vectors")
    broken = set()
    for message in messages(done):
        told = message.get("message")
        if message["reason"] != "compiler-message" or told["level"] != "error" or not told["spans"]:
            continue
        numbers = {n for span in told["spans"] if span["is_primary"] for n in around(span)}
        numbers = numbers or {n for span in told["spans"] for n in around(span)}
        # What does not fit what a mutant returned before it.
        numbers = numbers or before(told["spans"][0])
        if not numbers:
            sys.exit("an error is about no mutant:\n" + told["rendered"])
        broken |= numbers
    if done.returncode and not broken:
        sys.exit(done.stderr.decode())
    return broken


def around(span):
    """The innermost mutant that a place in a woven file belongs to."""
    text = (TREE / span["file_name"]).read_bytes()
    found = None
    for match in re.finditer(rb"crate::mutant::is\((\d+)\)", text):
        start, end = match.start(), match.end()
        if text[end:end + 2] == b" {":
            depth, end = 1, end + 2
            while depth and end < len(text):
                depth += {b"{": 1, b"}": -1}.get(text[end:end + 1], 0)
                end += 1
        if start <= span["byte_start"] < end and (found is None or start > found[0]):
            found = (start, int(match[1]))
    return {found[1]} if found else set()


def before(span):
    """The last mutant in front of a place."""
    text = (TREE / span["file_name"]).read_bytes()[:span["byte_start"]]
    numbers = re.findall(rb"crate::mutant::is\((\d+)\)", text)
    return {int(numbers[-1])} if numbers else set()


def program(name):
    """Builds the test program of a stage."""
    is_library = name in ("near", "units")
    target = ["--lib"] if is_library else ["--test", name]
    done = cargo("test", "--no-run", *PACKAGES, *target)
    if done.returncode:
        sys.exit(done.stderr.decode())
    wanted = "repo_format" if is_library else name
    return next(message["executable"] for message in messages(done) if message["reason"] == "compiler-artifact"
                and message.get("executable") and message["target"]["name"] == wanted)


def run_stage(name, filters, mutants, results, passed):
    """Tries what no test has failed for yet, except those that passed this stage before."""
    left = [number for number, by in results.items() if not by and number not in passed]
    if not left:
        return
    binary = program(name)
    begun = time.monotonic()
    if not passes(binary, filters, 0, 3600):
        sys.exit(f"{name} fails without any mutant")
    limit = 20 + 3 * (time.monotonic() - begun)
    print(f"{name}: {time.monotonic() - begun:.1f} s without a mutant; {len(left)} to go", flush=True)
    lock = threading.Lock()

    def one(number):
        caught = not passes(binary, filters, number, limit)
        with lock, TRIED.open("a") as file:
            print(number, name, int(caught), file=file)
            results[number] = name if caught else None

    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("MUTANT_JOBS", "2"))) as pool:
        list(pool.map(one, left))
    write("survivors", [mutants[n]["name"] for n, by in results.items() if not by])
    print(f"{name}: {sum(1 for n in left if results[n])} caught in {time.monotonic() - begun:.0f} s", flush=True)


def passes(binary, filters, number, limit):
    """Whether the tests all pass in time; the first that fails ends the run."""
    environment = dict(os.environ, CORSO_MUTANT=str(number), CORSO_TEST_HISTORIES="20", RUST_BACKTRACE="0",
                       PROPTEST_FAILURE_PERSISTENCE="off")
    folder = TREE / ("repo-format" if "repo_format" in binary or "vectors" in binary else "tests")
    process = subprocess.Popen([binary, "--test-threads", "2", *filters], cwd=folder, env=environment,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, errors="replace")
    timer = threading.Timer(limit, process.kill)
    timer.start()
    try:
        for line in process.stdout:
            if line.rstrip().endswith("... FAILED"):
                process.kill()
        return process.wait() == 0
    finally:
        timer.cancel()


def write(name, lines):
    put(WORK / name, "".join(f"{line}\n" for line in sorted(lines)).encode())


if __name__ == "__main__":
    main()

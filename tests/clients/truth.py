"""What the simulator knows: truth.py WHAT URL [MORE...].

drive|user|listing NUMBER   the drive's ID; whose it is; hash, size and path of each file
filters NUMBER [FILE]       for rclone: leaves out what shortcuts lead to, and the paths in the file
violations [ALLOWED...]     fails if any other rule was broken
poisoned NUMBER             paths of the files whose content nobody can have
counters                    how much was asked, and how often it went wrong
heal                        from now on nothing goes wrong
"""

import base64
import json
import re
import sys
import urllib.request


def get(url, method="GET"):
    with urllib.request.urlopen(urllib.request.Request(url, method=method)) as answer:
        return answer.read()


def state(base, number):
    return [json.loads(line) for line in get(f"{base}drives/{number}/state").splitlines()]


def listing(items):
    # An empty file has no hash; rclone writes hashes in hex.
    hexed = lambda item: base64.b64decode(item["quick_xor_hash"] or "").hex()
    files = [item for item in items if item["kind"] == "file"]
    lines = ["|".join([hexed(item), str(item["size"]), item["path"].lstrip("/")]) for item in files]
    return sorted(lines, key=lambda line: line.encode())


def filters(items, missing=None):
    literal = lambda path: re.sub(r"([\\*?\[\]{}])", r"\\\1", path)
    shortcuts = [item["path"] for item in items if item["kind"] == "shortcut"]
    paths = open(missing).read().splitlines() if missing else []
    return [f"- {literal(path)}/**" for path in shortcuts] + [f"- /{literal(path)}" for path in paths]


def main(what, api, *rest):
    base = api + "__sim/"
    if what in ("drive", "user"):
        print(json.loads(get(base + "drives"))[int(rest[0])]["id" if what == "drive" else "user"])
    elif what == "listing":
        print("\n".join(listing(state(base, rest[0]))))
    elif what == "filters":
        print("\n".join(filters(state(base, rest[0]), *rest[1:])))
    elif what == "violations":
        counts = json.loads(get(base + "violations"))["counts"]
        broken = {rule: count for rule, count in counts.items() if rule not in rest}
        if broken:
            sys.exit(f"FAILED: rules were broken: {broken}")
    elif what == "counters":
        told = json.loads(get(base + "counters"))
        asked = sum(count for call, count in told["calls"].items() if call != "control")
        print(f"{asked} requests, {sum(told['faults'].values())} faults")
    elif what == "poisoned":
        poisoned = {one["id"] for one in json.loads(get(f"{base}drives/{rest[0]}/poisoned"))}
        print("\n".join(item["path"] for item in state(base, rest[0]) if item["id"] in poisoned))
    elif what == "heal":
        get(base + "faults?preset=none", method="PUT")
    else:
        sys.exit(__doc__)


main(*sys.argv[1:])

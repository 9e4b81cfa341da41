"""A simulated Microsoft for one test, what is true in it, and an export compared with that.

Shares no code with Corso: names are escaped as docs/export.md says, hashes are computed here.
"""

import base64
import functools
import json
import os
import subprocess
import urllib.request
from pathlib import Path

GRAPH_SIM = os.environ["CORSO_TEST_GRAPH_SIM"]
LONGEST_WAIT_SECONDS = 5
LIES = ("size_lie", "stale_hash", "no_hash", "extra_bytes")
RESERVED = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"}
RESERVED |= {device + number for device in ("COM", "LPT") for number in "0123456789¹²³"}
HEX = set("0123456789ABCDEF")


def modest_faults():
    """All families of faults at modest rates, and one file of each drive that can never be had. Without
    waits that are long on a real clock; without lies about items, after which truth is another; and without
    bytes behind the content's, which nothing tells from an empty file's own: such files have no hash."""
    told = json.loads(subprocess.check_output([GRAPH_SIM, "faults", "all"]))
    kept = lambda rule: wait_of(rule) <= LONGEST_WAIT_SECONDS and rule["fault"]["kind"] not in LIES
    return told | {"rules": [rule for rule in told["rules"] if kept(rule)]}


def wait_of(rule):
    asked = rule["fault"].get("retry_after", "missing")
    return max(asked.values()) if isinstance(asked, dict) else 0


class Cloud:
    """Use in a `with`. `faults` is what goes wrong from the start on."""

    def __init__(self, folder, faults, *options):
        file = Path(folder) / "faults.json"
        file.write_text(json.dumps(faults))
        self.command = [GRAPH_SIM, "serve", "--faults", str(file), *options]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.urls = json.loads(self.process.stdout.readline())
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def environment(self):
        """What points Corso at it."""
        return {
            "CORSO_GRAPH_URL": self.urls["api"],
            "CORSO_LOGIN_URL": self.urls["login"],
            "AZURE_TENANT_ID": self.urls["tenant"],
            "AZURE_CLIENT_ID": self.urls["client_id"],
            "AZURE_CLIENT_SECRET": "sim-secret",
            "CORSO_UNITS_PER_SECOND": "100000",
        }

    def ask(self, page, method="GET", body=None):
        """A page below `/__sim/`."""
        data = None if body is None else json.dumps(body).encode()
        url = f"{self.urls['api']}__sim/{page}"
        with urllib.request.urlopen(urllib.request.Request(url, data=data, method=method)) as answer:
            return answer.read()

    def users(self):
        return [drive["user"] for drive in json.loads(self.ask("drives"))]

    def state(self, drive):
        return [json.loads(line) for line in self.ask(f"drives/{drive}/state").splitlines()]

    def unhad(self, drive):
        """IDs of the files that nobody can have: poisoned, or held to be malware."""
        poisoned = {one["id"] for one in json.loads(self.ask(f"drives/{drive}/poisoned"))}
        return poisoned | {item["id"] for item in self.state(drive) if item["malware"]}

    def downloads(self):
        """Contents that were asked for from their first byte."""
        return sum(one["count"]["starts"] for one in json.loads(self.ask("downloads")))

    def counters(self):
        return json.loads(self.ask("counters"))

    def requests(self):
        return sum(count for call, count in self.counters()["calls"].items() if call != "control")

    def violations(self):
        return json.loads(self.ask("violations"))["counts"]


def differences(state, without, folder):
    """What an export differs in from the truth, but for the items of these IDs; empty if nothing."""
    kept = [item for item in state if item["kind"] in ("file", "folder") and item["id"] not in without]
    expected = {safe(item["path"]): facts(item) for item in kept}
    found = exported(folder)
    paths = sorted(expected.keys() | found.keys())
    return [(path, expected.get(path), found.get(path)) for path in paths if expected.get(path) != found.get(path)]


def facts(item):
    if item["kind"] == "folder":
        return "folder"
    return item["size"], item["modified"], base64.b64decode(item["quick_xor_hash"] or "")


def exported(folder):
    found = {}
    for path in Path(folder).rglob("*"):
        content = None if path.is_dir() else path.read_bytes()
        seen = "folder" if content is None else (len(content), int(path.stat().st_mtime), quick_xor(content))
        found[str(path.relative_to(folder))] = seen
    return found


def safe(path):
    return "/".join(escape(name) for name in path.split("/") if name)


def escape(name):
    escaped = "".join(
        percent(c) if c in '<>:"/\\|?*' or ord(c) < 32 or ord(c) == 127 or is_escape(name, at) else c
        for at, c in enumerate(name)
    )
    if escaped[-1] in ". ":
        escaped = escaped[:-1] + percent(escaped[-1])
    if escaped.split(".")[0].rstrip(" ").upper() in RESERVED:
        escaped = percent(escaped[0]) + escaped[1:]
    return escaped


def percent(character):
    return "".join(f"%{byte:02X}" for byte in character.encode())


def is_escape(name, at):
    return name[at] == "%" and len(name) > at + 2 and set(name[at + 1 : at + 3]) <= HEX


def quick_xor(content):
    """Microsoft's hash: byte i is XORed in at bit 11 * i of a ring of 160, and the length at the end."""
    if not content:
        return b""
    # Bytes that stand 160 apart fall on the same bits.
    rows = (content[at : at + 160].ljust(160, b"\0") for at in range(0, len(content), 160))
    row = functools.reduce(lambda one, other: one ^ other, (int.from_bytes(row, "little") for row in rows))
    ring = 0
    for at, byte in enumerate(row.to_bytes(160, "little")):
        shifted = byte << (11 * at % 160)
        ring ^= (shifted | shifted >> 160) & ((1 << 160) - 1)
    return (ring ^ len(content) << 96).to_bytes(20, "little")

"""Whether all that is missing was told, and nothing else: accounts.py URL NUMBER FOLDER.

FOLDER has what `corso backup` and `corso restore` printed, what rclone found missing, and which files
nobody could have.
"""

import json
import sys
import urllib.request


def main(api, number, folder):
    with urllib.request.urlopen(f"{api}__sim/drives/{number}/state") as answer:
        items = [json.loads(line) for line in answer]
    path = {item["id"]: item["path"].lstrip("/") for item in items}
    poisoned = {one.lstrip("/") for one in lines(f"{folder}/poisoned.txt")}
    malware = {path[item["id"]] for item in items if item["malware"]}
    # A notebook cannot be made by uploading its parts, and a shortcut is another drive's.
    unmakable = {path[item["id"]] for item in items if item["kind"] in ("package", "shortcut")}
    inside = lambda one: any(one.startswith(above + "/") for above in unmakable)
    unhad = poisoned | malware

    told = failures(f"{folder}/backup.json")
    same("the backup told of", set(told), unhad)
    same("the backup let pass", {one for one, failed in told.items() if not failed} & malware, malware)
    told = failures(f"{folder}/restore.json")
    same("the restore told of", set(told), {one for one in unhad if not inside(one)} | unmakable)
    missing = set(lines(f"{folder}/missing.txt"))
    same("rclone misses", missing, {one for one in unhad if not inside(one)})
    print(
        f"accounts: {len(poisoned)} poisoned, {len(malware)} malware, {len(unmakable)} notebooks and shortcuts;"
        f" rclone misses {len(missing)} files, all told of"
    )


def failures(file):
    """Path to whether it is a failure, of each item that a command named."""
    told = [line for line in map(json.loads, lines(file)) if line["message_type"] == "failure"]
    return {line["path"]: line["is_failure"] for line in told}


def lines(file):
    with open(file) as opened:
        return [line for line in opened.read().split("\n") if line]


def same(what, found, expected):
    if found != expected:
        sys.exit(f"FAILED: {what} {sorted(found - expected)[:5]} too much, {sorted(expected - found)[:5]} too little")


main(*sys.argv[1:])

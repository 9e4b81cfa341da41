"""What the simulator knows: truth.py drive|listing URL NUMBER, or truth.py violations URL [ALLOWED...]."""

import base64
import json
import sys
import urllib.request


def get(url):
    with urllib.request.urlopen(url) as answer:
        return answer.read()


def main(what, api, *rest):
    base = api + "__sim/"
    if what == "drive":
        print(json.loads(get(base + "drives"))[int(rest[0])]["id"])
    elif what == "listing":
        lines = []
        for line in get(f"{base}drives/{rest[0]}/state").splitlines():
            item = json.loads(line)
            if item["kind"] == "file":
                # An empty file has no hash; rclone writes hashes in hex.
                digest = base64.b64decode(item["quick_xor_hash"] or "").hex()
                lines.append("|".join([digest, str(item["size"]), item["path"].lstrip("/")]))
        print("\n".join(sorted(lines, key=lambda line: line.encode())))
    elif what == "violations":
        counts = json.loads(get(base + "violations"))["counts"]
        broken = {rule: count for rule, count in counts.items() if rule not in rest}
        if broken:
            sys.exit(f"FAILED: rules were broken: {broken}")
    else:
        sys.exit(__doc__)


main(*sys.argv[1:])

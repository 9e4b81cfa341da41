"""An S3 repository: SeaweedFS on loopback, behind a link that counts requests and may be slow."""
import json, subprocess, time, urllib.error, urllib.parse, urllib.request

from link import Link
from place import ROOT

PORT = 8533
# Its scripts make this one, with these keys.
NAME = "corso"
KEYS = {"AWS_ACCESS_KEY_ID": "testkey", "AWS_SECRET_ACCESS_KEY": "testsecret", "AWS_REGION": "us-east-1"}
FOLDER_BIT = 1 << 31
# The server drops what deleted names held in the background, each second.
DELETED_AFTER_SECONDS = 3


class Bucket:
    """A prefix of the bucket for one run."""

    def __init__(self, link, prefix):
        self.link = link
        self.name = NAME
        self.prefix = prefix
        self.endpoint = f"http://127.0.0.1:{link.port}"
        self.region = KEYS["AWS_REGION"]
        self.keys = KEYS

    def size(self):
        """What is stored below the prefix, as the server's file service lists it."""
        sums = {"files": 0, "folders": 0, "bytes": 0, "disk": 0}
        left = [f"/buckets/{self.name}/{self.prefix}"]
        while left:
            folder = left.pop()
            for entry in listed(folder):
                if entry["Mode"] & FOLDER_BIT:
                    sums["folders"] += 1
                    left.append(entry["FullPath"])
                else:
                    sums["files"] += 1
                    sums["bytes"] += entry["FileSize"]
        sums["disk"] = sums["bytes"]
        return sums

    def remove(self):
        """Deletes all below the prefix, and has the server give the space back, which it else does after a while."""
        try:
            asked(f"/buckets/{self.name}/{self.prefix}?recursive=true&ignoreRecursiveError=true", "DELETE").close()
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
            return
        time.sleep(DELETED_AFTER_SECONDS)
        asked("/vol/vacuum?garbageThreshold=0.01", port=PORT + 1).close()


def asked(path, method="GET", port=PORT + 3):
    """A request to the server's file service, or to what manages its volumes at another port."""
    url = f"http://127.0.0.1:{port}{path}"
    request = urllib.request.Request(url, method=method, headers={"Accept": "application/json"})
    return urllib.request.urlopen(request, timeout=120)


def listed(folder):
    """All entries of a folder of the server, page by page."""
    last = ""
    while True:
        query = urllib.parse.urlencode({"limit": 1000, "lastFileName": last})
        try:
            with asked(f"{urllib.parse.quote(folder)}/?{query}") as answer:
                page = json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return
            raise
        yield from page["Entries"] or []
        if not page["ShouldDisplayLoadMore"]:
            return
        last = page["LastFileName"]


class Server:
    """SeaweedFS, for as long as the block runs; its data is gone afterwards with the next start."""

    def __enter__(self):
        self.told("start")
        return self

    def __exit__(self, *_):
        self.told("stop")

    def told(self, what):
        subprocess.run(["tests/servers/seaweedfs.sh", what, str(PORT)], cwd=ROOT, check=True)

    def link(self, storage):
        """The way to it: `s3`, or `s3+50ms` for one with so long a round trip."""
        _, _, latency = storage.partition("+")
        return Link(PORT, round_trip_ms=float(latency.removesuffix("ms") or 0))

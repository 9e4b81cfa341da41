"""Measures a running simulator: measure.py URLS.JSON delta|gzip|content|memory.

delta reads all pages of the first drive and prints items a second; gzip does so and takes them compressed;
content reads its first file for some seconds and prints MB a second; memory prints what the simulator holds
and held at most. The figures include this client, which looks at little of what it reads; the simulator's
own share is the CPU time that is printed with them.
"""

import http.client
import json
import os
import re
import sys
import time
import urllib.parse
import urllib.request
import zlib

urls = json.load(open(sys.argv[1]))


def token():
    form = {"grant_type": "client_credentials", "client_id": urls["client_id"], "client_secret": "sim-secret"}
    form["scope"] = "https://graph.microsoft.com/.default"
    url = f"{urls['login']}{urls['tenant']}/oauth2/v2.0/token"
    with urllib.request.urlopen(url, urllib.parse.urlencode(form).encode()) as answer:
        return json.load(answer)["access_token"]


def connect(url):
    return http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc)


def path(url):
    parts = urllib.parse.urlsplit(url)
    return parts.path + ("?" + parts.query if parts.query else "")


def cpu():
    """Seconds of CPU that the simulator has used."""
    fields = open(f"/proc/{urls['pid']}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pages(top, encoding="identity"):
    headers = {"Authorization": "Bearer " + token(), "User-Agent": "ISV|Measure|Sim/1", "client-request-id": "1"}
    headers["Accept-Encoding"] = encoding
    drive = json.load(urllib.request.urlopen(urls["api"] + "__sim/drives"))[0]["id"]
    connection = connect(urls["api"])
    url = f"{urls['graph']}/drives/{drive}/root/delta?$top={top}"
    while url:
        connection.request("GET", path(url), headers=headers)
        body = connection.getresponse().read()
        sent = len(body)
        if encoding == "gzip":
            body = zlib.decompress(body, wbits=31)
        yield body, sent
        link = re.search(rb'"@odata.nextLink":"([^"]*)"', body[-1000:])
        url = link and link[1].decode()


def delta(encoding="identity"):
    urllib.request.urlopen(urls["api"] + "__sim/drives").read()
    start, used, items, size, first = time.monotonic(), cpu(), 0, 0, None
    for body, sent in pages(1000, encoding):
        first = first or time.monotonic() - start
        items += body.count(b'"@odata.etag"')
        size += sent
    took, used = time.monotonic() - start, cpu() - used
    print(f"delta: {items} items, {size / 1e6:.0f} MB in {took:.2f} s (the first page, with the table's making,")
    print(f"       after {first:.2f} s): {items / took:.0f} items/s, {size / took / 1e6:.0f} MB/s")
    print(f"       {used:.2f} s of CPU in the simulator: {items / used:.0f} items/s of it")


def content():
    page = json.loads(next(pages(20))[0])
    item = next(item for item in page["value"] if item.get("size", 0) > 1_000_000_000)
    url = item["@microsoft.graph.downloadUrl"]
    connection, buffer, size = connect(url), bytearray(1 << 20), 0
    start, used = time.monotonic(), cpu()
    while time.monotonic() - start < 5:
        connection.request("GET", path(url))
        answer = connection.getresponse()
        while count := answer.readinto(buffer):
            size += count
    took, used = time.monotonic() - start, cpu() - used
    print(f"content: {size / 1e9:.1f} GB in {took:.2f} s: {size / took / 1e6:.0f} MB/s")
    print(f"         {used:.2f} s of CPU in the simulator: {size / used / 1e6:.0f} MB/s of it")


def memory():
    lines = dict(line.split(":", 1) for line in open(f"/proc/{urls['pid']}/status"))
    print(f"memory: {lines['VmRSS'].strip()} now, {lines['VmHWM'].strip()} at most")


{"delta": delta, "gzip": lambda: delta("gzip"), "content": content, "memory": memory}[sys.argv[2]]()

"""Measures a running simulator: measure.py URLS.JSON delta|content.

delta reads all pages of the first drive and prints items a second; content reads its first file for some
seconds and prints MB a second. The figures include this client, which looks at little of what it reads.
"""

import http.client
import json
import re
import sys
import time
import urllib.parse
import urllib.request

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


def pages(top):
    headers = {"Authorization": "Bearer " + token(), "User-Agent": "ISV|Measure|Sim/1", "client-request-id": "1"}
    drive = json.load(urllib.request.urlopen(urls["api"] + "__sim/drives"))[0]["id"]
    connection = connect(urls["api"])
    url = f"{urls['graph']}/drives/{drive}/root/delta?$top={top}"
    while url:
        connection.request("GET", path(url), headers=headers)
        body = connection.getresponse().read()
        yield body
        link = re.search(rb'"@odata.nextLink":"([^"]*)"', body[-1000:])
        url = link and link[1].decode()


def delta():
    urllib.request.urlopen(urls["api"] + "__sim/drives").read()
    start, items, size, first = time.monotonic(), 0, 0, None
    for body in pages(1000):
        first = first or time.monotonic() - start
        items += body.count(b'"@odata.etag"')
        size += len(body)
    took = time.monotonic() - start
    print(f"delta: {items} items, {size / 1e6:.0f} MB in {took:.2f} s (the first page, with the table's making,")
    print(f"       after {first:.2f} s): {items / took:.0f} items/s, {size / took / 1e6:.0f} MB/s")


def content():
    item = next(item for item in json.loads(next(pages(20)))["value"] if item.get("size", 0) > 1_000_000_000)
    url = item["@microsoft.graph.downloadUrl"]
    connection, buffer, size = connect(url), bytearray(1 << 20), 0
    start = time.monotonic()
    while time.monotonic() - start < 5:
        connection.request("GET", path(url))
        answer = connection.getresponse()
        while count := answer.readinto(buffer):
            size += count
    took = time.monotonic() - start
    print(f"content: {size / 1e9:.1f} GB in {took:.2f} s: {size / took / 1e6:.0f} MB/s")


{"delta": delta, "content": content}[sys.argv[2]]()

"""Creates a container on Azurite: container.py ENDPOINT NAME. The key comes from the environment.

A shared-key signature by hand is shorter than another client library.
"""

import base64
import email.utils
import hashlib
import hmac
import os
import sys
import urllib.error
import urllib.request

endpoint, name = sys.argv[1:]
account = endpoint.rstrip("/").rsplit("/", 1)[1]
headers = {"x-ms-date": email.utils.formatdate(usegmt=True), "x-ms-version": "2021-12-02"}
# PUT, then eleven empty standard headers; Azurite repeats the account in the path.
text = "PUT" + "\n" * 12 + "".join(f"{key}:{headers[key]}\n" for key in sorted(headers))
text += f"/{account}/{account}/{name}\nrestype:container"
key = base64.b64decode(os.environ["AZURE_STORAGE_KEY"])
signature = base64.b64encode(hmac.digest(key, text.encode(), hashlib.sha256)).decode()
headers["Authorization"] = f"SharedKey {account}:{signature}"
request = urllib.request.Request(
    f"{endpoint}/{name}?restype=container", method="PUT", headers=headers
)
try:
    urllib.request.urlopen(request, timeout=10)
except urllib.error.HTTPError as error:
    if error.code != 409:  # it is there already
        sys.exit(error.read().decode())

"""One set of faults of several: reads them from stdin. faults.py POISONED SHARE: so many files of each drive, and
that share of the rates: where more than a tenth of the calls fail, retries wait for their share."""

import json
import sys


def sets(text):
    decoder, at = json.JSONDecoder(), 0
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        found, at = decoder.raw_decode(text, at)
        yield found


every = list(sets(sys.stdin.read()))
rules = [rule | {"rate": rule["rate"] * float(sys.argv[2])} for one in every for rule in one["rules"]]
print(json.dumps(every[0] | {"poison_per_user": int(sys.argv[1]), "rules": rules}))

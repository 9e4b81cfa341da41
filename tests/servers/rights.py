"""Who may do what on SeaweedFS: prints its configuration. The keys of the environment may do anything; others
may do what the policies in docs/storages.md say, word by word, and are called after their titles here."""

import json
import os
import re
from pathlib import Path

# In the order in which the page has them.
TITLES = ("backup", "maintenance", "locked-backup", "locked-maintenance")

page = Path(__file__).resolve().parents[2] / "docs" / "storages.md"
policies = re.findall(r"```json\n(\{\n  \"Version\".*?\n)```", page.read_text(), re.DOTALL)
assert len(policies) == len(TITLES), f"{page} has {len(policies)} policies"


def keys(access, secret):
    return [{"accessKey": access, "secretKey": secret}]


admin = {
    "name": "admin",
    "credentials": keys(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]),
    "actions": ["Admin", "Read", "Write", "List", "Tagging"],
}
others = [
    {"name": title, "credentials": keys(f"{title}-key", f"{title}-secret"), "policyNames": [title]} for title in TITLES
]
named = [{"name": title, "content": json.dumps(json.loads(policy))} for title, policy in zip(TITLES, policies)]
print(json.dumps({"identities": [admin, *others], "policies": named}, indent=1))

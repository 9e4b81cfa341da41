"""Walks a drive with msgraph-sdk and compares it with the truth: sdk.py URLS.JSON."""

import asyncio
import json
import sys
import urllib.parse
import urllib.request

from azure.core.credentials import AccessToken
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.models.o_data_errors.o_data_error import ODataError

urls = json.load(open(sys.argv[1]))


class Credential:
    """A token by the app's secret; azure-identity itself wants https and has a script of its own."""

    def get_token(self, *scopes, **_):
        form = {"grant_type": "client_credentials", "client_id": urls["client_id"], "client_secret": "sim-secret"}
        form["scope"] = "https://graph.microsoft.com/.default"
        url = f"{urls['login']}{urls['tenant']}/oauth2/v2.0/token"
        with urllib.request.urlopen(url, urllib.parse.urlencode(form).encode()) as answer:
            token = json.load(answer)
        return AccessToken(token["access_token"], 2**31)


def control(path):
    with urllib.request.urlopen(urls["api"] + "__sim/" + path) as answer:
        return answer.read()


async def main():
    provider = AzureIdentityAuthenticationProvider(
        Credential(), scopes=["https://graph.microsoft.com/.default"], allowed_hosts=["127.0.0.1"]
    )
    adapter = GraphRequestAdapter(provider)
    adapter.base_url = urls["graph"]
    graph = GraphServiceClient(request_adapter=adapter)

    users = await graph.users.get()
    assert len(users.value) == 5
    drive = await graph.users.by_user_id(users.value[0].id).drive.get()
    assert drive.id == json.loads(control("drives"))[0]["id"]

    truth = {item["id"]: item for item in map(json.loads, control("drives/0/state").splitlines())}
    builder = graph.drives.by_drive_id(drive.id).items.by_drive_item_id("root").delta
    page, seen = await builder.get(), {}
    while True:
        seen.update({item.id: item for item in page.value})
        if not page.odata_next_link:
            break
        page = await builder.with_url(page.odata_next_link).get()
    assert seen.keys() == truth.keys(), f"{len(seen)} items in place of {len(truth)}"
    for identity, item in seen.items():
        assert item.name == truth[identity]["name"]
        if item.file and item.size:
            assert item.file.hashes.quick_xor_hash == truth[identity]["quick_xor_hash"]
    again = await builder.with_url(page.odata_delta_link).get()
    assert again.value == []

    # The first call for children is refused; the SDK waits and asks again by itself.
    children = await graph.drives.by_drive_id(drive.id).items.by_drive_item_id("root").children.get()
    assert children.value
    assert json.loads(control("counters"))["faults"] == {"one 429": 1}

    file = next(item for item in seen.values() if item.file and item.size)
    content = await graph.drives.by_drive_id(drive.id).items.by_drive_item_id(file.id).content.get()
    assert len(content) == file.size
    try:
        await graph.users.by_user_id(users.value[3].id).drive.get()
    except ODataError as error:
        assert error.error.code == "ResourceNotFound", error
    else:
        raise AssertionError("a user without a drive has one")
    broken = json.loads(control("violations"))["counts"].keys() - {"undecorated_user_agent", "missing_request_id"}
    assert not broken, broken
    print(f"msgraph-sdk: {len(seen)} items, a retry, a content and an error: as expected")


asyncio.run(main())

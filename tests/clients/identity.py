"""Signs in with azure-identity in every way that is named: identity.py FOLDER WAY..."""

import json
import os
import ssl
import sys
import urllib.request

from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    CertificateCredential,
    ClientSecretCredential,
    DeviceCodeCredential,
    WorkloadIdentityCredential,
)

folder, *ways = sys.argv[1:]
urls = json.load(open(f"{folder}/urls.json"))
authority = {
    "authority": urls["login"].rstrip("/"),
    "disable_instance_discovery": True,
    "connection_verify": urls["ca"],
}
tenant, client = urls["tenant"], urls["client_id"]


def device():
    return DeviceCodeCredential(client, tenant_id=tenant, prompt_callback=lambda *_: None, timeout=60, **authority)


def accepted(credential):
    """The token that it gets must be good for a call."""
    token = credential.get_token("https://graph.microsoft.com/.default").token
    request = urllib.request.Request(urls["graph"] + "/users", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, context=ssl.create_default_context(cafile=urls["ca"])) as answer:
        assert len(json.load(answer)["value"]) == 5


def refused(credential, word):
    try:
        credential.get_token("https://graph.microsoft.com/.default")
    except ClientAuthenticationError as error:
        assert word in str(error), error
    else:
        raise AssertionError("a token was given")


for way in ways:
    match way:
        case "secret":
            accepted(ClientSecretCredential(tenant, client, "sim-secret", **authority))
        case "wrong_secret":
            refused(ClientSecretCredential(tenant, client, "wrong", **authority), "AADSTS7000215")
        case "certificate":
            accepted(CertificateCredential(tenant, client, f"{folder}/client.pem", **authority))
        case "federated":
            os.environ["AZURE_FEDERATED_TOKEN_FILE"] = f"{folder}/federated.jwt"
            accepted(WorkloadIdentityCredential(tenant_id=tenant, client_id=client, **authority))
        case "device":
            accepted(device())
        case "device_declined":
            refused(device(), "declined")
        case "device_expired":
            refused(device(), "expired")
        case _:
            raise SystemExit(f"unknown way: {way}")
    print(f"azure-identity: {way}: as expected")

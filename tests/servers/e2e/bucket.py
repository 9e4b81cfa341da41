"""A bucket on SeaweedFS as boto3 sees it, with the keys of some identity of rights.py."""

import datetime
import os

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from place import PORTS


def keys(title):
    """The keys that rights.py gives to a policy."""
    return {"AWS_ACCESS_KEY_ID": f"{title}-key", "AWS_SECRET_ACCESS_KEY": f"{title}-secret"}


def client(env=os.environ):
    return boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{PORTS['seaweedfs']}",
        aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
    )


def make(name, **how):
    """Makes the bucket unless it is there."""
    if name not in [bucket["Name"] for bucket in client().list_buckets()["Buckets"]]:
        client().create_bucket(Bucket=name, **how)


def names(bucket, prefix):
    """The keys that a reader sees, and their sizes."""
    pages = client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/")
    return {there["Key"]: there["Size"] for page in pages for there in page.get("Contents", [])}


def versions(bucket, prefix):
    """Every version below a prefix, and every delete marker: (key, version ID)."""
    pages = client().get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=f"{prefix}/")
    kinds = ("Versions", "DeleteMarkers")
    return [(one["Key"], one["VersionId"]) for page in pages for kind in kinds for one in page.get(kind, [])]


def lock(bucket, key):
    """The mode of a blob's lock, and the time until which it is locked; `None` if it is not."""
    head = client().head_object(Bucket=bucket, Key=key)
    return (head["ObjectLockMode"], head["ObjectLockRetainUntilDate"]) if "ObjectLockMode" in head else None


def now():
    return datetime.datetime.now(datetime.UTC)


def refused(test, ask, **what):
    """What is asked must be answered with 403."""
    with test.assertRaises(ClientError) as refusal:
        ask(**what)
    test.assertEqual(refusal.exception.response["ResponseMetadata"]["HTTPStatusCode"], 403)

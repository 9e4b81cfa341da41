"""Creates a bucket: bucket.py ENDPOINT NAME. Keys come from the environment."""

import sys

import boto3
from botocore.config import Config

endpoint, name = sys.argv[1:]
path_style = Config(s3={"addressing_style": "path"}, connect_timeout=2, read_timeout=10)
client = boto3.client("s3", endpoint_url=endpoint, config=path_style)
if name not in [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]:
    client.create_bucket(Bucket=name)

#!/bin/sh
# rclone as an S3 server that overwrites where it was asked to create, so that a repository must
# refuse it: rclone.sh start|stop [PORT]. The bucket `corso` is made.
set -eu
. "$(dirname "$0")/lib.sh"
port=${2:-5003}

case ${1:-} in
start)
    data=$home/run/rclone
    rm -rf "$data"
    mkdir -p "$data/corso"
    launch rclone "$home/venv/bin/rclone" serve s3 --addr "127.0.0.1:$port" \
        --auth-key "$AWS_ACCESS_KEY_ID,$AWS_SECRET_ACCESS_KEY" --config "$data/rclone.conf" "$data"
    await rclone answers "http://127.0.0.1:$port/"
    ;;
stop)
    halt rclone
    ;;
*) usage ;;
esac

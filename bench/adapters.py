"""The tools: how each is told to do what is compared.

To add one, write a function with @tool("name"). It gets a Ctx and returns a dict: `version` (one argv), and lists of
commands (argv lists, or a str for a shell line) for init, backup, list, restore, check and prune. A step that is left out
is shown as a dash. Commands run with the source folder as working directory; `restore` writes the newest snapshot into
c.out, `prune` keeps the newest alone and frees the space at once; what a tool keeps outside its repository goes below
c.state. @tool("name", s3=True) says that it also takes c.bucket for its repository.
"""
import os, stat

from place import CORSO, peer

PASSWORD = "bench-password"
TOOLS = {}
S3 = set()
OURS = "corso"
# Not compared with: what the machine can do at least, without versions.
FLOORS = {"tar-zstd", "cp"}
# Peers that do not encrypt.
PLAIN = {"conserve"}


def tool(name, s3=False):
    def deco(f):
        TOOLS[name] = f
        if s3:
            S3.add(name)
        return f
    return deco


def _restic(c, exe, extra=(), backup_extra=()):
    where = f"s3:{c.bucket.endpoint}/{c.bucket.name}/{c.bucket.prefix}" if c.bucket else str(c.repo)
    c.env |= {"RESTIC_PASSWORD": PASSWORD, "RESTIC_REPOSITORY": where, "RESTIC_CACHE_DIR": str(c.state / "rc")}
    r = [peer(exe), "-q", *extra]
    return {
        "version": [peer(exe), "version"],
        "init": [r + ["init"]],
        "backup": [r + ["backup", *backup_extra, "."]],
        "list": [r + ["snapshots"]],
        "restore": [r + ["restore", "latest", "--target", str(c.out)]],
        "check": [r + ["check", "--read-data"]],
        "prune": [r + ["forget", "--group-by", "", "--keep-last", "1", "--prune"]],
    }


@tool("restic", s3=True)
def restic(c):
    return _restic(c, "restic")


@tool("restic-nocache")
def restic_nocache(c):
    return _restic(c, "restic", ["--no-cache"])


@tool("restic-nocomp")
def restic_nocomp(c):
    return _restic(c, "restic", ["--compression", "off"])


@tool("restic-0.14.0")
def restic_debian(c):
    return _restic(c, "restic-0.14.0")


@tool("rustic", s3=True)
def rustic(c):
    c.env |= {"RUSTIC_PASSWORD": PASSWORD, "RUSTIC_CACHE_DIR": str(c.state / "rc"), "RUSTIC_NO_PROGRESS": "true", "RUSTIC_LOG_LEVEL": "warn"}
    r = [peer("rustic")]
    if c.bucket:
        # What S3 needs is taken from a profile alone.
        profile = c.state / "s3.toml"
        options = {
            "root": c.bucket.prefix, "bucket": c.bucket.name, "endpoint": c.bucket.endpoint, "region": c.bucket.region,
            "access_key_id": c.bucket.keys["AWS_ACCESS_KEY_ID"], "secret_access_key": c.bucket.keys["AWS_SECRET_ACCESS_KEY"],
        }
        lines = ["[repository]", 'repository = "opendal:s3"', "[repository.options]"]
        profile.write_text("\n".join(lines + [f'{name} = "{value}"' for name, value in options.items()]) + "\n")
        r += ["--use-profile", str(profile.with_suffix(""))]
    else:
        c.env |= {"RUSTIC_REPOSITORY": str(c.repo)}
    return {
        "version": [r[0], "--version"],
        "init": [r + ["init"]],
        "backup": [r + ["backup", "."]],
        "list": [r + ["snapshots"]],
        "restore": [r + ["restore", "latest", str(c.out)]],
        "check": [r + ["check", "--read-data"]],
        # without --instant-delete rustic only marks packs and deletes them a day later
        "prune": [r + ["forget", "--group-by", "", "--keep-last", "1"], r + ["prune", "--instant-delete"]],
    }


def _borg(c, exe, comp=None, enc="repokey-blake2"):
    c.env |= {"BORG_PASSPHRASE": PASSWORD, "BORG_BASE_DIR": str(c.state), "BORG_REPO": str(c.repo), "BORG_CHECK_I_KNOW_WHAT_I_AM_DOING": "YES"}
    b = [peer(exe)]
    return {
        "version": b + ["--version"],
        "init": [b + ["init", "-e", enc]],
        "backup": [b + ["create", *(["-C", comp] if comp else []), f"::a{c.n}", "."]],
        "list": [b + ["list"]],
        "restore": [f"mkdir -p {c.out} && cd {c.out} && {peer(exe)} extract ::a{c.n - 1}"],
        "check": [b + ["check", "--verify-data"]],
        "prune": [b + ["prune", "--keep-last", "1"], b + ["compact"]],
    }


@tool("borg-lz4")
def borg(c):
    return _borg(c, "borg")


@tool("borg-zstd")
def borg_zstd(c):
    return _borg(c, "borg", "zstd")


@tool("borg-1.2.4")
def borg_debian(c):
    return _borg(c, "borg-1.2.4")


@tool("borg2-zstd")
def borg2(c):  # never run yet: 2.0.0b25 did not build here
    c.env |= {"BORG_PASSPHRASE": PASSWORD, "BORG_BASE_DIR": str(c.state), "BORG_REPO": str(c.repo), "BORG_CHECK_I_KNOW_WHAT_I_AM_DOING": "YES"}
    b = [peer("borg2")]
    return {
        "version": b + ["--version"],
        "init": [b + ["repo-create", "-e", os.environ.get("BORG2_ENC", "repokey-blake2-aes-ocb")]],
        "backup": [b + ["create", "-C", "zstd", f"a{c.n}", "."]],
        "list": [b + ["repo-list"]],
        "restore": [f"mkdir -p {c.out} && cd {c.out} && {peer('borg2')} extract a{c.n - 1}"],
        "check": [b + ["check", "--verify-data"]],
        "prune": [b + ["prune", "--keep-last", "1"], b + ["compact"]],
    }


@tool("bupstash")
def bupstash(c):
    c.env |= {"BUPSTASH_REPOSITORY": str(c.repo), "BUPSTASH_KEY": str(c.state / "key")}
    b = [peer("bupstash")]
    return {
        "version": b + ["--version"],
        "init": [b + ["new-key", "-o", str(c.state / "key")], b + ["init"]],
        "backup": [b + ["put", "-q", "--send-log", str(c.state / "send.log"), f"n={c.n}", "."]],
        "list": [b + ["list", "--query-cache", str(c.state / "q.cache")]],
        "restore": [["mkdir", "-p", str(c.out)],
                    b + ["restore", "-q", "--query-cache", str(c.state / "q.cache"), "--into", str(c.out), f"n={c.n - 1}"]],
        # no check command: a full read that decrypts everything is the nearest thing
        "check": [f"{b[0]} get -q --query-cache {c.state}/q.cache n={c.n - 1} > /dev/null"],
        "prune": [b + ["rm", "--allow-many", "--query-cache", str(c.state / "q.cache"), "n=0", "or", "n=1"], b + ["gc"]],
    }


@tool("conserve")
def conserve(c):  # no encryption
    b = [peer("conserve")]
    return {
        "version": b + ["--version"],
        "init": [b + ["init", str(c.repo)]],
        "backup": [b + ["backup", "--no-progress", "--no-stats", str(c.repo), "."]],
        "list": [b + ["versions", str(c.repo)]],
        "restore": [b + ["restore", "--no-progress", "--no-stats", str(c.repo), str(c.out)]],
        "check": [b + ["validate", "--no-progress", str(c.repo)]],
        "prune": [b + ["delete", "--no-progress", "--no-stats", "-b", "b0000", "-b", "b0001", str(c.repo)]],
    }


@tool("tar-zstd")
def tar_zstd(c):  # a floor: tar, zstd -3 with two threads, AES-256-CTR; no dedup
    k = f"openssl enc -aes-256-ctr -pass pass:{PASSWORD} -pbkdf2 -iter 1"
    return {
        "version": ["zstd", "--version"],
        "init": [["mkdir", "-p", str(c.repo)]],
        "backup": [f"tar -cf - . | zstd -q -3 -T2 | {k} > {c.repo}/a{c.n}"],
        "list": [["ls", str(c.repo)]],
        "restore": [f"mkdir -p {c.out} && {k} -d < {c.repo}/a{c.n - 1} | zstd -dq | tar -xf - -C {c.out}"],
        "check": [f"{k} -d < {c.repo}/a{c.n - 1} | zstd -tq"],
        "prune": [f"rm {c.repo}/a0 {c.repo}/a1"],
    }


@tool("cp")
def cp(c):  # a floor: read every byte, write every byte
    return {
        "version": ["cp", "--version"],
        "init": [["mkdir", "-p", str(c.repo)]],
        "backup": [["cp", "-a", "--reflink=never", ".", f"{c.repo}/a{c.n}"]],
        "list": [["ls", str(c.repo)]],
        "restore": [["cp", "-a", "--reflink=never", f"{c.repo}/a{c.n - 1}", str(c.out)]],
        "check": [f"tar -cf - -C {c.repo}/a{c.n - 1} . | cat > /dev/null"],
    }


@tool(OURS, s3=True)
def corso(c):
    """Unlocked by a key file: deriving a key from a passphrase is made slow on purpose, and is not what is compared."""
    c.env |= {f"XDG_{kind}_HOME": str(c.state / kind.lower()) for kind in ("CONFIG", "CACHE", "STATE", "DATA")}
    key, passphrase = c.state / "key", c.state / "passphrase"
    if not key.exists():
        for file, secret in ((key, os.urandom(64)), (passphrase, PASSWORD.encode())):
            file.write_bytes(secret)
            file.chmod(stat.S_IRUSR | stat.S_IWUSR)
    exe, unlock = str(CORSO), ["--key-file", str(key)]
    if c.bucket:
        made = ["s3", "--bucket", c.bucket.name, "--prefix", c.bucket.prefix, "--endpoint", c.bucket.endpoint]
        repo = ["--repo", f"s3://{c.bucket.name}/{c.bucket.prefix}?endpoint={c.bucket.endpoint}"]
    else:
        made, repo = ["filesystem", "--path", str(c.repo)], ["--repo", str(c.repo)]
    b = [exe, *repo, *unlock]
    return {
        "version": [exe, "--version"],
        "init": [[exe, "repo", "init", *made, *unlock, "--no-recovery-key"]],
        "backup": [b + ["snapshot", "create", "."]],
        "list": [b + ["snapshot", "list"]],
        "restore": [b + ["snapshot", "restore", "latest", "--target", str(c.out)]],
        "check": [b + ["repo", "verify", "--level", "data"]],
        # Without the grace periods a single run frees the space.
        "prune": [b + ["snapshot", "forget", "--keep-last", "1"],
                  b + ["maintenance", "run", "--grace", "0", "--grace-unknown", "0"]],
        # Of what follows, other tools have nothing: start-up by passphrase, and the curves of growth.
        "add-passphrase": [b + ["repo", "key", "add", "--new-passphrase-file", str(passphrase)]],
        "list-by-passphrase": [[exe, *repo, "snapshot", "list"]],
        "restore-path": [b + ["snapshot", "restore"]],
        "maintenance": [b + ["maintenance", "run"]],
        "passphrase": {"CORSO_PASSPHRASE": PASSWORD},
    }

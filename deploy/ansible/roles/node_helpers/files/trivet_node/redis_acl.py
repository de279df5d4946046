"""One Redis user per environment, limited to the keys of its prefix; entered as the node's administrator."""

import hashlib

from . import files, shell
from .errors import StepFailed

ADMINISTRATOR = "/etc/redis/trivet-admin"
RIGHTS = ["resetchannels", "+@read", "+@write", "+@connection", "+@transaction", "-@dangerous", "-@admin", "-scan", "-randomkey"]


def cli(*arguments):
    password = files.read(ADMINISTRATOR)
    if password is None:
        raise StepFailed("Redis has no administrator on this node. Provision it again.")
    # REDISCLI_AUTH keeps the password out of the arguments.
    return shell.run(["redis-cli", "--user", "trivet", "--no-auth-warning", "--raw", *arguments],
                     env={"PATH": "/usr/bin:/bin", "REDISCLI_AUTH": password.strip()})


def ensure(user, password, prefix):
    digest = hashlib.sha256(password.encode()).hexdigest()
    before = _line(user)
    if before and f"#{digest}" in before and f"~{prefix}*" in before and "-scan" in before:
        return False
    _ok(cli("ACL", "SETUSER", user, "reset", "on", f"#{digest}", f"~{prefix}*", *RIGHTS))
    _ok(cli("ACL", "SAVE"))
    return True


def delete_keys(prefix):
    """Deletes the keys of one environment and no others; returns how many there were."""
    pattern = "".join("\\" + c if c in "*?[]\\^" else c for c in prefix) + "*"
    cursor, count = "0", 0
    while True:
        lines = cli("SCAN", cursor, "MATCH", pattern, "COUNT", "1000").text.split("\n")
        cursor, keys = lines[0].strip(), [line for line in lines[1:] if line.startswith(prefix)]
        if keys:
            count += int(cli("UNLINK", *keys).text.strip() or 0)
        if cursor == "0":
            return count


def _line(user):
    for line in cli("ACL", "LIST").text.splitlines():
        if line.split()[1:2] == [user]:
            return line
    return ""


def _ok(done):
    if done.text.strip() != "OK":
        raise StepFailed(f"Redis refused: {done.text.strip()}")

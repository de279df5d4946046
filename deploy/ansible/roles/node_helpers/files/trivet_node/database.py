"""One MariaDB database and user per environment; dumps, side databases and their exchange.

Root enters by its unix socket. Dumps are loaded as the environment's own database user, who enters by the socket too:
a dump, wherever it came from, reaches its own databases only, in the client's sandbox (no shell, no files).
Loading goes into a side database `<name>_new`; one RENAME TABLE statement then exchanges all tables.
"""

import gzip
import hashlib
import os
import re
import shutil
import subprocess

from . import shell
from .errors import StepFailed

SANDBOX = b"/*M!999999\\- enable the sandbox mode */\n"
DUMP = ["mariadb-dump", "--single-transaction", "--quick", "--skip-lock-tables", "--no-tablespaces", "--skip-triggers",
        "--hex-blob", "--default-character-set=utf8mb4", "--skip-dump-date"]
INSERT = re.compile(rb"^INSERT INTO `((?:[^`]|``)+)` VALUES")
PREFIX = "wp_"


def query(sql, database=""):
    """Rows of a statement as lists of text, run as root."""
    done = shell.run(["mariadb", "--batch", "--skip-column-names", "--default-character-set=utf8mb4", *([database] if database else [])], input=sql)
    return [line.split("\t") for line in done.text.splitlines()]


def quoted(name):
    return "`" + name.replace("`", "``") + "`"


def text(value):
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def ensure(environment, password):
    """Makes the database and its user exist. The user enters with the password or as the unix user of the same name."""
    name, changed = environment.database, False
    if not query(f"SELECT 1 FROM information_schema.schemata WHERE schema_name = {text(name)}"):
        query(f"CREATE DATABASE {quoted(name)} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci")
        changed = True
    digest = "*" + hashlib.sha1(hashlib.sha1(password.encode()).digest()).hexdigest().upper()
    shown = query(f"SELECT json_value(priv, '$.auth_or[0].authentication_string'), json_value(priv, '$.authentication_string') "
                  f"FROM mysql.global_priv WHERE user = {text(name)} AND host = 'localhost'")
    if not shown or digest not in shown[0]:
        query(f"CREATE OR REPLACE USER {text(name)}@'localhost' IDENTIFIED VIA mysql_native_password USING {text(digest)} OR unix_socket")
        changed = True
    # Underscores are wildcards in GRANT.
    pattern = name.replace("_", "\\_")
    granted = {row[0] for row in query(f"SELECT db FROM mysql.db WHERE user = {text(name)} AND host = 'localhost'")}
    for schema in (pattern, f"{pattern}\\_new"):
        if schema not in granted and schema.replace("\\", "\\\\") not in granted:
            query(f"GRANT ALL ON {quoted(schema)}.* TO {text(name)}@'localhost'")
            changed = True
    return changed


def tables(database):
    return [row[0] for row in query(
        f"SELECT table_name FROM information_schema.tables WHERE table_schema = {text(database)} AND table_type = 'BASE TABLE' ORDER BY table_name")]


def dump(database, path, only=None):
    """Writes a consistent dump of the database, or of the named tables, gzip'ed, whole or not at all."""
    if only is not None and not only:
        raise StepFailed(f"There is no table to dump in {database}.")
    partial = f"{path}.partial"
    with gzip.open(partial, "wb", compresslevel=1) as out:
        out.write(SANDBOX)
        _stream([*DUMP, database, *(only or [])], out)
    os.chmod(partial, 0o600)
    os.replace(partial, path)


def load(environment, path):
    """Loads a dump (.sql or .sql.gz) into a fresh side database and returns its name. The live one is not touched."""
    side = f"{environment.database}_new"
    query(f"DROP DATABASE IF EXISTS {quoted(side)}; CREATE DATABASE {quoted(side)} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci")
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rb") as source:
        client = subprocess.Popen(
            ["setpriv", f"--reuid={environment.user}", f"--regid={environment.user}", "--clear-groups", "--no-new-privs",
             "mariadb", f"--user={environment.user}", "--default-character-set=utf8mb4", "--max-allowed-packet=256M", side],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"})
        try:
            client.stdin.write(SANDBOX)
            shutil.copyfileobj(source, client.stdin, 1 << 20)
            client.stdin.close()
        except BrokenPipeError:
            pass
        except (OSError, EOFError) as failure:
            client.kill()
            client.wait()
            raise StepFailed(f"The dump {os.path.basename(path)} cannot be read: {failure}") from None
        errors = client.stderr.read().decode("utf-8", "replace")
        if client.wait() != 0:
            raise StepFailed(f"The dump could not be loaded: {errors.strip()[-1000:]}")
    if not tables(side):
        raise StepFailed("The dump holds no table.")
    return side


def normalise_prefix(side):
    """Renames the tables of a dump from elsewhere to our prefix. Returns the prefix it had."""
    found = [name[:-len("options")] for name in tables(side) if name.endswith("options")
             and f"{name[:-len('options')]}posts" in tables(side) and f"{name[:-len('options')]}users" in tables(side)]
    if not found:
        raise StepFailed("The dump is not of a WordPress site: there is no table of options, posts and users with one prefix.")
    prefix = min(found, key=len)
    if prefix == PREFIX:
        return prefix
    moves = [f"{quoted(side)}.{quoted(name)} TO {quoted(side)}.{quoted(PREFIX + name[len(prefix):])}" for name in tables(side) if name.startswith(prefix)]
    like = text(prefix.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%") + "%")
    renamed = f"CONCAT({text(PREFIX)}, SUBSTRING(%s, {len(prefix) + 1}))"
    query(f"RENAME TABLE {', '.join(moves)};"
          f"UPDATE {PREFIX}options SET option_name = {text(PREFIX + 'user_roles')} WHERE option_name = {text(prefix + 'user_roles')};"
          f"UPDATE {PREFIX}usermeta SET meta_key = {renamed % 'meta_key'} WHERE meta_key LIKE {like}", side)
    return prefix


def exchange(environment, side, *, keep=None):
    """Puts the tables of the side database in place of the live ones in one statement.

    `keep`: live tables that have no counterpart stay when this says so (default: all stay that are not of WordPress's
    prefix). What was exchanged is dropped afterwards.
    """
    live, old = environment.database, f"{environment.database}_old"
    query(f"DROP DATABASE IF EXISTS {quoted(old)}; CREATE DATABASE {quoted(old)}")
    coming, present = tables(side), tables(live)
    leaving = [name for name in present if name in coming or not (keep or (lambda name: not name.startswith(PREFIX)))(name)]
    moves = [f"{quoted(live)}.{quoted(name)} TO {quoted(old)}.{quoted(name)}" for name in leaving]
    moves += [f"{quoted(side)}.{quoted(name)} TO {quoted(live)}.{quoted(name)}" for name in coming]
    query(f"SET foreign_key_checks = 0; RENAME TABLE {', '.join(moves)}; DROP DATABASE {quoted(side)}; DROP DATABASE {quoted(old)}")


def checksums(database, names):
    """Row count and SHA-256 of each named table that exists, from one snapshot, rows in the order of their key."""
    present = [name for name in names if name in tables(database)]
    result = {name: {"rows": 0, "digest": hashlib.sha256()} for name in present}
    if present:
        dump = subprocess.Popen([*DUMP, "--no-create-info", "--order-by-primary", "--compact", "--skip-extended-insert", database, *present],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for line in dump.stdout:
            match = INSERT.match(line)
            if match:
                table = result[match.group(1).decode().replace("``", "`")]
                table["rows"] += 1
                table["digest"].update(line[match.end():])
        errors = dump.stderr.read().decode("utf-8", "replace")
        if dump.wait() != 0:
            raise StepFailed(f"The tables could not be read: {errors.strip()[-1000:]}")
    return {name: {"rows": table["rows"], "checksum": "sha256:" + table["digest"].hexdigest()} for name, table in result.items()}


def drop_side(environment):
    """Removes side databases that a stopped run left."""
    for suffix in ("_new", "_old"):
        query(f"DROP DATABASE IF EXISTS {quoted(environment.database + suffix)}")


def _stream(arguments, out):
    done = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    shutil.copyfileobj(done.stdout, out, 1 << 20)
    errors = done.stderr.read().decode("utf-8", "replace")
    if done.wait() != 0:
        raise StepFailed(f"{arguments[0]} failed: {errors.strip()[-1000:]}")

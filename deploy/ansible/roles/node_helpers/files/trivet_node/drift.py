"""What production holds that a promotion must not lose: row counts and checksums of tables, file counts and checksums of paths."""

import hashlib
import os

from . import database
from .errors import StepFailed


def measure(environment, tables, paths):
    return {"db_checksums": database.checksums(environment.database, sorted({database.PREFIX + name for name in tables})),
            "file_checksums": {path: _tree(_place(environment, path)) for path in sorted(set(paths))}}


def _place(environment, path):
    parts = path.split("/")
    if ".." in parts or path.startswith("/"):
        raise StepFailed(f"Not a path within a release: {path}")
    if parts[:2] == ["wp-content", "uploads"]:
        return os.path.join(environment.uploads, *parts[2:])
    return os.path.join(environment.current_release() or environment.releases + "/none", *parts)


def _tree(root):
    """Names, kinds and contents of all files below `root`, in the order of their names."""
    digest, count = hashlib.sha256(), 0
    for directory, names, leaves in os.walk(root):
        names.sort()
        for name in sorted([*leaves, *(n for n in names if os.path.islink(os.path.join(directory, n)))]):
            path = os.path.join(directory, name)
            digest.update(os.fsencode(os.path.relpath(path, root)) + b"\0")
            if os.path.islink(path):
                digest.update(b"link" + os.fsencode(os.readlink(path)) + b"\0")
            elif os.path.isfile(path):
                with open(path, "rb") as file:
                    digest.update(hashlib.file_digest(file, "sha256").digest())
            count += 1
    return {"files": count, "checksum": "sha256:" + digest.hexdigest()}

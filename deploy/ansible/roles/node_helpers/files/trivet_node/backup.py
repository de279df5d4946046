"""Backups: one tar.gz with `meta.json`, and by scope `db.sql`, `files/` (the wp-content tree) and `core/` (the rest).

The same layout as an archive for import, so that a backup can found another site.
"""

import gzip
import hashlib
import io
import json
import os
import shutil
import stat
import tarfile

from . import archive, database, files, releases
from .errors import StepFailed
from .store import Store

SCOPES = {"db": {"db"}, "files": {"files"}, "full": {"db", "files"}}
# Directories below wp-content whose contents are made again by themselves.
CACHES = {"cache", "upgrade", "upgrade-temp-backup", "litespeed", "et-cache"}
BACKUP_BYTES = 1 << 40


def take(job, environment, scope, url):
    """Backs the environment up to `url`. An object that this job's backup left there before is kept."""
    store = Store.of(job)
    if store.has(url):
        sha256, size = store.read_back(url)
        return {"changed": False, "checksum": f"sha256:{sha256}", "size_bytes": size}
    path = f"{job.work}/backup.tar.gz"
    sha256 = write(job, environment, scope, path)
    job.fence.check()
    store.upload(url, path, sha256)
    size = os.path.getsize(path)
    os.unlink(path)
    return {"changed": True, "checksum": f"sha256:{sha256}", "size_bytes": size}


def write(job, environment, scope, path):
    """Writes the archive and returns its SHA-256."""
    parts, release = SCOPES[scope], environment.current_release()
    if "files" in parts and release is None:
        raise StepFailed("The environment has no release to back up.")
    with open(path, "wb") as file:
        os.fchmod(file.fileno(), 0o600)
        hashed = _Hashed(file)
        with gzip.GzipFile(fileobj=hashed, mode="wb", compresslevel=1, mtime=0, filename="") as packed, \
                tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as tar:
            meta = {"scope": scope, "source_url": job.get("canonical_url"), "environment_id": environment.id,
                    "wordpress_version": releases.version(release) if release else None}
            _add_bytes(tar, "meta.json", json.dumps(meta, sort_keys=True).encode() + b"\n")
            if "db" in parts:
                _add_dump(tar, environment, f"{job.work}/db.sql.gz")
            if "files" in parts:
                for name in sorted(os.listdir(release)):
                    if name not in ("wp-content", "wp-config.php"):
                        _add(tar, f"{release}/{name}", f"core/{name}")
                _add_content(tar, f"{release}/wp-content")
                _add(tar, environment.uploads, "files/uploads")
    return hashed.digest.hexdigest()


def _add_content(tar, content):
    for name in sorted(os.listdir(content)):
        if name not in CACHES | {"uploads", "object-cache.php"}:
            _add(tar, f"{content}/{name}", f"files/{name}")


def _add_dump(tar, environment, path):
    database.dump(environment.database, path)
    # A member's size comes before its bytes: once through to count, once to write.
    with gzip.open(path, "rb") as dump:
        size = sum(len(piece) for piece in iter(lambda: dump.read(1 << 20), b""))
    member = tarfile.TarInfo("db.sql")
    member.size, member.mode = size, 0o600
    with gzip.open(path, "rb") as dump:
        tar.addfile(member, dump)
    os.unlink(path)


def _add_bytes(tar, name, content):
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), 0o644
    tar.addfile(member, io.BytesIO(content))


def _add(tar, path, name):
    """A file, a link, or a directory with all that is in it. Files are opened without following links: uploads belong
    to the site, whose code could exchange a file for a link to a secret of root's while root reads."""
    status = os.lstat(path)
    if not stat.S_ISDIR(status.st_mode):
        directory = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)
        try:
            _add_leaf(tar, directory, os.path.basename(path), name)
        finally:
            os.close(directory)
        return
    for folder, names, leaves, directory in os.fwalk(path, follow_symlinks=False):
        names.sort()
        place = os.path.normpath(f"{name}/{os.path.relpath(folder, path)}")
        member = tarfile.TarInfo(place)
        member.type, member.mode, member.mtime = tarfile.DIRTYPE, 0o755, int(os.fstat(directory).st_mtime)
        tar.addfile(member)
        links = [n for n in names if stat.S_ISLNK(os.stat(n, dir_fd=directory, follow_symlinks=False).st_mode)]
        for leaf in sorted(leaves + links):
            _add_leaf(tar, directory, leaf, f"{place}/{leaf}")


def _add_leaf(tar, directory, leaf, name):
    status = os.stat(leaf, dir_fd=directory, follow_symlinks=False)
    member = tarfile.TarInfo(name)
    member.mode, member.mtime = 0o644, int(status.st_mtime)
    if stat.S_ISLNK(status.st_mode):
        member.type, member.linkname = tarfile.SYMTYPE, os.readlink(leaf, dir_fd=directory)
        tar.addfile(member)
    elif stat.S_ISREG(status.st_mode):
        with open(leaf, "rb", opener=lambda path, flags: os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)) as file:
            member.size = os.fstat(file.fileno()).st_size
            tar.addfile(member, file)


class _Hashed:
    def __init__(self, file):
        self.file, self.digest = file, hashlib.sha256()

    def write(self, data):
        self.digest.update(data)
        return self.file.write(data)

    def flush(self):
        self.file.flush()


def fetch(job, url, checksum):
    """Downloads a backup, compares its checksum before anything else looks at it, and unpacks it. Returns the directory."""
    unpacked, packed = f"{job.work}/backup", f"{job.work}/backup.tar.gz"
    if os.path.isdir(unpacked):
        return unpacked
    found = Store.of(job).download(url, packed, BACKUP_BYTES)
    if f"sha256:{found}" != checksum:
        os.unlink(packed)
        raise StepFailed(f"The backup {url} has the checksum sha256:{found} and not {checksum}. Nothing was changed.")
    limits = archive.Limits(packed_bytes=BACKUP_BYTES, unpacked_bytes=BACKUP_BYTES, members=10_000_000, ratio=2000)
    archive.unpack(packed, unpacked, limits)
    os.unlink(packed)
    return unpacked


def fill_release(job, environment, unpacked, release):
    """Builds a release's tree from an unpacked backup or import: its own core, else the pinned one, else the current."""
    if os.path.isdir(f"{unpacked}/core/wp-includes"):
        releases.copy(f"{unpacked}/core", release)
    elif job.get("wordpress_source"):
        releases.copy(releases.pristine(job), release)
    else:
        releases.copy(environment.current_release(), release)
    files.remove(f"{release}/wp-content")
    shutil.copytree(f"{unpacked}/files", f"{release}/wp-content", symlinks=True,
                    ignore=lambda directory, names: {"uploads"} & set(names) if directory == f"{unpacked}/files" else set())


def replace_uploads(environment, source):
    """Puts a copy of `source` in place of the uploads; the old ones stay beside until `drop_old_uploads`."""
    new, old = f"{environment.shared}/.uploads.new", f"{environment.shared}/.uploads.old"
    recover_uploads(environment)
    files.remove(new)
    if os.path.isdir(source):
        releases.copy(source, new)
    else:
        os.mkdir(new)
    uid, gid = files.ids(environment.user, environment.user)
    releases.own(new, uid, gid)
    if not os.path.isdir(old):
        os.rename(environment.uploads, old)
    else:
        files.remove(environment.uploads)
    os.rename(new, environment.uploads)


def recover_uploads(environment):
    """After a run that was killed between two renames."""
    if not os.path.isdir(environment.uploads) and os.path.isdir(f"{environment.shared}/.uploads.old"):
        os.rename(f"{environment.shared}/.uploads.old", environment.uploads)


def restore_old_uploads(environment):
    old = f"{environment.shared}/.uploads.old"
    if os.path.isdir(old):
        files.remove(environment.uploads)
        os.rename(old, environment.uploads)


def drop_old_uploads(environment):
    files.remove(f"{environment.shared}/.uploads.old")

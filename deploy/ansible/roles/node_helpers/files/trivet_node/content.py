"""Steps that move content: dumps, backups, restore, import, clone, promotion, addresses."""

import json
import os

from . import backup as archives
from . import archive, database, drift, files, once, redis_acl, releases, store, web, wordpress
from .errors import StepFailed
from .job import Environment

DUMPS = "/var/lib/trivet/dumps"
IMPORT_LIMITS = archive.Limits()


def pre_change_dump(job, *, without=()):
    """The dump that a rollback loads: the whole database, or all but the protected tables.

    A second attempt takes it again unless the first one came to change the database: what was written in between counts.
    """
    place = Environment(job)
    if once.record(job, "database-begun") is None:
        once.forget(job, "pre-change-dump")

    def work():
        path = _dump_path(place, job)
        kept = {database.PREFIX + name for name in without}
        names = [name for name in database.tables(place.database) if name.startswith(database.PREFIX) and name not in kept]
        database.dump(place.database, path, names)
        return {"path": path}

    return once.once(job, "pre-change-dump", work)


def _dump_path(place, job):
    files.directory(DUMPS, mode=0o700)
    files.directory(f"{DUMPS}/{place.id}", mode=0o700)
    return f"{DUMPS}/{place.id}/{job.id}.sql.gz"


def put_back(job, place, path):
    """Loads a dump made by pre_change_dump: the tables it contains, no others."""
    side = database.load(place, path)
    job.fence.check()
    database.exchange(place, side, keep=lambda name: True)
    redis_acl.delete_keys(job["redis_prefix"])


def load_dump(job):
    """The dump that a rollback names."""
    place, path = Environment(job), job["pre_change_dump"]
    if os.path.dirname(path) != f"{DUMPS}/{place.id}" or not path.endswith(".sql.gz"):
        raise StepFailed(f"{path} is not a dump of environment {place.id}.")

    def work():
        if not os.path.exists(path):
            raise StepFailed(f"The dump {path} is not on the node any more.")
        put_back(job, place, path)

    return once.once(job, "load-dump", work)


def snapshot(job):
    """A full backup before the job changes anything; None when the job names no place for it."""
    url = job.get("snapshot_storage_path")
    if not url:
        return {"snapshot": None}
    done = archives.take(job, Environment(job), "full", url)
    return {"changed": done["changed"], "snapshot": {"checksum": done["checksum"], "size_bytes": done["size_bytes"]}}


def backup(job):
    return archives.take(job, Environment(job), job["backup_scope"], job["backup_storage_path"])


def delete_backups(job):
    """Deletes exactly the named objects. One that is gone already counts as deleted, and is named as missing, too."""
    ids, urls = job.get("backup_ids", []), job.get("backup_storage_paths", [])
    if len(ids) != len(urls):
        raise StepFailed("backup_ids and backup_storage_paths differ in length.")
    place, missing = store.Store.of(job), []
    for backup_id, url in zip(ids, urls):
        job.fence.check()
        if not place.delete(url):
            missing.append(backup_id)
    return {"changed": len(missing) < len(ids), "deleted": ids, "missing": missing}


def check_backup(job):
    """The gate's backup is still there."""
    if not store.Store.of(job).has(job["backup_storage_path"]):
        raise StepFailed(f"The backup {job['backup_storage_path']} is not in the store. Take another one before promoting.")


def restore(job):
    """Checksum first; then the release, the uploads and the side database; live only at the end (switch and exchange)."""
    place, scope = Environment(job), job["backup_scope"]
    if scope not in archives.SCOPES:
        raise StepFailed(f"There is no backup scope {scope}.")

    def work():
        unpacked = archives.fetch(job, job["backup_storage_path"], job["backup_checksum"])
        if "files" in archives.SCOPES[scope]:
            releases.build(place, job["release_path"], lambda tree: archives.fill_release(job, place, unpacked, tree))
        else:
            releases.build(place, job["release_path"], lambda tree: releases.copy(place.current_release(), tree))
        if "db" in archives.SCOPES[scope]:
            side = database.load(place, f"{unpacked}/db.sql")
            database.normalise_prefix(side)
            _addresses(place, side, [job.get("backup_source_url")], job["canonical_url"], job["release_path"])
            job.fence.check()
            once.remember(job, "database-begun", {})
            database.exchange(place, side)
        if "files" in archives.SCOPES[scope]:
            job.fence.check()
            once.remember(job, "uploads", {})
            archives.replace_uploads(place, f"{unpacked}/files/uploads")
        redis_acl.delete_keys(job["redis_prefix"])

    return once.once(job, "database", work)


def import_archive(job):
    """A site from elsewhere: db.sql, files/ and optionally meta.json."""
    place = Environment(job)

    def work():
        unpacked = f"{job.work}/import"
        files.remove(unpacked)
        packed = f"{job.work}/import.tar.gz"
        store.fetch(job, job["archive_url"], packed, IMPORT_LIMITS.packed_bytes)
        archive.unpack(packed, unpacked, IMPORT_LIMITS)
        os.unlink(packed)
        if not os.path.isfile(f"{unpacked}/db.sql") or os.path.islink(f"{unpacked}/db.sql"):
            raise StepFailed("The archive has no db.sql.")
        if not os.path.isdir(f"{unpacked}/files") or os.path.islink(f"{unpacked}/files"):
            raise StepFailed("The archive has no files directory with the wp-content tree.")
        releases.build(place, job["release_path"], lambda tree: archives.fill_release(job, place, unpacked, tree))
        side = database.load(place, f"{unpacked}/db.sql")
        database.normalise_prefix(side)
        source = _source_url(unpacked, side)
        _addresses(place, side, [source], job["target_url"], job["release_path"])
        job.fence.check()
        once.remember(job, "database-begun", {})
        database.exchange(place, side)
        once.remember(job, "uploads", {})
        archives.replace_uploads(place, f"{unpacked}/files/uploads")
        redis_acl.delete_keys(job["redis_prefix"])
        return {"source_url": source}

    return once.once(job, "import", work)


def _source_url(unpacked, side):
    meta = f"{unpacked}/meta.json"
    if os.path.isfile(meta) and not os.path.islink(meta) and os.path.getsize(meta) < 65536:
        try:
            url = json.loads(files.read(meta)).get("source_url")
        except (ValueError, AttributeError):
            raise StepFailed("The archive's meta.json is not a JSON object.") from None
        if isinstance(url, str) and url:
            return _address(url)
    for name in ("home", "siteurl"):
        rows = database.query(f"SELECT option_value FROM {database.PREFIX}options WHERE option_name = '{name}'", side)
        if rows and rows[0][0]:
            return _address(rows[0][0])
    raise StepFailed("The archive names no source address: neither in meta.json nor in the options home and siteurl.")


def _address(url):
    if not url.startswith(("http://", "https://")) or any(c.isspace() for c in url):
        raise StepFailed(f"Not a site's address: {url[:200]!r}")
    return url.rstrip("/")


def _addresses(place, side, old, new, release):
    """Rewrites the side database before it goes live, so that no visitor ever sees the old address in it."""
    wordpress.command(place, "rewrite", {"from": [url for url in old if url], "to": new, "database": side}, release)


def clone(job):
    """The source's database and uploads, under the new environment's address."""
    place, source = Environment(job), Environment(job, "source_")

    def work():
        path = f"{job.work}/clone.sql.gz"
        database.dump(source.database, path, [name for name in database.tables(source.database) if name.startswith(database.PREFIX)])
        side = database.load(place, path)
        _addresses(place, side, [job["source_canonical_url"]], job["canonical_url"], job["release_path"])
        archives.replace_uploads(place, source.uploads)
        archives.drop_old_uploads(place)
        job.fence.check()
        database.exchange(place, side)
        os.unlink(path)

    return once.once(job, "database", work)


def promote(job):
    """The source's unprotected tables in place of the target's. A protected table is not in the dump, so it cannot be written."""
    place, source = Environment(job), Environment(job, "source_")
    protected = {database.PREFIX + name for name in job["protected_tables"]}

    def work():
        names = [name for name in database.tables(source.database) if name.startswith(database.PREFIX) and name not in protected]
        path = f"{job.work}/promote.sql.gz"
        database.dump(source.database, path, names)
        side = database.load(place, path)
        if protected & set(database.tables(side)):
            raise StepFailed("A protected table is in the promotion's dump. Nothing was changed.")
        _addresses(place, side, [job["source_canonical_url"]], job["canonical_url"], job["release_path"])
        database.query(f"DELETE FROM {database.PREFIX}options WHERE option_name LIKE '\\_trivet\\_login\\_%'", side)
        job.fence.check()
        once.remember(job, "database-begun", {})
        database.exchange(place, side, keep=lambda name: True)
        redis_acl.delete_keys(job["redis_prefix"])
        os.unlink(path)

    return once.once(job, "database", work)


def baseline(job, *, of="source_", keep=False):
    """Row counts and checksums of protected tables and paths, of the source or of the environment itself.

    `keep`: a second attempt of the job reports the first one's, which was measured before anything was copied.
    """
    place = Environment(job, of)

    def work():
        return drift.measure(place, job["protected_tables"], job["protected_paths"])

    return once.once(job, "baseline", work) if keep else work()


def rewrite(job, *, old, new):
    """Moves the live site to another address. A dump taken before is loaded again when that fails."""
    place = Environment(job)
    def work():
        path = f"{job.work}/rewrite.sql.gz"
        database.dump(place.database, path, [name for name in database.tables(place.database) if name.startswith(database.PREFIX)])
        job.fence.check()
        try:
            answer = wordpress.command(place, "rewrite", {"from": old, "to": new})
        except StepFailed:
            put_back(job, place, path)
            raise
        redis_acl.delete_keys(job["redis_prefix"])
        web.purge(job.get("cache_hostnames", []))
        os.unlink(path)
        return {"rows": answer["rows"]}

    return once.once(job, "rewrite", work)

"""Steps that make releases, serve them and take that back."""

import os
import shutil

from . import backup, content, database, deploy, files, once, releases, web, wordpress
from .errors import StepFailed
from .job import Environment


def wordpress_release(job):
    """The first release: WordPress as the operator chose it."""
    place = Environment(job)
    source = releases.pristine(job)
    changed = releases.build(place, job["release_path"], lambda tree: releases.copy(source, tree))
    return {"changed": changed, "version": releases.version(job["release_path"])}


def install_wordpress(job, *, title, email):
    answer = wordpress.command(Environment(job), "install", {"title": title, "email": email, "public": True})
    return {"changed": answer["changed"], "version": answer["version"]}


def deployed_release(job):
    """Fetches the source, builds the release, and checks that it parses and that WordPress loads with it."""
    place, path = Environment(job), job["release_path"]

    def work():
        if place.current_release() == path:
            return
        files.remove(path)
        source = deploy.fetch(job, place)
        deploy.lint(source)
        releases.build(place, path, lambda tree: deploy.fill(place, source, tree))
        _must_load(place, path)

    return once.once(job, "release-deploy", work)


def updated_release(job):
    """A copy of the current release with core from the pinned source, and plugins and themes from their services."""
    place, path, scope = Environment(job), job["release_path"], job["update_scope"]

    def work():
        if place.current_release() == path:
            raise StepFailed("The release is served already, and this job does not know what it holds.")
        files.remove(path)
        before, updated = place.current_release(), []

        def fill(tree):
            releases.copy(before, tree)
            if scope in ("core", "all"):
                updated.extend(_update_core(job, before, tree))

        releases.build(place, path, fill)
        if scope in ("plugins", "themes", "all"):
            updated.extend(_update_extensions(place, path, scope))
        _must_load(place, path)
        return {"updated": updated}

    return once.once(job, "release-update", work)


def _update_core(job, before, tree):
    if not job.get("wordpress_source"):
        raise StepFailed("This installation names no WordPress source (TRIVET_WORDPRESS_SOURCE), so core cannot be updated.")
    source = releases.pristine(job)
    old, new = releases.version(before), releases.version(source)
    if _order(new) <= _order(old):
        return []
    for name in os.listdir(tree):
        if name not in ("wp-content", "wp-config.php") and os.path.exists(f"{source}/{name}"):
            files.remove(f"{tree}/{name}")
    for name in os.listdir(source):
        if name in releases.CORE:
            files.remove(f"{tree}/{name}")
            releases.copy(f"{source}/{name}", f"{tree}/{name}")
        elif name != "wp-content":
            shutil.copy2(f"{source}/{name}", f"{tree}/{name}")
    return [f"core {new}"]


def _order(version):
    return [int(part) if part.isdigit() else -1 for part in version.replace("-", ".-.").split(".")]


def _update_extensions(place, path, scope):
    """The user may write wp-content while the release is not served yet."""
    owned = [f"{path}/wp-content/{name}" for name in ("plugins", "themes", "upgrade", "languages")]
    for tree in owned:
        os.makedirs(tree, exist_ok=True)
        releases.own(tree, *files.ids(place.user, place.user))
    os.chown(f"{path}/wp-content", *files.ids(place.user, place.user))
    try:
        return wordpress.command(place, "update", {"scope": scope}, path)["updated"]
    finally:
        files.remove(f"{path}/wp-content/upgrade")
        releases.finish(place, path)


def _must_load(place, path):
    try:
        if wordpress.command(place, "is-installed", release=path)["installed"] is not True:
            raise StepFailed("WordPress does not find its tables.")
    except StepFailed as failure:
        if place.current_release() != path:
            files.remove(path)
        raise StepFailed(f"The new release does not load: {failure}") from None


def upgrade_database(job):
    """Brings the tables up to the new code, after the switch."""
    if once.record(job, "pre-change-dump") is not None:
        once.remember(job, "database-begun", {})
    return {"changed": wordpress.command(Environment(job), "upgrade")["changed"]}


def cloned_release(job, *, keep_paths=()):
    """A release from another environment's current code. `keep_paths`: what the target's own release keeps."""
    place, source = Environment(job), Environment(job, "source_")
    origin, own = source.current_release(), place.current_release()
    if origin is None:
        raise StepFailed("The source environment has no release.")

    def fill(tree):
        releases.copy(origin, tree)
        for path in keep_paths:
            if path.startswith("wp-content/uploads") or own is None:
                continue
            files.remove(f"{tree}/{path}")
            if os.path.exists(f"{own}/{path}"):
                os.makedirs(os.path.dirname(f"{tree}/{path}"), exist_ok=True)
                releases.copy(f"{own}/{path}", f"{tree}/{path}")

    return {"changed": releases.build(place, job["release_path"], fill)}


def switch(job, *, path=None):
    """Serves the job's release. PHP is reloaded with it, so that no worker keeps the old code."""
    place = Environment(job)
    before = releases.switch(place, path or job["release_path"], job.fence)
    if before is not None:
        web.pending("php")
        if once.record(job, "switch") is None:
            once.remember(job, "switch", {"before": before})
    return {"changed": before is not None or place.current_release() != (path or job["release_path"]) or os.path.exists(f"{web.PENDING}/php")}


def undo(job):
    """Puts back what this run changed: the release served before, the uploads, the database from its dump."""
    place, undone = Environment(job), []
    job.fence.check()
    if (switched := once.record(job, "switch")) is not None:
        releases.switch(place, switched["before"], job.fence)
        web.pending("php")
        undone.append("release")
    if once.record(job, "uploads") is not None or os.path.isdir(f"{place.shared}/.uploads.old"):
        backup.restore_old_uploads(place)
        undone.append("uploads")
    dump = once.record(job, "pre-change-dump")
    if dump is not None and once.record(job, "database-begun") is not None:
        content.put_back(job, place, dump["path"])
        undone.append("database")
    database.drop_side(place)
    for name in ("switch", "purge", "uploads", "database-begun", "database", "release-deploy", "release-update", "pre-change-dump", "import", "rewrite"):
        once.forget(job, name)
    return {"changed": bool(undone), "undone": undone}


def settle(job):
    """After success: removes what was kept for undo."""
    place = Environment(job)
    backup.drop_old_uploads(place)
    database.drop_side(place)
    return {"changed": False}

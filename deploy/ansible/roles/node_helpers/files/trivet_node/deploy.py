"""New code for an environment, from a git repository or an uploaded archive, laid over the current release.

What the source may be: a whole WordPress tree, a tree with `wp-content`, or the inside of `wp-content` (themes, plugins,
mu-plugins). Each plugin and theme that the source holds replaces the one of that name; what it does not name stays.
"""

import os
import re
import shutil

from . import archive, files, releases, shell, store
from .errors import StepFailed

CONTENT = ("themes", "plugins", "mu-plugins", "languages")
ARCHIVE_BYTES = 2 << 30
GIT_SECONDS = 900


def fetch(job, environment):
    """Brings the source into the job's work directory and returns the directory of the code in it."""
    kind, reference, tree = job["source_type"], job["source_ref"], f"{job.work}/source"
    files.remove(tree)
    if kind == "upload":
        packed = f"{job.work}/source.tar.gz"
        store.fetch(job, reference, packed, ARCHIVE_BYTES)
        archive.unpack(packed, tree, archive.Limits(packed_bytes=ARCHIVE_BYTES))
        os.unlink(packed)
    elif kind == "git":
        _clone(job, environment, reference, tree)
    else:
        raise StepFailed(f"There is no source type {kind}.")
    entries = [name for name in os.listdir(tree) if not name.startswith(".")]
    if len(entries) == 1 and entries[0] not in (*CONTENT, "wp-content") and os.path.isdir(f"{tree}/{entries[0]}") and not os.path.islink(f"{tree}/{entries[0]}"):
        tree = f"{tree}/{entries[0]}"
    return _dependencies(job, environment, tree)


def _clone(job, environment, reference, tree):
    """Clones as the environment's user: a repository is somebody else's data, and git runs programs."""
    address, _, branch = reference.partition("#")
    protocols = "https:ssh:http:git" if job.get("allow_insecure_sources", False) is True else "https:ssh"
    place = f"{environment.root}/tmp/deploy-{job.id[:8]}"
    files.remove(place)
    files.directory(place, mode=0o700, owner=environment.user, group=environment.user)
    ssh = "ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new -o UserKnownHostsFile=%s/known_hosts" % place
    if job.get("git_ssh_key"):
        files.write(f"{place}/key", job["git_ssh_key"].rstrip("\n") + "\n", mode=0o600, owner=environment.user, group=environment.user)
        ssh += f" -o IdentitiesOnly=yes -i {place}/key"
    variables = {"PATH": "/usr/bin:/bin", "HOME": place, "LANG": "C.UTF-8", "GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": protocols,
                 "GIT_SSH_COMMAND": ssh, "GIT_CONFIG_NOSYSTEM": "1"}
    try:
        clone = [*_as(environment), "git", "clone", "--quiet", "--single-branch", "--no-tags", "--recurse-submodules",
                 *(["--branch", branch] if branch else [])]
        done = shell.run([*clone, "--depth=1", "--shallow-submodules", "--", address, f"{place}/source"], env=variables, cwd=place, timeout=GIT_SECONDS, check=False)
        if done.returncode != 0 and "shallow" in done.errors:
            # A server of plain files knows no shallow clones.
            files.remove(f"{place}/source")
            done = shell.run([*clone, "--", address, f"{place}/source"], env=variables, cwd=place, timeout=GIT_SECONDS, check=False)
        if done.returncode != 0:
            raise StepFailed(f"The repository could not be cloned: {shell.tail(done)}")
        _take(job, environment, f"{place}/source", tree)
    except StepFailed as failure:
        raise StepFailed(f"{re.sub(r'//[^/@]*@', '//', str(failure))}") from None
    finally:
        files.remove(place)


def _take(job, environment, place, tree):
    """Brings a directory of the user's into root's, packed by the user and unpacked with all checks of an archive."""
    packed = f"{job.work}/taken.tar.gz"
    with open(packed, "wb") as out:
        shell.run([*_as(environment), "tar", "--create", "--gzip", "--exclude-vcs", "--hard-dereference", "--directory", place, "."], stdout=out)
    files.remove(tree)
    archive.unpack(packed, tree, archive.Limits(packed_bytes=ARCHIVE_BYTES))
    os.unlink(packed)


def _dependencies(job, environment, tree):
    """Runs composer as the user where the source needs it. Returns the directory to go on with."""
    if not os.path.isfile(f"{tree}/composer.json") or os.path.isdir(f"{tree}/vendor"):
        return tree
    if shutil.which("composer") is None:
        raise StepFailed("The source has a composer.json and no vendor directory, and composer is not installed on this node. Deliver vendor with the source.")
    place = f"{environment.root}/tmp/composer"
    files.remove(place)
    try:
        shutil.copytree(tree, place, symlinks=True)
        releases.own(place, *files.ids(environment.user, environment.user))
        shell.run([*_as(environment), "composer", "install", "--no-dev", "--no-scripts", "--no-plugins", "--no-interaction", "--quiet"],
                  cwd=place, env={"PATH": "/usr/bin:/bin", "HOME": f"{environment.root}/tmp"}, timeout=GIT_SECONDS)
        _take(job, environment, place, tree)
        return tree
    finally:
        files.remove(place)


def fill(environment, tree, release):
    """Lays the source over a copy of the current release."""
    if os.path.isfile(f"{tree}/wp-includes/version.php"):
        releases.copy(environment.current_release(), release)
        for name in os.listdir(release):
            if name != "wp-content":
                files.remove(f"{release}/{name}")
        _lay(tree, release, skip={"wp-content", ".git", "wp-config.php"})
        content = f"{tree}/wp-content"
    else:
        releases.copy(environment.current_release(), release)
        content = f"{tree}/wp-content" if os.path.isdir(f"{tree}/wp-content") else tree
        if not any(os.path.isdir(f"{content}/{name}") for name in CONTENT):
            raise StepFailed("The source holds neither WordPress nor wp-content nor themes, plugins or mu-plugins.")
    for name in sorted(os.listdir(content)) if os.path.isdir(content) else []:
        if name in CONTENT and not os.path.islink(f"{content}/{name}"):
            os.makedirs(f"{release}/wp-content/{name}", exist_ok=True)
            _lay(f"{content}/{name}", f"{release}/wp-content/{name}", skip=set())
        elif content != tree and name not in ("uploads", "cache", "object-cache.php"):
            _lay(content, f"{release}/wp-content", skip=set(os.listdir(content)) - {name})


def _lay(source, destination, skip):
    for name in os.listdir(source):
        if name in skip:
            continue
        files.remove(f"{destination}/{name}")
        if os.path.isdir(f"{source}/{name}") and not os.path.islink(f"{source}/{name}"):
            shutil.copytree(f"{source}/{name}", f"{destination}/{name}", symlinks=True)
        else:
            shutil.copy2(f"{source}/{name}", f"{destination}/{name}", follow_symlinks=False)


def lint(tree):
    """Reads every PHP file of the source for syntax, in one process that runs none of them."""
    done = shell.run(["php", "-n", "-d", "extension=tokenizer", "-d", "memory_limit=512M", "/usr/local/lib/trivet/wordpress/lint.php", tree], check=False)
    if done.returncode != 0:
        raise StepFailed(f"The code has a syntax error: {done.text.strip() or shell.tail(done)}")


def _as(environment):
    return ["setpriv", f"--reuid={environment.user}", f"--regid={environment.user}", "--clear-groups", "--no-new-privs", "--"]

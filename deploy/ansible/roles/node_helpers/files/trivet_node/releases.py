"""Releases: built aside, finished by one rename, served by one exchange of the link `current`, never changed after.

A release holds WordPress's code. What is not code lies in `shared` and is linked in: uploads, wp-config.php and the
object-cache drop-in, whose link points nowhere while the cache is off.
"""

import os
import shutil
import stat

from . import archive, files, shell, store
from .errors import StepFailed

HELPERS = "/usr/local/lib/trivet/wordpress"
WORDPRESS = "/var/lib/trivet/wordpress"
WORDPRESS_BYTES = 512 << 20
CORE = ("wp-admin", "wp-includes")


def pristine(job):
    """The unpacked WordPress of the operator's choice, kept on the node under its checksum."""
    sha256 = job["wordpress_sha256"].removeprefix("sha256:")
    directory, packed = f"{WORDPRESS}/{sha256}", f"{WORDPRESS}/{sha256}.tar.gz"
    if os.path.isdir(directory):
        return directory
    if not os.path.exists(packed):
        found = store.fetch(job, job["wordpress_source"], f"{packed}.partial", WORDPRESS_BYTES)
        os.replace(f"{packed}.partial", packed)
    else:
        found = shell.run(["sha256sum", packed]).text.split()[0]
    if found != sha256:
        files.remove(packed)
        raise StepFailed(f"{store.shown(job['wordpress_source'])} has the SHA-256 {found} and not {sha256}.")
    partial = f"{directory}.partial"
    files.remove(partial)
    archive.unpack(packed, partial, archive.Limits(packed_bytes=WORDPRESS_BYTES), strip=1)
    version(partial)
    own(partial)
    os.replace(partial, directory)
    files.remove(packed)
    return directory


def version(release):
    """The version of WordPress in a tree; fails when there is none."""
    text = files.read(f"{release}/wp-includes/version.php") or ""
    for line in text.splitlines():
        if line.startswith("$wp_version = "):
            return line.split("'")[1]
    raise StepFailed(f"{os.path.basename(release)} holds no WordPress (wp-includes/version.php is missing).")


def build(environment, path, fill):
    """Makes the release unless it is there: `fill` gets an empty directory's path. Returns whether it was made."""
    path = environment.release(path)
    if os.path.isdir(path):
        return False
    partial = f"{environment.releases}/.{os.path.basename(path)}.partial"
    files.remove(partial)
    os.mkdir(partial, 0o755)
    fill(partial)
    finish(environment, partial)
    os.replace(partial, path)
    return True


def copy(source, destination):
    """Copies a tree; shares the blocks where the file system can."""
    shell.run(["cp", "--archive", "--reflink=auto", "--no-target-directory", source, destination])


def finish(environment, release):
    """Links in what is shared, adds what the control plane brings, and gives everything to root, readable by all."""
    version(release)
    content = f"{release}/wp-content"
    os.makedirs(f"{content}/mu-plugins", exist_ok=True)
    if os.path.islink(content) or os.path.islink(f"{content}/mu-plugins"):
        raise StepFailed("wp-content and wp-content/mu-plugins must be directories.")
    for name, target in (("wp-config.php", "../../shared/wp-config.php"), ("wp-content/uploads", "../../../shared/uploads"),
                         ("wp-content/object-cache.php", "../../../shared/object-cache.php")):
        files.remove(f"{release}/{name}")
        os.symlink(target, f"{release}/{name}")
    files.remove(f"{content}/mu-plugins/trivet.php")
    shutil.copyfile(f"{HELPERS}/must-use/trivet.php", f"{content}/mu-plugins/trivet.php")
    own(release)


def own(tree, user=0, group=0):
    """Ownership and plain rights for everything in a tree; what is neither file, directory nor link is removed.

    By descriptors and never through links: the tree may belong to a site, whose code may exchange files for links
    while root is at work.
    """
    for _, _, leaves, directory in os.fwalk(tree, follow_symlinks=False):
        os.fchown(directory, user, group)
        os.fchmod(directory, 0o755)
        for name in leaves:
            mode = os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode
            if stat.S_ISLNK(mode):
                os.chown(name, user, group, dir_fd=directory, follow_symlinks=False)
            elif not stat.S_ISREG(mode):
                os.unlink(name, dir_fd=directory)
            else:
                descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)
                try:
                    os.fchown(descriptor, user, group)
                    os.fchmod(descriptor, 0o644)
                finally:
                    os.close(descriptor)


def switch(environment, path, fence):
    """Serves the release from now on. Returns the one served before, or None when this one was served already."""
    path = environment.release(path)
    if not os.path.isfile(f"{path}/wp-load.php"):
        raise StepFailed(f"There is no release {path} on the node.")
    before = environment.current_release()
    fence.check()
    return before if files.link(environment.current, os.path.relpath(path, environment.root)) else None

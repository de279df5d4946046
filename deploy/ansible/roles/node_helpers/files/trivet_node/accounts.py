"""The unix user of an environment and its directories.

The environment's root belongs to root: its user could otherwise exchange `current` or a release for a link to somewhere
else while root works there. The user owns what WordPress writes: uploads, its temporary files and its logs.
"""

import pwd

from . import files, shell


def ensure(environment, site_id):
    changed = _user(environment)
    user = environment.user
    changed |= files.directory(f"/var/www/sites/{site_id}", mode=0o711)
    changed |= files.directory(environment.root, mode=0o750, group=user)
    for path in (environment.releases, environment.shared):
        changed |= files.directory(path, mode=0o755)
    changed |= files.directory(environment.uploads, mode=0o755, owner=user, group=user)
    for name in ("tmp", "logs"):
        changed |= files.directory(f"{environment.root}/{name}", mode=0o750, owner=user, group=user)
    # The web server passes through the root to files that all may read, and is no member of the group that may read
    # wp-config.php. chmod() above has set the mask to the group's rights, which leaves room for x.
    if f"user:www-data:--x" not in shell.run(["getfacl", "-cp", environment.root]).text:
        shell.run(["setfacl", "-m", "u:www-data:x", environment.root])
        changed = True
    return changed


def _user(environment):
    try:
        pwd.getpwnam(environment.user)
        return False
    except KeyError:
        shell.run(["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", environment.root,
                   "--shell", "/usr/sbin/nologin", environment.user])
        return True

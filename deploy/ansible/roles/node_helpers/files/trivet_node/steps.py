"""The steps that playbooks name. A long one runs as the transient unit trivet-job-<job>-<step>."""

import dataclasses
from collections.abc import Callable

from . import content, lifecycle, setup


@dataclasses.dataclass(frozen=True)
class Step:
    function: Callable
    is_long: bool = False


STEPS = {
    "environment": Step(setup.environment),
    "configure": Step(setup.configure),
    "web": Step(setup.install_web),
    "reload": Step(setup.reload),
    "ready": Step(setup.ready),
    "schedule": Step(setup.schedule),
    "healthy": Step(setup.healthy),
    "probe": Step(setup.probe),
    "purge": Step(setup.purge),
    "versions": Step(setup.versions),
    "domain-check": Step(setup.domain_check),
    "certificate": Step(setup.certificate, is_long=True),
    "certificate-forget": Step(setup.forget_certificate),
    "release-wordpress": Step(lifecycle.wordpress_release, is_long=True),
    "release-deploy": Step(lifecycle.deployed_release, is_long=True),
    "release-update": Step(lifecycle.updated_release, is_long=True),
    "release-copy": Step(lifecycle.cloned_release, is_long=True),
    "install-wordpress": Step(lifecycle.install_wordpress),
    "upgrade-database": Step(lifecycle.upgrade_database, is_long=True),
    "switch": Step(lifecycle.switch),
    "undo": Step(lifecycle.undo, is_long=True),
    "settle": Step(lifecycle.settle),
    "pre-change-dump": Step(content.pre_change_dump, is_long=True),
    "snapshot": Step(content.snapshot, is_long=True),
    "backup": Step(content.backup, is_long=True),
    "backup-delete": Step(content.delete_backups, is_long=True),
    "backup-check": Step(content.check_backup),
    "restore": Step(content.restore, is_long=True),
    "import": Step(content.import_archive, is_long=True),
    "clone": Step(content.clone, is_long=True),
    "promote": Step(content.promote, is_long=True),
    "baseline": Step(content.baseline, is_long=True),
    "rewrite": Step(content.rewrite, is_long=True),
    "load-dump": Step(content.load_dump, is_long=True),
}

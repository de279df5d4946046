"""Steps around an environment: its accounts, configuration, web server files, health and caches."""

import os
import re
import secrets

from . import accounts, database, domains, files, health, once, redis_acl, shell, web
from .errors import StepFailed
from .job import Environment

SALTS = ("AUTH_KEY", "SECURE_AUTH_KEY", "LOGGED_IN_KEY", "NONCE_KEY", "AUTH_SALT", "SECURE_AUTH_SALT", "LOGGED_IN_SALT", "NONCE_SALT")


def environment(job):
    """The unix user, the directories, the database with its user and the Redis user."""
    place = Environment(job)
    changed = accounts.ensure(place, job["site_id"])
    changed |= database.ensure(place, job["database_password"])
    changed |= redis_acl.ensure(job["redis_user"], job["redis_password"], job["redis_prefix"])
    return {"changed": changed}


def configure(job, *, settings, config=None):
    """What PHP reads besides the release: `settings` (no secrets) and, when the environment is made, `config`."""
    place = Environment(job)
    changed = False
    if config is not None:
        salts = f"{place.shared}/salts.php"
        if not os.path.exists(salts):
            lines = [f"define('{name}', '{secrets.token_urlsafe(48)}');" for name in SALTS]
            files.write(salts, "<?php\n" + "\n".join(lines) + "\n", mode=0o640, group=place.user)
        for name in ("database_password", "redis_password"):
            config = config.replace(f"@{name}@", _php(job[name]))
        changed |= files.write(f"{place.shared}/wp-config.php", config, mode=0o640, group=place.user)
    changed |= files.write(f"{place.shared}/settings.php", settings, mode=0o640, group=place.user)
    dropin = f"{place.shared}/object-cache.php"
    if job.get("redis_cache_enabled", False) is True:
        changed |= files.write(dropin, files.read("/usr/local/lib/trivet/wordpress/object-cache.php"))
    else:
        changed |= files.remove(dropin)
    if changed:
        web.pending("php")
    return {"changed": changed or os.path.exists(f"{web.PENDING}/php")}


def _php(value):
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def install_web(job, **options):
    return {"changed": web.install(Environment(job), **options)}


def reload(job):
    done = web.reload()
    return {"changed": bool(done), "reloaded": done}


def ready(job):
    web.wait_until_ready(Environment(job))


def schedule(job):
    """WordPress's own schedule, run by a timer every five minutes."""
    place = Environment(job)
    for path in ("/etc/trivet", "/etc/trivet/environments"):
        files.directory(path, mode=0o755)
    changed = files.write(f"/etc/trivet/environments/{place.user}", f"ENVIRONMENT_ID={place.id}\nENVIRONMENT_ROOT={place.root}\n")
    unit = f"trivet-cron@{place.user}.timer"
    if shell.run(["systemctl", "is-enabled", unit], check=False).returncode != 0 or shell.run(["systemctl", "is-active", unit], check=False).returncode != 0:
        shell.run(["systemctl", "enable", "--now", "--quiet", unit])
        changed = True
    return {"changed": changed}


def healthy(job, *, url=None):
    """Fails unless all three probes pass."""
    health.require(Environment(job), url or job["canonical_url"])


def probe(job):
    """The verdict as a value. A healthy environment needs the dumps of earlier changes no longer."""
    place = Environment(job)
    url = job.get("health_url") or job["canonical_url"]
    checks, reasons = health.probe(place, url)
    if all(checks.values()):
        files.remove(f"/var/lib/trivet/dumps/{place.id}")
    return {"healthy": all(checks.values()), "checks": checks, "reasons": reasons}


def purge(job, *, page=True, objects=True, hosts=None, only_once=False):
    """`only_once`: a second attempt of the job has nothing old to find, and leaves what was cached since."""

    def work():
        counts = {"page_cache_entries": web.purge(hosts or job.get("cache_hostnames", [])) if page else 0,
                  "object_cache_keys": redis_acl.delete_keys(job["redis_prefix"]) if objects else 0}
        return {"changed": any(counts.values()), **counts}

    return once.once(job, "purge", work) if only_once else work()


def domain_check(job):
    """Whether the name leads here; fails with what to create."""
    host = job["domain_hostname"]
    if not web.HOST.fullmatch(host) or re.fullmatch(r"[0-9.]+", host):
        raise StepFailed(f"Not a host name: {host}")
    domains.check_address(host, job["node_public_ip"])
    return {"certificate": os.path.exists(f"{domains.LIVE}/{host}/fullchain.pem")}


def certificate(job):
    changed, expires = domains.certificate(job["domain_hostname"], job.get("acme_server"), job.get("acme_email"))
    if changed:
        web.pending("nginx")
    return {"changed": changed, "expires_at": expires}


def forget_certificate(job):
    return {"changed": domains.forget(job["domain_hostname"])}


def versions(job):
    """What runs here. Fails when one of the services does not."""
    php = web.php_version()
    units = ["nginx", f"php{php}-fpm", "mariadb", "redis-server", "fail2ban", "nftables"]
    states = shell.run(["systemctl", "is-active", *units], check=False).text.split()
    dead = [unit for unit, state in zip(units, states) if state != "active"]
    if dead:
        raise StepFailed(f"Not running: {', '.join(dead)}.")
    questions = {"nginx": ["nginx", "-v"], "php": ["php", "-r", "echo PHP_VERSION;"], "mariadb": ["mariadb", "-BNe", "SELECT VERSION()"],
                 "redis": ["redis-server", "--version"], "fail2ban": ["fail2ban-client", "--version"], "certbot": ["certbot", "--version"], "kernel": ["uname", "-r"]}
    found = {}
    for name, question in questions.items():
        done = shell.run(question)
        match = re.search(r"\d+(?:\.\d+)+[0-9A-Za-z.+~-]*", done.text + done.errors)
        found[name] = match.group(0) if match else "unknown"
    return {"versions": found}

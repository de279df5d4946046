"""The web server's and PHP's files of an environment: checked before they are placed, reloaded, waited for.

One body per environment (`/etc/nginx/trivet/environments/<user>.conf`) is included by one server block per host name
(`sites-enabled/<user>.<host>.conf`), so that a changed cache switch reaches all of them. The body answers
`/.trivet/ready` on this machine with a marker of its contents: a reload is over when the marker of the new files comes
back, and not when some page answers 200, which could be another site's.
"""

import glob
import hashlib
import http.client
import os
import re
import socket
import ssl
import tempfile
import time

from . import files, shell
from .errors import StepFailed

BODIES = "/etc/nginx/trivet/environments"
BLOCKS = "/etc/nginx/sites-enabled"
CACHE = "/var/cache/nginx/fastcgi"
PENDING = "/var/lib/trivet/pending"
READY_SECONDS = 20
HOST = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+")


def php_version():
    versions = sorted((name.split("/")[3] for name in glob.glob("/etc/php/*/fpm/php-fpm.conf")), key=lambda v: [int(n) for n in v.split(".")])
    if not versions:
        raise StepFailed("PHP-FPM is not installed on this node. Provision it again.")
    return versions[-1]


def _block_path(environment, host):
    if not HOST.fullmatch(host):
        raise StepFailed(f"Not a host name: {host}")
    return f"{BLOCKS}/{environment.user}.{host}.conf"


def install(environment, *, pool=None, body=None, redirect=None, blocks=None, absent=()):
    """Places what is given, after nginx has accepted it. Returns whether a reload is needed, by this or a killed run."""
    version, wanted = php_version(), {}
    if pool is not None:
        wanted[f"/etc/php/{version}/fpm/pool.d/{environment.user}.conf"] = pool
    if body is not None:
        wanted[f"{BODIES}/{environment.user}.conf"] = _marked(body)
    if redirect is not None:
        wanted[f"{BODIES}/{environment.user}.redirect.conf"] = _marked(redirect)
    for host, block in (blocks or {}).items():
        wanted[_block_path(environment, host)] = _marked(block)
    removed = [path for path in (_block_path(environment, host) for host in absent) if os.path.exists(path)]
    changed = {path: content for path, content in wanted.items() if files.read(path) != content}
    _try(environment, wanted)
    for service in {"php" if path.startswith("/etc/php/") else "nginx" for path in [*changed, *removed]}:
        pending(service)
    for path, content in changed.items():
        files.write(path, content)
    for path in removed:
        files.remove(path)
    return bool(changed or removed) or any(os.path.exists(f"{PENDING}/{service}") for service in ("nginx", "php"))


def pending(service):
    """Notes that a service must be reloaded: the note survives a run that is killed before its handler."""
    files.directory(PENDING, mode=0o700)
    files.write(f"{PENDING}/{service}", "", mode=0o600)


def _marked(content):
    return content.replace("@marker@", hashlib.sha256(content.encode()).hexdigest()[:16])


def _try(environment, wanted):
    """Lets nginx read the wanted files in a configuration of their own, so that a mistake never reaches the live one."""
    with tempfile.TemporaryDirectory(prefix="trivet-nginx-") as directory:
        includes = []
        bodies = {path: content for path, content in wanted.items() if path.startswith(BODIES)}
        for index, (path, content) in enumerate(wanted.items()):
            if path.startswith("/etc/php/"):
                continue
            for original in bodies:
                content = content.replace(f"include {original};", f"include {directory}/{os.path.basename(original)};")
            files.write(f"{directory}/{os.path.basename(path)}", content)
            if path.startswith(BLOCKS):
                includes.append(f"include {directory}/{os.path.basename(path)};")
            elif path.endswith(f"{environment.user}.conf"):
                includes.append(f"server {{ listen 80; server_name body.invalid; set $trivet_block x; include {directory}/{os.path.basename(path)}; }}")
        # nginx gives cache directories to its user even when it only tests: without a user that is nobody.
        files.write(f"{directory}/nginx.conf", "user www-data; pid %s/pid; error_log stderr; events {} http { include /etc/nginx/mime.types; include /etc/nginx/conf.d/*.conf; %s }\n"
                    % (directory, " ".join(includes)))
        done = shell.run(["nginx", "-t", "-q", "-c", f"{directory}/nginx.conf"], check=False)
        if done.returncode != 0:
            raise StepFailed(f"nginx refuses the new files: {shell.tail(done).replace(directory, '')}")


def reload():
    """Checks the whole configuration and reloads what has changed files. Returns the services reloaded."""
    version, done = php_version(), []
    for service, check, unit in (("php", [f"php-fpm{version}", "-t"], f"php{version}-fpm"), ("nginx", ["nginx", "-t", "-q"], "nginx")):
        if os.path.exists(f"{PENDING}/{service}"):
            shell.run(check)
            shell.run(["systemctl", "reload-or-restart", unit])
            files.remove(f"{PENDING}/{service}")
            done.append(unit)
    return done


def wait_until_ready(environment):
    """Returns when each host name of the environment answers with the marker of the files that are in place."""
    body = re.search(r"@?trivet-body ([0-9a-f]{16})", files.read(f"{BODIES}/{environment.user}.conf") or "")
    if body is None:
        raise StepFailed("The environment has no web server files on this node.")
    deadline = time.monotonic() + READY_SECONDS
    for path in sorted(glob.glob(f"{BLOCKS}/{environment.user}.*.conf")):
        host = os.path.basename(path)[len(environment.user) + 1:-len(".conf")]
        block = files.read(path)
        expected = re.search(r"trivet_block ([0-9a-f]{16})", block).group(1)
        for scheme in ("http", "https"):
            if scheme == "http" or "listen 443" in block:
                _await(scheme, host, expected, body.group(1), deadline)


def _await(scheme, host, block, body, deadline):
    answer = "nothing"
    while time.monotonic() < deadline:
        try:
            status, _, text = get(scheme, host, "/.trivet/ready", timeout=2)
            answer = f"{status} {text[:80]!r}"
            if status == 200 and text.split()[:1] == [block.encode()] and (len(text.split()) == 1 or text.split()[1] == body.encode()):
                return
        except OSError as failure:
            answer = str(failure)
        time.sleep(0.05)
    raise StepFailed(f"The web server does not answer for {host} ({scheme}) with the new configuration, but with {answer}.")


def get(scheme, host, path, *, timeout, headers=()):
    """One GET to this machine under the host name: (status, headers, first bytes of the body). TLS without verification."""
    connection = http.client.HTTPConnection(host, timeout=timeout)
    connection.sock = socket.create_connection(("127.0.0.1", 443 if scheme == "https" else 80), timeout)
    try:
        if scheme == "https":
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            connection.sock = context.wrap_socket(connection.sock, server_hostname=host)
        connection.request("GET", path, headers={"User-Agent": "trivet-node", "Connection": "close", **dict(headers)})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read(65536)
    except http.client.HTTPException as failure:
        raise OSError(f"no answer: {failure!r}") from None
    finally:
        connection.close()


def purge(hosts):
    """Deletes the page-cache entries of these host names and no others; returns how many there were."""
    wanted, count = re.compile(rb"\nKEY: https?(?:GET|HEAD)(?:" + b"|".join(re.escape(host.encode()) for host in hosts) + rb")/"), 0
    if not hosts:
        return 0
    for directory, _, names in os.walk(CACHE):
        for name in names:
            path = os.path.join(directory, name)
            try:
                with open(path, "rb") as entry:
                    head = entry.read(4096)
                if wanted.search(head):
                    os.unlink(path)
                    count += 1
            except FileNotFoundError:
                pass
    return count

"""The three probes: the page over HTTP, WordPress by command, the database by a query. Ten seconds each, one retry each."""

import urllib.parse

from . import web, wordpress
from .errors import StepFailed

PROBE_SECONDS = 10
REDIRECTS_MAX = 3
# A visitor with this cookie is never answered from the page cache, and it opens nothing.
NO_CACHE = {"Cookie": "wp-postpass_trivet=probe", "Cache-Control": "no-cache"}


def page(environment, url):
    """Why the page at `url` is not well, or None. Redirects to another host are an answer, and not followed."""
    marker = environment.user
    for _ in range(REDIRECTS_MAX + 1):
        parts = urllib.parse.urlsplit(url)
        try:
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            status, headers, _ = web.get(parts.scheme, parts.hostname, path, timeout=PROBE_SECONDS, headers=NO_CACHE)
        except OSError as failure:
            return f"{url}: {failure}"
        if headers.get("X-Trivet-Site") != marker:
            return f"{url} is answered by another site"
        location = headers.get("Location")
        if status in (301, 302, 307, 308) and location:
            target = urllib.parse.urljoin(url, location)
            if urllib.parse.urlsplit(target).hostname == parts.hostname and target != url:
                url = target
                continue
        return None if status == 200 else f"{url} answers {status}" + (f" to {location}" if location else "")
    return f"{url} redirects in circles"


def probe(environment, url):
    """(checks, reasons): a boolean and, where false, a sentence for each probe."""
    checks, reasons = {}, {}
    for name, question in (("http", lambda: page(environment, url)),
                           ("wp_cli", lambda: _command(environment, "is-installed", "installed")),
                           ("database", lambda: _command(environment, "ping", "database"))):
        reason = question()
        if reason is not None:
            reason = question()
        checks[name] = reason is None
        if reason is not None:
            reasons[name] = reason
    return checks, reasons


def require(environment, url):
    checks, reasons = probe(environment, url)
    if not all(checks.values()):
        raise StepFailed("The environment is not healthy: " + "; ".join(reasons.values()))


def _command(environment, name, member):
    try:
        answer = wordpress.command(environment, name)
    except StepFailed as failure:
        return str(failure)
    return None if answer.get(member) is True else f"WordPress, {name}: {answer}"

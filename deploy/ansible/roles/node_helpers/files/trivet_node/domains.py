"""Custom domains: where the name points, and its certificate."""

import datetime
import os
import socket

from . import files, shell
from .errors import StepFailed

LIVE = "/etc/letsencrypt/live"
WEBROOT = "/var/www/acme"


def check_address(host, address):
    """Fails with what to create unless the name leads to this node and nowhere else."""
    advice = f"Create an A record for {host} with the address {address}, and no other A or AAAA record."
    ipv4, ipv6 = _lookup(host)
    if not ipv4 and not ipv6:
        raise StepFailed(f"{host} has no address in DNS. {advice}")
    wrong = [other for other in ipv4 if other != address] + [other for other in ipv6 if other not in _own_ipv6()]
    if wrong or address not in ipv4:
        raise StepFailed(f"{host} leads to {', '.join(wrong) or 'no IPv4 address'} and not to {address} alone. {advice}")


def _lookup(host):
    """IPv4 and IPv6 addresses. Asked for together: servers that have none of one kind do not all say so properly."""
    try:
        found = {(entry[0], entry[4][0]) for entry in socket.getaddrinfo(f"{host}.", 80, type=socket.SOCK_STREAM)}
    except socket.gaierror as failure:
        if failure.errno in (socket.EAI_NONAME, socket.EAI_NODATA):
            return [], []
        raise StepFailed(f"The node's name server did not answer for {host}: {failure.strerror}") from None
    return tuple(sorted(address for kind, address in found if kind == family) for family in (socket.AF_INET, socket.AF_INET6))


def _own_ipv6():
    lines = shell.run(["ip", "-6", "-o", "address", "show", "scope", "global"], check=False).text.splitlines()
    return {line.split()[3].split("/")[0] for line in lines}


def certificate(host, server, email):
    """Gets the certificate unless it is there and good for 30 days. Returns (changed, time of expiry)."""
    before = files.read(f"{LIVE}/{host}/fullchain.pem")
    arguments = ["certbot", "certonly", "--non-interactive", "--agree-tos", "--webroot", "--webroot-path", WEBROOT, "--cert-name", host,
                 "--domain", host, "--keep-until-expiring"]
    arguments += ["--email", email, "--no-eff-email"] if email else ["--register-unsafely-without-email"]
    arguments += ["--server", server] if server else []
    done = shell.run(arguments, check=False, timeout=300)
    if done.returncode != 0:
        raise StepFailed(f"No certificate for {host}: {shell.tail(done)}")
    return files.read(f"{LIVE}/{host}/fullchain.pem") != before, expiry(host)


def expiry(host):
    text = shell.run(["openssl", "x509", "-noout", "-enddate", "-in", f"{LIVE}/{host}/fullchain.pem"]).text
    end = datetime.datetime.strptime(text.strip().removeprefix("notAfter="), "%b %d %H:%M:%S %Y %Z")
    return end.strftime("%Y-%m-%dT%H:%M:%SZ")


def forget(host):
    """Deletes the certificate; returns whether there was one."""
    if not os.path.isdir(f"{LIVE}/{host}"):
        return False
    shell.run(["certbot", "delete", "--non-interactive", "--cert-name", host], timeout=60)
    return True

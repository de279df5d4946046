"""S3-compatible storage and plain downloads, with the standard library: AWS Signature Version 4, path-style addresses.

Objects go up and come down in pieces; memory stays small. Uploads beyond PART_BYTES are made in parts.
"""

import datetime
import hashlib
import hmac
import http.client
import os
import re
import ssl
import urllib.parse
import urllib.request

from .errors import StepFailed

PIECE_BYTES = 1 << 20
PART_BYTES = 512 << 20
TIMEOUT_SECONDS = 60
EMPTY = hashlib.sha256(b"").hexdigest()


def quote(text, safe=""):
    return urllib.parse.quote(text, safe=safe + "-_.~")


def signature(secret, region, time, method, path, query, headers, payload):
    """The Authorization value's parts: (signed header names, scope, signature). `path` is quoted already."""
    names = sorted((name.lower(), " ".join(value.split())) for name, value in headers)
    signed = ";".join(name for name, _ in names)
    canonical = "\n".join([
        method, path, "&".join(f"{k}={v}" for k, v in sorted((quote(k), quote(v)) for k, v in query)),
        "".join(f"{name}:{value}\n" for name, value in names), signed, payload])
    scope = f"{time[:8]}/{region}/s3/aws4_request"
    key = ("AWS4" + secret).encode()
    for part in (time[:8], region, "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    text = f"AWS4-HMAC-SHA256\n{time}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    return signed, scope, hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


class Store:
    def __init__(self, endpoint, region, access_key, secret_key):
        self.endpoint = urllib.parse.urlsplit(endpoint)
        if self.endpoint.scheme not in ("http", "https") or not self.endpoint.hostname:
            raise StepFailed(f"The address of the object store is not usable: {endpoint}")
        self.region, self.access_key, self.secret_key = region or "us-east-1", access_key, secret_key

    @classmethod
    def of(cls, job):
        return cls(job["s3_endpoint"], job.get("s3_region"), job["s3_access_key_id"], job["s3_secret_access_key"])

    def upload(self, url, path, sha256):
        """Stores a file and reads it back: returns only when the store holds these bytes."""
        size = os.path.getsize(path)
        if size > PART_BYTES:
            self._in_parts(url, path, size)
        else:
            with open(path, "rb") as file:
                self._done(self._request("PUT", url, body=file, size=size, payload=sha256), url, "stored")
        if self.read_back(url) != (sha256, size):
            raise StepFailed(f"{url} reads back with other bytes than were sent.")

    def read_back(self, url):
        """(sha256, size) of an object, from its bytes."""
        digest, size = hashlib.sha256(), 0
        for piece in self._pieces(url):
            digest.update(piece)
            size += len(piece)
        return digest.hexdigest(), size

    def has(self, url):
        connection, answer = self._request("HEAD", url)
        answer.read()
        connection.close()
        if answer.status not in (200, 404):
            raise StepFailed(f"The store answered {answer.status} when asked for {url}.")
        return answer.status == 200

    def download(self, url, path, limit_bytes):
        """Writes the object to `path` and returns its SHA-256."""
        return _write(self._pieces(url), path, limit_bytes, url)

    def delete(self, url):
        """Deletes the object; returns whether there was one."""
        if not self.has(url):
            return False
        self._done(self._request("DELETE", url), url, "deleted")
        return True

    def _pieces(self, url):
        connection, answer = self._request("GET", url)
        try:
            if answer.status == 404:
                raise StepFailed(f"{url} is not in the store.")
            if answer.status != 200:
                raise StepFailed(f"{url} could not be read: the store answered {answer.status}.")
            expected, count = answer.getheader("content-length"), 0
            while piece := answer.read(PIECE_BYTES):
                count += len(piece)
                yield piece
            if expected is not None and count != int(expected):
                raise StepFailed(f"{url} ended after {count} of {expected} bytes.")
        except (OSError, http.client.HTTPException) as failure:
            raise StepFailed(f"{url} could not be read to its end: {failure!r}") from None
        finally:
            connection.close()

    def _in_parts(self, url, path, size):
        text = self._done(self._request("POST", url, query=[("uploads", "")]), url, "begun")
        upload = re.search(r"<UploadId>([^<]+)</UploadId>", text).group(1)
        try:
            parts = []
            with open(path, "rb") as file:
                for number, start in enumerate(range(0, size, PART_BYTES), 1):
                    length, digest = min(PART_BYTES, size - start), hashlib.sha256()
                    left = length
                    while left and (piece := file.read(min(PIECE_BYTES, left))):
                        digest.update(piece)
                        left -= len(piece)
                    file.seek(start)
                    connection, answer = self._request(
                        "PUT", url, query=[("partNumber", str(number)), ("uploadId", upload)], body=_Part(file, length), size=length, payload=digest.hexdigest())
                    self._done((connection, answer), url, "stored")
                    file.seek(start + length)
                    parts.append(f"<Part><PartNumber>{number}</PartNumber><ETag>{answer.getheader('etag')}</ETag></Part>")
            body = f"<CompleteMultipartUpload>{''.join(parts)}</CompleteMultipartUpload>".encode()
            text = self._done(self._request("POST", url, query=[("uploadId", upload)], body=body, size=len(body), payload=hashlib.sha256(body).hexdigest()), url, "completed")
            if "<Error>" in text:
                raise StepFailed(f"{url} could not be completed: {text[:300]}")
        except BaseException:
            self._request("DELETE", url, query=[("uploadId", upload)])[0].close()
            raise

    def _done(self, exchange, url, verb):
        connection, answer = exchange
        text = answer.read(65536).decode("utf-8", "replace")
        connection.close()
        if answer.status not in (200, 204):
            code = re.search(r"<Code>([^<]+)</Code>", text)
            raise StepFailed(f"{url} could not be {verb}: the store answered {answer.status}{' ' + code.group(1) if code else ''}.")
        return text

    def _request(self, method, url, *, query=(), body=None, size=0, payload=EMPTY):
        match = re.fullmatch(r"s3://([a-z0-9][a-z0-9.-]{1,62})/(.+)", url)
        if not match:
            raise StepFailed(f"Not an address of an object: {url}")
        path = self.endpoint.path.rstrip("/") + "/" + quote(match.group(1)) + "/" + quote(match.group(2), "/")
        time = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        signed = [("host", self.endpoint.netloc.rpartition("@")[2]), ("x-amz-content-sha256", payload), ("x-amz-date", time)]
        names, scope, value = signature(self.secret_key, self.region, time, method, path, query, signed, payload)
        sent = {name: text for name, text in signed if name != "host"}
        sent["authorization"] = f"AWS4-HMAC-SHA256 Credential={self.access_key}/{scope}, SignedHeaders={names}, Signature={value}"
        if body is not None or method in ("PUT", "POST"):
            sent["content-length"] = str(size)
        kind = http.client.HTTPSConnection if self.endpoint.scheme == "https" else http.client.HTTPConnection
        connection = kind(self.endpoint.hostname, self.endpoint.port, timeout=TIMEOUT_SECONDS)
        try:
            target = path + ("?" + "&".join(f"{quote(k)}={quote(v)}" for k, v in query) if query else "")
            connection.request(method, target, body=body, headers=sent)
            return connection, connection.getresponse()
        except (OSError, http.client.HTTPException) as failure:
            connection.close()
            raise StepFailed(f"The object store {self.endpoint.netloc} did not answer: {failure}") from None


class _Part:
    """A window of a file, for http.client's body."""

    def __init__(self, file, length):
        self.file, self.left = file, length

    def read(self, size=-1):
        piece = self.file.read(min(self.left, size if size >= 0 else self.left))
        self.left -= len(piece)
        return piece


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    def __init__(self, schemes):
        self.schemes = schemes

    def redirect_request(self, request, file, code, message, headers, new_url):
        if urllib.parse.urlsplit(new_url).scheme not in self.schemes:
            raise StepFailed("The address redirects to another kind of address.")
        return super().redirect_request(request, file, code, message, headers, new_url)


def fetch(job, url, path, limit_bytes):
    """Downloads `s3://`, `https://` and, where allowed, `http://` addresses; returns the SHA-256."""
    if url.startswith("s3://"):
        return Store.of(job).download(url, path, limit_bytes)
    schemes = ("https", "http") if job.get("allow_insecure_sources", False) is True else ("https",)
    if urllib.parse.urlsplit(url).scheme not in schemes:
        raise StepFailed(f"Addresses of this kind are not fetched: {shown(url)}")
    opener = urllib.request.OpenerDirector()
    for handler in (urllib.request.HTTPHandler(), urllib.request.HTTPSHandler(context=ssl.create_default_context()),
                    urllib.request.HTTPDefaultErrorHandler(), urllib.request.HTTPErrorProcessor(), _SafeRedirects(schemes)):
        opener.add_handler(handler)
    try:
        with opener.open(url, timeout=TIMEOUT_SECONDS) as answer:
            expected = answer.headers.get("content-length")
            if expected and int(expected) > limit_bytes:
                raise StepFailed(f"{shown(url)} is larger than {limit_bytes} bytes.")
            return _write(iter(lambda: answer.read(PIECE_BYTES), b""), path, limit_bytes, shown(url), expected)
    except (OSError, http.client.HTTPException, ValueError) as failure:
        raise StepFailed(f"{shown(url)} could not be fetched: {failure}") from None


def shown(url):
    """An address without user, password and query."""
    parts = urllib.parse.urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _write(pieces, path, limit_bytes, name, expected=None):
    digest, count = hashlib.sha256(), 0
    with open(path, "wb") as file:
        os.fchmod(file.fileno(), 0o600)
        for piece in pieces:
            count += len(piece)
            if count > limit_bytes:
                raise StepFailed(f"{name} is larger than {limit_bytes} bytes.")
            digest.update(piece)
            file.write(piece)
    if expected is not None and count != int(expected):
        raise StepFailed(f"{name} ended after {count} of {expected} bytes.")
    return digest.hexdigest()

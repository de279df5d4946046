#!/usr/bin/env python3
"""A double of an S3-compatible object store, for tests and demonstrations.

It speaks path-style S3 over HTTP/1.1: GET, HEAD, PUT and DELETE of objects, each request signed with AWS Signature
Version 4, in the Authorization header or in the query (presigned). The standard library is all it needs.

    s3_double.py --port 0                         objects in memory
    s3_double.py --port 9000 --root DIRECTORY     objects as files: DIRECTORY/bucket/key
    s3_double.py --tls-cert C.pem --tls-key K.pem

When ready it prints one line, `listening on http://127.0.0.1:PORT`. With --exit-with-stdin it ends when its standard
input is closed, so that it never outlives the test that started it.

Keys of the form `generated/SIZE` or `generated/SIZE/ANYTHING` exist in every bucket: SIZE pseudo-random bytes, made
on the fly, different for each ANYTHING.

The control interface needs no signature:

    GET    /_control                       what was received, and the faults in force
    GET    /_control/sha256?key=KEY        SHA-256 of a generated or stored object (BUCKET/KEY)
    POST   /_control/faults                {"key": "bucket/key", "kind": KIND, ...}; "key": "*" is every object
    DELETE /_control/faults                forgets all faults
    DELETE /_control/requests              forgets what was received

A fault may carry "times": N, after which it is gone. Kinds, with their own fields:

    status        "status": 500                answer with that status and an XML error
    denied        -                            403 AccessDenied
    missing       -                            404 NoSuchKey
    redirect      "location": URL              307 to URL
    html          -                            200 with a page of HTML, as a captive proxy answers
    short         "after": N                   the right Content-Length, N bytes, then an orderly close
    reset         "after": N                   N bytes, then a TCP reset
    stall         "after": N                   N bytes, then silence; "after": -1 is silence before the head
    slow          "pause_ms": P, "piece": N    N bytes at a time with a pause between
    length        "length": L                  a Content-Length of L, whatever the body
    no_length     -                            the body ends with the connection
    chunked       "after": N (optional)        chunked coding; with "after" cut off in the middle
    two_lengths   -                            two Content-Length fields that differ
    big_head      "bytes": N                   N bytes of header fields
    garbage       -                            not HTTP at all
    interim       "count": N                   N times 103 Early Hints before the answer
    drop          -                            the request is carried out, then the connection closes without an answer
    drop_next     -                            answered well, but the next request on this connection meets a close
"""

import argparse
import calendar
import hashlib
import hmac
import http.server
import json
import os
import random
import re
import socket
import ssl
import struct
import sys
import threading
import time
import urllib.parse

MEBIBYTE = 1 << 20
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()


# --- Generated objects -------------------------------------------------------------------------------------------

class Generated:
    """SIZE pseudo-random bytes: one fixed random MiB, repeated, each copy beginning with its own number."""

    def __init__(self, size, seed):
        self.size = size
        self.block = bytearray(random.Random(seed).randbytes(MEBIBYTE))

    def pieces(self, start=0):
        position = start
        while position < self.size:
            number, offset = divmod(position, MEBIBYTE)
            self.block[:8] = struct.pack(">Q", number)
            piece = bytes(memoryview(self.block)[offset:min(MEBIBYTE, offset + self.size - position)])
            position += len(piece)
            yield piece

    @staticmethod
    def from_key(key):
        match = re.fullmatch(r"generated/(\d{1,15})(?:/(.*))?", key)
        return Generated(int(match[1]), match[2] or "") if match else None


class Stored:
    def __init__(self, data):
        self.data = data
        self.size = len(data)

    def pieces(self):
        for start in range(0, self.size, MEBIBYTE):
            yield self.data[start:start + MEBIBYTE]


class StoredFile:
    def __init__(self, path):
        self.path = path
        self.size = os.path.getsize(path)

    def pieces(self):
        with open(self.path, "rb") as file:
            while piece := file.read(MEBIBYTE):
                yield piece


class Objects:
    """Objects by bucket/key, in memory or in a directory."""

    def __init__(self, root=None):
        self.root = os.path.realpath(root) if root else None
        self.memory = {}
        self.lock = threading.Lock()

    def get(self, bucket, key):
        if generated := Generated.from_key(key):
            return generated
        if self.root is None:
            data = self.memory.get((bucket, key))
            return None if data is None else Stored(data)
        path = self.path(bucket, key)
        return StoredFile(path) if path and os.path.isfile(path) else None

    def put(self, bucket, key, data):
        if self.root is None:
            with self.lock:
                self.memory[(bucket, key)] = data
            return True
        path = self.path(bucket, key)
        if not path:
            return False
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + ".part", "wb") as file:
            file.write(data)
        os.replace(path + ".part", path)
        return True

    def delete(self, bucket, key):
        if self.root is None:
            with self.lock:
                self.memory.pop((bucket, key), None)
        elif (path := self.path(bucket, key)) and os.path.isfile(path):
            os.remove(path)

    def path(self, bucket, key):
        path = os.path.realpath(os.path.join(self.root, bucket, key))
        return path if path.startswith(os.path.join(self.root, "")) else None


# --- Signature Version 4 -----------------------------------------------------------------------------------------

class Refused(Exception):
    def __init__(self, code, message, status=403):
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


def encode(text):
    return urllib.parse.quote(text, safe="-_.~")


class Signatures:
    """Checks requests against one key pair. Follows the AWS general reference, "Create a signed AWS API request"."""

    def __init__(self, access_key, secret_key, region, clock_skew=900):
        self.access_key, self.secret_key, self.region, self.clock_skew = access_key, secret_key, region, clock_skew

    def check(self, method, raw_path, query_pairs, headers, now=None):
        """Returns the payload hash that was signed. `headers` maps lower-case names to lists of values."""
        now = time.time() if now is None else now
        query = dict(query_pairs)
        if "X-Amz-Signature" in query:
            return self._check_query(method, raw_path, query_pairs, query, headers, now)
        return self._check_header(method, raw_path, query_pairs, headers, now)

    def _check_header(self, method, raw_path, query_pairs, headers, now):
        value = headers.get("authorization", [""])[0]
        match = re.fullmatch(
            r"AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})", value)
        if not match:
            raise Refused("AccessDenied", "the request is not signed")
        stamp = headers.get("x-amz-date", [""])[0]
        payload = headers.get("x-amz-content-sha256", [None])[0]
        if payload is None:
            raise Refused("InvalidRequest", "x-amz-content-sha256 is missing", 400)
        names = match[2].split(";")
        missing = {"host"} | {name for name in headers if name.startswith("x-amz-")}
        if missing - set(names):
            raise Refused("AccessDenied", "there were headers which were not signed: " + ", ".join(missing - set(names)))
        if abs(now - self._seconds(stamp)) > self.clock_skew:
            raise Refused("RequestTimeTooSkewed", "the request's time is too far from the server's")
        self._compare(match[3], match[1], stamp, method, raw_path, query_pairs, headers, names, payload)
        return payload

    def _check_query(self, method, raw_path, query_pairs, query, headers, now):
        if query.get("X-Amz-Algorithm") != "AWS4-HMAC-SHA256":
            raise Refused("AuthorizationQueryParametersError", "the algorithm is unknown", 400)
        stamp = query.get("X-Amz-Date", "")
        expires = query.get("X-Amz-Expires", "")
        if not expires.isdigit() or not 1 <= int(expires) <= 604800:
            raise Refused("AuthorizationQueryParametersError", "X-Amz-Expires is not 1 to 604800", 400)
        age = now - self._seconds(stamp)
        if age < -self.clock_skew or age > int(expires):
            raise Refused("AccessDenied", "Request has expired")
        names = query.get("X-Amz-SignedHeaders", "").split(";")
        if "host" not in names:
            raise Refused("AccessDenied", "host was not signed")
        rest = [(name, value) for name, value in query_pairs if name != "X-Amz-Signature"]
        payload = headers["x-amz-content-sha256"][0] if "x-amz-content-sha256" in names else "UNSIGNED-PAYLOAD"
        self._compare(
            query["X-Amz-Signature"], query.get("X-Amz-Credential", ""), stamp, method, raw_path, rest, headers, names,
            payload)
        return payload

    def _compare(self, given, credential, stamp, method, raw_path, query_pairs, headers, names, payload):
        parts = credential.split("/")
        if len(parts) != 5 or parts[1:] != [stamp[:8], self.region, "s3", "aws4_request"]:
            raise Refused("AuthorizationHeaderMalformed", "the credential scope is wrong", 400)
        if parts[0] != self.access_key:
            raise Refused("InvalidAccessKeyId", "the access key is unknown")
        lines = []
        for name in names:
            if name not in headers:
                raise Refused("SignatureDoesNotMatch", f"signed header {name} is absent")
            lines.append(name + ":" + ",".join(" ".join(value.split()) for value in headers[name]) + "\n")
        # S3 encodes each byte of the path once.
        path = "/".join(encode(urllib.parse.unquote(part, errors="surrogateescape")) for part in raw_path.split("/"))
        query = "&".join(sorted(encode(name) + "=" + encode(value) for name, value in query_pairs))
        canonical = "\n".join([method, path, query, "".join(lines), ";".join(names), payload])
        scope = "/".join(parts[1:])
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}"
        key = ("AWS4" + self.secret_key).encode()
        for part in (stamp[:8], self.region, "s3", "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        if not hmac.compare_digest(hmac.new(key, text.encode(), hashlib.sha256).hexdigest(), given):
            raise Refused("SignatureDoesNotMatch", "the signature does not match")

    @staticmethod
    def _seconds(stamp):
        try:
            return calendar.timegm(time.strptime(stamp, "%Y%m%dT%H%M%SZ"))
        except ValueError:
            raise Refused("AccessDenied", "the date is malformed") from None


# --- Faults ------------------------------------------------------------------------------------------------------

class Faults:
    def __init__(self):
        self.active = []
        self.lock = threading.Lock()

    def add(self, fault):
        if "key" not in fault or "kind" not in fault:
            raise ValueError("a fault has a key and a kind")
        with self.lock:
            self.active.append(fault)

    def clear(self):
        with self.lock:
            self.active.clear()

    def take(self, name):
        """The fault in force for bucket/key, counted down; {} where there is none."""
        with self.lock:
            for fault in self.active:
                if fault["key"] not in ("*", name):
                    continue
                if "times" in fault:
                    fault["times"] -= 1
                    if fault["times"] <= 0:
                        self.active.remove(fault)
                return fault
        return {}


# --- The server --------------------------------------------------------------------------------------------------

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "s3-double"
    sys_version = ""
    drops_next = False

    def log_message(self, *arguments):
        pass

    def handle_any(self):
        if self.drops_next:
            self.close_connection = True
            self.note(b"")
            return
        parts = urllib.parse.urlsplit(self.path)
        if parts.path == "/_control" or parts.path.startswith("/_control/"):
            return self.control(parts)
        try:
            self.serve(parts)
        except Refused as refusal:
            self.answer_error(refusal.status, refusal.code, refusal.message)

    do_GET = do_HEAD = do_PUT = do_DELETE = do_POST = do_PATCH = handle_any

    def serve(self, parts):
        pairs = urllib.parse.parse_qsl(parts.query, keep_blank_values=True)
        path = urllib.parse.unquote(parts.path, errors="surrogateescape")
        _, _, rest = path.partition("/")
        bucket, _, key = rest.partition("/")
        fault = self.server.faults.take(f"{bucket}/{key}")
        if fault.get("kind") == "stall" and fault.get("after", -1) < 0:
            self.note(b"")
            return self.silence()
        headers = {name.lower(): self.headers.get_all(name) for name in self.headers.keys()}
        body = self.read_body()
        self.note(body)
        payload = "UNSIGNED-PAYLOAD"
        if self.server.signatures:
            payload = self.server.signatures.check(self.command, parts.path, pairs, headers)
        if payload != "UNSIGNED-PAYLOAD" and not hmac.compare_digest(payload, hashlib.sha256(body).hexdigest()):
            raise Refused("XAmzContentSHA256Mismatch", "the body is not what was signed", 400)
        if fault.get("kind") in ("status", "denied", "missing", "redirect", "html", "garbage", "big_head"):
            return self.answer_instead(fault)
        if not bucket or not key:
            raise Refused("NotImplemented", "objects only", 501)
        if self.command in ("GET", "HEAD"):
            return self.get(bucket, key, fault)
        if self.command == "PUT":
            return self.put(bucket, key, body, fault)
        if self.command == "DELETE":
            self.server.objects.delete(bucket, key)
            return self.answer(204, b"")
        raise Refused("MethodNotAllowed", "the method is not served", 405)

    def read_body(self):
        length = int(self.headers.get("Content-Length") or 0)
        data = bytearray()
        while len(data) < length:
            piece = self.rfile.read(min(MEBIBYTE, length - len(data)))
            if not piece:
                self.close_connection = True
                raise Refused("IncompleteBody", "the body ended early", 400)
            data += piece
        return bytes(data)

    def note(self, body):
        """Remembers the request for GET /_control; of the Authorization header only that it was there."""
        self.server.requests.append({
            "method": self.command, "target": self.path, "connection": id(self.connection),
            "headers": {name: value if name.lower() != "authorization" else "present"
                        for name, value in self.headers.items()},
            "body_bytes": len(body), "body_sha256": hashlib.sha256(body).hexdigest(),
        })

    # Answers

    def answer(self, status, body, content_type="application/xml", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Type", content_type)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status != 204:
            self.wfile.write(body)

    def answer_error(self, status, code, message):
        self.answer(status, f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode())

    def answer_instead(self, fault):
        kind = fault["kind"]
        if kind == "status":
            self.answer_error(fault["status"], fault.get("code", "InternalError"), "as told")
        elif kind == "denied":
            self.answer_error(403, "AccessDenied", "as told")
        elif kind == "missing":
            self.answer_error(404, "NoSuchKey", "as told")
        elif kind == "redirect":
            self.answer(307, b"", headers=[("Location", fault["location"])])
        elif kind == "html":
            self.answer(200, b"<html><body>Please log in</body></html>", "text/html")
        elif kind == "garbage":
            self.wfile.write(b"220 mail.example ESMTP\r\n")
            self.close_connection = True
        elif kind == "big_head":
            self.send_response(200)
            for number in range(fault["bytes"] // 1000 + 1):
                self.send_header(f"X-Filler-{number}", "f" * 980)
            self.send_header("Content-Length", "0")
            self.end_headers()

    def put(self, bucket, key, body, fault):
        want = self.headers.get("x-amz-checksum-sha256")
        if want:
            import base64
            if base64.b64encode(hashlib.sha256(body).digest()).decode() != want:
                raise Refused("BadDigest", "the checksum does not match", 400)
        if not self.server.objects.put(bucket, key, body):
            raise Refused("InvalidRequest", "the key is not allowed", 400)
        if fault.get("kind") == "drop":
            self.close_connection = True
            return
        self.answer(200, b"", headers=[("ETag", '"%s"' % hashlib.md5(body).hexdigest())])
        self.drops_next = fault.get("kind") == "drop_next"

    def get(self, bucket, key, fault):
        found = self.server.objects.get(bucket, key)
        if found is None:
            raise Refused("NoSuchKey", "the key does not exist", 404)
        kind = fault.get("kind")
        if kind == "drop":
            self.close_connection = True
            return
        for _ in range(fault.get("count", 1) if kind == "interim" else 0):
            self.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        self.send_response(200)
        self.send_header("ETag", f'"{found.size:032x}"')
        self.send_header("Content-Type", "application/octet-stream")
        if kind == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
        elif kind == "no_length":
            self.send_header("Connection", "close")
            self.close_connection = True
        elif kind == "two_lengths":
            self.send_header("Content-Length", str(found.size))
            self.send_header("Content-Length", str(found.size + 1))
        else:
            self.send_header("Content-Length", str(fault["length"] if kind == "length" else found.size))
        self.end_headers()
        if self.command == "GET":
            self.send_body(found, fault)
        self.drops_next = kind == "drop_next"

    def send_body(self, found, fault):
        kind, left = fault.get("kind"), fault.get("after", found.size)
        if kind == "length":
            self.close_connection = True
        for piece in found.pieces():
            piece = piece[:left]
            left -= len(piece)
            if kind == "slow":
                for start in range(0, len(piece), fault["piece"]):
                    self.wfile.write(piece[start:start + fault["piece"]])
                    time.sleep(fault["pause_ms"] / 1000)
            elif kind == "chunked" and piece:
                self.wfile.write(b"%x\r\n" % len(piece) + piece + b"\r\n")
            else:
                self.wfile.write(piece)
            if left <= 0:
                break
        if kind == "short":
            self.close_connection = True
        elif kind == "reset":
            self.wfile.flush()
            # Closing with a linger time of zero sends RST.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.server.abort(self.connection)
        elif kind == "stall":
            self.silence()
        elif kind == "chunked":
            if "after" in fault:
                self.close_connection = True
            else:
                self.wfile.write(b"0\r\n\r\n")

    def silence(self):
        """Says nothing until the client has gone."""
        self.close_connection = True
        try:
            while self.connection.recv(65536):
                pass
        except OSError:
            pass

    # Control

    def control(self, parts):
        length = int(self.headers.get("Content-Length") or 0)
        text = self.rfile.read(length) if length else b""
        server, route = self.server, (self.command, parts.path)
        if route == ("GET", "/_control"):
            return self.answer_json({"requests": list(server.requests), "faults": server.faults.active})
        if route == ("GET", "/_control/sha256"):
            name = dict(urllib.parse.parse_qsl(parts.query)).get("key", "")
            bucket, _, key = name.partition("/")
            found = server.objects.get(bucket, key)
            if found is None:
                return self.answer_json({"error": "no such object"}, 404)
            digest = hashlib.sha256()
            for piece in found.pieces():
                digest.update(piece)
            return self.answer_json({"key": name, "size": found.size, "sha256": digest.hexdigest()})
        if route == ("POST", "/_control/faults"):
            try:
                server.faults.add(json.loads(text))
            except ValueError as error:
                return self.answer_json({"error": str(error)}, 400)
            return self.answer_json({"ok": True})
        if route == ("DELETE", "/_control/faults"):
            server.faults.clear()
            return self.answer_json({"ok": True})
        if route == ("DELETE", "/_control/requests"):
            server.requests.clear()
            return self.answer_json({"ok": True})
        self.answer_json({"error": "unknown control"}, 404)

    def answer_json(self, value, status=200):
        self.answer(status, json.dumps(value).encode() + b"\n", "application/json")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, address, signatures, objects, tls=None):
        super().__init__(address, Handler)
        self.signatures, self.objects, self.tls = signatures, objects, tls
        self.faults, self.requests = Faults(), []

    def finish_request(self, request, client_address):
        # The handshake belongs on the connection's own thread, or one silent client would stop all others.
        if self.tls:
            request.settimeout(10)
            request = self.tls.wrap_socket(request, server_side=True)
            request.settimeout(None)
        super().finish_request(request, client_address)

    def abort(self, connection):
        connection.close()

    def shutdown_request(self, request):
        # An orderly close; after a reset the socket is closed already.
        try:
            super().shutdown_request(request)
        except OSError:
            pass

    def handle_error(self, request, client_address):
        pass  # Clients that go away in the middle are ordinary here.


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--host", default="127.0.0.1")
    options.add_argument("--port", type=int, default=0)
    options.add_argument("--access-key", default="TESTACCESSKEY")
    options.add_argument("--secret-key", default="test-secret-key")
    options.add_argument("--secret-key-file", help="instead of --secret-key, which everybody on the machine can read")
    options.add_argument("--region", default="us-east-1")
    options.add_argument("--root", help="directory of the objects; in memory without it")
    options.add_argument("--anonymous", action="store_true", help="requests need no signature")
    options.add_argument("--tls-cert")
    options.add_argument("--tls-key")
    options.add_argument("--exit-with-stdin", action="store_true")
    chosen = options.parse_args()
    if chosen.secret_key_file:
        with open(chosen.secret_key_file, encoding="utf-8") as file:
            chosen.secret_key = file.read().strip()

    tls = None
    if chosen.tls_cert:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(chosen.tls_cert, chosen.tls_key)
    signatures = None if chosen.anonymous else Signatures(chosen.access_key, chosen.secret_key, chosen.region)
    server = Server((chosen.host, chosen.port), signatures, Objects(chosen.root), tls)
    print(f"listening on {'https' if tls else 'http'}://{chosen.host}:{server.server_address[1]}", flush=True)
    if chosen.exit_with_stdin:
        threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0)), daemon=True).start()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""A web server for tests: files over HTTPS, and git repositories over the smart protocol.

    web_double.py --host 198.18.3.1 --port 8443 --root DIRECTORY --tls-cert C.pem --tls-key K.pem

`/git/NAME` is the bare repository DIRECTORY/git/NAME, served by git's own http-backend; every other path is the file
below DIRECTORY. `/slow/SECONDS/PATH` is the file PATH sent so that it takes that long, for tests that act in the middle
of a transfer. A POST to any other PATH is answered with the file `PATH.answer`, as an update service answers questions. When ready it prints one line, `listening on https://HOST:PORT`. The standard library and git are all it needs.
"""

import argparse
import http.server
import os
import shutil
import ssl
import subprocess
import time
import urllib.parse


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "web-double"
    sys_version = ""

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        parts = urllib.parse.urlsplit(self.path)
        path = urllib.parse.unquote(parts.path)
        if path.startswith("/git/"):
            return self.git(path, parts.query)
        seconds = 0.0
        if path.startswith("/slow/"):
            _, _, seconds, path = path.split("/", 3)
            seconds = float(seconds)
        file = os.path.realpath(os.path.join(self.server.root, path.lstrip("/")))
        if not file.startswith(self.server.root + os.sep) or not os.path.isfile(file):
            return self.answer(404, b"not here\n")
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(os.path.getsize(file)))
        self.end_headers()
        if self.command == "HEAD":
            return
        with open(file, "rb") as source:
            if seconds:
                piece = max(1, os.path.getsize(file) // 100)
                while data := source.read(piece):
                    self.wfile.write(data)
                    time.sleep(seconds / 100)
            else:
                shutil.copyfileobj(source, self.wfile)

    do_HEAD = do_GET

    def do_POST(self):
        parts = urllib.parse.urlsplit(self.path)
        if parts.path.startswith("/git/"):
            return self.git(urllib.parse.unquote(parts.path), parts.query)
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        file = os.path.realpath(os.path.join(self.server.root, parts.path.strip("/") + ".answer"))
        if not file.startswith(self.server.root + os.sep) or not os.path.isfile(file):
            return self.answer(404, b"nothing is asked here\n")
        with open(file, "rb") as source:
            self.answer(200, source.read(), [("Content-Type", "application/json")])

    def git(self, path, query):
        """One request for git http-backend, by the rules of CGI."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"), "GIT_PROJECT_ROOT": os.path.join(self.server.root, "git"),
            "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path[len("/git"):], "QUERY_STRING": query,
            "REQUEST_METHOD": self.command, "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)), "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""), "REMOTE_ADDR": self.client_address[0],
            "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*",
        }
        result = subprocess.run(["git", "http-backend"], input=body, env=environment, capture_output=True, check=False)
        head, _, body = result.stdout.partition(b"\r\n\r\n")
        fields = [line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line]
        status = next((int(value.split()[0]) for name, value in fields if name.lower() == "status"), 200)
        self.answer(status, body, [(name, value) for name, value in fields if name.lower() != "status"])

    def answer(self, status, body, fields=(("Content-Type", "text/plain"),)):
        self.send_response(status)
        for name, value in fields:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address, root, tls):
        super().__init__(address, Handler)
        self.root, self.tls = os.path.realpath(root), tls

    def finish_request(self, request, client_address):
        # The handshake belongs on the connection's own thread, or one silent client would stop all others.
        if self.tls:
            request.settimeout(10)
            request = self.tls.wrap_socket(request, server_side=True)
            request.settimeout(None)
        super().finish_request(request, client_address)

    def handle_error(self, request, client_address):
        pass  # Clients that go away in the middle are ordinary here.


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--host", default="127.0.0.1")
    options.add_argument("--port", type=int, default=0)
    options.add_argument("--root", required=True)
    options.add_argument("--tls-cert")
    options.add_argument("--tls-key")
    chosen = options.parse_args()
    tls = None
    if chosen.tls_cert:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(chosen.tls_cert, chosen.tls_key)
    server = Server((chosen.host, chosen.port), chosen.root, tls)
    print(f"listening on {'https' if tls else 'http'}://{chosen.host}:{server.server_address[1]}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()

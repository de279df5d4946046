"""Instruments: CPU and memory of process trees, wrk, openssl speed, and an uploader that costs little itself."""

import json
import os
import re
import signal
import socket
import ssl
import statistics
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
HERE = Path(__file__).resolve().parent


def stat_fields(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the third on (proc(5)); None when the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def tree(root: int) -> list[int]:
    """The process and all of its descendants."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (fields := stat_fields(int(entry))):
            children.setdefault(int(fields[1]), []).append(int(entry))
    found, open_ends = [], [root]
    while open_ends:
        pid = open_ends.pop()
        found.append(pid)
        open_ends += children.get(pid, [])
    return found


def cpu_seconds(root: int) -> float:
    """User and system time of a process tree, of children that ended and were waited for too."""
    total = 0
    for pid in tree(root):
        if fields := stat_fields(pid):
            total += sum(int(value) for value in fields[11:15])
    return total / TICK


def memory_mb(pid: int) -> dict[str, float]:
    """Resident, highest resident, and proportional memory of one process in MB (10^6 bytes)."""
    names = {"VmRSS": "rss", "VmHWM": "peak", "Pss": "pss"}
    found = {}
    for file in ("status", "smaps_rollup"):
        for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
            key, _, rest = line.partition(":")
            if key in names:
                found[names[key]] = int(rest.split()[0]) * 1024 / 1e6
    return found


class Running:
    """A process that the bench started, in a session of its own; stopped with its whole group."""

    def __init__(self, command: list[str], log: Path, environment: dict[str, str] | None = None):
        self.log = log
        with open(log, "wb") as sink:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT,
                                            env={**os.environ, **(environment or {})}, start_new_session=True)
        self.pid = self.process.pid

    def wait_for(self, url: str, ca: str | None = None, seconds: float = 30) -> float:
        """Seconds until `url` answers 200, asked every millisecond."""
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            if self.process.poll() is not None:
                break
            try:
                if request(url, ca=ca)[0] == 200:
                    return time.monotonic() - began
            except OSError:
                pass
            time.sleep(0.001)
        raise SystemExit(f"{url} did not become ready:\n{self.log.read_text(errors='replace')[-2000:]}")

    def stop(self) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.pid, number)
                self.process.wait(15)
                return
            except ProcessLookupError:
                return
            except subprocess.TimeoutExpired:
                continue


def connect(url: str, ca: str | None = None) -> tuple[socket.socket, str, str]:
    """A connected socket, the Host header and the path of a URL on loopback."""
    scheme, host, port, path = re.fullmatch(r"(https?)://([^/:]+):(\d+)(/.*)", url).groups()
    plain = socket.create_connection((host, int(port)), timeout=600)
    if scheme == "https":
        plain = ssl.create_default_context(cafile=ca).wrap_socket(plain, server_hostname=host)
    return plain, f"{host}:{port}", path


def read_response(connection: socket.socket) -> tuple[int, bytes]:
    received = b""
    while piece := connection.recv(65536):
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]) if head else 0, body


def request(url: str, token: str = "", ca: str | None = None, method: str = "GET", kind: str = "",
            body: bytes = b"", headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    connection, host, path = connect(url, ca)
    head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
    head += f"Authorization: Bearer {token}\r\n" if token else ""
    head += "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    head += f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n" if body else ""
    with connection:
        connection.sendall(head.encode() + b"\r\n" + body)
        return read_response(connection)


@dataclass
class Load:
    """What wrk saw, and what the watched process trees spent on it."""

    requests_per_second: float
    p50_ms: float
    p99_ms: float
    requests: int
    failed: int
    cpu_us: dict[str, float]
    not_2xx: int = 0

    @staticmethod
    def median(rounds: list["Load"]) -> "Load":
        def middle(pick):
            return statistics.median(pick(one) for one in rounds)

        return Load(middle(lambda one: one.requests_per_second), middle(lambda one: one.p50_ms),
                    middle(lambda one: one.p99_ms), sum(one.requests for one in rounds),
                    sum(one.failed for one in rounds),
                    {name: middle(lambda one: one.cpu_us[name]) for name in rounds[0].cpu_us},
                    sum(one.not_2xx for one in rounds))


def wrk(url: str, seconds: int, connections: int, watched: dict[str, int], token: str = "", body: Path | None = None,
        kind: str = "", script: str = "request.lua", settings: dict[str, str] | None = None) -> Load:
    """One run of wrk with one thread; CPU in µs per request of each watched tree."""
    environment = {**os.environ, "BENCH_TOKEN": token, "BENCH_METHOD": "POST" if body else "GET", "BENCH_LUA": str(HERE),
                   "BENCH_BODY_FILE": str(body or ""), "BENCH_CONTENT_TYPE": kind, **(settings or {})}
    before = {name: cpu_seconds(pid) for name, pid in watched.items()}
    output = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", HERE / script, url],
                            env=environment, check=True, capture_output=True, text=True).stdout
    spent = {name: cpu_seconds(pid) - before[name] for name, pid in watched.items()}
    result = json.loads(re.search(r"^RESULT (.*)$", output, re.MULTILINE).group(1))
    count = max(result["requests"], 1)
    return Load(result["requests"] / result["duration_us"] * 1e6, result["p50_us"] / 1000, result["p99_us"] / 1000,
                result["requests"], result["socket_errors"], {name: value / count * 1e6 for name, value in spent.items()},
                result["not_2xx"])


def pgbench(command: str, url: str, script: Path, clients: int, seconds: int, postmaster: int) -> Load:
    """One run of pgbench with prepared statements; PostgreSQL's CPU in µs per transaction. The mean stands for the middle; there is no p99."""
    before = cpu_seconds(postmaster)
    output = subprocess.run([command, "-n", "-M", "prepared", "-f", str(script), "-c", str(clients), "-j", "2",
                             "-T", str(seconds), url], check=True, capture_output=True, text=True).stdout
    spent = cpu_seconds(postmaster) - before
    rate = float(re.search(r"^tps = ([\d.]+)", output, re.MULTILINE).group(1))
    count = int(re.search(r"^number of transactions actually processed: (\d+)", output, re.MULTILINE).group(1))
    latency = float(re.search(r"^latency average = ([\d.]+) ms", output, re.MULTILINE).group(1))
    return Load(rate, latency, float("nan"), count, 0, {"postgres": spent / max(count, 1) * 1e6})


def openssl_sha256(seconds: int) -> float:
    """Bytes per second of one core, in pieces of 64 KiB."""
    output = subprocess.run(["openssl", "speed", "-mr", "-evp", "sha256", "-bytes", "65536", "-seconds", str(seconds)],
                            check=True, capture_output=True, text=True).stdout
    return float(re.search(r"^\+F:\d+:sha256:([\d.]+)", output, re.MULTILINE).group(1))


class MemoryWatch:
    """Samples a process's resident memory ten times a second while the block runs."""

    def __init__(self, pid: int):
        self.pid, self.samples, self.ended = pid, [], threading.Event()
        self.thread = threading.Thread(target=self.sample)

    def sample(self) -> None:
        while not self.ended.is_set():
            self.samples.append(memory_mb(self.pid)["rss"])
            self.ended.wait(0.1)

    def __enter__(self) -> "MemoryWatch":
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.ended.set()
        self.thread.join()


def upload(url: str, token: str, manifest: bytes, size: int) -> tuple[int, bytes, float]:
    """Sends a snapshot of `size` zero bytes as multipart/form-data by sendfile from memory: the client hardly works,
    nothing is on disk. Status, body and seconds until the answer."""
    boundary = "bench-0123456789abcdef"
    front = (f"--{boundary}\r\nContent-Disposition: form-data; name=\"replication_manifest\"; filename=\"m.yaml\"\r\n"
             f"Content-Type: application/yaml\r\n\r\n").encode() + manifest + (
             f"\r\n--{boundary}\r\nContent-Disposition: form-data; name=\"snapshot\"; filename=\"snapshot.tar.gz\"\r\n"
             f"Content-Type: application/gzip\r\n\r\n").encode()
    back = f"\r\n--{boundary}--\r\n".encode()
    piece = 64 << 20
    memory = os.memfd_create("snapshot")
    os.truncate(memory, piece)
    connection, host, path = connect(url)
    with connection:
        began = time.monotonic()
        connection.sendall((f"POST {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n"
                            f"Content-Type: multipart/form-data; boundary={boundary}\r\n"
                            f"Content-Length: {len(front) + size + len(back)}\r\n\r\n").encode() + front)
        left = size
        connection.settimeout(None)
        while left > 0:
            left -= os.sendfile(connection.fileno(), memory, 0, min(left, piece))
        connection.sendall(back)
        status, body = read_response(connection)
        took = time.monotonic() - began
    os.close(memory)
    return status, body, took

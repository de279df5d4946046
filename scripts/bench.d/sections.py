"""The measurements of scripts/bench. Each section interleaves its subjects in rounds and keeps the median."""

import hashlib
import json
import os
import statistics
import subprocess
import time
from pathlib import Path

from measure import (HERE, Load, MemoryWatch, Running, cpu_seconds, memory_mb, openssl_sha256, pgbench, request, upload,
                     wrk)

CONNECTIONS = 64
MIGRATION = "/api/v1/validate/migration"
EXAMPLES = HERE.parent / "demo.d"


class Bench:
    def __init__(self, settings: dict, options):
        self.settings, self.options = settings, options
        self.directory = Path(settings["directory"])
        self.token, self.ca = settings["token"], settings["ca_file"]
        self.seconds, self.rounds = (2, 1) if options.quick else (8, 3)
        self.running: list[Running] = []

    # The subjects

    def start(self, command: list[str], name: str, environment: dict[str, str] | None = None) -> Running:
        started = Running(command, self.directory / f"{name}.log", environment)
        self.running.append(started)
        return started

    def start_service(self, launcher: str, origin: str, environment: dict[str, str] | None = None) -> tuple[Running, float]:
        service = self.start([launcher, "serve"], Path(launcher).name, environment)
        return service, service.wait_for(origin + "/readyz", self.ca)

    def start_nginx(self) -> Running:
        text = (HERE / "nginx.conf").read_text()
        values = {"DIRECTORY": str(self.directory / "nginx"), "CERTIFICATE": self.settings["certificate"],
                  "KEY": self.settings["key"], "PORT": str(self.settings["nginx_port"]),
                  "TLS_PORT": str(self.settings["nginx_tls_port"])}
        for name, value in values.items():
            text = text.replace(f"@{name}@", value)
        (self.directory / "nginx").mkdir(exist_ok=True)
        (self.directory / "nginx.conf").write_text(text)
        nginx = self.start(["nginx", "-c", str(self.directory / "nginx.conf"), "-e", str(self.directory / "nginx.log")],
                           "nginx")
        nginx.wait_for(f"http://127.0.0.1:{self.settings['nginx_port']}/")
        return nginx

    def start_peer(self) -> Running:
        self.psql((HERE / "peer.sql").read_text())
        port = self.settings["peer_port"]
        peer = self.start([self.settings["python"], "-m", "uvicorn", "--app-dir", str(HERE), "--workers", "2",
                           "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--port", str(port), "peer:app"],
                          "peer", {"PEER_TOKEN": self.token, "PEER_DATABASE_URL": self.settings["superuser_url"],
                                   "PYTHONDONTWRITEBYTECODE": "1"})
        peer.wait_for(f"http://127.0.0.1:{port}/healthz")
        return peer

    def stop(self) -> None:
        while self.running:
            self.running.pop().stop()

    def psql(self, sql: str, url: str = "") -> str:
        return subprocess.run([self.settings["psql"], "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
                               url or self.settings["superuser_url"]], input=sql, check=True, capture_output=True, text=True).stdout

    def interleave(self, subjects: dict) -> dict:
        """Runs every subject once per round, after a warm-up each, and keeps medians."""
        for run in subjects.values():
            run(max(1, self.seconds // 4))
        taken: dict[str, list] = {name: [] for name in subjects}
        for _ in range(self.rounds):
            for name, run in subjects.items():
                taken[name].append(run(self.seconds))
        return {name: Load.median(rounds) if isinstance(rounds[0], Load) else statistics.median(rounds)
                for name, rounds in taken.items()}

    # (a) and (d)

    def small_json(self) -> dict:
        plain, secure = self.settings["origin"], self.settings["tls_origin"]
        service, _ = self.start_service(self.settings["launcher"], plain)
        tls, _ = self.start_service(self.settings["tls_launcher"], secure)
        nginx, peer = self.start_nginx(), self.start_peer()
        nginx_url = f"http://127.0.0.1:{self.settings['nginx_port']}/"
        nginx_tls = f"https://127.0.0.1:{self.settings['nginx_tls_port']}/"
        peer_url = f"http://127.0.0.1:{self.settings['peer_port']}"
        postgres = self.settings["postmaster"]

        def load(url: str, pid: int, token: str = "", **others: int):
            return lambda seconds: wrk(url, seconds, CONNECTIONS, {"server": pid, **others}, token)

        target = self.options.target
        results = self.interleave({
            "service /healthz": load(plain + "/healthz", service.pid),
            f"service {target}": load(plain + target, service.pid, self.token),
            "service audit list, one row": load(plain + "/api/v1/audit/logs?limit=1", service.pid, self.token,
                                                postgres=postgres),
            "nginx return": load(nginx_url, nginx.pid),
            "FastAPI /healthz": load(peer_url + "/healthz", peer.pid),
            "FastAPI authenticated": load(peer_url + "/small", peer.pid, self.token),
            "service /healthz, TLS": load(secure + "/healthz", tls.pid),
            f"service {target}, TLS": load(secure + target, tls.pid, self.token),
            "nginx return, TLS": load(nginx_tls, nginx.pid),
        })
        results["memory_after_load_mb"] = memory_mb(service.pid)["rss"]
        self.stop()
        return results

    # (b)

    def decisions(self) -> dict:
        service, _ = self.start_service(self.settings["launcher"], self.settings["origin"])
        peer = self.start_peer()
        peer_origin = f"http://127.0.0.1:{self.settings['peer_port']}"
        postgres = self.settings["postmaster"]
        kind, body = self.migration_body()
        file = self.directory / "migration.body"
        file.write_bytes(body)
        for origin in (self.settings["origin"], peer_origin):
            status, answer = request(origin + MIGRATION, self.token, method="POST", kind=kind, body=body)
            if status != 200 or json.loads(answer)["decision"] != "ALLOW":
                raise SystemExit(f"{origin} does not allow the migration of the bench: {status} {answer!r}")
        script, table = self.insert_script(), self.settings["audit_table"]
        before = int(self.psql(f"SELECT count(*) FROM {table}"))

        def load(origin: str, pid: int):
            return lambda seconds: wrk(origin + MIGRATION, seconds, CONNECTIONS, {"server": pid, "postgres": postgres},
                                       self.token, file, kind)

        results = self.interleave({
            "service": load(self.settings["origin"], service.pid),
            "FastAPI": load(peer_origin, peer.pid),
            **{f"pgbench, {clients} clients": lambda seconds, clients=clients: self.pgbench(script, clients, seconds)
               for clients in (8, 32)},
        })
        # Every answered decision must be a row; wrk drops what is in flight when it ends, so there may be a few more.
        results["records"] = int(self.psql(f"SELECT count(*) FROM {table}")) - before
        self.stop()
        return results

    def migration_body(self) -> tuple[str, bytes]:
        boundary = "bench-0123456789abcdef"
        parts = (("migration_manifest", "application/json", "migration-good.json"),
                 ("app_config", "application/yaml", "app-config-good.yaml"))
        body = b"".join(
            f"--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\n"
            f"Content-Type: {kind}\r\n\r\n".encode() + (EXAMPLES / file).read_bytes() + b"\r\n"
            for name, kind, file in parts)
        return f"multipart/form-data; boundary={boundary}", body + f"--{boundary}--\r\n".encode()

    def insert_script(self) -> Path:
        """A pgbench script: the newest audit record again, into a table like the audit table, one commit each."""
        table = self.settings["audit_table"]
        columns = [line.split("|") for line in self.psql(f"""
            SELECT a.attname, format_type(a.atttypid, a.atttypmod), EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid
                AND i.indisunique AND a.attnum = ANY (i.indkey)), a.attgenerated <> ''
            FROM pg_attribute a WHERE a.attrelid = '{table}'::regclass AND a.attnum > 0 AND NOT a.attisdropped
            ORDER BY a.attnum""").splitlines()]
        order = next(name for name, kind, unique, _ in columns if unique == "t" and kind == "bigint")
        fresh = {"uuid": "gen_random_uuid()", "bigint": "nextval('bench_sequence')",
                 "bytea": "uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())"}
        names, values = [], []
        for name, kind, unique, generated in columns:
            if generated == "t":
                continue
            names.append(f'"{name}"')
            if unique == "t" and kind in fresh:
                values.append(fresh[kind])
            else:
                literal = self.psql(f'SELECT quote_nullable("{name}"::text) FROM {table} ORDER BY "{order}" DESC LIMIT 1')
                values.append(f"{literal.strip()}::{kind}")
        self.psql(f"""DROP TABLE IF EXISTS bench_audit; DROP SEQUENCE IF EXISTS bench_sequence;
            CREATE SEQUENCE bench_sequence;
            CREATE TABLE bench_audit (LIKE {table} INCLUDING ALL EXCLUDING IDENTITY);""")
        script = self.directory / "audit-insert.sql"
        script.write_text(f"INSERT INTO bench_audit ({', '.join(names)}) VALUES ({', '.join(values)});\n")
        return script

    def pgbench(self, script: Path, clients: int, seconds: int) -> float:
        return pgbench(self.settings["pgbench"], self.settings["superuser_url"], script, clients, seconds,
                       self.settings["postmaster"]).requests_per_second

    # (c)

    def hashing(self) -> dict:
        size = 10_000_000_000 if self.options.full else 2_000_000_000
        digest, zeros = hashlib.sha256(), bytes(1 << 20)
        for _ in range(size // len(zeros)):
            digest.update(zeros)
        digest.update(bytes(size % len(zeros)))
        manifest = (f"source_db: a\ntarget_db: b\nexpected_snapshot_hash: \"{digest.hexdigest()}\"\n"
                    f"sync_mode: sync\n").encode()
        service, _ = self.start_service(self.settings["launcher"], self.settings["origin"])
        url = self.settings["origin"] + "/api/v1/validate/replication"
        results: dict = {"size_gb": size / 1e9, "before_mb": memory_mb(service.pid)["rss"]}
        small = hashlib.sha256(bytes(1_000_000)).hexdigest()
        upload(url, self.token, manifest.replace(digest.hexdigest().encode(), small.encode()), 1_000_000)
        results["after_1_mb_mb"] = memory_mb(service.pid)["rss"]
        openssl = [openssl_sha256(1 if self.options.quick else 3)]
        before = cpu_seconds(service.pid)
        with MemoryWatch(service.pid) as watch:
            status, body, took = upload(url, self.token, manifest, size)
        spent = cpu_seconds(service.pid) - before
        openssl.append(openssl_sha256(1 if self.options.quick else 3))
        if status != 200 or json.loads(body)["decision"] != "ALLOW":
            raise SystemExit(f"The snapshot of the bench was not allowed: {status} {body!r}")
        results |= {"seconds": took, "gb_per_second": size / took / 1e9, "gb_per_cpu_second": size / spent / 1e9,
                    "openssl_gb_per_second": statistics.mean(openssl) / 1e9, "peak_mb": max(watch.samples)}
        self.stop()
        return results

    # (e)

    def starting(self) -> dict:
        return {Path(one["launcher"]).name: self.start_of(one["launcher"], one["origin"])
                for one in (self.settings, self.settings["deployment"])}

    def start_of(self, launcher: str, origin: str) -> dict:
        ready = []
        for _ in range(2 if self.options.quick else 7):
            service, seconds = self.start_service(launcher, origin)
            ready.append(seconds * 1000)
            self.stop()
        service, _ = self.start_service(launcher, origin)
        time.sleep(2)
        results = {"ready_ms": statistics.median(ready), **{f"idle_{name}_mb": value
                                                             for name, value in memory_mb(service.pid).items()}}
        self.stop()
        return results

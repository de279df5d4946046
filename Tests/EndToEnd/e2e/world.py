"""Everything that stories act on: the service, its nodes, the peers, the visitor outside."""

import hashlib
import json
import os
import re
import shlex
import signal
import subprocess
import time

from .api import API
from .story import Refuted, equal, eventually

EMAIL, PASSWORD = "operator@example.test", "a long enough passphrase"


class Page:
    """What a visitor got."""

    def __init__(self, status, fields, body):
        self.status, self.fields, self.body = status, fields, body

    def field(self, name):
        return next((value for key, value in reversed(self.fields) if key == name.lower()), None)

    @property
    def title(self):
        found = re.search(r"<title>([^<]*)", self.body)
        return found[1] if found else None

    @property
    def cache(self):
        return self.field("x-fastcgi-cache")

    def __repr__(self):
        return f"{self.status} {self.fields} {self.body[:300]!r}"


class Node:
    def __init__(self, script, facts):
        self.script, self.facts = script, facts
        self.name, self.address = facts["name"], facts["address"]

    def run(self, command, check=True, timeout=60, stdin=None):
        """A command for root's shell on the node; its standard output."""
        result = subprocess.run(
            [self.script, "ssh", self.name, "--", command], input=stdin, capture_output=True, text=True, timeout=timeout,
            check=False)
        if check and result.returncode != 0:
            raise Refuted(f"on {self.name}: {command}: exit {result.returncode}: {result.stderr.strip()} {result.stdout.strip()}")
        return result.stdout

    def holds(self, command):
        """Does this test (shell) succeed on the node?"""
        result = subprocess.run(
            [self.script, "ssh", self.name, "--", command], capture_output=True, text=True, timeout=60, check=False)
        return result.returncode == 0

    def sql(self, database, text):
        """Rows of an environment's database, as lists of texts."""
        out = self.run(f"mariadb --default-character-set=utf8mb4 -NB {shlex.quote(database)}", stdin=text)
        return [line.split("\t") for line in out.splitlines()]

    def power(self, action):
        """kill, up, stop, cut or join."""
        subprocess.run([self.script, action, self.name], check=True, capture_output=True, timeout=120)


class Environment:
    """An environment by its id, with what its node is asked for."""

    def __init__(self, world, environment_id, node):
        self.world, self.id, self.node = world, environment_id, node
        facts = self.read()
        self.site_id, self.preview = facts["site_id"], facts["preview_url"]
        self.root = f"/var/www/sites/{self.site_id}/{self.id}"
        self.database = self.user = f"wp_{self.id.replace('-', '')[:8]}"
        self.path = f"/api/environments/{self.id}"

    def read(self):
        return self.world.api.get(f"/api/environments/{self.id}")

    @property
    def host(self):
        return self.preview.split("//")[1]

    def visit(self, path="/", **how):
        return self.world.visit(self.preview + path, self.node, **how)

    def title(self):
        """Of the home page as it is now, not as it was cached."""
        return self.visit("/?now=" + str(time.monotonic_ns())).title

    def sql(self, text):
        return self.node.sql(self.database, text)

    def option(self, name):
        rows = self.sql(f"SELECT option_value FROM wp_options WHERE option_name = '{name}'")
        return rows[0][0] if rows else None

    def release(self):
        """The folder that `current` names."""
        return self.node.run(f"readlink -f {self.root}/current").strip()

    def releases(self):
        return self.node.run(f"ls -1 {self.root}/releases").split()

    def php(self, code):
        """Runs PHP inside this WordPress, as the environment's user."""
        code = f'$_SERVER["HTTP_HOST"] = "{self.host}"; require "{self.root}/current/wp-load.php"; {code}'
        return self.node.run(f"runuser -u {self.user} -- php -d error_reporting=0 -d display_errors=0 -r {shlex.quote(code)}")

    def newest_job(self, job_type):
        return next(job for job in self.world.api.get(f"/api/jobs?environment_id={self.id}") if job["job_type"] == job_type)

    def assert_active(self):
        facts = self.read()
        equal(facts["status"], "active", f"status of the environment {facts['slug']}")
        equal(self.world.api.get(f"/api/sites/{self.site_id}")["status"], "active", "status of the site")


class World:
    def __init__(self, facts):
        self.facts = facts
        self.peers = facts["peers"]
        self.node, self.second = (Node(facts["node_script"], each) for each in facts["nodes"])
        self.api = API(f"http://127.0.0.1:{facts['port']}")
        self.process = None
        # What the service is told beyond `environment`, since the last restart.
        self.settings = {}
        self.log_file = os.path.join(facts["run"], "site-control.log")
        self.mark = 0
        self.things = {}

    # The service

    def environment(self, **more):
        facts, s3 = self.facts, self.peers["s3"]
        variables = {
            "PATH": facts["path"], "HOME": facts["run"], "LANG": "C.UTF-8",
            "TRIVET_LISTEN": f"127.0.0.1:{facts['port']}", "TRIVET_DATABASE_URL": facts["database_url"],
            "TRIVET_ANSIBLE_DIRECTORY": facts["ansible_directory"],
            "TRIVET_SECRETS_DIRECTORY": os.path.join(facts["run"], "secrets"),
            "TRIVET_SCRATCH_DIRECTORY": os.path.join(facts["run"], "scratch"),
            "TRIVET_WORDPRESS_SOURCE": facts["wordpress"]["archive"], "TRIVET_WORDPRESS_SHA256": facts["wordpress"]["sha256"],
            "TRIVET_ACME_SERVER": self.peers["acme"]["directory"], "TRIVET_ACME_EMAIL": "ops@example.com",
            "TRIVET_S3_ENDPOINT": s3["endpoint"], "TRIVET_S3_REGION": s3["region"],
            "TRIVET_S3_ACCESS_KEY_ID": s3["access_key_id"], "TRIVET_S3_SECRET_ACCESS_KEY": s3["secret_access_key"],
            "TRIVET_BACKUP_BUCKET": s3["bucket"], "TRIVET_JOB_BACKOFF_SECONDS": "1,1,1", "TRIVET_JOB_LEASE_SECONDS": "10",
            "TRIVET_JOB_REAPER_SECONDS": "1", "TRIVET_SCHEDULER_SECONDS": "5", "TRIVET_JOB_TIMEOUT_SECONDS": "300",
            "TRIVET_JOB_MAX_ATTEMPTS": "2",
        }
        variables.update(self.settings)
        variables.update(more)
        return {name: value for name, value in variables.items() if value is not None}

    def command(self, *arguments):
        """A command of the executable, with the rights of the schema's owner; its standard output."""
        result = subprocess.run(
            [self.facts["binary"], *arguments], capture_output=True, text=True, timeout=60, check=False,
            env=self.environment(TRIVET_LISTEN=None, TRIVET_DATABASE_OWNER_URL=self.facts["owner_url"]))
        if result.returncode != 0:
            raise Refuted(f"site-control {' '.join(arguments)}: exit {result.returncode}: {result.stderr}")
        return result.stdout.strip()

    def start(self):
        """Starts it so that it never outlives the stories."""
        log = open(self.log_file, "ab")
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", self.facts["binary"], "serve"], env=self.environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True)
        log.close()
        try:
            eventually(self.ready, 60, "the service is ready")
        except Refuted as failure:
            raise Refuted(f"{failure}; {self.api.call('GET', '/readyz')}") from None

    def ready(self):
        if self.process.poll() is not None:
            raise Refuted(f"site-control ended with {self.process.returncode}: {self.log_tail(4000)}")
        try:
            return self.api.call("GET", "/readyz", timeout=5).status == 200
        except OSError:
            return False

    def stop(self, number=signal.SIGTERM):
        """Ends the service; with SIGKILL as a machine would that lost its power."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
                raise Refuted("site-control did not end within 60 s of SIGTERM") from None

    def restart(self, **settings):
        """With other settings, which stay."""
        self.settings.update(settings)
        self.stop()
        self.start()

    def control_database(self, text):
        """Rows of site-control's own database: for what time would have to pass for."""
        result = subprocess.run(
            ["psql", "--no-psqlrc", "-XAtq", "-F", "\t", "-v", "ON_ERROR_STOP=1", self.facts["superuser_url"]], input=text,
            capture_output=True, text=True, timeout=30, check=False)
        if result.returncode != 0:
            raise Refuted(f"psql: {result.stderr}")
        return [line.split("\t") for line in result.stdout.splitlines()]

    # The visitor

    def outside(self, *command, timeout=60, stdin=None):
        return subprocess.run(
            ["ip", "netns", "exec", self.peers["outside"], *command], capture_output=True, text=True, timeout=timeout,
            check=False, input=stdin)

    def visit(self, url, node, cookie=None, fields=(), method=None, data=None, ca=None, agent="Mozilla/5.0 (visitor)",
              follow=False, seconds=30):
        """One request from outside, to the node's address; None when no answer came."""
        scheme, rest = url.split("://", 1)
        host = rest.split("/", 1)[0].split("?", 1)[0]
        command = ["curl", "-sS", "-i", "--max-time", str(seconds), "--user-agent", agent, "--http1.1"]
        for port in (80, 443):
            command += ["--connect-to", f"{'' if follow else host}:{port}:{node.address}:{port}"]
        if cookie:
            command += ["--cookie", cookie]
        for field in fields:
            command += ["-H", field]
        if method:
            command += ["-X", method]
        if data is not None:
            command += ["--data", data]
        if ca:
            command += ["--cacert", ca]
        result = self.outside(*command, url, timeout=seconds + 10)
        if result.returncode != 0:
            self.things["curl"] = result.stderr.strip()
            return None
        return parse_page(result.stdout)

    # The peers

    def dns(self, host, *addresses):
        """Says where a name lies; without addresses it is what every unknown name is: the first node's."""
        self.peer("POST", self.peers["dns"]["management"] + "/clear-a", {"host": host + "."})
        if addresses:
            self.peer("POST", self.peers["dns"]["management"] + "/add-a", {"host": host + ".", "addresses": addresses})

    def peer(self, method, url, body):
        result = subprocess.run(
            ["curl", "-sS", "--fail", "-X", method, "--data", json.dumps(body), url], capture_output=True, text=True, check=False)
        equal(result.returncode, 0, f"{url}: {result.stderr}")

    def acme_root(self):
        """The file with the root that the peer's certificates come from."""
        path = os.path.join(self.facts["run"], "acme-root.pem")
        subprocess.run(
            ["curl", "-sS", "--fail", "--cacert", self.peers["ca"], "-o", path, self.peers["acme"]["roots"]], check=True)
        return path

    def object(self, storage_path):
        """The file that holds an object, by its s3:// address."""
        return os.path.join(self.peers["s3"]["root"], storage_path.removeprefix("s3://"))

    def publish(self, name, build):
        """A file on the peers' web server, written by `build(path)`; its address."""
        path = os.path.join(self.peers["web"]["root"], name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        build(path)
        return f"{self.peers['web']['url']}/{name}"

    def store(self, key, path):
        """A file put into the object store; its s3:// address."""
        target = os.path.join(self.peers["s3"]["root"], self.peers["s3"]["bucket"], key)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(path, "rb") as source, open(target, "wb") as file:
            file.write(source.read())
        return f"s3://{self.peers['s3']['bucket']}/{key}"

    # Evidence

    def begin(self, current):
        self.mark = os.path.getsize(self.log_file) if os.path.exists(self.log_file) else 0
        self.things.pop("curl", None)

    def recover(self):
        """After a story that failed in the middle: lets its jobs end and takes what they left out of `failed`."""
        try:
            for site in self.api.get("/api/sites"):
                self.api.settle(site["id"], 120)
                for environment in self.api.get(f"/api/sites/{site['id']}/environments"):
                    if environment["status"] == "failed":
                        self.api.call("POST", f"/api/environments/{environment['id']}/reset")
                self.api.call("POST", f"/api/sites/{site['id']}/reset")
        except (OSError, Refuted) as failure:
            print(f"        not recovered: {failure}", flush=True)

    def log_tail(self, length):
        if not os.path.exists(self.log_file):
            return ""
        with open(self.log_file, "rb") as file:
            file.seek(max(self.mark, os.path.getsize(self.log_file) - length))
            return file.read().decode(errors="replace")

    def evidence(self):
        lines = [f"curl: {self.things['curl']}"] if "curl" in self.things else []
        try:
            for job in self.api.get("/api/jobs?limit=3"):
                lines.append(f"job {job['job_type']} {job['status']} {job.get('error_code')}")
                message = (job.get("error_message") or "").splitlines()
                lines += ["  " + line for line in (message if len(message) < 24 else message[:4] + ["…"] + message[-20:])]
        except (OSError, Refuted):
            lines.append("the API does not answer")
        return lines + ["log: " + line[:400] for line in self.log_tail(50_000).splitlines() if '"message":"request"' not in line][-10:]


def parse_page(text):
    head, _, body = text.replace("\r\n", "\n").partition("\n\n")
    while head.startswith("HTTP/1.1 1"):
        head, _, body = body.partition("\n\n")
    lines = head.split("\n")
    fields = [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:] if ":" in line]
    return Page(int(lines[0].split()[1]), [(name.lower(), value) for name, value in fields], body)


def sha256_of(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

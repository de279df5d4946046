"""The public API, over HTTP, as a client sees it."""

import http.client
import json
import time
import urllib.parse

from .story import Refuted, equal

FINAL = ("succeeded", "failed", "cancelled")


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        try:
            self.json = json.loads(body) if body else None
        except ValueError:
            self.json = None

    def __repr__(self):
        return f"{self.status} {self.body[:600].decode(errors='replace')}"


class API:
    def __init__(self, origin):
        parts = urllib.parse.urlsplit(origin)
        self.host, self.port = parts.hostname, parts.port
        self.token = None

    def call(self, method, path, body=None, timeout=30):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        headers = {"Accept": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        try:
            connection.request(method, path, data, headers)
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def get(self, path):
        """What a client that is told to try again reads in the end."""
        deadline = time.monotonic() + 60
        answer = self.call("GET", path)
        while answer.status == 503 and time.monotonic() < deadline:
            time.sleep(0.5)
            answer = self.call("GET", path)
        equal(answer.status, 200, f"GET {path} ({answer})")
        return answer.json

    def log_in(self, email, password):
        answer = self.call("POST", "/api/login", {"email": email, "password": password})
        equal(answer.status, 200, f"login ({answer})")
        self.token = answer.json["session_token"]

    # Jobs

    def start(self, method, path, body=None):
        """What answers 202: the id of the job."""
        answer = self.call(method, path, body)
        equal(answer.status, 202, f"{method} {path} ({answer})")
        equal(list(answer.json), ["job_id"], "members of a 202")
        return answer.json["job_id"]

    def refused(self, method, path, body=None, status=409, reason=None, code=None):
        answer = self.call(method, path, body)
        equal(answer.status, status, f"{method} {path} ({answer})")
        if code:
            equal(answer.json["code"], code, f"code ({answer})")
        if reason:
            equal(answer.json["details"]["reason"], reason, f"reason ({answer})")
        return answer

    def job(self, job_id):
        return self.get(f"/api/jobs/{job_id}")

    def finish(self, job_id, seconds=180):
        """Waits for the end of a job."""
        return self.until(job_id, lambda job: job["status"] in FINAL, seconds, "to end")

    def until(self, job_id, check, seconds, what):
        deadline = time.monotonic() + seconds
        while True:
            job = self.job(job_id)
            if check(job):
                return job
            if time.monotonic() >= deadline:
                raise Refuted(f"the job did not come {what} within {seconds} s: {summary(job)}")
            time.sleep(0.1)

    def succeed(self, method, path, body=None, seconds=180):
        """Starts a job, waits for its success and for the jobs that follow it; returns it."""
        job = self.finish(self.start(method, path, body), seconds)
        if job["status"] != "succeeded":
            raise Refuted(f"{method} {path}: {summary(job)}")
        if job.get("site_id"):
            self.settle(job["site_id"], seconds)
        return job

    def fail(self, method, path, body=None, seconds=180):
        """Starts a job that must fail, and returns it."""
        job = self.finish(self.start(method, path, body), seconds)
        if job["status"] != "failed":
            raise Refuted(f"{method} {path} should have failed: {summary(job)}")
        self.settle(job["site_id"], seconds)
        return job

    def settle(self, site_id, seconds=180):
        """Waits until a site has no open job; returns its jobs, newest first."""
        deadline = time.monotonic() + seconds
        while True:
            jobs = self.get(f"/api/jobs?site_id={site_id}")
            if all(job["status"] in FINAL for job in jobs):
                return jobs
            if time.monotonic() >= deadline:
                raise Refuted(f"the site is still busy after {seconds} s: {[summary(job) for job in jobs if job['status'] not in FINAL]}")
            time.sleep(0.1)

    def events(self, job_id, seconds=20):
        """All events of a finished job, from the stream that ends by itself."""
        answer = self.call("GET", f"/api/jobs/{job_id}/events", timeout=seconds)
        equal(answer.status, 200, f"events ({answer})")
        events = []
        for block in answer.body.decode().split("\n\n"):
            fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line and not line.startswith(":"))
            if "data" in fields:
                events.append((fields.get("event"), json.loads(fields["data"])))
        return events


def summary(job):
    message = (job.get("error_message") or "").strip().splitlines()
    return f"{job.get('job_type')} {job['status']} after {job['attempt_count']} attempts, {job.get('error_code')}: {message[0] if message else ''}"

"""Who may change a site.

Each scope (a site id, or `node`) has a record with the highest fencing term seen and the job that brought it. A run
begins by raising the term; a run with a lower one is refused from then on, at its beginning and at each of its steps.
Steps hold a file lock while they work, so that a new run starts only when the last step of the old one is over.
"""

import contextlib
import fcntl
import os
import subprocess
import time

from . import files
from .errors import Outdated, StepFailed

DIRECTORY = "/var/lib/trivet/fence"
PATIENCE_SECONDS = 30


class Fence:
    def __init__(self, scope, job, term, directory=DIRECTORY):
        self.job, self.term = job, term
        self.record_path = os.path.join(directory, f"{scope}.json")
        self.lock_path = os.path.join(directory, f"{scope}.lock")

    def raise_term(self):
        """Takes the scope for this run. Returns the jobs whose units must be stopped: the last holder's and our own."""
        with self._locked(f"{self.lock_path}.record", PATIENCE_SECONDS):
            seen = files.read_json(self.record_path) or {"term": 0, "job": None}
            if self.term < seen["term"] or (self.term == seen["term"] and seen["job"] not in (None, self.job)):
                raise self._outdated(seen)
            files.write_json(self.record_path, {"term": self.term, "job": self.job})
        return {self.job} | ({seen["job"]} if seen["job"] else set())

    def settle(self):
        """Waits until no step of an earlier run works any more."""
        with self._locked(self.lock_path, PATIENCE_SECONDS):
            self.check()

    def check(self):
        """Refuses when a later run has taken over. Called before each change that cannot be taken back."""
        seen = files.read_json(self.record_path)
        if seen is None or (seen["term"], seen["job"]) != (self.term, self.job):
            raise self._outdated(seen or {"term": 0, "job": None})

    @contextlib.contextmanager
    def step(self):
        """The right to change the scope, for the length of one step."""
        with self._locked(self.lock_path, PATIENCE_SECONDS):
            self.check()
            yield

    def _outdated(self, seen):
        return Outdated(f"This run (job {self.job}, term {self.term}) is outdated: job {seen['job']} has term {seen['term']}.")

    @contextlib.contextmanager
    def _locked(self, path, patience):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            end = time.monotonic() + patience
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > end:
                        raise StepFailed("Another run still works on this site.") from None
                    time.sleep(0.05)
            yield
        finally:
            os.close(descriptor)


def stop_units(job):
    """Ends every transient unit of a job and waits for it."""
    pattern = f"trivet-job-{job}-*"
    subprocess.run(["systemctl", "stop", pattern], stdin=subprocess.DEVNULL, capture_output=True, check=False)

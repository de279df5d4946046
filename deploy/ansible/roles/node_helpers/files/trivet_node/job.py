"""The variables of the job this run belongs to, kept in memory-backed /run for its steps."""

import os
import re

from . import files
from .errors import StepFailed
from .fence import Fence

DIRECTORY = "/run/trivet/jobs"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SITES = "/var/www/sites"


class Job:
    """Variables by name: `job["site_id"]` fails when it is empty, `job.get(...)` does not."""

    def __init__(self, variables):
        self.variables = variables
        self.id = self["job_id"]
        if not UUID.fullmatch(self.id):
            raise StepFailed(f"job_id is no UUID: {self.id}")
        self.scope = self.get("site_id") or "node"
        self.term = int(self["fencing_term"])
        self.fence = Fence(self.scope, self.id, self.term)

    def __getitem__(self, name):
        value = self.variables.get(name)
        if value is None or value == "":
            raise StepFailed(f"The variable {name} is missing.")
        return value

    def get(self, name, default=""):
        value = self.variables.get(name)
        return default if value is None or value == "" else value

    @property
    def work(self):
        """A private directory on disk for this job; removed at its end."""
        path = f"/var/lib/trivet/work/{self.id}"
        files.directory(path, mode=0o700)
        return path

    @staticmethod
    def directory(job_id):
        if not UUID.fullmatch(job_id):
            raise StepFailed(f"not a job id: {job_id}")
        return os.path.join(DIRECTORY, job_id)

    @classmethod
    def load(cls, job_id):
        variables = files.read_json(os.path.join(cls.directory(job_id), "variables.json"))
        if variables is None:
            raise StepFailed(f"Job {job_id} has not begun on this node, or has ended.")
        return cls(variables)

    def keep(self):
        """Stores the variables, for the steps and for nobody else."""
        os.makedirs(DIRECTORY, mode=0o700, exist_ok=True)
        files.directory(self.directory(self.id), mode=0o700)
        files.write_json(os.path.join(self.directory(self.id), "variables.json"), self.variables)

    def forget(self, job_id):
        """Removes what a job whose run is over kept: its variables and its work files."""
        files.remove(self.directory(job_id))
        files.remove(f"/var/lib/trivet/work/{job_id}")


class Environment:
    """Names and places of one environment, checked once, because root works below them."""

    def __init__(self, job, prefix=""):
        self.root = job[f"{prefix}environment_root"]
        self.id = job[f"{prefix}environment_id"]
        self.user = job[f"{prefix}environment_user"]
        self.database = job[f"{prefix}database_name"]
        site = job["site_id"]
        if not UUID.fullmatch(self.id) or not UUID.fullmatch(site) or self.root != f"{SITES}/{site}/{self.id}":
            raise StepFailed(f"{self.root} is not the directory of environment {self.id}.")
        expected = f"wp_{self.id[:8]}"
        if self.user != expected or self.database != expected:
            raise StepFailed(f"The user and database of environment {self.id} must be named {expected}.")
        self.releases = f"{self.root}/releases"
        self.shared = f"{self.root}/shared"
        self.uploads = f"{self.root}/shared/uploads"
        self.current = f"{self.root}/current"
        self.socket = f"/run/php/trivet-{self.user}.sock"

    def release(self, path):
        """Checks that `path` names a release of this environment and returns it."""
        if os.path.dirname(path) != self.releases or not re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z._-]*", os.path.basename(path)):
            raise StepFailed(f"{path} is not a release of environment {self.id}.")
        return path

    def current_release(self):
        """The release served now, or None."""
        try:
            target = os.readlink(self.current)
        except FileNotFoundError:
            return None
        return os.path.normpath(os.path.join(self.root, target))

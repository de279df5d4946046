"""What a job has done, so that a second attempt goes on instead of doing it again.

A record is written after its step; a run that is killed between the two repeats the step, which must stand that. The
records outlive the job for a week: a run whose result got lost finds everything done and reports the same.
"""

import os
import time

from . import files

DIRECTORY = "/var/lib/trivet/done"
KEEP_SECONDS = 7 * 86400


def _path(job, name):
    return os.path.join(DIRECTORY, job.id, f"{name}.json")


def record(job, name):
    return files.read_json(_path(job, name))


def remember(job, name, outcome):
    files.directory(DIRECTORY, mode=0o700)
    files.directory(os.path.join(DIRECTORY, job.id), mode=0o700)
    files.write_json(_path(job, name), outcome)


def forget(job, name):
    files.remove(_path(job, name))


def once(job, name, work):
    """The outcome of `work`, done now unless it was done before by this job."""
    done = record(job, name)
    if done is not None:
        return {**done, "changed": False}
    outcome = {"changed": True, **(work() or {})}
    remember(job, name, outcome)
    return outcome


def prune():
    if os.path.isdir(DIRECTORY):
        for entry in os.scandir(DIRECTORY):
            if entry.stat().st_mtime < time.time() - KEEP_SECONDS:
                files.remove(entry.path)

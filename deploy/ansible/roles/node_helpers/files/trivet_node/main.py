"""trivet-node begin | run JOB STEP | end JOB

begin   reads the job's variables from standard input as JSON, raises the fence, stops what earlier runs left
run     does one step; reads its options from standard input as JSON, prints its outcome as JSON with `changed`
end     forgets the variables and work files of the job

Exit status: 0 done, 1 failed (one sentence on standard error), 75 outdated: a later run has taken over.
"""

import json
import os
import sys

from . import fence, files, shell
from .errors import Outdated, StepFailed
from .job import DIRECTORY, Job
from .steps import STEPS

STOP_SECONDS = 10


def begin():
    job = Job(json.load(sys.stdin))
    for path, mode in (("/var/lib/trivet", 0o755), (fence.DIRECTORY, 0o700), ("/var/lib/trivet/work", 0o700)):
        files.directory(path, mode=mode)
    for earlier in job.fence.raise_term():
        fence.stop_units(earlier)
        if earlier != job.id:
            job.forget(earlier)
    job.fence.settle()
    job.keep()
    return {"changed": False}


def run(job_id, name):
    step = STEPS.get(name)
    if step is None:
        raise StepFailed(f"There is no step {name}.")
    options = sys.stdin.read()
    if not step.is_long:
        return perform(job_id, name, json.loads(options or "{}"))
    Job.load(job_id).fence.check()
    unit = f"trivet-job-{job_id}-{name}"
    done = shell.run(
        ["systemd-run", f"--unit={unit}", "--collect", "--wait", "--pipe", "--quiet", "--service-type=exec",
         f"--property=TimeoutStopSec={STOP_SECONDS}", "--property=OOMPolicy=stop", "--",
         "/usr/local/sbin/trivet-node", "step", job_id, name],
        input=options or "{}", check=False)
    if done.returncode != 0:
        fail(done.errors.strip() or f"{unit} was stopped.", 75 if done.returncode == 75 else 1)
    return json.loads(done.text)


def perform(job_id, name, options):
    job = Job.load(job_id)
    with job.fence.step():
        outcome = STEPS[name].function(job, **options) or {}
    return {"changed": False, **outcome}


def end(job_id):
    job = Job.load(job_id)
    job.fence.check()
    job.forget(job.id)
    return {"changed": False}


def main(arguments):
    os.umask(0o022)
    try:
        match arguments:
            case ["begin"]:
                outcome = begin()
            case ["run", job_id, name]:
                outcome = run(job_id, name)
            case ["step", job_id, name]:
                outcome = perform(job_id, name, json.load(sys.stdin))
            case ["end", job_id]:
                outcome = end(job_id) if os.path.isdir(os.path.join(DIRECTORY, job_id)) else {"changed": False}
            case _:
                sys.exit(__doc__)
    except Outdated as failure:
        fail(str(failure), 75)
    except StepFailed as failure:
        fail(str(failure))
    except OSError as failure:
        fail(f"{failure.strerror or failure}: {failure.filename or ''}")
    print(json.dumps(outcome, sort_keys=True))


def fail(sentence, status=1):
    """Ends the program. The answer is there, too, because Ansible reads it before it looks at the status."""
    print(json.dumps({"changed": False}))
    sys.stderr.write(f"{sentence}\n")
    sys.exit(status)

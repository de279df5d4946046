"""WordPress commands, run as the environment's user by trivet-wp."""

import json

from . import shell
from .errors import StepFailed


def command(environment, name, options=None, release=None):
    done = shell.run(["/usr/local/bin/trivet-wp", name, environment.id, environment.root, *([release] if release else [])],
                     input=json.dumps(options or {}), check=False)
    if done.returncode != 0:
        raise StepFailed(f"WordPress, {name}: {shell.tail(done)}")
    try:
        return json.loads(done.text)
    except ValueError:
        raise StepFailed(f"WordPress, {name}: the answer is not JSON: {done.text[:200]!r}") from None

"""Child processes: arguments as lists, failures as sentences."""

import subprocess

from .errors import StepFailed

TAIL_BYTES = 2000


def run(arguments, *, input=None, stdin=None, stdout=subprocess.PIPE, check=True, env=None, cwd=None, timeout=None):
    """Runs a program to its end and returns the CompletedProcess, text decoded leniently."""
    if isinstance(input, str):
        input = input.encode()
    source = {"input": input} if input is not None else {"stdin": stdin or subprocess.DEVNULL}
    try:
        done = subprocess.run(
            [str(part) for part in arguments],
            stdout=stdout,
            stderr=subprocess.PIPE,
            env=env,
            cwd=cwd,
            timeout=timeout,
            check=False,
            **source,
        )
    except FileNotFoundError as cause:
        raise StepFailed(f"{arguments[0]} is not installed on this node.") from cause
    except subprocess.TimeoutExpired as cause:
        raise StepFailed(f"{arguments[0]} did not finish within {timeout} seconds.") from cause
    done.text = done.stdout.decode("utf-8", "replace") if isinstance(done.stdout, bytes) else ""
    done.errors = done.stderr.decode("utf-8", "replace")
    if check and done.returncode != 0:
        raise StepFailed(f"{arguments[0]} failed ({done.returncode}): {tail(done)}")
    return done


def tail(done):
    """The last words of a program, its error output first."""
    words = done.errors.strip() or getattr(done, "text", "").strip()
    return words[-TAIL_BYTES:] or "no output"

#!/usr/bin/python3 -IS
"""A double of ssh for node queries and for the stop of what a job left on its node. TRIVET_SSH points to it.

Without more, `trivet-wp magic-login` answers with a token and everything else succeeds without a word. As with
ansible_playbook_double.py the folder in which it was called (through a symbolic link `ssh`) tells it what to do wrong:

    ssh-control.json     {"rules": [RULE, ...]}     read anew at each start; the first rule that fits is carried out
    ssh-journal.jsonl    (written, if it or ssh-control.json exists) {"event": "start", "at", "pid", "host", "command",
                         "arguments", "environment"}, then {"event": "held"} and {"event": "end", "exit"}

    match            {"host": H, "command": TEXT within it}; absent: fits every call
    times            how often it may serve, over all processes; absent: always
    exit             255 is what ssh itself ends with where it cannot connect
    output, errors   text on standard output and standard error, as it is
    hang, hold, sleep_ms, ignore_term    as in ansible_playbook_double.py
"""

import base64
import json
import os
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(sys.argv[0]))
WITH_VALUE = set("BbcDEeFIiJLlmOopQRSWw")


def main():
    host, command = parse(sys.argv[1:])
    if host is None:
        print("usage: ssh [options] destination [command]", file=sys.stderr)
        return 255
    control = read_json(os.path.join(HERE, "ssh-control.json"))
    note = Journal(host, command, control is not None)
    rule = next((r for r in (control or {}).get("rules", []) if fits(r, host, command) and take(r)), {})
    note("start", arguments=sys.argv[1:], environment=dict(os.environ))
    if rule.get("ignore_term"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "hold" in rule:
        note("held")
        while not os.path.exists(os.path.join(HERE, rule["hold"])):
            time.sleep(0.005)
    while rule.get("hang"):
        note("held")
        time.sleep(3600)
    time.sleep(rule.get("sleep_ms", 0) / 1000)
    code = rule.get("exit", 0)
    output = rule.get("output")
    if output is None:
        output = "" if code or "trivet-wp magic-login" not in command else token()
    sys.stdout.write(output)
    sys.stderr.write(rule.get("errors", "" if code != 255 else f"ssh: connect to host {host}: Connection refused\n"))
    sys.stdout.flush()
    sys.stderr.flush()
    note("end", exit=code)
    return code


def token():
    text = base64.urlsafe_b64encode(os.urandom(32)).rstrip(b"=").decode()
    return json.dumps({"token": text, "user_id": 1}) + "\n"


def parse(arguments):
    """(host without the user, command)"""
    index = 0
    while index < len(arguments) and arguments[index].startswith("-") and arguments[index] != "--":
        index += 2 if len(arguments[index]) == 2 and arguments[index][1] in WITH_VALUE else 1
    rest = arguments[index:]
    if rest and rest[0] == "--":
        rest = rest[1:]
    if not rest:
        return None, ""
    command = rest[1:]
    if command and command[0] == "--":
        command = command[1:]
    return rest[0].rpartition("@")[2], " ".join(command)


def fits(rule, host, command):
    match = rule.get("match", {})
    return match.get("host", host) == host and match.get("command", "") in command


def take(rule):
    mark = "".join(f"{byte:02x}" for byte in json.dumps(rule, sort_keys=True).encode())[-60:]
    for use in range(rule.get("times", 0)):
        try:
            os.close(os.open(os.path.join(HERE, f".used-{mark}-{use}"), os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            return True
        except FileExistsError:
            continue
    return "times" not in rule


def read_json(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return None


class Journal:
    def __init__(self, host, command, wanted):
        self.path = os.path.join(HERE, "ssh-journal.jsonl")
        self.wanted = wanted or os.path.exists(self.path)
        self.call = {"host": host, "command": command}

    def __call__(self, event, **fields):
        if not self.wanted:
            return
        line = {"event": event, "at": time.monotonic_ns(), "pid": os.getpid(), **self.call, **fields}
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.write(descriptor, (json.dumps(line) + "\n").encode())
        os.close(descriptor)


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3 -IS
"""A double of ansible-playbook: takes its arguments, plays a job on no node at all, and writes a result that could be true.

TRIVET_ANSIBLE_PLAYBOOK points to it, in tests and in the local stack where it stands for a node. Without more it plays
every playbook well. What it should do wrong is told by a folder, because the child of the runner gets no environment
to speak of: the folder is that in which the program was called. So a test makes an empty folder, puts a symbolic link
`ansible-playbook` to this file into it, lets TRIVET_ANSIBLE_PLAYBOOK name the link, and writes beside it, at any time:

    control.json     {"rules": [RULE, ...], "pace_ms": N}     read anew at each start; N is the time of one task
    journal.jsonl    (written here, if the file or control.json exists) one object per line, appended in one write:
        {"event": "start", "at": NANOSECONDS, "pid", "job_id", "attempt", "fencing_term", "job_type", "node_hostname",
         "site_id", "environment_id", "arguments": [...], "environment": {...}}
        {"event": "overlap", "with": "node NAME" or "site ID", ...}   another run held the same node or site
        {"event": "spawned", "pids": [...]}   {"event": "terminated"}   {"event": "held"}   {"event": "end", "exit": N}
        `at` is CLOCK_MONOTONIC: comparable between processes of one machine.
    locks/           (written here, if the journal is) a file per node and site, locked while a run lasts: a killed
                     run lets go by dying, so an overlap is a true one

The first RULE that fits is carried out:

    match            {"job_type": T, "attempt": N, ... any variable}; absent: fits every run
    times            how often it may serve, over all processes; absent: always. Counted by what the rule says, so give
                     a second rule that should be counted anew a member of its own: "id": 2
    exit             exit code; 4 tells of an unreachable host and others but 0 of a failed task, unless "events": false
    signal           number of a signal it sends to itself at the end
    message          why the task failed
    result           members to lay over the result (null removes one), or the text of the file itself, or false: no file
    no_host          ends well without having done anything, as where no host matched
    hang             never ends by itself
    hold             name of a file in the folder: goes on when it is there
    sleep_ms         goes on after so long
    ignore_term      TERM has no effect
    spawn            so many processes that outlive it; "escape": true puts them into sessions of their own
    output, errors   lines on standard output and standard error; {"repeat": [TEXT, N]} is understood in their place
    leak             writes every secret variable to both streams: plain, in JSON, cut in two by a pause, and in events
    events           false: none are sent

It is one file, whatever its length, so that a link to it is all that a test needs.

    ansible_playbook_double.py --syntax-check FILE...   exit 0, or 4 where "syntax_error" of control.json is true
"""

import errno
import fcntl
import json
import os
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(sys.argv[0]))
STEPS = {
    "node_provision": ["Install the packages", "Set up the web server", "Set up the database", "Close the firewall"],
    "site_create": ["Make the user and the folders", "Make the database", "Install WordPress", "Switch to the release"],
    "site_import": ["Save the site as it is", "Fetch the archive", "Load the database", "Switch to the release"],
    "env_create": ["Make the user and the folders", "Copy the source", "Rewrite the addresses", "Switch to the release"],
    "env_deploy": ["Fetch the source", "Check the code", "Switch to the release", "Empty the page cache"],
    "env_update": ["Save the environment as it is", "Update a copy", "Switch to the release", "Empty the page cache"],
    "env_restore": ["Check the backup", "Save the environment as it is", "Load the backup", "Switch to the release"],
    "env_promote": ["Check the backup", "Copy the files", "Copy the tables", "Switch to the release"],
    "env_cache_toggle": ["Write the server block", "Set the object cache"],
    "cache_purge": ["Empty the page cache", "Empty the object cache"],
    "backup_create": ["Export the database", "Pack the files", "Store the archive", "Read its size back"],
    "domain_add": ["Look the name up", "Get a certificate", "Write the server block"],
    "domain_remove": ["Remove the server block", "Delete the certificate"],
    "drift_check": ["Read the tables", "Read the files"],
    "health_check": ["Ask over HTTP", "Ask WordPress", "Ask the database"],
    "backup_cleanup": ["Delete the archives"],
    "release_rollback": ["Point at the earlier release", "Empty the page cache"],
}
SECRET_WORDS = ("password", "secret", "credentials", "access_key")


def main():
    arguments = sys.argv[1:]
    if "--version" in arguments:
        print("ansible-playbook [core 2.19.0] (double)")
        return 0
    told = read_json(os.path.join(HERE, "control.json"))
    control = told or {}
    if "--syntax-check" in arguments:
        if control.get("syntax_error"):
            print("ERROR! this is not a playbook", file=sys.stderr)
            return 4
        missing = [name for name in arguments if name.endswith((".yml", ".yaml")) and not os.path.exists(name)]
        return 1 if missing else 0
    inventory, variables_file, playbook = parse(arguments)
    if playbook is None or variables_file is None or inventory is None:
        print("usage: ansible-playbook -i INVENTORY -e @FILE PLAYBOOK", file=sys.stderr)
        return 2
    variables = read_json(variables_file)
    if variables is None or not os.path.exists(inventory):
        print("ERROR! Could not read the variables or the inventory", file=sys.stderr)
        return 1
    job_type = os.path.splitext(os.path.basename(playbook))[0].replace("-", "_")
    if job_type not in STEPS:
        print(f"ERROR! the playbook: {playbook} could not be found", file=sys.stderr)
        return 1
    run = Run(job_type, variables, control, told is not None)
    return run.play()


def parse(arguments):
    inventory = variables = playbook = None
    rest = iter(arguments)
    for argument in rest:
        if argument in ("-i", "--inventory"):
            inventory = next(rest, None)
        elif argument in ("-e", "--extra-vars"):
            variables = (next(rest, None) or "").removeprefix("@")
        elif argument in ("--ssh-extra-args", "--ssh-common-args"):
            next(rest, None)
        elif not argument.startswith("-"):
            playbook = argument
    return inventory, variables, playbook


def read_json(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return None


class Run:
    def __init__(self, job_type, variables, control, keeps_journal):
        self.job_type = job_type
        self.variables = variables
        self.host = str(variables.get("node_hostname", "node"))
        self.pace = control.get("pace_ms", 0) / 1000
        self.known = {**variables, "job_type": job_type}
        self.journal = os.path.join(HERE, "journal.jsonl")
        self.keeps_journal = keeps_journal or os.path.exists(self.journal)
        self.rule = next((r for r in control.get("rules", []) if self.fits(r) and take(r)), {})
        self.events = None if self.rule.get("events") is False else open_events()
        self.locks = []

    def fits(self, rule):
        return all(self.known.get(name) == value for name, value in rule.get("match", {}).items())

    def note(self, event, **fields):
        if not self.keeps_journal:
            return
        names = ("job_id", "attempt", "fencing_term", "job_type", "node_hostname", "site_id", "environment_id")
        line = {"event": event, "at": time.monotonic_ns(), "pid": os.getpid()}
        line.update({name: self.known.get(name) for name in names})
        line.update(fields)
        descriptor = os.open(self.journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.write(descriptor, (json.dumps(line) + "\n").encode())
        os.close(descriptor)

    def lock(self):
        if not self.keeps_journal:
            return
        os.makedirs(os.path.join(HERE, "locks"), exist_ok=True)
        for kind, name in (("node", self.host), ("site", self.variables.get("site_id"))):
            if not name:
                continue
            path = os.path.join(HERE, "locks", f"{kind}-{name.replace('/', '_')}")
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self.locks.append(descriptor)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                self.note("overlap", **{"with": f"{kind} {name}"})

    def emit(self, event, **fields):
        if self.events is None:
            return
        try:
            os.write(self.events, (json.dumps({"event": event, **fields}) + "\n").encode())
        except OSError:
            self.events = None

    def play(self):
        rule = self.rule
        self.note("start", arguments=sys.argv[1:], environment=dict(os.environ))
        self.lock()
        signal.signal(signal.SIGTERM, self.terminated)
        steps = STEPS[self.job_type]
        say(f"\nPLAY [{self.job_type}] " + "*" * 60)
        self.emit("start", playbook=self.job_type.replace("_", "-") + ".yml")
        self.emit("play", name=self.job_type, tasks=steps)
        if rule.get("no_host"):
            say("skipping: no hosts matched")
            self.emit("no_hosts")
            return self.end(0, {})
        exit_code = rule.get("exit", 0)
        failing = len(steps) - 1 if exit_code else None
        for number, name in enumerate(steps):
            self.step(number, name, exit_code if number == failing else 0)
            if number == 0:
                self.misbehave()
        if exit_code == 0 and "signal" not in rule:
            self.write_result()
        counters = dict.fromkeys(("ok", "changed", "skipped", "failures", "unreachable", "rescued", "ignored"), 0)
        counters["ok"] = len(steps) - (1 if exit_code else 0)
        counters["changed"] = counters["ok"]
        if exit_code:
            counters["unreachable" if exit_code == 4 else "failures"] = 1
        if "signal" in rule:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), rule["signal"])
            time.sleep(5)
        return self.end(exit_code, {self.host: counters})

    def step(self, number, name, exit_code):
        task = f"{self.variables.get('job_id', 'job')}-{number}"
        say(f"\nTASK [{name}] " + "*" * 60)
        self.emit("task", id=task, name=name)
        begun = time.monotonic()
        if self.pace:
            time.sleep(self.pace)
        fields = {"id": task, "name": name, "host": self.host, "ms": round((time.monotonic() - begun) * 1000)}
        if exit_code == 0:
            say(f"changed: [{self.host}]")
            self.emit("result", status="changed", **fields)
            return
        message = self.rule.get("message", "the double was told to fail")
        status = "unreachable" if exit_code == 4 else "failed"
        say(f"fatal: [{self.host}]: {status.upper()}! => {message}")
        self.emit("result", status=status, message=message, **fields)

    def misbehave(self):
        rule = self.rule
        if rule.get("ignore_term"):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if rule.get("spawn"):
            self.spawn(rule["spawn"], rule.get("escape", False))
        for stream, key in ((1, "output"), (2, "errors")):
            write_lines(stream, rule.get(key, []))
        if rule.get("leak"):
            self.leak()
        if "hold" in rule:
            self.note("held")
            while not os.path.exists(os.path.join(HERE, rule["hold"])):
                time.sleep(0.005)
        if rule.get("hang"):
            self.note("held")
            while True:
                time.sleep(3600)
        if "sleep_ms" in rule:
            time.sleep(rule["sleep_ms"] / 1000)

    def spawn(self, count, escapes):
        pids = []
        for _ in range(count):
            pid = os.fork()
            if pid == 0:
                if escapes:
                    os.setsid()
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                for descriptor in (1, 2):
                    os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
                os.execv("/bin/sleep", ["sleep", "600"])
            pids.append(pid)
        self.note("spawned", pids=pids)

    def leak(self):
        for name, value in self.variables.items():
            if not isinstance(value, str) or not value or not any(word in name for word in SECRET_WORDS):
                continue
            say(f"plain {value}")
            say(json.dumps({name: value}))
            print(f"plain {value} {json.dumps(value)}", file=sys.stderr, flush=True)
            half = len(value) // 2
            sys.stdout.write("cut " + value[:half])
            sys.stdout.flush()
            time.sleep(0.02)
            say(value[half:])
            self.emit("result", id="leak", name=f"say {value}", host=self.host, status="failed", ms=1, message=f"it is {value}")

    def terminated(self, number, frame):
        self.note("terminated")
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)

    def end(self, exit_code, hosts):
        say("\nPLAY RECAP " + "*" * 60)
        for host, counters in hosts.items():
            say(f"{host} : " + " ".join(f"{name}={count}" for name, count in counters.items()))
        self.emit("end", hosts=hosts)
        self.note("end", exit=exit_code)
        return exit_code

    def write_result(self):
        told = self.rule.get("result", {})
        if told is False:
            return
        text = told if isinstance(told, str) else None
        if text is None:
            result = RESULTS[self.job_type](self.variables)
            result.update(told)
            text = json.dumps({name: value for name, value in result.items() if name not in told or told[name] is not None})
        path = self.variables["result_path"]
        descriptor = os.open(path + ".part", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.write(descriptor, text.encode())
        os.close(descriptor)
        os.rename(path + ".part", path)


# What a node would answer: made up, the same for the same variables.


def digest(*parts):
    # FNV-1a, four times over with another start: no module to load, and 64 digits all the same.
    text = "\0".join(str(part) for part in parts).encode()
    digits = ""
    for start in range(4):
        value = 0xCBF29CE484222325 ^ start
        for byte in text:
            value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
        digits += f"{value:016x}"
    return "sha256:" + digits


def snapshot(variables):
    if not variables.get("snapshot_storage_path"):
        return None
    return {"checksum": digest("snapshot", variables.get("snapshot_storage_path")), "size_bytes": 52_428_800}


def protected(variables):
    """The same on every call, so that production has not drifted unless a rule says so."""
    tables = variables.get("protected_tables") or ["posts", "postmeta", "terms", "comments"]
    paths = variables.get("protected_paths") or ["wp-content/uploads"]
    return {
        "db_checksums": {name: {"rows": 12, "checksum": digest("table", name)} for name in tables},
        "file_checksums": {path: {"files": 3, "checksum": digest("path", path)} for path in paths},
    }


def release(variables, **members):
    return {"release_path": variables.get("release_path", ""), **members}


def dump(variables):
    return f"{variables.get('environment_root', '')}/dumps/before-{variables.get('release_name', 'change')}.sql"


def canonical(variables):
    return variables.get("canonical_url") or variables.get("preview_url", "")


def cleaned(variables):
    return {"deleted": list(variables.get("backup_ids") or []), "missing": []}


def flags(variables):
    return {name: bool(variables.get(name)) for name in ("fastcgi_cache_enabled", "redis_cache_enabled")}


def in_ninety_days():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 90 * 86400))


RESULTS = {
    "node_provision": lambda v: {
        "public_ip": v.get("node_public_ip") or "203.0.113.10",
        "versions": {"nginx": "1.22.1", "php": "8.2.20", "mariadb": "10.11.6", "redis": "7.0.15"},
    },
    "site_create": lambda v: release(v, wordpress_version="6.5.2"),
    "site_import": lambda v: release(
        v, source_url="https://old.example.net", target_url=canonical(v), snapshot=snapshot(v), pre_change_dump=dump(v)),
    "env_create": lambda v: release(v, baseline=protected(v)),
    "env_deploy": lambda v: release(v),
    "env_update": lambda v: release(v, snapshot=snapshot(v), updated=["core 6.5.3"], pre_change_dump=dump(v)),
    "env_restore": lambda v: release(v, snapshot=snapshot(v), pre_change_dump=dump(v)),
    "env_promote": lambda v: release(v, baseline=protected(v), pre_change_dump=dump(v)),
    "env_cache_toggle": flags,
    "cache_purge": lambda v: {"page_cache_entries": 7, "object_cache_keys": 31},
    "backup_create": lambda v: {"checksum": digest("backup", v.get("backup_storage_path")), "size_bytes": 104_857_600},
    "domain_add": lambda v: {"certificate_expires_at": in_ninety_days(), "rewritten": bool(v.get("make_primary"))},
    "domain_remove": lambda v: {"rewritten": bool(v.get("was_primary"))},
    "drift_check": protected,
    "health_check": lambda v: {"healthy": True, "checks": {"http": True, "wp_cli": True, "database": True}},
    "backup_cleanup": cleaned,
    "release_rollback": lambda v: {"release_path": v.get("target_release_path", "")},
}


def open_events():
    path = os.environ.get("TRIVET_EVENTS", "")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC) if path else None
    except OSError:
        return None
    if descriptor is not None:
        os.set_blocking(descriptor, True)
    return descriptor


def take(rule):
    """Whether a rule that serves only so often may serve once more. A mark per use, made exclusively, counts over all processes."""
    mark = digest(json.dumps(rule, sort_keys=True))[-16:]
    for use in range(rule.get("times", 0)):
        try:
            os.close(os.open(os.path.join(HERE, f".used-{mark}-{use}"), os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            return True
        except OSError as problem:
            if problem.errno != errno.EEXIST:
                raise
    return "times" not in rule


def write_lines(stream, lines):
    if isinstance(lines, dict):
        text, count = lines["repeat"]
        lines = (text for _ in range(count))
    for line in lines:
        rest = (line + "\n").encode()
        while rest:
            rest = rest[os.write(stream, rest):]


def say(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

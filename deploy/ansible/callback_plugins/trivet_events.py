"""Tells what a playbook does while it does it: one JSON object per line, for the service that started it.

The lines go to the file or FIFO named by TRIVET_EVENTS; without that variable the plugin does nothing. The output of
ansible-playbook itself stays as it is. Works on ansible-core 2.14 to 2.19.

    {"event": "start", "playbook": "site-create.yml"}
    {"event": "play", "name": NAME, "tasks": [NAME, ...]}          the tasks known in advance, in order
    {"event": "task", "id": ID, "name": NAME, "handler": true}     "handler" only where it is one
    {"event": "result", "id": ID, "name": NAME, "host": HOST, "status": STATUS, "ms": N}
        STATUS is ok, changed, skipped, failed, ignored (failed, and meant to go on), unreachable or retrying
        "message" where it failed, "hidden": true in its place where the task asks for no_log
    {"event": "no_hosts"}
    {"event": "end", "hosts": {HOST: {"ok", "changed", "skipped", "failures", "unreachable", "rescued", "ignored"}}}

Values of variables, arguments and results of tasks that went well are never part of a line.
"""

from __future__ import annotations

import json
import os
import time

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
    name: trivet_events
    type: notification
    short_description: one JSON line per play, task and result
    description:
      - Writes the progress of a run to the file or FIFO named by the environment variable TRIVET_EVENTS.
    requirements:
      - enabled by callbacks_enabled in ansible.cfg
"""

MESSAGE_CHARACTERS_MAX = 2000
NAME_CHARACTERS_MAX = 200
TASKS_MAX = 500
COUNTERS = ("ok", "changed", "skipped", "failures", "unreachable", "rescued", "ignored")


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "trivet_events"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self._started = {}
        self._events = _open(os.environ.get("TRIVET_EVENTS", ""))
        self.disabled = self._events is None

    # What happens to the playbook and its plays.

    def v2_playbook_on_start(self, playbook):
        self._emit("start", playbook=os.path.basename(str(getattr(playbook, "_file_name", ""))))

    def v2_playbook_on_play_start(self, play):
        self._emit("play", name=_name(play), tasks=_task_names(play)[:TASKS_MAX])

    def v2_playbook_on_no_hosts_matched(self):
        self._emit("no_hosts")

    def v2_playbook_on_stats(self, stats):
        hosts = {host: _counters(stats, host) for host in sorted(stats.processed)}
        self._emit("end", hosts=hosts)

    # What happens to a task.

    def v2_playbook_on_task_start(self, task, is_conditional):
        self._task(task)

    def v2_playbook_on_handler_task_start(self, task):
        self._task(task, handler=True)

    def v2_runner_on_ok(self, result):
        self._result(result, "changed" if _result_of(result).get("changed") else "ok")

    def v2_runner_on_skipped(self, result):
        self._result(result, "skipped")

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._result(result, "ignored" if ignore_errors else "failed", tells_why=True)

    def v2_runner_on_unreachable(self, result):
        self._result(result, "unreachable", tells_why=True)

    def v2_runner_retry(self, result):
        self._result(result, "retrying")

    def _task(self, task, **more):
        self._started[task._uuid] = time.monotonic()
        self._emit("task", id=task._uuid, name=_name(task), **more)

    def _result(self, result, status, tells_why=False):
        task = result._task
        begun = self._started.get(task._uuid)
        fields = {
            "id": task._uuid,
            "name": _name(task),
            "host": result._host.get_name(),
            "status": status,
            "ms": 0 if begun is None else round((time.monotonic() - begun) * 1000),
        }
        if tells_why:
            if _is_hidden(task, _result_of(result)):
                fields["hidden"] = True
            else:
                fields["message"] = _reason(_result_of(result))
        elif _is_hidden(task, _result_of(result)):
            fields["hidden"] = True
        self._emit("result", **fields)

    def _emit(self, event, **fields):
        if self._events is None:
            return
        line = json.dumps({"event": event, **fields}, separators=(",", ":")) + "\n"
        rest = line.encode("ascii")
        try:
            while rest:
                rest = rest[os.write(self._events, rest):]
        except OSError:  # Nobody reads any more: the run goes on without its lines.
            os.close(self._events)
            self._events = None


def _open(path):
    """A descriptor to write to, or None. A FIFO without a reader must not hold up the run: it is not opened at all."""
    if not path:
        return None
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    os.set_blocking(descriptor, True)
    return descriptor


def _name(thing):
    return str(thing.get_name()).strip()[:NAME_CHARACTERS_MAX]


def _task_names(play):
    """Names of the tasks that are known before the play runs, rescue sections left out."""
    names = []

    def walk(blocks):
        for entry in blocks:
            if hasattr(entry, "block"):
                walk(entry.block)
                walk(entry.always)
            elif not _is_meta(entry):
                names.append(_name(entry))

    try:
        walk(play.compile())
    except Exception:  # Only the announcement is lost; the tasks themselves are still told.
        return []
    return names


def _is_meta(task):
    return str(getattr(task, "action", "")).rpartition(".")[2] == "meta"


def _result_of(result):
    return result._result if isinstance(result._result, dict) else {}


def _is_hidden(task, result):
    # A no_log that is an expression may still be text on the task; the result was censored all the same.
    return task.no_log not in (False, None) or "censored" in result or bool(result.get("_ansible_no_log"))


def _reason(result):
    """Why a task failed. What the command said is worth more than "non-zero return code"."""
    for item in result.get("results") or []:
        if isinstance(item, dict) and (item.get("failed") or item.get("unreachable")):
            if "censored" in item or item.get("_ansible_no_log"):
                return "an item failed; its output is hidden"
            return _reason(item)
    message = str(result.get("msg") or "").strip()
    said = str(result.get("stderr") or result.get("module_stderr") or result.get("stdout") or "").strip()
    if said and message in ("", "non-zero return code"):
        message = said
    return message[-MESSAGE_CHARACTERS_MAX:]


def _counters(stats, host):
    summary = stats.summarize(host)
    return {name: int(summary.get(name, 0)) for name in COUNTERS}

"""Tests of deploy/ansible/callback_plugins/trivet_events.py against a real ansible-playbook, connection local.

    python3 -m unittest Tests/AnsibleTests/test_trivet_events.py
    ANSIBLE_PLAYBOOK=/path/to/ansible-playbook …        another version of it
"""

import json
import os
import pathlib
import select
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("ANSIBLE_PLAYBOOK", "/usr/bin/ansible-playbook")
LOCAL = "[target]\nnode1 ansible_connection=local\n"
SECRET = 'swordfish "7" é'

FULL = """
- name: Everything a run can meet
  hosts: target
  gather_facts: false
  handlers:
    - name: Tell about the change
      ansible.builtin.debug:
        msg: changed
  tasks:
    - name: Change something
      ansible.builtin.command: "true"
      notify: Tell about the change
    - name: Handle the secret
      ansible.builtin.command:
        argv: [sh, -c, 'echo "$0" >&2; exit 3', "{{ db_password }}"]
      no_log: true
      ignore_errors: true
    - name: Leave out
      ansible.builtin.debug:
        msg: never
      when: false
    - name: A block
      block:
        - name: Fail inside
          ansible.builtin.fail:
            msg: inside the block
      rescue:
        - name: Rescue
          ansible.builtin.debug:
            msg: rescued
      always:
        - name: Always
          ansible.builtin.debug:
            msg: "{{ db_password }}"
    - name: Run the handlers
      ansible.builtin.meta: flush_handlers
    - name: Loop over things
      ansible.builtin.command: "sh -c 'echo tells {{ item }} >&2; exit {{ item }}'"
      loop: [0, 7]
"""

ONE = """
- name: One task
  hosts: target
  gather_facts: false
  tasks:
    - name: The task
      ansible.builtin.command: "true"
"""


class TrivetEventsTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)
        (self.path / "ansible.cfg").write_text(
            f"[defaults]\ncallback_plugins = {ROOT}/deploy/ansible/callback_plugins\ncallbacks_enabled = trivet_events\n"
            "retry_files_enabled = False\ngathering = explicit\ninterpreter_python = auto_silent\n"
        )

    def run_playbook(self, playbook, inventory=LOCAL, events="file", reader_leaves=False):
        (self.path / "inventory.ini").write_text(inventory)
        (self.path / "playbook.yml").write_text(playbook)
        (self.path / "variables.json").write_text(json.dumps({"db_password": SECRET}))
        target = self.path / "events"
        environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": self.folder.name, "LANG": "C.UTF-8",
            "ANSIBLE_CONFIG": str(self.path / "ansible.cfg"), "ANSIBLE_LOCAL_TEMP": str(self.path / "tmp"),
        }
        reader = None
        if events == "file":
            target.write_text("")
        elif events == "fifo":
            os.mkfifo(target, 0o600)
            if reader_leaves:
                reader = os.open(target, os.O_RDONLY | os.O_NONBLOCK)
        if events != "unset":
            environment["TRIVET_EVENTS"] = str(target)
        command = [
            PROGRAM, "-i", str(self.path / "inventory.ini"), "-e", f"@{self.path / 'variables.json'}",
            "--ssh-extra-args", "-o BatchMode=yes -o ConnectTimeout=2 -o StrictHostKeyChecking=no", str(self.path / "playbook.yml"),
        ]
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if reader is not None:
            select.select([reader], [], [], 60)  # The first line has been written.
            os.close(reader)
        output, _ = process.communicate(timeout=120)
        lines = target.read_text(encoding="ascii").splitlines() if events == "file" else []
        return process.returncode, [json.loads(line) for line in lines], output.decode()

    def test_a_run_tells_its_tasks_beforehand_and_each_result_with_its_reason(self):
        code, events, output = self.run_playbook(FULL)
        self.assertEqual(code, 2, output)
        self.assertEqual(events[0], {"event": "start", "playbook": "playbook.yml"})
        self.assertEqual(events[1]["event"], "play")
        self.assertEqual(events[1]["name"], "Everything a run can meet")
        self.assertEqual(
            events[1]["tasks"],
            ["Change something", "Handle the secret", "Leave out", "Fail inside", "Always", "Loop over things"])
        results = {event["name"]: event for event in events if event["event"] == "result"}
        self.assertEqual(
            {name: event["status"] for name, event in results.items()},
            {
                "Change something": "changed", "Handle the secret": "ignored", "Leave out": "skipped",
                "Fail inside": "failed", "Rescue": "ok", "Always": "ok", "Tell about the change": "ok",
                "Loop over things": "failed",
            })
        self.assertEqual(results["Fail inside"]["message"], "inside the block")
        self.assertEqual(results["Loop over things"]["message"], "tells 7")
        self.assertTrue(all(event["host"] == "node1" and isinstance(event["ms"], int) for event in results.values()))
        self.assertTrue(next(e for e in events if e["event"] == "task" and e["name"] == "Tell about the change")["handler"])
        self.assertEqual(events[-1]["event"], "end")
        counters = events[-1]["hosts"]["node1"]
        self.assertEqual((counters["failures"], counters["rescued"], counters["unreachable"]), (1, 1, 0))

    def test_a_task_with_no_log_says_only_that_it_is_hidden(self):
        _, events, _ = self.run_playbook(FULL)
        hidden = next(e for e in events if e["event"] == "result" and e["name"] == "Handle the secret")
        self.assertEqual(set(hidden), {"event", "id", "name", "host", "status", "ms", "hidden"})
        self.assertTrue(hidden["hidden"])
        self.assertNotIn("swordfish", json.dumps(events))

    def test_an_unreachable_host_is_told(self):
        code, events, _ = self.run_playbook(ONE, "[target]\n127.0.0.1 ansible_port=1 ansible_user=nobody\n")
        self.assertEqual(code, 4)
        result = next(event for event in events if event["event"] == "result")
        self.assertEqual((result["status"], result["host"]), ("unreachable", "127.0.0.1"))
        self.assertTrue(result["message"])
        self.assertEqual(events[-1]["hosts"]["127.0.0.1"]["unreachable"], 1)

    def test_a_run_without_a_host_is_told(self):
        code, events, _ = self.run_playbook(ONE, "[other]\nnode1 ansible_connection=local\n")
        self.assertEqual(code, 0)
        self.assertIn("no_hosts", [event["event"] for event in events])
        self.assertNotIn("result", [event["event"] for event in events])
        self.assertEqual(events[-1], {"event": "end", "hosts": {}})

    def test_a_broken_playbook_sends_no_play(self):
        code, events, _ = self.run_playbook("- name: Broken\n  hosts: target\n  tasks: [{nonsense.module.name: x}]\n")
        self.assertEqual(code, 4)
        self.assertNotIn("play", [event["event"] for event in events])

    def test_a_fifo_without_a_reader_does_not_hold_the_run_up(self):
        code, _, output = self.run_playbook(ONE, events="fifo")
        self.assertEqual(code, 0, output)

    def test_a_reader_that_leaves_does_not_end_the_run(self):
        code, _, output = self.run_playbook(ONE, events="fifo", reader_leaves=True)
        self.assertEqual(code, 0, output)

    def test_without_the_variable_the_plugin_is_silent(self):
        code, events, output = self.run_playbook(ONE, events="unset")
        self.assertEqual((code, events), (0, []), output)


if __name__ == "__main__":
    unittest.main()

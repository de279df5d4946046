"""What happens when somebody or something steps in."""

import os
import signal
import time

from .delivery import MARKER, reset, tar
from .story import equal, eventually, expect, story


def slow_deploy(world, environment, marker, seconds):
    """Starts a deployment whose archive takes that long to arrive; returns its job while it runs on the node."""
    url = world.publish(f"slow/{marker}.tar.gz", lambda path: tar(path, {
        "mu-plugins/marker.php": MARKER.format(marker), "plugins/filler/data.bin": os.urandom(200_000)}))
    path = url.removeprefix(world.peers["web"]["url"])
    job_id = world.api.start("POST", f"{environment.path}/deploy", {
        "source_type": "upload", "source_ref": f"{world.peers['web']['url']}/slow/{seconds}{path}"})
    eventually(lambda: units(environment, job_id), 60, "a step of the job runs on the node")
    return job_id


def units(environment, job_id):
    """Transient units of the job that run on the node."""
    out = environment.node.run(f"systemctl list-units --no-legend --plain --state=active,activating 'trivet-job-{job_id}-*'")
    return [line.split()[0] for line in out.splitlines()]


def nothing_left(world, environment, job_id):
    """No unit and no process of the job on the node, no child and no file of it here."""
    equal(units(environment, job_id), [], "units on the node")
    expect(not environment.node.holds(f"pgrep -f {job_id}"), "processes on the node")
    folder = os.path.join(world.facts["run"], "scratch")
    eventually(lambda: not attempts(folder), 10, f"the folders of attempts are gone ({attempts(folder)})")
    equal(children_with(folder), [], "processes of the attempt here")


def attempts(folder):
    return [name for name in os.listdir(folder) if os.path.isdir(os.path.join(folder, name))] if os.path.isdir(folder) else []


def children_with(folder):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                command = file.read().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if "ansible-playbook" in command and folder in command:
            found.append(command[:200])
    return found


@story("A job is cancelled in the middle of a long step: nothing of it runs on, and the old page is served", ["clone"])
def cancel(world):
    staging = world.things["staging"]
    release = staging.release()
    job_id = slow_deploy(world, staging, "cancelled", 120)
    answer = world.api.call("POST", f"/api/jobs/{job_id}/cancel")
    equal(answer.status, 200, f"{answer}")
    job = world.api.finish(job_id, 30)
    equal(job["status"], "cancelled", f"{job}")
    world.api.refused("POST", f"/api/jobs/{job_id}/cancel", code="job_not_cancellable")
    eventually(lambda: not units(staging, job_id), 15, "the job's units are stopped")
    nothing_left(world, staging, job_id)
    equal(staging.release(), release, "the release that is served")
    equal(staging.visit("/?after=cancel").status, 200, "the page")
    reset(world, staging)


@story("A worker is killed in the middle of a job: another takes over, and the job is done once", ["cancel"])
def kill_worker(world):
    staging = world.things["staging"]
    job_id = slow_deploy(world, staging, "survivor", 10)
    before = staging.releases()
    world.stop(signal.SIGKILL)
    # From here on as many attempts as an installation has: the connection that a dead node leaves can cost one of its own.
    world.settings["TRIVET_JOB_MAX_ATTEMPTS"] = "3"
    world.start()
    job = world.api.finish(job_id, 120)
    equal((job["status"], job["attempt_count"]), ("succeeded", 2), f"{job}")
    world.api.settle(staging.site_id)
    equal(staging.visit("/?after=worker").field("x-release"), "survivor", "marker of the release")
    made = set(staging.releases()) - set(before)
    expect(len(made) <= 1, f"releases that the job made: {made}")
    nothing_left(world, staging, job_id)
    staging.assert_active()


@story("A node loses its power in the middle of a job and comes back: the job is done, the data is there", ["kill_worker"])
def kill_node(world):
    staging = world.things["staging"]
    job_id = slow_deploy(world, staging, "rebooted", 10)
    world.node.power("kill")
    began = time.monotonic()
    answer = world.api.call("POST", f"{world.things['production'].path}/magic-login", timeout=30)
    equal((answer.status, answer.json["code"]), (502, "node_unreachable"), f"{answer}")
    expect(time.monotonic() - began < 13, "the answer took more than ten seconds and what it takes to say so")
    world.node.power("up")
    job = world.api.finish(job_id, 240)
    equal(job["status"], "succeeded", f"{job}")
    world.api.settle(staging.site_id)
    equal(staging.visit("/?after=power").field("x-release"), "rebooted", "marker of the release")
    nothing_left(world, staging, job_id)
    staging.assert_active()
    equal(world.things["production"].visit("/?after=power").status, 200, "the page of production")


@story("The network is cut in the middle of a job and comes back: the job is done", ["kill_node"])
def cut_network(world):
    staging = world.things["staging"]
    job_id = slow_deploy(world, staging, "reconnected", 10)
    world.node.power("cut")
    try:
        world.api.until(job_id, lambda job: job["status"] != "running", 120, "to notice that the node is away")
    finally:
        world.node.power("join")
    job = world.api.finish(job_id, 240)
    equal(job["status"], "succeeded", f"{job}")
    world.api.settle(staging.site_id)
    equal(staging.visit("/?after=cut").field("x-release"), "reconnected", "marker of the release")
    nothing_left(world, staging, job_id)
    staging.assert_active()


@story("A machine that answers with another host key is not spoken to", ["second_site"])
def other_machine(world):
    second = world.second
    # One command: sshd takes the new key for the next connection. The way back is set before.
    second.run("cd /etc/ssh && cp ssh_host_ed25519_key ssh_host_ed25519_key.pub /root/ && systemd-run --quiet --on-active=15"
               " cp /root/ssh_host_ed25519_key /root/ssh_host_ed25519_key.pub /etc/ssh/ && rm ssh_host_ed25519_key* &&"
               " ssh-keygen -q -t ed25519 -N '' -f ssh_host_ed25519_key")
    answer = world.api.call("POST", f"{world.things['salt'].path}/magic-login", timeout=30)
    equal((answer.status, answer.json["code"]), (502, "node_unreachable"), f"{answer}")
    eventually(lambda: second.holds("true"), 40, "the node has its own key again", pause=1)
    equal(world.api.call("POST", f"{world.things['salt'].path}/magic-login", timeout=30).status, 200, "a sign-in link")

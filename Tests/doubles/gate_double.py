#!/usr/bin/env python3
"""A double of Gate, the HTTP front door of the delivery engine, for tests, demonstrations and the local stack.

    gate_double.py --port 0                            one application, demo, with two pipelines
    gate_double.py --port 8084 --script 2000:SUCCEEDED  every execution succeeds two seconds after its start
    gate_double.py --pipelines FILE                     applications and pipelines from a JSON file
    gate_double.py --require-header "X-Proxy: secret"   anything without it is answered 401

When ready it prints `listening on http://127.0.0.1:PORT`. With --exit-with-stdin it ends when its standard input is
closed. It is one file, whatever its length, so that it can be copied and run anywhere with Python alone.

The control interface answers under /_control on the same port:

    GET    /_control                    {"executions": [...], "faults": [...], "counts": {"start": n, ...}, "started": n}
    GET    /_control/requests[?operation=start]    every request received: method, target, headers, body
    GET    /_control/wait?operation=start&count=1[&timeout_ms=n]   answers once that many requests have arrived
    POST   /_control/faults             a fault (below) for the next request of an operation
    DELETE /_control/faults
    POST   /_control/script             {"steps": [[DELAY_MS, STATUS or {execution members}], ...]}: for the next execution;
                                        with "always": true for every one that has no script of its own
    POST   /_control/executions         adds an execution from its JSON object as it stands; "id" is made if absent
    PATCH  /_control/executions/ID      {"status": S, "stage": {"index": 0, "status": S, "context": {...}, ...}, ...}
    DELETE /_control/executions/ID      forgets it: reads are answered 404
    PUT    /_control/pipelines          {"application": A, "name": N, "parameters": [{"name", "required", "default"}], ...}
    PUT    /_control/listener           {"closed_ms": n}: refuses connections for so long
    POST   /_control/release            ends every hold
    POST   /_control/reset              forgets executions, requests, faults and scripts

Operations: start, read, search, batch, cancel, health, list; "*" is any. A fault holds "operation", "kind" and, as needed:
"times" (1; 0 for until it is deleted), "execution" (an execution id) and "execute": whether a start is carried out before
the fault strikes (as a pipeline that is started although no answer arrives).

    kind       members              effect                                                            execute
    status     status, [body]       that status with an error body, or with `body`                    false
    no_id      -                    202 {}                                                            true
    empty      -                    200 without a body                                                true
    html       -                    200 with a page of HTML                                           true
    redirect   [location]           302 to /login                                                     false
    body       text, [status, type] a body of your own                                                true
    large      bytes                a JSON string of so many bytes                                    true
    delay      ms                   the right answer, late                                            true
    hold       -                    nothing, until released or the client goes; then the right answer  true
    drop       -                    the connection closes without an answer                           true
    reset      -                    likewise, with a TCP reset                                        true
    short      -                    the connection closes in the middle of the body                   true
    garbage    -                    bytes that are not HTTP                                           true
"""

import argparse
import base64
import binascii
import collections
import http
import http.server
import json
import os
import select
import socket
import struct
import sys
import threading
import time
import urllib.parse

COMPLETE = {"SUCCEEDED", "FAILED_CONTINUE", "SKIPPED", "TERMINAL", "CANCELED", "STOPPED"}
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
REQUESTS_KEPT = 20_000


def milliseconds():
    return int(time.time() * 1000)


def ulid():
    number = (milliseconds() << 80) | int.from_bytes(os.urandom(10), "big")
    return "".join(CROCKFORD[(number >> shift) & 31] for shift in range(125, -1, -5))


def is_subset(part, whole):
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(key in whole and is_subset(part[key], whole[key]) for key in part)
    if isinstance(part, list):
        return isinstance(whole, list) and all(any(is_subset(item, other) for other in whole) for item in part)
    return part == whole


def default_pipelines():
    common = [{"name": "service", "required": True}, {"name": "version", "required": True}]
    engine = {"name": "engineUrl", "required": True, "default": "http://runtime.invalid"}
    return [
        {"application": "demo", "name": "deploy-demo-service", "id": "cfg-deploy-demo-service",
         "parameters": common + [{"name": "artifactRef", "required": True, "default": "none"}, engine]},
        {"application": "demo", "name": "rollback-demo-service", "id": "cfg-rollback-demo-service",
         "parameters": common + [engine]},
    ]


class Failure(Exception):
    def __init__(self, status, message, **more):
        super().__init__(message)
        self.status, self.message, self.more = status, message, more


# --- The engine --------------------------------------------------------------------------------------------------

class Engine:
    """Pipelines and their executions. Scripts need no thread: what is due is applied whenever anybody looks."""

    def __init__(self, pipelines, script):
        self.lock = threading.RLock()
        self.pipelines = pipelines
        self.default_script = script
        self.reset()

    def reset(self):
        with self.lock:
            self.executions, self.pending, self.next_scripts, self.started = {}, {}, [], 0

    def pipeline(self, application, name):
        for entry in self.pipelines:
            if entry["application"] == application and name in (entry["name"], entry.get("id")):
                return entry
        return None

    def start(self, application, name, trigger, user):
        """Returns the execution and whether it is new."""
        entry = self.pipeline(application, name)
        if entry is None:
            raise Failure(404, f"Unable to trigger pipeline (application: {application}, pipelineNameOrId: {name}). "
                               f"Error: Pipeline configuration not found (id: {name})")
        if entry.get("disabled"):
            raise Failure(400, f"Unable to trigger pipeline (application: {application}, pipelineNameOrId: {name}). "
                               "Error: Pipeline is disabled")
        given = trigger.get("parameters") or {}
        parameters = {}
        for parameter in entry.get("parameters", []):
            if parameter["name"] in given:
                continue
            if "default" in parameter:
                parameters[parameter["name"]] = parameter["default"]
            elif parameter.get("required"):
                raise Failure(400, f"Unable to trigger pipeline (application: {application}, pipelineNameOrId: {name}). "
                                   f"Error: Required parameter {parameter['name']} is missing")
        parameters.update(given)
        with self.lock:
            self.advance()
            correlation = trigger.get("correlationId")
            for execution in self.executions.values():
                if (correlation and execution.get("trigger", {}).get("correlationId") == correlation
                        and execution["status"] not in COMPLETE):
                    return execution, False
            now = milliseconds()
            stage = entry.get("stage", {"type": "webhook", "name": "roll out"})
            execution = {
                "type": "PIPELINE", "id": ulid(), "application": application, "name": entry["name"], "status": "RUNNING",
                "buildTime": now, "startTime": now, "endTime": None, "canceled": False, "canceledBy": None,
                "cancellationReason": None, "origin": "api", "pipelineConfigId": entry.get("id", entry["name"]),
                "authentication": {"user": user, "allowedAccounts": []},
                "trigger": {**trigger, "type": trigger.get("type", "manual"), "user": trigger.get("user", user),
                            "parameters": parameters},
                "stages": [{"id": ulid(), "refId": "1", "requisiteStageRefIds": [], "status": "RUNNING", "startTime": now,
                            "endTime": None, "context": {}, "outputs": {}, "tasks": [], **stage}],
            }
            self.started += 1
            self.add(execution, self.next_scripts.pop(0) if self.next_scripts else self.default_script)
            return execution, True

    def add(self, execution, script=()):
        with self.lock:
            execution.setdefault("id", ulid())
            execution.setdefault("stages", [])
            execution.setdefault("status", "RUNNING")
            execution.setdefault("buildTime", milliseconds())
            self.executions[execution["id"]] = execution
            begun, total = time.monotonic(), 0
            for delay, change in script:
                total += delay
                self.pending.setdefault(execution["id"], []).append((begun + total / 1000, change))
            return execution

    def advance(self):
        now = time.monotonic()
        for identity in list(self.pending):
            steps = self.pending[identity]
            while steps and steps[0][0] <= now:
                change = steps.pop(0)[1]
                if self.executions.get(identity, {}).get("status", "CANCELED") not in COMPLETE:
                    self.change(self.executions[identity], {"status": change} if isinstance(change, str) else change)
            if not steps:
                del self.pending[identity]

    def change(self, execution, change):
        change = dict(change)
        stage_change = change.pop("stage", None)
        status = change.get("status")
        execution.update(change)
        if status:
            stages = execution["stages"]
            for stage in stages:
                if status in COMPLETE and stage.get("status") not in COMPLETE and "stages" not in change:
                    stage["status"] = status
                    stage["endTime"] = milliseconds()
            if status in COMPLETE:
                execution["endTime"] = execution.get("endTime") or milliseconds()
            if status == "CANCELED":
                execution["canceled"] = True
        if stage_change:
            stage = execution["stages"][stage_change.pop("index", 0)]
            stage.setdefault("context", {}).update(stage_change.pop("context", {}))
            stage.update(stage_change)

    def get(self, identity):
        with self.lock:
            self.advance()
            execution = self.executions.get(identity)
            return None if execution is None else json.loads(json.dumps(execution))

    def all(self):
        with self.lock:
            self.advance()
            return json.loads(json.dumps(list(self.executions.values())))

    def search(self, application, query):
        types = [name for name in query.get("triggerTypes", "").split(",") if name]
        statuses = [name for name in query.get("statuses", "").split(",") if name]
        wanted = {}
        if query.get("trigger"):
            try:
                wanted = json.loads(base64.b64decode(query["trigger"], validate=True))
            except (ValueError, binascii.Error):
                raise Failure(400, "Failed to decode the trigger") from None
        first, last = int(query.get("triggerTimeStartBoundary", 0)), int(query.get("triggerTimeEndBoundary", 2 ** 63 - 1))
        found = [
            execution for execution in self.all()
            if (application == "*" or execution.get("application") == application)
            and (not types or execution.get("trigger", {}).get("type") in types)
            and (not statuses or execution["status"] in statuses)
            and ("pipelineName" not in query or execution.get("name") == query["pipelineName"])
            and first <= execution["buildTime"] <= last and is_subset(wanted, execution.get("trigger", {}))
        ]
        found.sort(key=lambda execution: (execution["buildTime"], execution["id"]), reverse=query.get("reverse") != "true")
        start = int(query.get("startIndex", 0))
        return found[start:start + int(query.get("size", 10))]


class Faults:
    def __init__(self):
        self.active, self.lock = [], threading.Lock()

    def add(self, fault):
        if "operation" not in fault or "kind" not in fault:
            raise ValueError("a fault has an operation and a kind")
        fault.setdefault("times", 1)
        with self.lock:
            self.active.append(fault)

    def clear(self):
        with self.lock:
            self.active.clear()

    def take(self, operation, execution):
        with self.lock:
            for fault in self.active:
                if fault["operation"] in ("*", operation) and fault.get("execution") in (None, execution):
                    if fault["times"] == 1:
                        self.active.remove(fault)
                    elif fault["times"] > 1:
                        fault["times"] -= 1
                    return dict(fault)
        return {}


# --- The server --------------------------------------------------------------------------------------------------

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "gate-double", ""
    disable_nagle_algorithm = True
    fault = {}

    def log_message(self, *arguments):
        pass

    def handle_any(self):
        self.fault = {}
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length) if length else b""
        parts = urllib.parse.urlsplit(self.path)
        self.segments = [urllib.parse.unquote(part) for part in parts.path.split("/")[1:]]
        self.query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
        try:
            body = json.loads(raw) if raw else None
        except ValueError:
            return self.answer(400, {"error": "Bad Request", "message": "the body is not JSON", "status": 400})
        try:
            if self.segments[0] == "_control":
                return self.control(self.segments[1:], body)
            self.serve(body)
        except Failure as failure:
            self.answer_error(failure.status, failure.message, **failure.more)
        except (KeyError, ValueError, TypeError, IndexError, AttributeError) as error:
            self.answer_error(400, f"{type(error).__name__}: {error}")

    do_GET = do_HEAD = do_PUT = do_DELETE = do_POST = do_PATCH = handle_any

    def serve(self, body):
        match (self.command, *self.segments):
            case ("GET", "health"):
                operation, identity, handler = "health", None, lambda: (200, {"status": "UP"})
            case ("POST", "pipelines", application, name):
                operation, identity, handler = "start", None, lambda: self.start(application, name, body)
            case ("GET", "pipelines", identity):
                operation, handler = "read", lambda: (200, self.execution(identity))
            case ("PUT", "pipelines", identity, "cancel"):
                operation, handler = "cancel", lambda: self.cancel(identity)
            case ("GET", "applications", application, "executions", "search"):
                operation, identity = "search", None
                handler = lambda: (200, self.server.engine.search(application, self.query))
            case ("GET", "executions"):
                operation, identity, handler = "batch", None, self.batch
            case ("GET", "applications"):
                names = sorted({entry["application"] for entry in self.server.engine.pipelines})
                operation, identity, handler = "list", None, lambda: (200, [{"name": name} for name in names])
            case ("GET", "applications", application, "pipelineConfigs"):
                operation, identity = "list", None
                handler = lambda: (200, [entry for entry in self.server.engine.pipelines
                                         if entry["application"] == application])
            case _:
                operation, identity, handler = "other", None, lambda: self.unknown()
        self.server.note(operation, self, body)
        required = self.server.required_header
        if required and operation != "health" and self.headers.get(required[0]) != required[1]:
            raise Failure(401, "Authentication required")
        self.fault = self.server.faults.take(operation, identity)
        self.strike(handler)

    def strike(self, handler):
        """Carries the request out and answers, or does as the fault says."""
        fault, kind = self.fault, self.fault.get("kind")
        if kind is None:
            return self.answer(*handler())
        result = (500, {})
        if fault.get("execute", kind not in ("status", "redirect")):
            try:
                result = handler()
            except Failure as failure:
                result = (failure.status, self.error_body(failure.status, failure.message))
        match kind:
            case "status":
                status = fault["status"]
                self.answer(status, fault.get("body", self.error_body(status, fault.get("message", "as told"))))
            case "no_id": self.answer(202, {})
            case "empty": self.answer(200, b"")
            case "html": self.answer(200, b"<!doctype html><html><body>Sign in</body></html>", "text/html;charset=UTF-8")
            case "redirect": self.answer(302, b"", headers=[("Location", fault.get("location", "/login"))])
            case "body":
                self.answer(fault.get("status", 200), fault["text"].encode(), fault.get("type", "application/json"))
            case "large": self.answer(200, b'{"ref":"' + b"x" * fault["bytes"] + b'"}')
            case "delay":
                if not self.client_leaves(fault["ms"] / 1000):
                    self.answer(*result)
            case "hold":
                released = self.server.released
                while not released.is_set():
                    if self.client_leaves(0.02):
                        return
                self.answer(*result)
            case "drop": self.close_connection = True
            case "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
                self.connection.close()
            case "short":
                self.wfile.write(b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"re")
                self.close_connection = True
            case "garbage":
                self.wfile.write(b"220 mail.example ESMTP\r\n")
                self.close_connection = True
            case _: raise Failure(400, f"unknown fault {kind}")

    def client_leaves(self, seconds):
        """Waits; true where the client has closed the connection meanwhile."""
        readable, _, _ = select.select([self.connection], [], [], seconds)
        try:
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                self.close_connection = True
                return True
        except OSError:
            self.close_connection = True
            return True
        if readable:
            time.sleep(seconds)
        return False

    # Operations

    def unknown(self):
        raise Failure(404, f"No message available for {self.path}")

    def user(self):
        return self.headers.get("X-SPINNAKER-USER", "anonymous")

    def start(self, application, name, trigger):
        if not isinstance(trigger, dict):
            raise Failure(400, "Required request body is missing")
        execution, _ = self.server.engine.start(application, name, trigger, self.user())
        return 202, {"ref": f"/pipelines/{execution['id']}"}

    def execution(self, identity):
        execution = self.server.engine.get(identity)
        if execution is None:
            raise Failure(404, f"Pipeline not found (id: {identity})")
        return execution

    def batch(self):
        identities = self.query.get("executionIds", "").split(",")
        found = [execution for identity in identities if (execution := self.server.engine.get(identity))]
        if self.query.get("expand") == "false":
            for stage in (stage for execution in found for stage in execution["stages"]):
                stage.update(context={}, outputs={}, tasks=[])
        return 200, found

    def cancel(self, identity):
        engine = self.server.engine
        with engine.lock:
            engine.advance()
            execution = engine.executions.get(identity)
            if execution is None:
                raise Failure(404, f"Pipeline not found (id: {identity})")
            if execution["status"] not in COMPLETE:
                engine.pending.pop(identity, None)
                engine.change(execution, {"status": "CANCELED", "canceledBy": self.user(),
                                          "cancellationReason": self.query.get("reason")})
        return 200, b""

    # Answers

    def error_body(self, status, message, **more):
        try:
            reason = http.HTTPStatus(status).phrase
        except ValueError:
            reason = "Unknown"
        return {"timestamp": time.strftime("%Y-%m-%dT%H:%M:%S.000+00:00", time.gmtime()), "status": status,
                "error": reason, "message": message, **more}

    def answer_error(self, status, message, **more):
        self.answer(status, self.error_body(status, message, **more))

    def answer(self, status, body, content_type="application/json", headers=()):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("X-SPINNAKER-REQUEST-ID", self.headers.get("X-SPINNAKER-REQUEST-ID") or ulid())
        for name, value in headers:
            self.send_header(name, value)
        if data:
            self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        # Head and body leave in one piece.
        self._headers_buffer.append(b"\r\n" + (data if self.command != "HEAD" else b""))
        self.flush_headers()

    # Control

    def control(self, path, body):
        server, engine = self.server, self.server.engine
        match (self.command, *path):
            case ("GET",):
                with server.lock:
                    counts = dict(server.counts)
                return self.answer(200, {"executions": engine.all(), "faults": server.faults.active, "counts": counts,
                                         "started": engine.started})
            case ("GET", "requests"):
                with server.lock:
                    found = [entry for entry in server.requests
                             if self.query.get("operation", entry["operation"]) == entry["operation"]]
                return self.answer(200, found)
            case ("GET", "wait"):
                operation, count = self.query["operation"], int(self.query.get("count", 1))
                limit = int(self.query.get("timeout_ms", 60_000)) / 1000
                with server.arrived:
                    arrived = server.arrived.wait_for(lambda: server.counts[operation] >= count, limit)
                return self.answer(200 if arrived else 504, {"count": server.counts[operation]})
            case ("POST", "faults"): server.faults.add(body)
            case ("DELETE", "faults"): server.faults.clear()
            case ("POST", "script"):
                steps = [(int(delay), change) for delay, change in body["steps"]]
                with engine.lock:
                    if body.get("always"):
                        engine.default_script = steps
                    else:
                        engine.next_scripts.append(steps)
            case ("POST", "executions"): return self.answer(200, engine.add(body))
            case ("PATCH", "executions", identity):
                with engine.lock:
                    engine.advance()
                    if identity not in engine.executions:
                        raise Failure(404, "no such execution")
                    engine.change(engine.executions[identity], body)
            case ("DELETE", "executions", identity):
                with engine.lock:
                    engine.executions.pop(identity, None)
            case ("PUT", "pipelines"):
                with engine.lock:
                    engine.pipelines = [entry for entry in engine.pipelines
                                        if (entry["application"], entry["name"]) != (body["application"], body["name"])]
                    engine.pipelines.append(body)
            case ("PUT", "listener"): server.refuse(body["closed_ms"] / 1000)
            case ("POST", "release"): server.release()
            case ("POST", "reset"):
                engine.reset()
                server.faults.clear()
                server.release()
                with server.lock:
                    server.requests.clear()
                    server.counts.clear()
            case _: raise Failure(404, "unknown control")
        self.answer(200, {"ok": True})


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, address, engine, required_header):
        super().__init__(address, Handler)
        self.engine, self.required_header = engine, required_header
        self.faults, self.requests, self.counts = Faults(), collections.deque(maxlen=REQUESTS_KEPT), collections.Counter()
        self.lock = threading.Lock()
        self.arrived = threading.Condition(self.lock)
        self.released = threading.Event()
        self.closed, self.closed_for = threading.Event(), None

    def note(self, operation, handler, body):
        with self.arrived:
            self.counts[operation] += 1
            self.requests.append({"operation": operation, "method": handler.command, "target": handler.path,
                                  "headers": dict(handler.headers.items()), "body": body})
            self.arrived.notify_all()

    def release(self):
        self.released.set()
        self.released = threading.Event()

    def refuse(self, seconds):
        """Returns once the listener is closed."""
        self.closed.clear()
        self.closed_for = seconds
        self.shutdown()
        self.closed.wait()

    def serve(self):
        """Serves for ever. While the listener is closed, connections are refused as by a process that is not there."""
        while True:
            self.serve_forever(poll_interval=0.05)
            if self.closed_for is None:
                return
            seconds, self.closed_for = self.closed_for, None
            address, family, kind = self.server_address, self.address_family, self.socket_type
            self.socket.close()
            self.closed.set()
            time.sleep(seconds)
            self.socket = socket.socket(family, kind)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.socket.bind(address)
            self.socket.listen(self.request_queue_size)

    def shutdown_request(self, request):
        try:
            super().shutdown_request(request)
        except OSError:
            pass  # After a reset the socket is closed already.

    def handle_error(self, request, client_address):
        pass  # Clients that go away in the middle are ordinary here.


def script(text):
    steps = []
    for step in filter(None, text.split(",")):
        delay, _, status = step.partition(":")
        steps.append((int(delay), status))
    return steps


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--host", default="127.0.0.1")
    options.add_argument("--port", type=int, default=0)
    options.add_argument("--pipelines", help="JSON file: a list of objects as PUT /_control/pipelines takes")
    options.add_argument("--script", type=script, default=[], help="DELAY_MS:STATUS,... for every execution")
    options.add_argument("--require-header", help='"Name: value" that every request but health must carry')
    options.add_argument("--exit-with-stdin", action="store_true")
    chosen = options.parse_args()

    pipelines = default_pipelines()
    if chosen.pipelines:
        with open(chosen.pipelines, encoding="utf-8") as file:
            pipelines = json.load(file)
    required = None
    if chosen.require_header:
        name, _, value = chosen.require_header.partition(":")
        required = (name.strip(), value.strip())
    server = Server((chosen.host, chosen.port), Engine(pipelines, chosen.script), required)
    print(f"listening on http://{chosen.host}:{server.server_address[1]}", flush=True)
    if chosen.exit_with_stdin:
        threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0)), daemon=True).start()
    try:
        server.serve()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()

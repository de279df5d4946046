"""The section `deployments` of the bench: deployment-control beside pgbench running the same statements.

A minute's limit and a day's quota of one client end at 5,000, so requests come from many clients in turn, and what was
counted is forgotten between runs. pgbench draws its client from as many names.
"""

import json
import os
import subprocess
from pathlib import Path

from measure import Load, pgbench, request, wrk
from sections import CONNECTIONS, Bench

CLIENTS = 64
RECORDS = 1000
LIMITS = {name: "5000" for name in ("TRIVET_READS_PER_MINUTE", "TRIVET_MUTATIONS_PER_MINUTE", "TRIVET_DAILY_UPLOADS")}
CAPABILITY = "/v1/builds/upload-capability"
BODY = json.dumps({"service": "demo-service", "version": "9.9.9", "expectedSizeBytes": 4096, "expectedSha256": "ab" * 32,
                   "contentType": "application/zip"}).encode()

ENDED_DEPLOYMENTS = f"""
    INSERT INTO deployment (id, client, role, request_id, service, environment, version, change_summary, state, kind,
        execution_id, execution_url, application, pipeline, claim_scope, claim_owner, quota, quota_day, accepted_at,
        finished_at, last_look_at, last_answer_at, next_poll_at)
    SELECT md5('bench' || n)::uuid, 'bench-1', 'deployer', 'bench-' || n, 'demo-service', 'sandbox', '1.0.' || n,
        'Number ' || n, 'SUCCEEDED', 'ROLL_FORWARD', 'bench' || n,
        'http://127.0.0.1:9000/#/applications/demo/executions/details/bench' || n, 'demo', 'deploy-demo-service',
        sha256('bench'), gen_random_uuid(), 'deployments', current_date, now(), now(), now(), now(), now()
    FROM generate_series(1, {RECORDS}) AS n;
    ANALYZE;
"""

# What the service sends for each request, in its order. Where its values come from the request, these are drawn.
COUNT = """INSERT INTO rate_window AS w (client, bucket, started_at, used) VALUES ('bench-' || :c, '@BUCKET@', now(), 1)
    ON CONFLICT (client, bucket) DO UPDATE SET
    started_at = CASE WHEN w.started_at <= now() - 60000000 * interval '1 microsecond' THEN now() ELSE w.started_at END,
    used = CASE WHEN w.started_at <= now() - 60000000 * interval '1 microsecond' THEN 1 ELSE least(w.used, 5000) + 1 END
    RETURNING used, (extract(epoch FROM started_at) * 1000000)::bigint, (extract(epoch FROM now()) * 1000000)::bigint;
"""
SELECT = """SELECT deployment.id, deployment.client, deployment.role, deployment.request_id, deployment.service,
    deployment.environment, deployment.version, deployment.change_summary, deployment.state, deployment.kind,
    deployment.rollback_of, deployment.execution_id, deployment.execution_url, deployment.application,
    deployment.claim_scope, deployment.claim_owner, deployment.quota, deployment.quota_day::text, deployment.created_at,
    deployment.updated_at, deployment.accepted_at, deployment.finished_at, deployment.rolled_back_at,
    deployment.last_answer_at, deployment.failed_polls, deployment.missing_count, deployment.missing_since,
    (extract(epoch FROM now() - deployment.last_look_at) * 1000000)::bigint, now()
    FROM deployment WHERE id = md5('bench' || :d)::uuid AND state <> 'PENDING';
"""
SWITCH = "SELECT coalesce((SELECT value = 'on' FROM setting WHERE name = 'mutations_disabled'), false);\n"
CLAIM = """INSERT INTO idempotency_key AS known
    (scope, client, method, path, key, fingerprint, owner, claimed_at, expires_at)
    SELECT sha256(('scope' || :r)::bytea), 'bench-' || :c, 'POST', '/v1/builds/upload-capability', 'bench-' || :r,
        sha256('body'), md5('owner' || :r)::uuid, now(), now() + 86400000000 * interval '1 microsecond'
    WHERE pg_try_advisory_xact_lock(:r)
    ON CONFLICT (scope) DO UPDATE SET fingerprint = excluded.fingerprint, owner = excluded.owner,
        claimed_at = excluded.claimed_at, expires_at = excluded.expires_at, status = NULL, fields = NULL, body = NULL,
        is_held = false
    WHERE NOT known.is_held AND (known.expires_at <= now() OR known.status IS NULL
        AND known.fingerprint = excluded.fingerprint AND known.claimed_at <= now() - 120000000 * interval '1 microsecond');
"""
FACTS = """SELECT EXISTS (SELECT FROM service WHERE name = 'demo-service' AND enabled), b.id, b.service, b.version,
    b.artifact_ref, b.sha256, b.size_bytes, b.content_type, b.registered_at
    FROM (SELECT) AS one LEFT JOIN build AS b ON b.service = 'demo-service' AND b.version = '9.9.9';
"""
QUOTA = """INSERT INTO daily_counter AS q (client, day, quota, used)
    SELECT 'bench-' || :c, (now() AT TIME ZONE 'UTC')::date, '@QUOTA@', 1 WHERE 1000000 > 0
    ON CONFLICT (client, day, quota) DO UPDATE SET used = q.used + 1 WHERE q.used < 1000000 RETURNING day::text;
"""
ISSUE = """INSERT INTO upload_capability
    (id, client, service, version, size_bytes, sha256, content_type, artifact_ref, expires_at)
    VALUES (gen_random_uuid(), 'bench-' || :c, 'demo-service', '9.9.9', 4096, @SHA256@, 'application/zip', @REFERENCE@,
        now() + 900 * interval '1 second') RETURNING created_at, expires_at;
"""
AUDIT = """INSERT INTO audit_event
    (request_id, actor, role, action, target_type, target_id, outcome, summary, detail)
    VALUES ('bench-' || :r, 'bench-' || :c, 'ci-publisher', 'CAPABILITY_ISSUED', 'upload_capability', md5('id' || :r),
        'SUCCESS', 'may upload 9.9.9 of demo-service, 4096 bytes', '{}');
"""
FINISH = """UPDATE idempotency_key SET status = 201, fields = @FIELDS@, body = @ANSWER@, is_held = false
    WHERE scope = sha256(('scope' || :r)::bytea) AND owner = md5('owner' || :r)::uuid AND status IS NULL;
"""
DRAW = f"\\set c random(1, {CLIENTS})\n\\set d random(1, {RECORDS})\n\\set r random(1, 9000000000000000000)\n"


def measure(bench: Bench) -> dict[str, Load]:
    settings, directory = bench.settings["deployment"], bench.directory
    launcher, origin, url = settings["launcher"], settings["origin"], settings["superuser_url"]
    postmaster = bench.settings["postmaster"]
    service, _ = bench.start_service(launcher, origin, LIMITS)
    bench.psql(ENDED_DEPLOYMENTS, url)
    tokens = [token(launcher, number) for number in range(1, CLIENTS + 1)]
    files = {"tokens": "\n".join(tokens), "body.json": BODY.decode(), "ids": "\n".join(
        bench.psql(f"SELECT md5('bench' || n)::uuid FROM generate_series(1, {RECORDS}) AS n", url).split())}
    for name, text in files.items():
        with open(os.open(directory / name, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
    scripts = pgbench_scripts(bench, origin, tokens[0])
    runs = iter(range(1, 1 << 30))

    def fresh() -> None:
        bench.psql("DELETE FROM rate_window; DELETE FROM daily_counter;", url)

    def load(**more: str):
        def run(seconds: int) -> Load:
            fresh()
            return wrk(origin, seconds, CONNECTIONS, {"server": service.pid, "postgres": postmaster},
                       script="deployments.lua", body=None if "BENCH_IDS" in more else directory / "body.json",
                       settings={"BENCH_TOKENS": str(directory / "tokens"), "BENCH_RUN": f"run-{next(runs)}-", **more})
        return run

    def statements(script: Path, clients: int):
        def run(seconds: int) -> Load:
            fresh()
            return pgbench(bench.settings["pgbench"], url, script, clients, seconds, postmaster)
        return run

    results = bench.interleave({
        "GET /v1/deployments/{id}": load(BENCH_IDS=str(directory / "ids")),
        "POST /v1/builds/upload-capability": load(),
        **{f"pgbench {name}, {clients} clients": statements(script, clients)
           for name, script in scripts.items() for clients in (8, 32)},
    })
    bench.stop()
    return results


def token(launcher: str, number: int) -> str:
    return subprocess.run([launcher, "token", "create", "--client", f"bench-{number}", "--role", "ci-publisher"],
                          check=True, capture_output=True, text=True).stdout.strip()


def pgbench_scripts(bench: Bench, origin: str, first_token: str) -> dict[str, Path]:
    """The statements with what one real request has stored."""
    url = bench.settings["deployment"]["superuser_url"]
    status, answer = request(origin + CAPABILITY, first_token, method="POST", kind="application/json", body=BODY,
                             headers={"Idempotency-Key": "bench"})
    if status != 201:
        raise SystemExit(f"deployment-control gives no capability: {status} {answer!r}")
    fields, stored, digest, reference, quota = bench.psql("""
        SELECT quote_literal(k.fields) || chr(31) || quote_literal(k.body::text) || '::bytea' || chr(31) ||
            quote_literal(c.sha256) || chr(31) || quote_literal(c.artifact_ref) || chr(31) || q.quota
        FROM idempotency_key AS k, upload_capability AS c, daily_counter AS q""", url).strip("\n").split("\x1f")
    capability = (SWITCH + COUNT.replace("@BUCKET@", "mutate") + "BEGIN;\n" + CLAIM + FACTS + SWITCH
                  + QUOTA.replace("@QUOTA@", quota) + ISSUE + AUDIT + FINISH + "COMMIT;\n")
    for name, value in {"@FIELDS@": fields, "@ANSWER@": stored, "@SHA256@": digest, "@REFERENCE@": reference}.items():
        capability = capability.replace(name, value)
    texts = {"select": SELECT, "count and select": COUNT.replace("@BUCKET@", "read") + SELECT, "capability": capability}
    scripts = {}
    for name, text in texts.items():
        scripts[name] = bench.directory / f"{name.replace(' ', '-')}.sql"
        scripts[name].write_text(DRAW + text)
    return scripts

"""The section `queue` of the bench: jobs enqueued, claimed and finished by the engine of site-control with an executor that
does nothing, beside pgbench with the same statements.

`queue-bench` fills its database itself: 8,192 sites on 256 nodes, for a site has one open job and a node one running job at a
time. pgbench runs one job after the other per client, each client on nodes of its own, and claims its own job by its id,
which is cheaper than looking for one.
"""

import json
import resource
import statistics
import subprocess

from measure import cpu_seconds, pgbench
from sections import Bench

TARGETS = """DROP TABLE IF EXISTS bench_target;
    CREATE TABLE bench_target AS SELECT row_number() OVER (ORDER BY node_id, id)::int AS n, site_id, id AS environment_id,
        node_id, (SELECT id FROM users LIMIT 1) AS user_id FROM environments;
    ALTER TABLE bench_target ADD PRIMARY KEY (n); ANALYZE;
"""
JOB = r"""\set n :client_id * 256 + random(1, 256)
WITH job AS (
        INSERT INTO jobs (id, job_type, site_id, environment_id, node_id, payload_json, max_attempts, event_seq)
        SELECT gen_random_uuid(), 'cache_purge', t.site_id, t.environment_id, t.node_id, '{}', 3, 1
        FROM bench_target t JOIN environments e ON e.id = t.environment_id AND e.status = 'active' WHERE t.n = :n
        RETURNING id, environment_id),
    noted AS (
        INSERT INTO job_events (job_id, seq, kind, data)
        SELECT id, 1, 'state', '{"status":"queued","attempt":0}' FROM job),
    audited AS (
        INSERT INTO audit_logs (id, user_id, actor, action, resource_type, resource_id, result, job_id)
        SELECT gen_random_uuid(), t.user_id, 'bench@example.com', 'cache_purge', 'environment', t.environment_id::text,
            'accepted', job.id FROM job JOIN bench_target t ON t.n = :n)
    SELECT id FROM job \gset
SELECT pg_notify('job_queued', '');
BEGIN;
WITH locked AS MATERIALIZED (
        SELECT id FROM jobs WHERE id = :id::uuid AND status = 'queued' FOR UPDATE SKIP LOCKED),
    claimed AS (
        UPDATE jobs j SET status = 'running', locked_by = 'bench', locked_at = now(), started_at = now(),
            lease_expires_at = clock_timestamp() + interval '30 s', attempt_count = j.attempt_count + 1,
            fencing_term = nextval('job_fencing_term'), event_seq = j.event_seq + 1
        FROM locked WHERE j.id = locked.id RETURNING j.*),
    noted AS (
        INSERT INTO job_events (job_id, seq, kind, data)
        SELECT id, event_seq, 'state', jsonb_build_object('status', 'running', 'attempt', attempt_count) FROM claimed)
    SELECT j.fencing_term AS term, n.status, s.status, e.status,
        (extract(epoch FROM now() - coalesce(j.run_after, j.created_at)) * 1000000)::bigint
    FROM claimed j JOIN nodes n ON n.id = j.node_id LEFT JOIN sites s ON s.id = j.site_id
        LEFT JOIN environments e ON e.id = j.environment_id \gset
COMMIT;
SELECT pg_notify('job_event', :id);
BEGIN;
SELECT hold_job(:id::uuid, :term::bigint);
UPDATE nodes SET last_seen_at = now(), status = CASE status WHEN 'unreachable' THEN 'active' ELSE status END
    WHERE id = (SELECT node_id FROM bench_target WHERE n = :n)
        AND (status = 'unreachable' OR last_seen_at IS NULL OR last_seen_at < now() - interval '1 minute');
WITH ended AS (
        UPDATE jobs SET status = 'succeeded', finished_at = now(), error_code = NULL, error_message = NULL, output_tail = NULL,
            locked_by = NULL, locked_at = NULL, lease_expires_at = NULL, event_seq = event_seq + 1
        WHERE id = :id::uuid AND status = 'running' RETURNING id, event_seq),
    noted AS (
        INSERT INTO job_events (job_id, seq, kind, data)
        SELECT id, event_seq, 'state', '{"status":"succeeded","attempt":1}' FROM ended)
    SELECT id FROM ended;
UPDATE audit_logs SET result = 'succeeded' WHERE job_id = :id::uuid AND result = 'accepted' AND action <> 'job_cancel';
COMMIT;
SELECT pg_notify('job_event', :id), pg_notify('job_queued', '');
"""


def measure(bench: Bench) -> dict:
    settings = bench.settings["queue"]
    program, url, postmaster = settings["program"], settings["superuser_url"], bench.settings["postmaster"]
    quick = bench.options.quick
    latency = run(program, url, "latency", 50 if quick else 500)
    bench.psql(TARGETS, url)
    script = bench.directory / "queue.sql"
    script.write_text(JOB)
    jobs = 2000 if quick else 8000
    rounds, peers = [], {8: [], 32: []}
    for _ in range(1 if quick else bench.rounds):
        # What a job leaves is left by every round: the tables grow for all alike.
        bench.psql("VACUUM ANALYZE", url)
        rounds.append(throughput(program, url, jobs, postmaster))
        for clients, loads in peers.items():
            loads.append(pgbench(bench.settings["pgbench"], url, script, clients, bench.seconds, postmaster))
    return {
        "latency": latency,
        "throughput": {key: statistics.median(one[key] for one in rounds) for key in rounds[0]},
        "pgbench": {f"{clients} clients": {
            "jobs_per_second": statistics.median(load.requests_per_second for load in loads),
            "postgres_us": statistics.median(load.cpu_us["postgres"] for load in loads),
        } for clients, loads in peers.items()},
    }


def run(program: str, url: str, *arguments: object) -> dict:
    output = subprocess.run([program, url, *map(str, arguments)], check=True, capture_output=True, text=True).stdout
    return json.loads(output)


def throughput(program: str, url: str, jobs: int, postmaster: int) -> dict:
    """One run, with the CPU of the engine, its producers included, and of PostgreSQL per job, in µs."""
    before, own = cpu_seconds(postmaster), children_cpu()
    result = run(program, url, "throughput", jobs)
    spent, engine = cpu_seconds(postmaster) - before, children_cpu() - own
    return {**result, "engine_us": engine / result["jobs"] * 1e6, "postgres_us": spent / result["jobs"] * 1e6}


def children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime

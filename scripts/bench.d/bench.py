"""Runs the sections of scripts/bench, prints one table and keeps the raw numbers. Settings come from scripts/bench."""

import argparse
import dataclasses
import json
import os
import signal
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True

import deployments  # noqa: E402
import queue_bench  # noqa: E402
from measure import Load  # noqa: E402
from sections import CONNECTIONS, Bench  # noqa: E402

SECTIONS = ("small", "decisions", "hashing", "deployments", "queue", "starting")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measures this machine; asserts nothing.")
    parser.add_argument("--quick", action="store_true", help="short runs, to see that the bench works")
    parser.add_argument("--full", action="store_true", help="a snapshot of 10 GB instead of 2")
    parser.add_argument("--only", default=",".join(SECTIONS), help="of " + ",".join(SECTIONS))
    parser.add_argument("--target", default="/api/v1/audit/logs?limit=0",
                        help="the authenticated small JSON of the service (default: a refused query, which passes "
                             "authentication, log line, metrics and envelope but no database)")
    options = parser.parse_args()
    if unknown := set(options.only.split(",")) - set(SECTIONS):
        parser.error(f"unknown section: {', '.join(sorted(unknown))}")
    return options


def heading(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}")


def mark(what: str, measured: float, comparison: str, limit: float, unit: str = "×") -> None:
    held = measured <= limit if comparison == "at most" else measured >= limit
    print(f"  {'met   ' if held else 'MISSED'}  {what}: {measured:.2f} {unit} (mark: {comparison} {limit:g} {unit})")


def show_loads(results: dict[str, Load], trees: tuple[str, ...]) -> None:
    print(f"  {'':<42}{'req/s':>9}{'p50 ms':>9}{'p99 ms':>9}" + "".join(f"{name + ' µs':>13}" for name in trees))
    for name, load in results.items():
        if isinstance(load, Load):
            cpu = "".join(f"{load.cpu_us[tree]:>13.1f}" if tree in load.cpu_us else f"{'':>13}" for tree in trees)
            p99 = f"{load.p99_ms:>9.2f}" if load.p99_ms == load.p99_ms else f"{'':>9}"
            print(f"  {name:<42}{load.requests_per_second:>9.0f}{load.p50_ms:>9.2f}{p99}{cpu}"
                  + (f"   {load.failed} socket errors" if load.failed else ""))


def show_deployments(results: dict) -> None:
    heading(f"deployment-control, {CONNECTIONS} connections of {deployments.CLIENTS} clients; CPU per request")
    show_loads(results, ("server", "postgres"))
    refused = sum(load.not_2xx for load in results.values())
    if refused:
        print(f"  {refused} requests were not answered 2xx: these numbers are not what they say")

    def best(name: str) -> float:
        return max(load.requests_per_second for key, load in results.items() if key.startswith(f"pgbench {name}, "))

    read, capability = results["GET /v1/deployments/{id}"], results["POST /v1/builds/upload-capability"]
    mark("one record by id, against pgbench with the same two statements", read.requests_per_second / best("count and select"),
         "at least", 1)
    print(f"          against pgbench with the select alone: {read.requests_per_second / best('select'):.2f} ×")
    mark("one record by id, CPU of the service per request", read.cpu_us["server"], "at most", 25, "µs")
    mark("durable mutation, against pgbench with the same statements",
         capability.requests_per_second / best("capability"), "at least", 0.9)


def show_queue(results: dict) -> None:
    heading("site-control's job queue, an executor that does nothing; CPU per job")
    latency, ours = results["latency"], results["throughput"]
    print(f"  {'':<42}{'jobs/s':>9}{'engine µs':>13}{'postgres µs':>13}")
    print(f"  {'enqueued, claimed and finished':<42}{ours['jobs_per_second']:>9.0f}{ours['engine_us']:>13.0f}"
          f"{ours['postgres_us']:>13.0f}")
    for name, peer in results["pgbench"].items():
        print(f"  {f'pgbench, {name}':<42}{peer['jobs_per_second']:>9.0f}{'':>13}{peer['postgres_us']:>13.0f}")
    print(f"  enqueued → running, an idle worker: median {latency['median_ms']:.2f} ms, p99 {latency['p99_ms']:.2f} ms")
    mark("enqueued → running, median", latency["median_ms"], "at most", 20, "ms")
    mark("jobs enqueued, claimed and finished", ours["jobs_per_second"], "at least", 1000, "/s")
    best = max(peer["jobs_per_second"] for peer in results["pgbench"].values())
    print(f"          against pgbench with the same statements: {ours['jobs_per_second'] / best:.2f} ×")


def show_small(results: dict, target: str) -> None:
    heading(f"Small JSON, {CONNECTIONS} connections; CPU of the server per request")
    show_loads(results, ("server", "postgres"))
    ours, nginx = results[f"service {target}"], results["nginx return"]
    peer = results["FastAPI authenticated"]
    mark("authenticated, CPU per request against nginx return", ours.cpu_us["server"] / nginx.cpu_us["server"], "at most", 1.3)
    mark("TLS 1.3, extra CPU per request", results[f"service {target}, TLS"].cpu_us["server"] - ours.cpu_us["server"],
         "at most", 12, "µs")
    print(f"          against FastAPI: {ours.requests_per_second / peer.requests_per_second:.1f} × the throughput at "
          f"{ours.cpu_us['server'] / peer.cpu_us['server']:.3f} × the CPU")
    print(f"          resident memory of the service after this load {results['memory_after_load_mb']:.1f} MB")


def show_decisions(results: dict) -> None:
    heading(f"T1 decisions with a durable audit record, {CONNECTIONS} connections")
    show_loads(results, ("server", "postgres"))
    ceiling = 0.0
    for name, value in results.items():
        if name.startswith("pgbench"):
            ceiling = max(ceiling, value)
            print(f"  {name + ', one commit per insert':<42}{value:>9.0f}")
    ours = results["service"]
    mark("against pgbench's rate of one commit per audit insert", ours.requests_per_second / ceiling, "at least", 1.5)
    mark("against FastAPI", ours.requests_per_second / results["FastAPI"].requests_per_second, "at least", 20)
    print(f"          {results['records']} records for at least {ours.requests} answered decisions (warm-up not counted)")


def show_hashing(results: dict) -> None:
    heading(f"SHA-256 of a streamed snapshot of {results['size_gb']:g} GB")
    print(f"  from first byte to decision {results['seconds']:.2f} s, {results['gb_per_second']:.2f} GB/s; "
          f"{results['gb_per_cpu_second']:.2f} GB per CPU second; openssl speed {results['openssl_gb_per_second']:.2f} GB/s")
    print(f"  resident memory: {results['before_mb']:.1f} MB before, {results['after_1_mb_mb']:.1f} MB after a snapshot of "
          f"1 MB, at most {results['peak_mb']:.1f} MB during this one")
    mark("throughput against openssl speed", results["gb_per_second"] / results["openssl_gb_per_second"], "at least", 0.9)


def show_starting(results: dict) -> None:
    heading("Start and idle memory")
    for service, values in results.items():
        print(f"  {service}: proportional share {values['idle_pss_mb']:.1f} MB, highest resident "
              f"{values['idle_peak_mb']:.1f} MB")
        mark("start to ready", values["ready_ms"], "at most", 150, "ms")
        mark("resident when idle", values["idle_rss_mb"], "at most", 25, "MB")


def main() -> None:
    options = arguments()
    settings = json.loads(os.environ.pop("BENCH_SETTINGS"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    bench = Bench(settings, options)
    raw = {"started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "cores": os.cpu_count(),
           "quick": options.quick, "commit": settings["commit"]}
    print(f"{os.cpu_count()} cores shared by client and server; median of {bench.rounds} rounds of {bench.seconds} s. "
          "Trust CPU per request over requests per second, and both to about 15 %.")
    wanted = options.only.split(",")
    try:
        if "small" in wanted:
            raw["small"] = bench.small_json()
            show_small(raw["small"], options.target)
        if "decisions" in wanted:
            raw["decisions"] = bench.decisions()
            show_decisions(raw["decisions"])
        if "hashing" in wanted:
            raw["hashing"] = bench.hashing()
            show_hashing(raw["hashing"])
        if "deployments" in wanted:
            raw["deployments"] = deployments.measure(bench)
            show_deployments(raw["deployments"])
        if "queue" in wanted:
            raw["queue"] = queue_bench.measure(bench)
            show_queue(raw["queue"])
        if "starting" in wanted:
            raw["starting"] = bench.starting()
            show_starting(raw["starting"])
    finally:
        bench.stop()
        file = Path(settings["results"]) / f"{raw['started'].replace(':', '')}.json"
        file.write_text(json.dumps(raw, indent=2, default=dataclasses.asdict) + "\n")
    print(f"\nRaw numbers: {file}")


if __name__ == "__main__":
    main()

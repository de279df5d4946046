#!/usr/bin/env python3
"""Renders contracts/traceability.yaml into contracts/README.md.

Usage: render_traceability.py [--check]

Replaces what stands between the two markers. With --check it writes nothing, and ends with 1 where the file would change.
"""

import pathlib
import sys

import yaml

CONTRACTS = pathlib.Path(__file__).resolve().parents[2] / "contracts"
BEGIN = "<!-- traceability: rendered, do not edit -->"
END = "<!-- /traceability -->"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def feature(name):
    return f"[{name}](features/{name}.md)"


def execution(operation):
    """Execution model, and the job type or query."""
    if operation["model"] == "node_query":
        return "sync", "node query"
    return operation["model"], f"`{operation['job_type']}`" if "job_type" in operation else "none"


def operations(rows):
    head = ("Endpoint", "Operation", "Feature", "Model", "Job type or query", "Primary state surface")
    return table(
        head,
        [
            (
                f"`{row['method']} {row['path']}`",
                f"`{row['operation']}`",
                feature(row["feature"]),
                *execution(row),
                row["surface"],
            )
            for row in rows
        ],
    )


def job_types(rows):
    return table(
        ("Job type", "Feature", "Playbook", "Access", "Started by"),
        [
            (
                f"`{row['type']}`",
                feature(row["feature"]),
                f"`{row['playbook']}`",
                row["access"],
                row.get("started_by", "its operation"),
            )
            for row in rows
        ],
    )


def rendered(matrix):
    lines = ["### Operations", ""]
    lines += operations(matrix["operations"])
    queries = [row for row in matrix["operations"] + matrix["beyond"] if row["model"] == "node_query"]
    lines += ["", "### Node queries", ""]
    lines += table(("Operation", "Why no job"), [(f"`{row['operation']}`", row["justification"]) for row in queries])
    lines += ["", "### Beyond the matrix", ""]
    lines += operations(matrix["beyond"])
    lines += ["", "### Job types", ""]
    lines += job_types(matrix["job_types"])
    return "\n".join(lines)


def main(arguments):
    readme = CONTRACTS / "README.md"
    text = readme.read_text()
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    matrix = yaml.safe_load((CONTRACTS / "traceability.yaml").read_text())
    new = f"{before}{BEGIN}\n\n{rendered(matrix)}\n\n{END}{after}"
    if arguments == ["--check"]:
        if new != text:
            print("contracts/README.md is not what traceability.yaml says; run scripts/lib/render_traceability.py")
        return int(new != text)
    if arguments:
        print(__doc__)
        return 2
    readme.write_text(new)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

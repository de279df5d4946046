"""The node's side of a job: what the playbooks ask for, step by step. Standard library only."""

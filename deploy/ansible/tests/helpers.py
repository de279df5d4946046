"""Puts the node's helper on the path of its tests."""

import pathlib
import sys

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "deploy/ansible/roles/node_helpers/files"))

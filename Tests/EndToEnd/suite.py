#!/usr/bin/env python3
"""Runs the stories of e2e/ against what Tests/EndToEnd/run has started: suite.py FACTS.json [NAME...]"""

import json
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from e2e import story, world  # noqa: E402
from e2e import first_steps, delivery, safety  # noqa: E402,F401  in the order of the life cycle


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        facts = json.load(file)
    # A signal ends the service, too.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))
    scene = world.World(facts)
    try:
        return 0 if story.run(scene, sys.argv[2:]) else 1
    finally:
        scene.stop()


if __name__ == "__main__":
    sys.exit(main())

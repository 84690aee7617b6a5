"""Carries proposed calls out on one state of a project, and tells what each gives.

Reads `{"folder", "module", "calls": [[setup, call], ...]}` from standard input; writes a JSON list of
`[outcome, representation]` as the last line of standard output.
"""

import importlib
import json
import sys

from journeyman_outcomes import outcome_of


def main():
    asked = json.load(sys.stdin)
    sys.path.insert(0, asked["folder"])
    scope = vars(importlib.import_module(asked["module"]))
    found = [outcome_of(scope, setup, call) for setup, call in asked["calls"]]
    sys.stdout.write("\n" + json.dumps(found) + "\n")


main()

"""Run by another process: grades one log with the `swebench` package's own functions, nothing of ours.

    python package_script.py FOLDER_OF_THE_PACKAGE < row.json > verdict.json

The package is imported part by part: its `__init__` files bring data sets and clients of Docker and of
a cloud, of which grading needs none.
"""

from __future__ import annotations

import json
import sys
import tempfile
import types
from typing import Any


def main(root: str) -> None:
    """Read one row, write what the package says of its log."""
    sys.path.insert(0, root)
    for name in ("swebench", "swebench.harness"):
        package: Any = types.ModuleType(name)
        package.__path__ = [f"{root}/{name.replace('.', '/')}"]
        sys.modules[name] = package
    from swebench.harness import grading
    from swebench.types import TestSpec

    row = json.load(sys.stdin)
    if row["log_parser"] not in grading.PARSER_REGISTRY:
        json.dump({"known": sorted(grading.PARSER_REGISTRY)}, sys.stdout)
        return
    spec = TestSpec(image="", eval_script_list=[], version="", **_fields(row))
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8", newline="") as log:
        log.write(row["log"])
        log.flush()
        statuses, is_found = grading.get_logs_eval(spec, log.name)
        given = {"instance_id": row["instance_id"], "model_patch": "x", "model_name_or_path": "x"}
        report = grading.get_eval_report(spec, given, log.name, include_tests_status=True)
    found = report[row["instance_id"]]
    json.dump({"statuses": statuses, "is_found": is_found, **found}, sys.stdout)


def _fields(row: dict[str, Any]) -> dict[str, Any]:
    names = ("instance_id", "repo", "FAIL_TO_PASS", "PASS_TO_PASS", "log_parser", "eval_type")
    return {name: row[name] for name in names}


if __name__ == "__main__":
    main(sys.argv[1])

"""Run by another Python: grades logs with the `swebench` package's own functions, nothing of ours.

    python official_grading.py FOLDER_OF_THE_PACKAGE < rows.jsonl > reports.jsonl

The package is imported part by part: its `__init__` files bring data sets, a Docker client and a
cloud's, of which grading needs none.
"""

import json
import sys
import tempfile
import types

_root = sys.argv[1]
sys.path.insert(0, _root)
for name in ("swebench", "swebench.harness"):
    package = types.ModuleType(name)
    package.__path__ = [f"{_root}/{name.replace('.', '/')}"]
    sys.modules[name] = package

from swebench.harness import grading  # noqa: E402
from swebench.types import TestSpec  # noqa: E402

for line in sys.stdin:
    row = json.loads(line)
    spec = TestSpec(
        instance_id=row["id"],
        image="",
        eval_script_list=[],
        repo="",
        version="",
        FAIL_TO_PASS=row["FAIL_TO_PASS"],
        PASS_TO_PASS=row["PASS_TO_PASS"],
        log_parser=row["parser"],
        eval_type="pass_and_fail",
    )
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8", newline="") as log:
        log.write(row["log"])
        log.flush()
        statuses, is_found = grading.get_logs_eval(spec, log.name)
        prediction = {"instance_id": row["id"], "model_patch": "x", "model_name_or_path": "x"}
        report = grading.get_eval_report(spec, prediction, log.name, include_tests_status=True)
    sys.stdout.write(
        json.dumps(
            {"id": row["id"], "is_found": is_found, "statuses": statuses, **report[row["id"]]}
        )
        + "\n"
    )

"""Log parsers that are not read here, from the `swebench` package where a machine has it.

SWE-bench Multilingual and Multimodal have parsers for runners of eight more languages. The package's
own functions judge their logs, in a process of their own; it is used as it lies on the disk, without
what it depends on, and never fetched.

    judge_with_package(instance, log).is_resolved
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from journeyman.config import cache_folder
from journeyman.errors import JourneymanError
from journeyman.evals.swebench.instance import Instance
from journeyman.evals.swebench.log import LogVerdict
from journeyman.types import TestStatus

__all__ = ["VERSION", "find_package", "judge_with_package"]

VERSION = "5.0.2"
_TIMEOUT_S = 300.0
_STATUS = {
    "PASSED": TestStatus.PASSED,
    "XFAIL": TestStatus.PASSED,
    "FAILED": TestStatus.FAILED,
    "ERROR": TestStatus.ERROR,
    "SKIPPED": TestStatus.SKIPPED,
}


def find_package() -> Path:
    """Return the folder that holds `swebench/`: the installed one, else the cache's.

    Raises `JourneymanError` with the command that brings it.
    """
    found = importlib.util.find_spec("swebench")
    if found is not None and found.origin:
        return Path(found.origin).parent.parent
    folder = cache_folder("swebench", VERSION)
    if (folder / "swebench/harness/grading.py").is_file():
        return folder
    raise JourneymanError(
        "its log parser is one of the swebench package's, which is not here",
        f"uv pip install --no-deps --target {folder} swebench=={VERSION}",
    )


def judge_with_package(instance: Instance, log: str) -> LogVerdict:
    """Judge an official log as the package does; `JourneymanError` where it cannot."""
    row = {**instance.model_dump(mode="json"), "log": log}
    row["eval_type"] = instance.eval_type or "pass_and_fail"
    script = Path(__file__).with_name("package_script.py")
    done = subprocess.run(
        [sys.executable, str(script), str(find_package())],
        input=json.dumps(row), capture_output=True, text=True, check=False, timeout=_TIMEOUT_S,
    )  # fmt: skip
    if done.returncode:
        raise JourneymanError(
            f"the swebench package cannot grade {instance.instance_id}: "
            f"{done.stderr.strip().split(chr(10))[-1][:300]}",
            f"it is known to with swebench=={VERSION}",
        )
    return _verdict(instance, json.loads(done.stdout))


def _verdict(instance: Instance, report: dict[str, Any]) -> LogVerdict:
    if "known" in report:
        raise JourneymanError(
            f"{instance.instance_id}: neither we nor the swebench package know its log parser "
            f"{instance.log_parser}",
            f"known: {', '.join(report['known'][:6])}, …",
        )
    tests = report.get("tests_status", {})
    wanted = (*instance.FAIL_TO_PASS, *instance.PASS_TO_PASS)
    statuses = report["statuses"]

    def names(kind: str, outcome: str) -> tuple[str, ...]:
        return tuple(tests.get(kind, {}).get(outcome, ()))

    return LogVerdict(
        is_readable=bool(report["is_found"]),
        is_resolved=bool(report["resolved"]),
        mended=names("FAIL_TO_PASS", "success"),
        not_mended=names("FAIL_TO_PASS", "failure"),
        kept=names("PASS_TO_PASS", "success"),
        broken=names("PASS_TO_PASS", "failure"),
        statuses={it: _STATUS.get(statuses.get(it, ""), TestStatus.MISSING) for it in wanted},
    )

"""SWE-bench Pro: its images by `dockerhub_tag`, its selected tests, its own run and parse scripts.

The scripts lie in the benchmark's repository, `run_scripts/<instance_id>/run_script.sh` and
`parser.py`; an instance is resolved when every test of its two lists is among those that passed.

    script_of(instance)  # what is run in the image, after the patch
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

from journeyman.errors import JourneymanError
from journeyman.evals.swebench.instance import Instance
from journeyman.evals.swebench.log import LogVerdict
from journeyman.types import TestStatus

__all__ = ["OUTPUT", "WORK", "image_of", "is_pro", "judge_output", "script_of", "scripts_of"]

WORK = "/workspace"
OUTPUT = f"{WORK}/output.json"
_HUB = "jefzda/sweap-images"
_STATUS = {
    "PASSED": TestStatus.PASSED,
    "FAILED": TestStatus.FAILED,
    "ERROR": TestStatus.ERROR,
    "SKIPPED": TestStatus.SKIPPED,
}


def is_pro(instance: Instance) -> bool:
    """Whether an instance is one of SWE-bench Pro's."""
    return bool(instance.dockerhub_tag)


def image_of(instance: Instance) -> str:
    """Return the name under which the instance's image is published."""
    return f"{_HUB}:{instance.dockerhub_tag}"


def scripts_of(instance: Instance, folder: Path | None) -> dict[str, str]:
    """Return the benchmark's two scripts for an instance, by file name."""
    names = ("run_script.sh", "parser.py")
    places = [folder / instance.instance_id / name for name in names] if folder else []
    if not places or not all(it.is_file() for it in places):
        raise JourneymanError(
            f"{instance.instance_id} is graded by scripts of SWE-bench Pro's own repository",
            "git clone https://github.com/scaleapi/SWE-bench_Pro-os, and give --scripts "
            "SWE-bench_Pro-os/run_scripts",
        )
    return {it.name: it.read_text(encoding="utf-8", errors="replace") for it in places}


def script_of(instance: Instance) -> str:
    """Return what brings the tests, runs the selected ones and has their output parsed."""
    bring = instance.before_repo_set_cmd.strip().split("\n")[-1]
    selected = shlex.quote(",".join(instance.selected_tests))
    return "\n".join(
        [
            "#!/bin/bash",
            "cd /app",
            bring or ":",
            f"bash {WORK}/run_script.sh {selected} > {WORK}/stdout.log 2> {WORK}/stderr.log",
            f"python3 {WORK}/parser.py {WORK}/stdout.log {WORK}/stderr.log {OUTPUT} "
            f"|| python {WORK}/parser.py {WORK}/stdout.log {WORK}/stderr.log {OUTPUT}",
            f"cat {WORK}/stdout.log {WORK}/stderr.log",
            "",
        ]
    )


def judge_output(instance: Instance, text: str) -> LogVerdict:
    """Judge what the parser wrote; an output that is none says that nothing was tested."""
    try:
        tests: list[dict[str, Any]] = json.loads(text)["tests"]
        found = {str(it["name"]): str(it["status"]).upper() for it in tests}
    except (ValueError, KeyError, TypeError):
        return LogVerdict(is_readable=False)
    if not found:
        return LogVerdict(is_readable=False)

    def passed(names: tuple[str, ...], *, is_passed: bool) -> tuple[str, ...]:
        return tuple(it for it in names if (found.get(it) == "PASSED") is is_passed)

    not_mended = passed(instance.FAIL_TO_PASS, is_passed=False)
    broken = passed(instance.PASS_TO_PASS, is_passed=False)
    wanted = (*instance.FAIL_TO_PASS, *instance.PASS_TO_PASS)
    return LogVerdict(
        is_readable=True,
        is_resolved=bool(wanted) and not not_mended and not broken,
        mended=passed(instance.FAIL_TO_PASS, is_passed=True),
        not_mended=not_mended,
        kept=passed(instance.PASS_TO_PASS, is_passed=True),
        broken=broken,
        statuses={it: _STATUS.get(found.get(it, ""), TestStatus.MISSING) for it in wanted},
    )

"""Tasks as records of other programs' tables, one pair of functions for each.

record = swebench_record(task)
task_of_swebench(record) == task
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from journeyman.errors import JourneymanError
from journeyman.tasks.mutate import reverse_diff
from journeyman.tasks.tree import touched_paths
from journeyman.types import Origin, Task, VerifierSpec

__all__ = [
    "swebench_record",
    "swesmith_record",
    "task_of_swebench",
    "task_of_swesmith",
    "task_of_verifiers",
    "task_of_verl",
    "verifiers_record",
    "verl_record",
]

BESIDE = "journeyman"
"""Column that holds, as JSON, what the format has no place for; other programs pass over it."""

SWEBENCH = (
    *(
        "instance_id",
        "repo",
        "base_commit",
        "patch",
        "test_patch",
        "problem_statement",
        "hints_text",
    ),
    *("created_at", "version", "FAIL_TO_PASS", "PASS_TO_PASS", "environment_setup_commit"),
)
SWESMITH = (
    *("instance_id", "repo", "patch", "FAIL_TO_PASS", "PASS_TO_PASS", "image_name"),
    "problem_statement",
)
_LISTS = ("FAIL_TO_PASS", "PASS_TO_PASS")
_PYTEST = "python -m pytest -v -rap --color=no --tb=short -p no:cacheprovider -o addopts="


# --- SWE-bench ----------------------------------------------------------------------------------


def swebench_record(task: Task, *, is_plain: bool = False) -> dict[str, Any]:
    """Return SWE-bench's twelve fields, the lists as JSON texts, and the rest in one column more."""
    data = task.model_dump(mode="json")
    record = {name: data[name] for name in SWEBENCH}
    for name in _LISTS:
        record[name] = json.dumps(data[name], ensure_ascii=False)
    return record if is_plain else _with_rest(record, data, SWEBENCH)


def task_of_swebench(record: Mapping[str, Any]) -> Task:
    """Read an instance; one that others made gets a verifier that runs the files of its tests."""
    known = {name: record[name] for name in SWEBENCH if record.get(name) is not None}
    known |= {name: _names(record, name) for name in _LISTS}
    rest = _rest(record, SWEBENCH)
    if rest is None:
        rest = _guessed(record, known, SWEBENCH, tests=touched_paths([known.get("test_patch", "")]))
    return _task(record, {**known, **rest})


# --- SWE-smith ----------------------------------------------------------------------------------


def swesmith_record(task: Task, *, is_plain: bool = False) -> dict[str, Any]:
    """Return SWE-smith's fields; its `patch` puts the bug in. Raises `JourneymanError` without a bug."""
    if not task.bug_patch:
        raise JourneymanError(
            f"{task.instance_id} has no bug to put in, which SWE-smith's format is about",
            "use --format swebench for mined tasks",
        )
    data = task.model_dump(mode="json")
    record = {
        "instance_id": task.instance_id,
        "repo": task.repo,
        "patch": task.bug_patch,
        "FAIL_TO_PASS": data["FAIL_TO_PASS"],
        "PASS_TO_PASS": data["PASS_TO_PASS"],
        "image_name": f"journeyman/environment:{task.environment}",
        "problem_statement": task.problem_statement,
    }
    held = ("instance_id", "repo", "bug_patch", *_LISTS, "problem_statement")
    return record if is_plain else _with_rest(record, data, held)


def task_of_swesmith(record: Mapping[str, Any]) -> Task:
    """Read an instance, whose bug's reverse is the gold patch; its tests' files are hidden."""
    bug = str(record.get("patch") or "")
    known = {name: record.get(name) or "" for name in ("instance_id", "repo", "problem_statement")}
    known |= {name: _names(record, name) for name in _LISTS} | {"bug_patch": bug}
    rest = _rest(record, SWESMITH)
    if rest is None:
        files = sorted({test.partition("::")[0] for test in known["FAIL_TO_PASS"]})
        rest = _guessed(record, known, SWESMITH, tests=files)
        rest |= {"patch": _reversed(bug), "hidden_paths": files, "base_commit": ""}
        rest["extra"] = _extra(record, [name for name in SWESMITH if name != "image_name"])
    return _task(record, {**known, **rest})


# --- datasets of trainers ------------------------------------------------------------------------


def verifiers_record(task: Task, number: int) -> dict[str, Any]:
    """Return a row of a `verifiers` (prime-rl) dataset; `info`, which models never see, is the task."""
    return {
        "example_id": number,
        "task": "journeyman",
        "prompt": _prompt(task),
        "answer": "",
        "info": _json(task),
    }


def task_of_verifiers(record: Mapping[str, Any]) -> Task:
    """Read the task out of a row's `info`, which may be text or an object."""
    return _whole(record, record.get("info"), "info")


def verl_record(task: Task, number: int, *, name: str, split: str = "train") -> dict[str, Any]:
    """Return a row of a verl dataset; `extra_info`, which reward functions get, holds the task."""
    return {
        "data_source": f"journeyman/{name}",
        "prompt": _prompt(task),
        "ability": "software_engineering",
        "reward_model": {"style": "rule", "ground_truth": task.instance_id},
        "extra_info": {
            "index": number,
            "split": split,
            "instance_id": task.instance_id,
            "task": _json(task),
        },
    }


def task_of_verl(record: Mapping[str, Any]) -> Task:
    """Read the task out of a row's `extra_info`."""
    extra = record.get("extra_info")
    return _whole(record, extra.get("task") if isinstance(extra, Mapping) else None, "extra_info")


# --- shared ---------------------------------------------------------------------------------------


def _with_rest(
    record: dict[str, Any], data: Mapping[str, Any], held: Sequence[str]
) -> dict[str, Any]:
    record |= json.loads(data["extra"]) if data["extra"] else {}
    if data["origin"]["road"] == "import" and not data["environment"]:
        return record  # as it came, but for what was changed
    rest = {name: value for name, value in data.items() if name not in held and name != "extra"}
    return {**record, BESIDE: json.dumps(rest, ensure_ascii=False, sort_keys=True)}


def _rest(record: Mapping[str, Any], fields: Sequence[str]) -> dict[str, Any] | None:
    text = record.get(BESIDE)
    try:
        rest = json.loads(text) if isinstance(text, str) else text
    except ValueError:
        raise _broken(record, f"its column {BESIDE} is not JSON") from None
    if not isinstance(rest, Mapping):
        return None
    return {**rest, "extra": _extra(record, (*fields, BESIDE))}


def _guessed(
    record: Mapping[str, Any],
    known: Mapping[str, Any],
    fields: Sequence[str],
    *,
    tests: Sequence[str],
) -> dict[str, Any]:
    """Return what a record of others does not say, and keep what it says beyond its format."""
    files = [path for path in tests if path.endswith(".py")]
    return {
        "verifier": VerifierSpec(command=shlex.join([*shlex.split(_PYTEST), *files])),
        "origin": Origin(road="import", strategy="swebench" if fields == SWEBENCH else "swesmith"),
        "extra": _extra(record, fields),
    }


def _extra(record: Mapping[str, Any], fields: Sequence[str]) -> str:
    more = {name: value for name, value in record.items() if name not in fields}
    return json.dumps(more, ensure_ascii=False, sort_keys=True, default=str) if more else ""


def _names(record: Mapping[str, Any], field: str) -> tuple[str, ...]:
    """Read a list of tests: published files have them as JSON texts, others as lists."""
    value = record.get(field)
    try:
        found = json.loads(value) if isinstance(value, str) and value.strip() else value
    except ValueError:
        raise _broken(record, f"{field} is no list of tests") from None
    if not found:
        return ()
    if not isinstance(found, Sequence) or isinstance(found, str):
        raise _broken(record, f"{field} is no list of tests")
    return tuple(str(name) for name in found)


def _task(record: Mapping[str, Any], fields: Mapping[str, Any]) -> Task:
    try:
        return Task.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise _broken(record, f"{where}: {first['msg']}") from None


def _whole(record: Mapping[str, Any], held: Any, column: str) -> Task:
    try:
        value = json.loads(held) if isinstance(held, str) else held
    except ValueError:
        value = None
    if not isinstance(value, Mapping) or "instance_id" not in value:
        raise _broken(record, f"its {column} holds no task of Journeyman")
    return _task(value, value)


def _broken(record: Mapping[str, Any], reason: str) -> JourneymanError:
    name = record.get("instance_id") or record.get("example_id") or "a record"
    return JourneymanError(f"{name}: {reason}", "journeyman tasks import --help names the formats")


def _prompt(task: Task) -> list[dict[str, str]]:
    return [{"role": "user", "content": task.problem_statement}]


def _json(task: Task) -> str:
    return json.dumps(task.model_dump(mode="json"), ensure_ascii=False, sort_keys=True)


_SWAPS = (("new file mode", "deleted file mode"), ("rename from", "rename to"))


def _reversed(patch: str) -> str:
    """Return the reverse of a Git diff, also of one that makes, removes or renames files."""
    lines: list[str] = []
    for line in reverse_diff(patch if patch.endswith("\n") or not patch else f"{patch}\n").split(
        "\n"
    ):
        for one, other in _SWAPS:
            if line.startswith((one, other)):
                line = (
                    line.replace(one, other) if line.startswith(one) else line.replace(other, one)
                )
                break
        lines.append(re.sub(r"^index (\w+)\.\.(\w+)", r"index \2..\1", line))
    return _swapped_names("\n".join(lines))


def _swapped_names(patch: str) -> str:
    """Bring the headers of files that are made or removed in order: the absent side is /dev/null."""
    return re.sub(
        r"^--- (\S.*)\n\+\+\+ (\S.*)$",
        lambda found: f"--- {_side(found[2], 'a')}\n+++ {_side(found[1], 'b')}",
        patch,
        flags=re.MULTILINE,
    )


def _side(name: str, letter: str) -> str:
    return name if name.startswith("/dev/null") else f"{letter}/{name.partition('/')[2]}"

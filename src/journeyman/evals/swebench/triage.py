"""A predictions file as people have it: what can be graded, and everything else counted and named.

Nothing makes it raise but a file that cannot be read at all: a line that is broken, a task that is
not known, a patch that cannot apply, each becomes a problem with its line, and none a silent zero.

    found = triage(Path("predictions.jsonl"), taskset.tasks)
    found.usable, found.problems
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from journeyman.errors import JourneymanError
from journeyman.flow.predictions import Prediction
from journeyman.types import Data, Task
from journeyman.verify import touched_paths

__all__ = ["PROBLEMS", "Problem", "Triage", "triage"]

PROBLEMS = {
    "broken_line": "not JSON; left out",
    "cut_off": "the file ends in the middle of a prediction; that one is left out",
    "other_format": "a row of another benchmark, without model_patch; left out",
    "wrong_field": "a field is missing or of the wrong type; left out",
    "unknown_id": "a task that the taskset does not hold; left out",
    "duplicate": "a second prediction of the same model for the same task; the first is graded",
    "empty_patch": "no patch; graded, and cannot resolve anything",
    "malformed_patch": "no unified diff; graded as it is, and does not apply",
    "touches_tests": "changes files of the hidden tests; graded with those files put back",
    "escapes_tree": "names a path outside the repository; graded, and refused when applied",
}
"""Kinds of problem, and what is done about each."""

_HUNK = re.compile(r"^@@ -\d+(,\d+)? \+\d+(,\d+)? @@", re.MULTILINE)
_BODILESS = re.compile(
    r"^(rename from|copy from|GIT binary patch|old mode|new file mode|deleted file)", re.M
)
_OTHERS = {
    "completion": "HumanEval or MBPP",
    "solution": "EvalPlus",
    "code_list": "LiveCodeBench",
    "patch": "a benchmark's own rows or SWE-bench Pro's results",
    "fix_patch": "Multi-SWE-bench",
    "result": "BFCL",
}
_EXAMPLES = 5


class Problem(Data):
    """One thing that is wrong with one prediction."""

    kind: str
    """A key of `PROBLEMS`."""
    line: int
    instance_id: str = ""
    model: str = ""
    detail: str = ""


class Triage(Data):
    """What a file holds."""

    num_lines: int
    """Predictions in the file, broken ones included."""
    usable: tuple[Prediction, ...]
    problems: tuple[Problem, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many of each kind of problem."""
        return dict(Counter(problem.kind for problem in self.problems).most_common())

    def notes(self, num_tasks: int) -> list[str]:
        """Say all of it in sentences for a report: what is graded, and each kind with examples."""
        lines = [
            f"The file holds {self.num_lines} predictions; {len(self.usable)} are graded, for "
            f"{len({it.instance_id for it in self.usable})} of {num_tasks} tasks."
        ]
        for kind, count in self.counts.items():
            found = [it for it in self.problems if it.kind == kind]
            shown = ", ".join(
                f"line {it.line}"
                + (f" ({it.instance_id or it.detail})" if it.instance_id or it.detail else "")
                for it in found[:_EXAMPLES]
            )
            more = f" and {count - _EXAMPLES} more" if count > _EXAMPLES else ""
            lines.append(f"**{kind}** {count}: {PROBLEMS[kind]}. {shown}{more}.")
        missing: dict[str, int] = {}
        for model in dict.fromkeys(it.model_name_or_path for it in self.usable):
            answered = {it.instance_id for it in self.usable if it.model_name_or_path == model}
            if len(answered) < num_tasks:
                missing[model] = num_tasks - len(answered)
        for model, count in missing.items():
            lines.append(
                f"{model} answers {num_tasks - count} of {num_tasks} tasks: its rate is over those; "
                f"counted as SWE-bench counts, the other {count} are unresolved."
            )
        return lines


def _place(problem: Problem) -> str:
    what = problem.instance_id or problem.detail
    return f"line {problem.line}" + (f" ({what})" if what else "")


class _Row(NamedTuple):
    line: int
    value: Any
    """None where the line is no JSON."""
    is_last: bool = False


def triage(path: Path, tasks: Sequence[Task]) -> Triage:
    """Sort a predictions file; raises `JourneymanError` only where it cannot be read as text."""
    known = {task.instance_id: task for task in tasks}
    usable: list[Prediction] = []
    problems: list[Problem] = []
    seen: set[tuple[str, str]] = set()
    rows = list(_rows(_text(path)))
    for row in rows:
        prediction = _read(row, problems)
        if prediction is None:
            continue
        where = {
            "line": row.line,
            "instance_id": prediction.instance_id,
            "model": prediction.model_name_or_path,
        }
        if prediction.instance_id not in known:
            problems.append(Problem(kind="unknown_id", **where))
            continue
        key = (prediction.model_name_or_path, prediction.instance_id)
        if key in seen:
            problems.append(Problem(kind="duplicate", **where))
            continue
        seen.add(key)
        usable.append(prediction)
        for kind, detail in _doubts(prediction.model_patch, known[prediction.instance_id]):
            problems.append(Problem(kind=kind, detail=detail, **where))
    return Triage(num_lines=len(rows), usable=tuple(usable), problems=tuple(problems))


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig", "replace")
    except OSError as error:
        raise JourneymanError(
            f"no predictions at {path}: {error.strerror}", "check the path"
        ) from None


def _rows(text: str) -> Iterator[_Row]:
    """Yield every prediction of a list, of an object by instance id, or of lines, however broken."""
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        whole = None
    if isinstance(whole, list):
        yield from (_Row(number, value) for number, value in enumerate(whole, start=1))
    elif isinstance(whole, dict) and not {"instance_id", "model_patch"} & whole.keys():
        for number, (name, value) in enumerate(whole.items(), start=1):
            is_row = isinstance(value, dict)
            yield _Row(number, {"instance_id": name, **value} if is_row else value)
    elif whole is not None:
        yield _Row(1, whole)
    elif text.lstrip().startswith("["):
        yield from _rows_of_cut_list(text)
    else:
        yield from _rows_of_lines(text)


def _rows_of_lines(text: str) -> Iterator[_Row]:
    lines = [
        (number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()
    ]
    for number, line in lines:
        try:
            yield _Row(number, json.loads(line))
        except (ValueError, RecursionError):
            is_last = number == lines[-1][0] and not text.endswith("\n")
            yield _Row(number, None, is_last=is_last)


def _rows_of_cut_list(text: str) -> Iterator[_Row]:
    """Read the whole items of a list whose end is missing."""
    decoder = json.JSONDecoder()
    at, number = text.index("[") + 1, 1
    while True:
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1
        if at >= len(text):
            return
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            yield _Row(text.count("\n", 0, at) + 1, None, is_last=True)
            return
        yield _Row(number, value)
        number += 1


def _read(row: _Row, problems: list[Problem]) -> Prediction | None:
    if row.value is None:
        kind = "cut_off" if row.is_last else "broken_line"
        problems.append(Problem(kind=kind, line=row.line))
        return None
    if not isinstance(row.value, dict):
        detail = f"{type(row.value).__name__}, not an object"
        problems.append(Problem(kind="wrong_field", line=row.line, detail=detail))
        return None
    if "model_patch" not in row.value:
        other = next((name for key, name in _OTHERS.items() if key in row.value), "")
        detail = (
            f"looks like {other}" if other else f"fields: {', '.join(map(str, row.value))[:80]}"
        )
        problems.append(Problem(kind="other_format", line=row.line, detail=detail))
        return None
    fields = {key: value for key, value in row.value.items() if key in Prediction.model_fields}
    fields.setdefault("model_name_or_path", "unnamed")
    try:
        return Prediction.model_validate({**fields, "line": row.line})
    except ValidationError as error:
        first = error.errors()[0]
        detail = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        name = str(row.value.get("instance_id", ""))[:80]
        problems.append(Problem(kind="wrong_field", line=row.line, instance_id=name, detail=detail))
        return None


def _doubts(patch: str, task: Task) -> Iterator[tuple[str, str]]:
    """Yield what will keep a patch from doing what it means."""
    if not patch.strip():
        yield "empty_patch", ""
        return
    paths = touched_paths([patch])
    if not paths or not (_HUNK.search(patch) or _BODILESS.search(patch)):
        yield "malformed_patch", " ".join(patch.split())[:60]
    outside = [path for path in paths if path.startswith("/") or ".." in path.split("/")]
    if outside:
        yield "escapes_tree", outside[0]
    tests = {*touched_paths([task.test_patch]), *task.hidden_paths} - {*touched_paths([task.patch])}
    if hit := sorted(tests & set(paths)):
        yield "touches_tests", hit[0]

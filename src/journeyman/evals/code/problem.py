"""Problems of the published single-turn benchmarks, read by the fields that their rows have.

HumanEval, HumanEvalFix (HumanEvalPack), MBPP, EvalPlus' forms of both, and LiveCodeBench.

    read_problems(Path("HumanEval.jsonl.gz"))[0].problem_id  # 'HumanEval/0'
"""

from __future__ import annotations

import base64
import json
import pickle
import zlib
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

from journeyman.errors import JourneymanError
from journeyman.evals.rows import read_rows
from journeyman.types import Data

__all__ = ["Case", "Problem", "read_problems"]


class Case(Data):
    """What a program reads from standard input, and what it must print."""

    stdin: str
    stdout: str


class Problem(Data):
    """One problem, and how an answer to it is tried."""

    problem_id: str
    form: Literal["HumanEval", "HumanEvalFix", "MBPP", "EvalPlus", "LiveCodeBench"]
    request: str
    """What is asked, in words and code."""
    head: str = ""
    """Code that an answer may leave out, because it stands in the request: imports, a signature."""
    entry_point: str = ""
    tests: str = ""
    """Code that runs after the answer and fails where it is wrong."""
    cases: tuple[Case, ...] = ()
    """Instead of `tests`: runs of the whole program."""
    solution: str = ""
    """The benchmark's own answer, where it gives one."""


def read_problems(path: Path) -> list[Problem]:
    """Read a benchmark's file; raises `JourneymanError` naming the row that is none of the forms."""
    return [_read(path, number, row) for number, row in enumerate(read_rows(path), start=1)]


def _read(path: Path, number: int, row: Mapping[str, Any]) -> Problem:
    keys = row.keys()
    try:
        for wanted, make in _FORMS:
            if wanted <= keys:
                return make(row)
    except (KeyError, TypeError, ValueError) as error:
        raise JourneymanError(
            f"{path}: row {number} is broken: {type(error).__name__}: {error}",
            "fetch the file again",
        ) from None
    raise JourneymanError(
        f"{path}: row {number} is no problem that is known: it has {', '.join(sorted(keys))[:120]}",
        "journeyman eval suites lists the formats",
    )


def _humaneval(row: Mapping[str, Any]) -> Problem:
    entry = str(row["entry_point"])
    prompt = str(row["prompt"])
    return Problem(
        problem_id=str(row["task_id"]),
        form="HumanEval",
        request=f"Complete this Python function. Answer with the whole function in one code block.\n\n"
        f"```python\n{prompt}\n```",
        head=prompt,
        entry_point=entry,
        tests=f"{row['test']}\n\ncheck({entry})\n",
        solution=prompt + str(row.get("canonical_solution", "")),
    )


def _fix(row: Mapping[str, Any]) -> Problem:
    entry = str(row["entry_point"])
    declaration = str(row["declaration"])
    test = str(row["test"])
    call = "" if "check(" in test.rsplit("\n\n", 1)[-1] else f"\n\ncheck({entry})\n"
    return Problem(
        problem_id=str(row["task_id"]),
        form="HumanEvalFix",
        request=f"There is a bug in this Python function. Answer with the whole repaired function in "
        f"one code block.\n\n```python\n{declaration}{row['buggy_solution']}\n```\n\n"
        f"It must pass:\n\n```python\n{test}\n```",
        head=declaration,
        entry_point=entry,
        tests=test + call,
        solution=declaration + str(row.get("canonical_solution", "")),
    )


def _mbpp(row: Mapping[str, Any]) -> Problem:
    tests = [str(line) for line in row["test_list"]]
    setup = str(row.get("test_setup_code") or "")
    imports = "\n".join(row.get("test_imports") or ())
    words = str(row.get("text") or row["prompt"])
    return Problem(
        problem_id=f"MBPP/{row['task_id']}",
        form="MBPP",
        request=f"{words} Answer with Python in one code block. It must pass:\n\n```python\n"
        + "\n".join(tests)
        + "\n```",
        tests="\n".join([imports, setup, *tests, ""]),
        solution=str(row.get("code", "")),
    )


def _evalplus(row: Mapping[str, Any]) -> Problem:
    entry, prompt = str(row["entry_point"]), str(row["prompt"])
    solution = prompt + str(row["canonical_solution"])
    inputs = [*row["base_input"], *(row.get("plus_input") or ())]
    tests = _EVALPLUS.format(
        solution=repr(solution), inputs=repr(inputs), entry=entry, atol=float(row.get("atol") or 0)
    )
    return Problem(
        problem_id=str(row["task_id"]),
        form="EvalPlus",
        request=f"Complete this Python function. Answer with the whole function in one code block.\n\n"
        f"```python\n{prompt}\n```",
        head=prompt,
        entry_point=entry,
        tests=tests,
        solution=solution,
    )


_EVALPLUS = """
import copy as _copy, math as _math
_scope = {{}}
exec({solution}, _scope)
def _same(a, b):
    if isinstance(a, float) or isinstance(b, float):
        return _math.isclose(a, b, rel_tol=1e-7, abs_tol=max({atol}, 1e-6 if {atol} else 0.0))
    if isinstance(a, (list, tuple)) and type(a) is type(b):
        return len(a) == len(b) and all(_same(x, y) for x, y in zip(a, b))
    return a == b
for _given in {inputs}:
    _wanted = _scope["{entry}"](*_copy.deepcopy(_given))
    assert _same({entry}(*_copy.deepcopy(_given)), _wanted), _given
"""


def _live(row: Mapping[str, Any]) -> Problem:
    found = [*_live_cases(row["public_test_cases"]), *_live_cases(row.get("private_test_cases"))]
    starter = str(row.get("starter_code") or "")
    request = f"{row['question_content']}\n\nAnswer with Python in one code block."
    metadata = row.get("metadata") or "{}"
    name = (json.loads(metadata) if isinstance(metadata, str) else metadata).get("func_name") or ""
    if starter:
        request += f" Begin with:\n\n```python\n{starter}\n```"
    else:
        request += " It reads standard input and prints the answer."
    is_functional = bool(name)
    cases = () if is_functional else tuple(
        Case(stdin=str(it["input"]), stdout=str(it["output"])) for it in found
    )  # fmt: skip
    return Problem(
        problem_id=str(row["question_id"]),
        form="LiveCodeBench",
        request=request,
        entry_point=str(name),
        tests=_functional(str(name), found) if is_functional else "",
        cases=cases,
    )


def _functional(name: str, cases: list[Mapping[str, Any]]) -> str:
    lines = ["import json as _json", f"_call = Solution().{name}"]
    for case in cases:
        given = [json.loads(line) for line in str(case["input"]).split("\n") if line.strip()]
        wanted = json.loads(str(case["output"]))
        lines.append(f"assert _json.loads(_json.dumps(_call(*{given!r}))) == {wanted!r}")
    return "\n".join([*lines, ""])


class _PlainUnpickler(pickle.Unpickler):
    """LiveCodeBench hides its private cases in a pickle of one string; nothing else is let in."""

    def find_class(self, module_name: str, global_name: str) -> Any:
        raise ValueError(f"a pickle that names {module_name}.{global_name}")


def _live_cases(value: Any) -> list[Mapping[str, Any]]:
    if not value:
        return []
    if isinstance(value, list):
        return value
    try:
        return list(json.loads(value))
    except ValueError:
        data = zlib.decompress(base64.b64decode(value))
        return list(json.loads(_PlainUnpickler(BytesIO(data)).load()))


_FORMS = (
    ({"task_id", "declaration", "buggy_solution", "test", "entry_point"}, _fix),
    ({"task_id", "prompt", "entry_point", "canonical_solution", "base_input"}, _evalplus),
    ({"task_id", "prompt", "entry_point", "test"}, _humaneval),
    ({"task_id", "test_list"}, _mbpp),
    ({"question_id", "question_content", "public_test_cases"}, _live),
)
"""The fields that tell a form, the most telling first."""

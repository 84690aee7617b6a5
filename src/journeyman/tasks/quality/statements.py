"""Whether a problem statement is fair: it gives nothing away, says enough, and fits its hidden tests.

Rules always look; a model, where there is one, is asked as well and answers in JSON. What a rule finds
stands with its name, so that a taskset can be filtered by it.

    for finding in judge_statement(task, environments):
        print(finding.rule, finding.detail)
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path

from journeyman.tasks.asking import Asker, json_object
from journeyman.tasks.statement import find_leaks
from journeyman.types import Data, Task

__all__ = ["RULES", "Finding", "ask_judge", "judge_statement"]

RULES = {
    "leak": "it shows a line of the fix, the kind of the bug, or a hidden test",
    "vague": "it says too little to begin with",
    "unknown_name": "hidden tests need a name that only the fix brings and it does not say",
    "mismatch": "none of what it names is touched by the fix or used in the hidden tests",
    "model": "the model that was asked finds it unfair",
}

MIN_WORDS = 12
MAX_TEST_CHARACTERS = 4000
_DEFINED = re.compile(r"^\+\s*(?:async )?(?:def|class|func|fn|function)\s+(\w+)", re.MULTILINE)
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{2,}")
_CODE = re.compile(r"```[^\n]*\n(.*?)```|`([^`\n]+)`", re.DOTALL)
_COMMON = frozenset(
    {
        *("the", "and", "for", "not", "with", "that", "this", "from", "import", "def", "class"),
        *("return", "self", "none", "true", "false", "assert", "raise", "raises", "print", "list"),
        *("dict", "str", "int", "float", "set", "tuple", "len", "range", "isinstance", "test"),
        *("tests", "pytest", "unittest", "value", "values", "should", "expected", "result"),
        *("error", "exception", "typeerror", "valueerror", "assertionerror", "keyerror"),
    }
)

SYSTEM = """\
You review tasks for programmers. Each has a problem statement, which is all that they see, a fix, and
hidden tests that judge their work. You answer with one JSON object and nothing else:
{"leaks": bool, "vague": bool, "mismatch": bool, "reason": "one sentence"}
leaks: the statement shows the fix itself or how to write it, beyond the behaviour that is wanted.
vague: a good programmer could not tell from it which behaviour is wanted.
mismatch: the hidden tests ask for something else than the statement, or much that it does not say."""


class Finding(Data):
    """One thing that is wrong with a statement."""

    rule: str
    detail: str


def judge_statement(task: Task, environments: Path | None = None) -> list[Finding]:
    """Return what the rules find; with the environments at hand, the hidden tests are read as well."""
    found = [Finding(rule="leak", detail=leak) for leak in find_leaks(task)]
    found += [Finding(rule="vague", detail=detail) for detail in _vague(task.problem_statement)]
    tests = hidden_tests(task, environments)
    if tests:
        found += _unknown(task, tests)
        found += _mismatch(task, tests)
    return found


async def ask_judge(task: Task, asker: Asker, environments: Path | None = None) -> list[Finding]:
    """Ask a model; an answer of another form is a finding of its own. Raises as `Asker.ask` does."""
    tests = hidden_tests(task, environments)[:MAX_TEST_CHARACTERS]
    question = (
        f"Problem statement:\n\n{task.problem_statement}\n\nFix:\n\n{task.patch}\n\n"
        f"Hidden tests:\n\n{tests or ', '.join(task.FAIL_TO_PASS)}"
    )
    answer = await asker.ask(SYSTEM, question, about=task.instance_id)
    verdict = json_object(answer.text) if not answer.failure else None
    names = ("leaks", "vague", "mismatch")
    if verdict is None or not all(isinstance(verdict.get(name), bool) for name in names):
        return [Finding(rule="unreadable_judge", detail=answer.failure or answer.text[:100])]
    wrong = [name for name in names if verdict[name]]
    reason = str(verdict.get("reason", ""))[:200]
    return [Finding(rule="model", detail=f"{', '.join(wrong)}: {reason}")] if wrong else []


def hidden_tests(task: Task, environments: Path | None) -> str:
    """Return the code of the hidden tests: the patch's added lines and the functions that must pass."""
    added = [line[1:] for line in task.test_patch.split("\n") if _is_added(line)]
    parts = ["\n".join(added)] if added else []
    names = {re.split(r"::|\.", test.partition("[")[0])[-1] for test in task.FAIL_TO_PASS}
    repository = environments / task.environment / "repository" if environments else None
    for path in task.hidden_paths if repository else ():
        assert repository is not None
        try:
            text = (repository / path).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        parts += _functions(text, names)
    return "\n\n".join(parts)


def _functions(text: str, names: Collection[str]) -> Iterator[str]:
    """Cut out the functions of some names, by indentation, in any language that indents."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        found = re.match(r"^(\s*)(async )?(def|fn|func|function|it|test)\W+(\w+)", line)
        if not found or found[4] not in names:
            continue
        end = number + 1
        while end < len(lines) and (
            not lines[end].strip() or len(lines[end]) - len(lines[end].lstrip()) > len(found[1])
        ):
            end += 1
        yield "\n".join(lines[number:end]).rstrip()


def _vague(statement: str) -> Iterator[str]:
    prose = _CODE.sub(" ", statement)
    num_words = len(re.findall(r"\w+", prose))
    has_code = _CODE.search(statement) is not None
    if not statement.strip():
        yield "it is empty"
    elif num_words < MIN_WORDS and not has_code:
        yield f"{num_words} words, and nothing shown"
    elif "documented does not give what its documentation" in statement and not has_code:
        yield "it names no function and shows no example"


def _unknown(task: Task, tests: str) -> Iterator[Finding]:
    """Names that the fix brings, that the tests use, and that nobody could know of."""
    if task.bug_patch:  # a tree that worked once says them elsewhere: in calls, exports, documents
        return
    lines = task.patch.split("\n")
    before = _names("\n".join(line[1:] for line in lines if line[:1] in (" ", "-")))
    new = set(_DEFINED.findall(task.patch)) - before - _names(task.problem_statement)
    missing = sorted(new & _names(tests))
    if missing:
        yield Finding(rule="unknown_name", detail=f"the tests need {', '.join(missing[:3])}")


def _mismatch(task: Task, tests: str) -> Iterator[Finding]:
    shown = _names(" ".join("".join(found) for found in _CODE.findall(task.problem_statement)))
    if not shown:
        return
    fitting = _names(tests) | _names(task.patch)
    if not shown & fitting:
        names = ", ".join(sorted(shown)[:3])
        yield Finding(rule="mismatch", detail=f"{names}: in neither the hidden tests nor the fix")


def _names(text: str) -> set[str]:
    return {name for name in _IDENTIFIER.findall(text) if name.lower() not in _COMMON}


def _is_added(line: str) -> bool:
    return line.startswith("+") and not line.startswith("+++ ")

"""Problem statements written from failing behaviour, by rule, and the check that they leak nothing.

A statement says what was run, what was seen and what should be seen, as a user's report would. It
never holds a line of the fix, the kind of the bug, or the name of a test that will grade the work.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from journeyman.tasks.convention import language_of
from journeyman.tasks.probe import TestFailure
from journeyman.tasks.snippet import Snippet, find_snippet
from journeyman.types import Task

__all__ = ["find_leaks", "write_statement"]

MIN_LEAK_CHARACTERS = 12
MIN_NAME_CHARACTERS = 4
MAX_MESSAGE_LINES = 8
MAX_EXAMPLES = 3
VOLATILE = (
    (re.compile(r"\b0x[0-9a-fA-F]{6,}\b"), "0x…"),
    (re.compile(r"/tmp/[^\s'\"]*"), "/tmp/…"),  # noqa: S108
    (re.compile(r"/testbed/"), ""),
)
"""What differs between runs of the same code, and what replaces it."""

UNWRITTEN = "NotImplementedError"
_SAYS_UNWRITTEN = re.compile(r"(^|[:\"'] ?)not implemented\b", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Example:
    failure: TestFailure
    snippet: Snippet


def write_statement(
    repository: Path, project: str, function: str, failures: Sequence[TestFailure]
) -> list[str]:
    """Return statements for a bug in `function`, from the most telling to the most reserved.

    `repository` is the fixed tree, from which the failing tests are read.
    """
    examples = _examples(repository, function, failures)
    subject = _subject(function, examples)
    seen = _seen([example.failure for example in examples] or failures)
    title = _title(subject or project, seen)
    if seen == UNWRITTEN and not subject:
        title = f"A part of {project} is not implemented"
    closing = "Everything else should go on working as it does now."
    bare = f"{title}\n\n{_plain(subject, project, seen)}\n\n{closing}\n"
    if not examples:
        return [bare]
    told = "\n\n".join(_told(example) for example in examples[:MAX_EXAMPLES])
    short = _told(examples[0], has_message=False)
    return [
        f"{title}\n\n{told}\n\n{_extent(subject, len(failures))}{closing}\n",
        f"{title}\n\n{short}\n\n{closing}\n",
        bare,
    ]


def _examples(repository: Path, function: str, failures: Sequence[TestFailure]) -> list[_Example]:
    """Pair failures with their code: those that call the function first, then the shortest."""
    found: dict[str, _Example] = {}
    for failure in failures:
        snippet = find_snippet(repository, failure)
        if snippet is not None:
            found.setdefault(snippet.code, _Example(failure, snippet))
    leaf = function.rpartition(".")[2]
    return sorted(
        found.values(),
        key=lambda item: (
            leaf not in item.snippet.called,
            len(item.snippet.code),
            item.failure.test,
        ),
    )


def _subject(function: str, examples: Sequence[_Example]) -> str:
    """Name what is at fault as a user would: the changed function only where tests call it."""
    if not examples:
        return ""
    called = examples[0].snippet.called
    leaf = function.rpartition(".")[2]
    return leaf if leaf in called and not leaf.startswith("_") else ""


def _seen(failures: Sequence[TestFailure]) -> str:
    """Name the exception that was met, or "" for a wrong result."""
    first = failures[0] if failures else None
    if first is not None and _is_unwritten(first):
        return UNWRITTEN
    if first is None or first.exception in ("AssertionError", "Failed"):
        return ""
    return first.exception


def _is_unwritten(failure: TestFailure) -> bool:
    """Tell whether a test met code that is yet to be written, by what other languages say then."""
    if failure.path.endswith(".py"):
        return failure.exception == UNWRITTEN
    return failure.exception == UNWRITTEN or bool(_SAYS_UNWRITTEN.search(failure.message))


def _title(subject: str, exception: str) -> str:
    if exception == UNWRITTEN:
        return f"`{subject}` is not implemented"
    if exception == "a panic":
        return f"`{subject}` panics"
    if exception:
        return f"`{subject}` raises an unexpected `{exception}`"
    return f"`{subject}` gives a wrong result"


def _plain(subject: str, project: str, exception: str) -> str:
    what = f"Calling `{subject}` of {project}" if subject else f"Using {project}"
    if exception == UNWRITTEN:
        return f"{what} as documented is not possible yet: what it needs is not written."
    if exception:
        return f"{what} as documented raises `{exception}` where it should succeed."
    return f"{what} as documented does not give what its documentation and its users expect."


def _told(example: _Example, *, has_message: bool = True) -> str:
    failure, snippet = example.failure, example.snippet
    code = f"```{language_of(failure.path) or 'text'}\n{snippet.code}\n```"
    message = _message(failure) if has_message else ""
    shown = f"\n\n```\n{message}\n```" if message else ""
    if _is_unwritten(failure):
        documented = "docstring" if failure.path.endswith(".py") else "documentation"
        return f"This needs it:\n\n{code}\n\nIts signature and {documented} say what it should do."
    if failure.exception not in ("AssertionError", "Failed"):
        return f"Running this\n\n{code}\n\nends with `{failure.exception}`, and should not:{shown}"
    if failure.exception == "Failed":
        return f"Running this\n\n{code}\n\ndoes not behave as expected:{shown}"
    if snippet.actual and snippet.expected and "\n" not in snippet.expected:
        should = f"\n\n`{snippet.actual}` should be equal to `{snippet.expected}`."
        return (
            f"I expect this to hold:\n\n{code}\n\nInstead:{shown}{should}"
            if shown
            else code + should
        )
    return f"I expect this to hold:\n\n{code}\n\nIt does not.{shown}"


def _message(failure: TestFailure) -> str:
    lines = [line.rstrip() for line in failure.message.split("\n")][:MAX_MESSAGE_LINES]
    if "  Full diff:" in lines:  # it would be cut anywhere
        del lines[lines.index("  Full diff:") :]
    while lines and not lines[-1].strip():
        lines.pop()
    text = "\n".join(lines)
    for pattern, replacement in VOLATILE:
        text = pattern.sub(replacement, text)
    if not text:
        return ""
    is_plain = failure.exception == "Failed" or not failure.path.endswith(".py")
    return text if is_plain else f"{failure.exception}: {text}"


def _extent(subject: str, num_failures: int) -> str:
    if num_failures < 3:
        return ""
    return "Other uses are affected as well. " if subject else "Several uses are affected. "


def find_leaks(task: Task) -> list[str]:
    """List what a task's statement gives away: the fix, the bug's kind, or the hidden tests."""
    statement = _squeezed(task.problem_statement)
    leaks = [
        f"a line of the fix: {line}" for line in _changed_lines(task.patch) if line in statement
    ]
    if task.origin.strategy and task.origin.strategy in task.problem_statement:
        leaks.append(f"the kind of the bug: {task.origin.strategy}")
    if re.search(r"^(diff --git|@@ -|\+\+\+ b/)", task.problem_statement, re.MULTILINE):
        leaks.append("a diff")
    for path in task.hidden_paths:
        if PurePosixPath(path).name in task.problem_statement:
            leaks.append(f"the name of a hidden file: {path}")
    for test in task.FAIL_TO_PASS:
        name = _name_of(test, task.language)
        if name and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", task.problem_statement):
            leaks.append(f"the name of a hidden test: {name}")
    return list(dict.fromkeys(leaks))


def _name_of(test: str, language: str) -> str:
    """Return the name of a test without its file or class; "" for one that says too little.

    In other languages than Python it may be a whole sentence, with stops and brackets in it.
    """
    if language == "python":
        return re.split(r"::|\.", test.partition("[")[0])[-1]
    name = test.rpartition("::")[2].partition("/")[0] if "::" in test else test
    return name if len(name) >= MIN_NAME_CHARACTERS else ""


def _changed_lines(patch: str) -> list[str]:
    """Return the changed lines that say something, without their white space."""
    lines = [
        _squeezed(line[1:])
        for line in patch.split("\n")
        if line[:1] in ("+", "-") and not line.startswith(("+++ b/", "--- a/"))
    ]
    return [line for line in lines if len(line) >= MIN_LEAK_CHARACTERS]


def _squeezed(text: str) -> str:
    return "".join(text.split())

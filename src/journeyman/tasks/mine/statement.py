"""The problem statement of a mined task: the issue's own words, or what failed and what the commit says.

    texts = statements(Material(...))  # from the most telling to the most reserved

None of them is checked here against the task's patch as a whole: `tasks.statement.find_leaks` does
that, and whoever asks takes the first that passes.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from journeyman.tasks.mine.export import Issue
from journeyman.tasks.mine.needs import needs_of
from journeyman.tasks.mine.words import (
    Secrets,
    is_about_the_fix,
    paragraphs_of,
    plain_title,
    told_paragraphs,
    without_markup,
)
from journeyman.tasks.probe import TestFailure
from journeyman.tasks.statement import write_statement

__all__ = ["Material", "changed_functions", "statements"]

MIN_WORDS = 8
"""A statement of fewer words, outside of code, is too vague to be worked on."""

MAX_ISSUES = 3
_LIBRARY = re.compile(r"/[\w./+-]*/(lib/python\d)")
"""Where an interpreter lies on the machine that failed, which is another on the next."""

_INTERFACE = "What else has to hold:"


@dataclass(frozen=True, slots=True)
class Material:
    """All that a statement can be written from."""

    project: str
    issues: Sequence[Issue]
    """That the change closes and whose text is known."""
    titles: Sequence[str]
    """First lines that may say what was wrong, the best first."""
    body: str
    """The change's own description."""
    secrets: Secrets
    failures: Sequence[TestFailure]
    complaints: Sequence[tuple[str, str]]
    functions: Sequence[str]
    """Names of the functions that the fix changes."""
    tests: Path
    """A folder with the files of the failing tests as they are on the fixed state."""


def statements(material: Material) -> Iterator[str]:
    """Yield statements, from the most telling to the most reserved; none that is vague."""
    needs = _needs(material)
    for text in (*_from_issues(material), *_from_words(material)):
        whole = "\n\n".join([_LIBRARY.sub(r"…/\1", text).strip(), *needs]) + "\n"
        if not _is_vague(whole):
            yield whole


# --- the issue ---------------------------------------------------------------------------------


def _from_issues(material: Material) -> Iterator[str]:
    """The issue whole, and then without the paragraphs that say how it could be mended."""
    issues = [issue for issue in material.issues if issue.title or issue.body][:MAX_ISSUES]
    if not issues:
        return
    whole = [_whole(issue) for issue in issues]
    if not any(material.secrets.are_in(text) for text in whole):
        yield "\n\n".join(whole)
    kept = [
        "\n\n".join(part for part in paragraphs_of(text) if not material.secrets.are_in(part))
        for text in whole
    ]
    reserved = "\n\n".join(text for text in kept if text)
    if reserved:
        yield reserved
        yield from (f"{reserved}\n\n{example}" for example in _examples(material))


def _whole(issue: Issue) -> str:
    return f"{plain_title(issue.title)}\n\n{without_markup(issue.body)}".strip()


# --- the commit's own words and the failing behaviour ------------------------------------------


def _from_words(material: Material) -> Iterator[str]:
    told = "\n\n".join(told_paragraphs(material.body, material.secrets))
    title = _title(material)
    examples = list(_examples(material))
    for example in examples:
        if title:
            yield "\n\n".join(part for part in (title, told, example) if part)
    yield from _failing(material)
    if title:
        yield "\n\n".join(part for part in (title, told) if part)


def _title(material: Material) -> str:
    """Return the first title that says what was wrong and not how it was mended."""
    for title in material.titles:
        plain = plain_title(title)
        if len(plain.split()) > 2 and not is_about_the_fix(plain, material.secrets):
            return plain
    return ""


def _examples(material: Material) -> Iterator[str]:
    """Yield what failed, without the title that the rules give it."""
    for text in _failing(material):
        yield text.partition("\n\n")[2].strip()


def _failing(material: Material) -> Iterator[str]:
    """Yield statements of the failing behaviour alone; the last rule's, which shows nothing, is left."""
    if not material.failures:
        return
    function = _called(material)
    texts = write_statement(material.tests, material.project, function, material.failures)
    yield from (text for text in texts if "```" in text)


def _called(material: Material) -> str:
    """Return the changed function that the failing tests name, if any."""
    paths = {material.tests / failure.path for failure in material.failures}
    text = "\n".join(path.read_text(errors="replace") for path in paths if path.is_file())
    for function in material.functions:
        leaf = function.rpartition(".")[2]
        if re.search(rf"\b{re.escape(leaf)}\(", text):
            return function
    return ""


def _needs(material: Material) -> list[str]:
    complaints = [*material.complaints]
    complaints += [(failure.exception, failure.message) for failure in material.failures]
    needs = [need for need in needs_of(complaints) if not material.secrets.are_in(need)]
    return [f"{_INTERFACE}\n\n" + "\n".join(f"- {need}" for need in needs)] if needs else []


def _is_vague(text: str) -> bool:
    """A statement needs code that shows the problem, or enough words to tell it."""
    words = re.findall(r"[A-Za-z]{2,}", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    return "```" not in text and len(words) < MIN_WORDS


# --- the fix -----------------------------------------------------------------------------------


def changed_functions(before: str, after: str) -> list[str]:
    """Return the qualified names of the Python functions in which two states of a file differ."""
    old, new = before.split("\n"), after.split("\n")
    touched: tuple[set[int], set[int]] = set(), set()
    for tag, start, end, first, last in SequenceMatcher(
        None, old, new, autojunk=False
    ).get_opcodes():
        if tag != "equal":
            touched[0].update(range(start + 1, end + 1))
            touched[1].update(range(first + 1, last + 1))
    names = [*_functions_at(after, touched[1]), *_functions_at(before, touched[0])]
    return list(dict.fromkeys(names))


def _functions_at(text: str, lines: set[int]) -> list[str]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return []
    found: list[tuple[int, str]] = []
    stack: list[tuple[ast.AST, str]] = [(tree, "")]
    while stack:
        node, scope = stack.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            scope = f"{scope}.{node.name}" if scope else node.name
            is_function = not isinstance(node, ast.ClassDef)
            if is_function and lines & set(range(node.lineno, (node.end_lineno or 0) + 1)):
                found.append((node.lineno, scope))
        stack.extend((child, scope) for child in ast.iter_child_nodes(node))
    return [name for _, name in sorted(found)]

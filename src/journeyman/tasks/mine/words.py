"""The own words of a change, made fit to be read by someone who does not know its fix.

Trailers, checklists, templates and references go; so does every sentence that tells how it was done:
by its verb, by a line of the fix, by a file that was changed, or by a name that only the fix brings.

    >>> plain_title("fix(core): Sums of none raise (#41) (#42)")
    'Sums of none raise'
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

__all__ = [
    "Secrets",
    "is_about_the_fix",
    "paragraphs_of",
    "plain_title",
    "secrets_of",
    "told_paragraphs",
    "without_markup",
]

_MIN_LEAK_CHARACTERS = 12
_PREFIX = re.compile(
    r"^\s*(\[[^\]]{1,30}\]|\w+(\([^)]*\))?!?:(?=\s)|(?:BUG|ENH|MAINT|TST|DOC|FIX|API|PERF|REF|CLN|DEP|REG)\b:?"
    r"|(?:GH|gh|bpo)-\d+:?|#\d+:?)\s*"
)  # fmt: skip
_NUMBER = re.compile(r"\s*\((?:#|GH-|gh-|!)\d+\)|\s*\(pull request #\d+\)")
_TRAILER = re.compile(
    r"^(?:[A-Z][\w-]*-by|Co-authored-by|Change-Id|See-also|PR-URL|Refs?|Issue|Bug|Link|Reviewed-on"
    r"|See merge request|Merge pull request|Merge branch|Reverts?)\b:? .*$",
    re.MULTILINE | re.IGNORECASE,
)
_REFERENCE = re.compile(
    r"\(?\b(?:(?:clos|fix|resolv)(?:e|es|ed|ing)|addresse?s?|see|refs?|related to|part of"
    r"|follow-?up to)\b:?\s+"
    r"(?:issues?\s+)?(?:[\w.-]+/[\w.-]+)?(?:#|GH-|https?://\S*/(?:issues|pull)/)\d+\)?"
    r"(?:\s*(?:,|and|&)\s*#\d+)*[.,;]?",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"https?://\S+/(?:pull|commit|compare|merge_requests)/\S+")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_CHECKBOX = re.compile(r"^\s*[-*+] \[[ xX]\].*$", re.MULTILINE)
_FENCE = re.compile(r"^(```|~~~).*?^\1[^\n]*$", re.MULTILINE | re.DOTALL)
_HOW = re.compile(
    r"^(?:[-*+]\s+)?(?:also |now |and |then |this (?:pr|patch|commit|change) |we |i )*"
    r"(?:us(?:e|es|ed|ing)|chang(?:e|es|ed|ing)|replac(?:e|es|ed|ing)|renam(?:e|es|ed|ing)"
    r"|refactor\w*|remov(?:e|es|ed|ing)|mov(?:e|es|ed|ing)|switch(?:e[sd]|ing)?|swap\w*|wrap\w*"
    r"|rewr[io]te\w*|simplif\w+|extract\w*|inlin\w+|introduc\w+|insert\w*|revert\w*"
    r"|(?:add|adds|added|adding) (?:an?|the|some|more|missing)?\s*(?:\w+ )?"
    r"(?:tests?|checks?|guards?|helpers?|conditions?|branch(?:es)?|regression|changelog|news"
    r"|type hints?|cast))\b"
    r"|\b(?:instead of|rather than|by (?:using|adding|removing|replacing|changing|moving|checking)"
    r"|root cause|the (?:fix|solution|patch|culprit)\b|off[- ]by[- ]one|one[- ]line(?:r)?)",
    re.IGNORECASE,
)  # fmt: skip
_CHORE = re.compile(
    r"^(?:[-*+]\s+)?(?:wip|typos?|lint(?:ing)?|flake8|mypy|black|ruff|isort|pep ?8|nits?"
    r"|review(?: comments?)?|address (?:review|comments?|review comments?|feedback)"
    r"|update (?:changelog|changes|docs?|news|tests?)|changelog|fix(?:up)?(?: tests?| lint| ci)?"
    r"|squash|cleanup|clean up|merge .*|bump .*|oops|format\w*|test(?:s)?)[.!]?$"
    r"|^(?:many |special |big )?(?:thanks?|thx|kudos|cc|ping|credits?)\b",
    re.IGNORECASE,
)  # fmt: skip
_CODE_WORD = re.compile(r"\b[A-Za-z_]\w*[A-Za-z0-9_]\b")


@dataclass(frozen=True, slots=True)
class Secrets:
    """What a statement must not say."""

    lines: frozenset[str]
    """Changed lines of the fix, without their blanks."""
    names: frozenset[str]
    """Names that only the fix brings: neither the tests nor the code before know them."""
    files: frozenset[str]
    """Names of the files that the fix changes, and of those that the tests make anew."""

    def are_in(self, text: str) -> bool:
        """Tell whether a text says any of them."""
        squeezed = "".join(text.split())
        if any(line in squeezed for line in self.lines):
            return True
        if any(re.search(rf"(?<![\w/]){re.escape(file)}\b", text) for file in self.files):
            return True
        return bool(self.names & set(_CODE_WORD.findall(text)))


def secrets_of(patch: str, test_patch: str, before: str, files: Iterable[str]) -> Secrets:
    """Read from a fix what its statement must not say; `before` is all code that it changes."""
    changed = [line for line in patch.split("\n") if _is_changed(line)]
    lines = {"".join(line[1:].split()) for line in changed}
    added = "\n".join(line for line in changed if line.startswith("+"))
    known = set(_CODE_WORD.findall(before)) | set(_CODE_WORD.findall(test_patch))
    return Secrets(
        lines=frozenset(line for line in lines if len(line) >= _MIN_LEAK_CHARACTERS),
        names=frozenset(name for name in _CODE_WORD.findall(added) if _is_telling(name)) - known,
        files=frozenset(PurePosixPath(file).name for file in files) - {"__init__.py"},
    )


def _is_changed(line: str) -> bool:
    return line[:1] in ("+", "-") and not line.startswith(("+++ ", "--- "))


def _is_telling(name: str) -> bool:
    """Tell whether a name is code's rather than a word of English."""
    return (
        "_" in name.strip("_")
        or any(sign.isupper() for sign in name[1:])
        or any(map(str.isdigit, name))
    )


def plain_title(subject: str) -> str:
    """Return a commit's subject or a pull request's title without numbers, prefixes and references."""
    text = _NUMBER.sub("", subject)
    text = _REFERENCE.sub("", text)
    while match := _PREFIX.match(text):
        text = text[match.end() :]
    text = text.strip(" .:;,-")
    return text[:1].upper() + text[1:]


def without_markup(text: str) -> str:
    """Return a text without comments, checklists and trailers; its words and code stay."""
    text = _COMMENT.sub("", text.replace("\r\n", "\n"))
    text = _CHECKBOX.sub("", text)
    text = _TRAILER.sub("", text)
    text = re.sub(r"^#+ .*\n+(?=#+ |\Z)", "", text, flags=re.MULTILINE)  # headings of nothing
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def paragraphs_of(text: str) -> list[str]:
    """Split a text at its empty lines; a block of code in fences stays whole."""
    found: list[list[str]] = [[]]
    fence = ""
    for line in text.split("\n"):
        mark = line.lstrip()[:3]
        if mark in ("```", "~~~") and fence in ("", mark):
            fence = "" if fence else mark
        if line.strip() or fence:
            found[-1].append(line)
        elif found[-1]:
            found.append([])
    return ["\n".join(lines) for lines in found if lines]


def told_paragraphs(text: str, secrets: Secrets) -> list[str]:
    """Return what a body says of the problem: without code blocks and sentences about the fix."""
    plain = _ADDRESS.sub("", _REFERENCE.sub("", _FENCE.sub("", without_markup(text))))
    kept = [" ".join(_sentences(paragraph, secrets)) for paragraph in paragraphs_of(plain)]
    return [paragraph for paragraph in kept if paragraph]


def _sentences(paragraph: str, secrets: Secrets) -> Iterator[str]:
    lines = [line.strip() for line in paragraph.split("\n")]
    joined = "\n".join(line for line in lines if not line.startswith(("#", "|", ">", "---")))
    joined = re.sub(r"\n(?![-*+] )", " ", joined)
    for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z`'\"(])|\n", joined):
        plain = sentence.strip().lstrip("*+- ").strip()
        if len(plain.split()) > 2 and not is_about_the_fix(plain, secrets):
            yield plain if plain[-1] in ".!?:" else f"{plain}."


def is_about_the_fix(sentence: str, secrets: Secrets) -> bool:
    """Tell whether a sentence says how the work was done rather than what was wrong."""
    plain = plain_title(sentence)
    return bool(_HOW.search(plain) or _CHORE.match(plain)) or secrets.are_in(sentence)

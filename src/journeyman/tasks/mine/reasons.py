"""Every reason for which a mined change does not become a task, and what is kept of one that does not.

>>> REASONS["backport"]
'repeats a change of another branch'
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["REASONS", "Refused"]

REASONS: dict[str, str] = {
    # told by history and messages alone
    "root": "the first commit, or one whose parents a shallow clone left out",
    "octopus": "a merge of more than two lines",
    "merge_of_main": "brings the main line into other work, or a whole long-lived branch into it",
    "revert": "takes another change back",
    "reverted": "was taken back later",
    "backport": "repeats a change of another branch",
    "dependency_bump": "raises the version of a dependency",
    "release": "only makes a release",
    # told by the difference between its two trees
    "empty": "changes no file",
    "missing_objects": "objects that the repository lacks, or history that cannot be read",
    "submodule": "moves a submodule",
    "link_outside": "makes a link that leads out of the tree",
    "binary": "changes a binary file that no test patch and no documentation owns",
    "not_utf8": "its diff is not UTF-8",
    "too_large": "changes more than one task should",
    "docs_only": "changes documentation, docstrings or comments alone",
    "dependencies_only": "changes dependencies and their lock files alone",
    "tests_only": "changes tests alone",
    "no_tests": "brings no test",
    "no_source": "changes no source file of a known language",
    "formatting_only": "leaves every syntax tree as it was",
    "inseparable": "test and fix touch the same lines",
    "duplicate": "makes the same change as one that was taken already",
    # told by execution
    "unsupported_language": "no environment can be built for its language yet",
    "unbuildable": "no environment could be built at its base",
    "visible_fix": "the environment holds a copy of the fixed files",
    "timeout": "its tests do not end",
    "unreadable": "the test run left no readable result",
    "fails_on_fixed": "none of its tests passes on the fixed state",
    "no_fail_to_pass": "every test that passes on the fixed state passes without the fix too",
    "leaking_statement": "no statement could be written that does not give the fix away",
    "vague_statement": "no words and no failure tell what is wrong",
    "gate": "the task did not pass the gate",
    "failed": "the sandbox or the machine failed",
}
"""In the order in which they are looked for; the gate's own say which check failed."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A change that does not become a task."""

    reason: str
    """A key of `REASONS`, or `gate: ` and the name of a check."""
    example: str
    """Which change it was, and what of it, for people."""
    merged_at: int | None = None
    """Unix time, seconds, at which it came to the main line, where a date may matter."""

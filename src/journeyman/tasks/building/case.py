"""What a building agent works on: a tree in two states, told apart by the project's tests.

>>> case_of_removal(project, root).name  # doctest: +SKIP
'toolz/dicttoolz.py: merge is taken away'
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from journeyman.errors import JourneymanError
from journeyman.tasks.bug import Bug
from journeyman.tasks.mine import MineCandidate
from journeyman.tasks.project import Project
from journeyman.tasks.strategies.remove import removed

__all__ = ["Case", "case_of_candidate", "case_of_removal"]


@dataclass(frozen=True, slots=True)
class Case:
    """Two states of a project's commit, each the exported tree with some diffs applied."""

    name: str
    commit: str
    created_at: str
    to_buggy: tuple[str, ...]
    to_fixed: tuple[str, ...]
    tests: tuple[str, ...]
    """Files of tests that a change brought; empty where the whole suite is meant."""
    language: str = "python"


def case_of_candidate(candidate: MineCandidate) -> Case:
    """Return the two states of a mined change, both with its tests."""
    split = candidate.split
    return Case(
        name=candidate.label,
        commit=candidate.change.base,
        created_at=candidate.base_date,
        to_buggy=(split.test_patch,),
        to_fixed=(split.patch, split.test_patch),
        tests=split.tests,
        language=split.language,
    )


def case_of_removal(project: Project, root: Path) -> Case:
    """Return a project's commit, and the same with the first function of it taken away.

    Raises `JourneymanError` where there is no function of some size.
    """
    for bug in removed(root):
        if isinstance(bug, Bug):
            return Case(
                name=f"{bug.path}: {bug.function} is taken away",
                commit=project.commit,
                created_at=project.created_at,
                to_buggy=(bug.patch,),
                to_fixed=(),
                tests=(),
            )
    raise JourneymanError(f"no function found in {project.name}", "give another project")

"""Documented functions as conversations: the problem as scaffold `answer` puts it, their own
code the answer.

No test says that a function does what its documentation says, so they are no tasks: they teach the form.

    for conversation in function_conversations(Path("src"), "toolz", FunctionTextSettings()): ...
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from pydantic import Field

from journeyman.config import Config
from journeyman.scaffolds.answer import opening_of
from journeyman.tasks.functions.subject import list_subjects, statement_of
from journeyman.train.documents.conversation import Conversation
from journeyman.types import Message

__all__ = ["FunctionTextSettings", "documented_functions", "function_conversations"]


class FunctionTextSettings(Config):
    """Which functions become conversations."""

    max_function_lines: int = Field(default=14, ge=2)
    """Longest function, its documentation included, in lines."""
    max_characters: int = Field(default=2000, ge=100)
    """Longest problem, in characters."""
    seed: int = 0
    """Seed of the order of the functions."""


def function_conversations(
    folder: Path, project: str, settings: FunctionTextSettings, *, unseen: Collection[str] = ()
) -> Iterator[Conversation]:
    """Yield a conversation a function; functions whose code is in `unseen` are left out."""
    for subject in list_subjects(folder, seed=settings.seed):
        target = subject.target
        if target.code.count("\n") > settings.max_function_lines or target.code in unseen:
            continue
        opening = opening_of(statement_of(subject, project), f"{target.path}::{target.name}")
        if sum(len(it.content) for it in opening) > settings.max_characters:
            continue
        answer = f"```python\n{target.code.rstrip()}\n```"
        yield Conversation(
            messages=(*opening, Message(role="assistant", content=answer)),
            source="function",
            id=f"{project}:{target.label}",
        )


def documented_functions(folder: Path) -> Iterator[str]:
    """Yield the code of a folder's documented public functions."""
    for subject in list_subjects(folder, seed=0):
        yield subject.target.code

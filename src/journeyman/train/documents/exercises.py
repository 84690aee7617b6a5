"""Exercises in calling tools as conversations of several turns: one declaration serves many calls.

Tools are real functions of the standard library, those of coding agents, and made-up ones, all of the
split that is for training: what is measured on held-out tools was never seen here.

    for conversation in exercise_conversations(100, num_turns=5, seed=0): ...
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from random import Random

from journeyman.templates.exercises.exercise import Exercise, ToolSet, answer, split_of
from journeyman.templates.exercises.functions import draw_toolset
from journeyman.templates.exercises.library import library_toolsets
from journeyman.templates.exercises.make import make_exercises
from journeyman.templates.exercises.toolsets import TOOLSETS
from journeyman.train.documents.conversation import Conversation
from journeyman.types import Message

__all__ = ["exercise_conversations"]

_RESULTS = ("ok", "done", "None", "0", "True", "[]", '{"status": "ok"}', "3 lines", "not found")
_LIBRARY, _AGENTS = 0.6, 0.8
_SIZE = 2
_QUOTED = 0.2
"""Share of the text arguments with apostrophes and quotes: where a form of calls has to escape."""
_BARE = 0.15
"""Share of the calls without optional arguments: a call without any argument is a form of its own."""


def exercise_conversations(number: int, *, num_turns: int, seed: int) -> Iterator[Conversation]:
    """Yield conversations of `num_turns` requests, each answered by one call and its result."""
    draw = Random(f"exercises {seed}")  # noqa: S311
    library = iter(library_toolsets(number, split="train", seed=seed, size=_SIZE))
    for place in range(number):
        drawn = draw.random()
        if drawn < _LIBRARY:
            toolset = next(library)
        else:
            toolset = _of_agent(draw) if drawn < _AGENTS else _made_up(draw)
        exercises = make_exercises(
            split="train",
            seed=draw.randrange(2**31),
            toolsets=[toolset],
            with_functions=False,
            quoted_share=_QUOTED,
            bare_share=_BARE,
        )
        yield _chain(list(islice(exercises, num_turns)), toolset, draw, f"exercise:{place}")


def _of_agent(draw: Random) -> ToolSet:
    whole = TOOLSETS[draw.choice(sorted(TOOLSETS))]
    usable = [tool for tool in whole.tools if split_of(tool) == "train"]
    return ToolSet(name=whole.name, tools=tuple(draw.sample(usable, min(_SIZE, len(usable)))))


def _made_up(draw: Random) -> ToolSet:
    while True:
        whole = draw_toolset(draw, num_tools=8)
        usable = [tool for tool in whole.tools if split_of(tool) == "train"]
        if usable:
            return ToolSet(name=whole.name, tools=tuple(usable[:_SIZE]))


def _chain(exercises: Sequence[Exercise], toolset: ToolSet, draw: Random, key: str) -> Conversation:
    first = exercises[0].messages
    messages: list[Message] = [it for it in first[:1] if it.role == "system"]
    for exercise in exercises:
        messages += [exercise.messages[-1], answer(exercise)]
        name = exercise.expected.name
        messages.append(Message(role="tool", content=draw.choice(_RESULTS), name=name))
    return Conversation(
        messages=tuple(messages[:-1]), tools=toolset.tools, source="exercise", id=key
    )

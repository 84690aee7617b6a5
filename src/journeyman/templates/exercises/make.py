"""Make exercises without end: a toolset, a request that says every value, and the call it asks for.

The same arguments give the same exercises on every machine. Accuracy is of form, not of wit: the
request gives each value as it should stand in the call, so what a model gets wrong is the template.

    exercises = itertools.islice(make_exercises(split="train", seed=7), 1000)
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from journeyman.templates.exercises.exercise import Exercise, Split, ToolSet, split_of
from journeyman.templates.exercises.functions import draw_toolset
from journeyman.templates.exercises.toolsets import TOOLSETS
from journeyman.templates.exercises.values import Drawn, draw
from journeyman.types import Message, ToolCall, ToolSpec

__all__ = ["make_exercises"]

_MOST_TOOLS = 8
_SYSTEMS = (
    "You are a coding agent. Answer with one call of a tool.",
    "You help with software. Use the tools you are given; call exactly one.",
    "",
)
_NAMED = (
    "Call the tool {tool} with {arguments}",
    "Use {tool} with {arguments}",
    "Now run {tool}, giving it {arguments}",
)
_DESCRIBED = ("I need this: {description} Take {arguments}", "{description} With {arguments}")
_NO_ARGUMENTS = "no arguments."


class _Shares(NamedTuple):
    """How often arguments are of a rare kind. At 0 nothing is drawn: what is asked stays as it was."""

    quoted: float = 0.0
    bare: float = 0.0


_NO_SHARES = _Shares()


def make_exercises(
    *,
    split: Split,
    seed: int,
    toolsets: Sequence[ToolSet] = (),
    with_functions: bool = True,
    quoted_share: float = 0.0,
    bare_share: float = 0.0,
) -> Iterator[Exercise]:
    """Yield exercises of one split, taking the toolsets in turn; those of `TOOLSETS` by default.

    `quoted_share` of the text arguments hold apostrophes and quotes, beside those that do by chance.
    `bare_share` of the calls have no optional argument: often that is a call without any.
    A toolset that has no tool of the split is left out; raises `ValueError` if none has any.
    """
    chance = random.Random(f"{split} {seed}")  # noqa: S311
    chosen = [_narrowed(it, split) for it in (toolsets or tuple(TOOLSETS.values()))]
    usable = [it for it in chosen if _targets(it, split)]
    if not usable and not with_functions:
        raise ValueError(f"no toolset has a tool of the split {split!r}")
    shares = _Shares(quoted=quoted_share, bare=bare_share)
    number = 0
    while True:
        for toolset in (*usable, None) if with_functions else usable:
            drawn = toolset or _functions(chance, split)
            yield _make(drawn, split, chance, f"{split}-{seed}-{number:06d}", shares)
            number += 1


def _functions(chance: random.Random, split: Split) -> ToolSet:
    while True:
        toolset = _narrowed(draw_toolset(chance, num_tools=chance.randrange(2, 8)), split)
        if _targets(toolset, split):
            return toolset


def _narrowed(toolset: ToolSet, split: Split) -> ToolSet:
    """Leave held-out tools out of what training sees; what is measured may stand among all."""
    if split == "heldout":
        return toolset
    return toolset.model_copy(update={"tools": _targets(toolset, split)})


def _targets(toolset: ToolSet, split: Split) -> tuple[ToolSpec, ...]:
    return tuple(tool for tool in toolset.tools if split_of(tool) == split)


def _make(
    toolset: ToolSet,
    split: Split,
    chance: random.Random,
    exercise_id: str,
    shares: _Shares,
) -> Exercise:
    target = chance.choice(_targets(toolset, split))
    tools = _shown(toolset.tools, target, chance)
    drawn = _draw_arguments(target, chance, shares)
    is_named = chance.random() < 0.6 or not target.description
    request = _request(target, drawn, chance, is_named=is_named)
    return Exercise(
        exercise_id=exercise_id,
        toolset=toolset.name,
        tools=tools,
        messages=(*_opening(tools, chance), Message(role="user", content=request)),
        expected=ToolCall(name=target.name, arguments={key: it.value for key, it in drawn.items()}),
        argument_kinds={key: it.kind for key, it in drawn.items()},
        form="named" if is_named else "described",
        split=split,
    )


def _shown(
    tools: Sequence[ToolSpec], target: ToolSpec, chance: random.Random
) -> tuple[ToolSpec, ...]:
    others = [tool for tool in tools if tool != target]
    kept = chance.sample(others, min(len(others), chance.randrange(_MOST_TOOLS)))
    shown = [*kept, target]
    chance.shuffle(shown)
    return tuple(shown)


def _draw_arguments(
    tool: ToolSpec, chance: random.Random, shares: _Shares = _NO_SHARES
) -> dict[str, Drawn]:
    required = tool.parameters.get("required", ())
    is_bare = shares.bare > 0 and chance.random() < shares.bare
    return {
        name: draw(name, schema, chance, quoted_share=shares.quoted)
        for name, schema in tool.parameters.get("properties", {}).items()
        if name in required or (not is_bare and chance.random() < 0.5)
    }


def _opening(tools: Sequence[ToolSpec], chance: random.Random) -> Iterator[Message]:
    """The system message, and one time in three an earlier call with its answer."""
    system = chance.choice(_SYSTEMS)
    if system:
        yield Message(role="system", content=system)
    if chance.random() < 1 / 3:
        earlier = chance.choice(list(tools))
        drawn = _draw_arguments(earlier, chance)
        call = ToolCall(
            name=earlier.name, arguments={key: it.value for key, it in drawn.items()}, id="call_1"
        )
        yield Message(role="user", content=_request(earlier, drawn, chance, is_named=True))
        yield Message(role="assistant", tool_calls=(call,))
        yield Message(role="tool", content="done", name=earlier.name, tool_call_id="call_1")


def _request(
    tool: ToolSpec, drawn: dict[str, Drawn], chance: random.Random, *, is_named: bool
) -> str:
    shape = chance.choice(_NAMED if is_named else _DESCRIBED)
    arguments = "\n".join(_spell(key, it.value) for key, it in drawn.items())
    listed = f"these values:\n{arguments}" if drawn else _NO_ARGUMENTS
    return shape.format(tool=tool.name, description=tool.description, arguments=listed)


def _spell(name: str, value: Any) -> str:
    """Say a value so that it can be copied: texts as they are, everything else as JSON."""
    if not isinstance(value, str):
        return f"- {name}: {json.dumps(value, ensure_ascii=False)}"
    if "\n" in value:
        return f"- {name} is the text between the fences:\n~~~\n{value}\n~~~"
    return f"- {name}: {value}"

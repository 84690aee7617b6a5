"""Any number of made-up functions, for calls outside coding and for tools that nobody has seen.

>>> len(draw_toolset(random.Random(0), num_tools=4).tools)
4
"""

from __future__ import annotations

import random
from typing import Any

from journeyman.templates.exercises.exercise import ToolSet
from journeyman.types import ToolSpec

__all__ = ["draw_toolset"]

_VERBS = (
    "create",
    "update",
    "find",
    "delete",
    "send",
    "schedule",
    "convert",
    "track",
    "book",
    "rate",
)
_OBJECTS = (
    "invoice",
    "flight",
    "playlist",
    "ticket",
    "recipe",
    "shipment",
    "meeting",
    "sensor",
    "contract",
    "branch",
)
_QUALIFIERS = ("", "", "", "_list", "_by_name", "_in_bulk", "_history", "_quote")
_PARAMETERS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("name", {"type": "string", "description": "Name"}),
    ("title", {"type": "string", "description": "Title as people see it"}),
    ("note", {"type": "string", "description": "Remark in a sentence"}),
    ("id", {"type": "string", "description": "Identifier"}),
    ("quantity", {"type": "integer", "description": "How many"}),
    ("page", {"type": "integer", "description": "Which page, from 1"}),
    ("price", {"type": "number", "description": "Price in euros"}),
    ("ratio", {"type": "number", "description": "Share, where 1 is all"}),
    ("urgent", {"type": "boolean", "description": "Whether it is urgent"}),
    ("dry_run", {"type": "boolean", "description": "Whether only to pretend"}),
    ("unit", {"type": "string", "enum": ["kg", "lb", "km", "mi"], "description": "Unit"}),
    ("priority", {"type": "integer", "enum": [1, 2, 3], "description": "1 is the highest"}),
    ("tags", {"type": "array", "items": {"type": "string"}, "description": "Labels"}),
    ("amounts", {"type": "array", "items": {"type": "number"}, "description": "Amounts in order"}),
    (
        "address",
        {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "zip": {"type": "string"},
                "floor": {"type": "integer"},
            },
            "required": ["city", "zip"],
            "description": "Where",
        },
    ),
    ("body", {"type": "string", "description": "Text of several lines"}),
)


def draw_toolset(chance: random.Random, *, num_tools: int) -> ToolSet:
    """Draw a set of made-up functions whose names differ."""
    tools: dict[str, ToolSpec] = {}
    while len(tools) < num_tools:
        tool = _draw_tool(chance)
        tools.setdefault(tool.name, tool)
    return ToolSet(name="functions", tools=tuple(tools.values()))


def _draw_tool(chance: random.Random) -> ToolSpec:
    verb, thing = chance.choice(_VERBS), chance.choice(_OBJECTS)
    qualifier = chance.choice(_QUALIFIERS)
    name = f"{verb}_{thing}{qualifier}"
    if chance.random() < 0.25:
        name = "".join(part.title() for part in name.split("_"))
    parameters = chance.sample(_PARAMETERS, chance.randrange(0, 5))
    names = [parameter for parameter, _ in parameters]
    return ToolSpec(
        name=name,
        description=f"{verb.title()} a {thing}{qualifier.replace('_', ' ')}.",
        parameters={
            "type": "object",
            "properties": dict(parameters),
            "required": names[: chance.randrange(len(names) + 1)],
        },
    )

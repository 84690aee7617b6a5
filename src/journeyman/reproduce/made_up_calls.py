"""Made-up tools and requests that a very small model can learn, in parts that share no tool.

Which part a tool belongs to follows from its name alone. The same requests are questions in the format
of the Berkeley leaderboard, for `tasks calls --questions`, and conversations to practise on.

    write_questions(Path("calls/held-out"), draw_requests("held-out", 24, seed=0))
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

from journeyman.reproduce.made_up_functions import Part, part_of
from journeyman.runs import write_atomic
from journeyman.train.documents.conversation import Conversation
from journeyman.types import Message, ToolCall, ToolSpec

__all__ = [
    "ANSWERS",
    "ARGUMENTS",
    "QUESTIONS",
    "Request",
    "call_conversations",
    "draw_requests",
    "write_questions",
]

QUESTIONS, ANSWERS = "questions.jsonl", "answers.jsonl"

_VERBS = (
    *("count", "paint", "move", "open", "close", "clean"),
    *("weigh", "order", "check", "lend", "wash", "sell"),
    *("pack", "find", "mend", "send", "store", "lift"),
    *("print", "label", "dry", "fill", "hide", "book"),
)
_THINGS = (
    *("lamps", "cups", "maps", "keys", "plants", "shells", "bricks", "hats", "clocks", "pears"),
    *("wheels", "bells", "coins", "books", "stamps", "chairs", "boats", "apples", "ropes", "drums"),
    *("doors", "tables", "bowls", "spoons", "shirts", "shoes", "rings", "pens", "forks", "jars"),
    *(
        "nails",
        "bottles",
        "boxes",
        "letters",
        "plates",
        "candles",
        "brushes",
        "rugs",
        "pots",
        "tents",
    ),
)
ARGUMENTS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "number": ("integer", tuple(range(2, 42))),
    "room": (
        "string",
        ("kitchen", "cellar", "office", "attic", "hall", "garden", "school", "shop"),
    ),
    "colour": ("string", ("red", "green", "blue", "white", "black", "yellow")),
    "urgent": ("boolean", (True, False)),
}
"""Of each argument: its type in JSON Schema, and the values that are asked for."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request: which tools there are, what is said, and the call that is right."""

    id: str
    tools: tuple[ToolSpec, ...]
    text: str
    call: ToolCall


def draw_requests(part: Part, number: int, *, seed: int) -> list[Request]:
    """Draw requests of a part; its tools take turns, and each is shown beside another one."""
    draw = Random(f"calls {part} {seed}")  # noqa: S311
    names = [name for name in _names() if part_of(name) == part]
    draw.shuffle(names)
    return [_drawn(part, names, place, draw) for place in range(number)]


def write_questions(folder: Path, requests: Iterable[Request]) -> None:
    """Write requests and their answers as two files of a folder."""
    questions, answers = [], []
    for it in requests:
        asked = [[{"role": "user", "content": it.text}]]
        functions = [tool.model_dump(mode="json") for tool in it.tools]
        questions.append({"id": it.id, "question": asked, "function": functions})
        right = {name: [value] for name, value in it.call.arguments.items()}
        answers.append({"id": it.id, "ground_truth": [{it.call.name: right}]})
    for name, rows in ((QUESTIONS, questions), (ANSWERS, answers)):
        write_atomic(folder / name, "".join(f"{json.dumps(row)}\n" for row in rows))


def call_conversations(requests: Iterable[Request]) -> list[Conversation]:
    """Return each request with the call that is right."""
    return [
        Conversation(
            messages=(
                Message(role="user", content=it.text),
                Message(role="assistant", tool_calls=(it.call,)),
            ),
            tools=it.tools,
            source="call",
            id=it.id,
        )
        for it in requests
    ]


def _names() -> list[str]:
    return [f"{verb}_{thing}" for verb, thing in product(_VERBS, _THINGS)]


def _drawn(part: Part, names: list[str], place: int, draw: Random) -> Request:
    name = names[place % len(names)]
    tools = [_tool(name), _tool(draw.choice([it for it in names if it != name]))]
    draw.shuffle(tools)
    wanted = _tool(name).parameters["properties"]
    arguments = {key: draw.choice(ARGUMENTS[key][1]) for key in wanted}
    listed = "\n".join(
        f"- {key}: {value if isinstance(value, str) else json.dumps(value)}"
        for key, value in arguments.items()
    )
    text = f"Use {name} with these values:\n{listed}"
    return Request(
        f"{part}-{place:04d}", tuple(tools), text, ToolCall(name=name, arguments=arguments)
    )


def _tool(name: str) -> ToolSpec:
    """Return a tool, the same each time: its parameters follow from its name."""
    draw = Random(name)  # noqa: S311
    chosen = draw.sample(sorted(ARGUMENTS), draw.randrange(1, 4))
    verb, _, thing = name.partition("_")
    return ToolSpec(
        name=name,
        description=f"{verb.capitalize()} {thing}.",
        parameters={
            "type": "object",
            "properties": {key: {"type": ARGUMENTS[key][0]} for key in chosen},
            "required": chosen,
        },
    )

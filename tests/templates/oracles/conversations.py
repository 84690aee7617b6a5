"""The conversations that every template renders, ours and the genuine one, byte for byte."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from journeyman.types import Message, ToolCall, ToolSpec

GET_TIDE = ToolSpec(
    name="get_tide",
    description="Read the tide table of a port.",
    parameters={
        "type": "object",
        "properties": {
            "port": {"type": "string", "description": "Name of the port"},
            "hours": {"type": "integer", "description": "How far ahead"},
            "detailed": {"type": "boolean", "description": "With heights"},
        },
        "required": ["port"],
    },
)
SAVE_NOTE = ToolSpec(
    name="save_note",
    description="Write a file with a body & some <meta> data.",
    parameters={
        "type": "object",
        "properties": {
            "path": {"type": "string", "description": "Where"},
            "body": {"type": "string", "description": "What, “as is”"},
            "meta": {"type": "object", "description": "Anything else"},
        },
        "required": ["path", "body"],
    },
)
REFRESH = ToolSpec(
    name="refresh",
    description="Reload everything.",
    parameters={"type": "object", "properties": {}},
)
PLOT = ToolSpec(
    name="plot",
    description="Draw a chart.",
    parameters={
        "type": "object",
        "properties": {
            "points": {
                "type": "array",
                "description": "Pairs",
                "items": {"type": "array", "items": {"type": "number"}},
            },
            "kind": {"type": "string", "description": "Kind", "enum": ["line", "bar"]},
            "title": {"anyOf": [{"type": "string"}, {"type": "null"}], "description": "Title"},
            "style": {
                "type": "object",
                "description": "Style",
                "properties": {"width": {"type": "number"}, "dash": {"type": "boolean"}},
                "required": ["width"],
            },
        },
        "required": ["points"],
    },
)
TOOLS = (GET_TIDE, SAVE_NOTE)

CODE = "def f(x):\n    return \"<\" if x else 'é\\n'  # \\\\ \t tab\n\n"
SYSTEM = Message(role="system", content="You are a harbour master.")
QUESTION = Message(role="user", content="When is low tide?")


@dataclass(frozen=True)
class Conversation:
    """A named case."""

    name: str
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    add_generation_prompt: bool = True


def user(text: str) -> Message:
    return Message(role="user", content=text)


def assistant(content: str = "", *calls: ToolCall, reasoning: str = "") -> Message:
    return Message(role="assistant", content=content, tool_calls=calls, reasoning=reasoning)


def call(number: int, name: str, **arguments: Any) -> ToolCall:
    return ToolCall(name=name, arguments=arguments, id=f"functions.{name}:{number}")


def result(number: int, name: str, text: str) -> Message:
    return Message(role="tool", content=text, tool_call_id=f"functions.{name}:{number}", name=name)


TIDE = call(0, "get_tide", port="Ålesund", hours=6, detailed=True)
NOTE = call(1, "save_note", path="a.py", body=CODE, meta={"lang": "py", "tags": ["a", "b"]})

CONVERSATIONS = (
    Conversation("question", (QUESTION,)),
    Conversation("system_question", (SYSTEM, QUESTION)),
    Conversation(
        "chat",
        (SYSTEM, QUESTION, assistant("At noon."), user("Sure?"), assistant("Yes.")),
        (),
        False,
    ),
    Conversation("tools", (QUESTION,), TOOLS),
    Conversation("system_tools", (SYSTEM, QUESTION), TOOLS),
    Conversation("rich_schema", (SYSTEM, QUESTION), (PLOT, REFRESH)),
    Conversation("call_only", (SYSTEM, QUESTION, assistant("", TIDE)), TOOLS, False),
    Conversation("text_and_call", (SYSTEM, QUESTION, assistant("Checking.", TIDE)), TOOLS, False),
    Conversation(
        "one_result",
        (SYSTEM, QUESTION, assistant("", TIDE), result(0, "get_tide", "low at 14:05")),
        TOOLS,
    ),
    Conversation(
        "code",
        (SYSTEM, QUESTION, assistant("", NOTE), result(1, "save_note", CODE)),
        TOOLS,
    ),
    Conversation(
        "parallel",
        (
            SYSTEM,
            QUESTION,
            assistant("", TIDE, call(1, "get_tide", port="Bodø")),
            result(0, "get_tide", "low at 14:05"),
            result(1, "get_tide", '{"low": 3}'),
        ),
        TOOLS,
    ),
    Conversation(
        "several_steps",
        (
            SYSTEM,
            QUESTION,
            assistant("", TIDE),
            result(0, "get_tide", "low at 14:05"),
            assistant("", NOTE),
            result(1, "save_note", "saved"),
            assistant("Done."),
            user("Once more?"),
        ),
        TOOLS,
    ),
    Conversation(
        "steps_with_text",
        (
            SYSTEM,
            QUESTION,
            assistant("Checking.", TIDE),
            result(0, "get_tide", "low at 14:05"),
            assistant("Writing.", NOTE, call(2, "get_tide", port="Bodø")),
            result(1, "save_note", "saved"),
            result(2, "get_tide", "high"),
            assistant("Done."),
        ),
        TOOLS,
        False,
    ),
    Conversation(
        "unicode",
        (
            SYSTEM,
            user("潮汐は? 🌊 e\u0301 \u202e \x7f"),
            assistant("", call(0, "get_tide", port="東京 🗼 \u2028 \u00a0")),
            result(0, "get_tide", "満潮 ✓"),
        ),
        TOOLS,
    ),
    Conversation(
        "nested",
        (
            QUESTION,
            assistant(
                "",
                call(
                    0,
                    "plot",
                    points=[[-1, 2.5], [1e-07, 10**20]],
                    kind="bar",
                    title=None,
                    style={
                        "width": 0.5,
                        "dash": False,
                        "inner": {"list": [], "map": {}, "n": None},
                    },
                ),
            ),
            result(0, "plot", "drawn"),
        ),
        (PLOT,),
    ),
    Conversation(
        "empty_arguments",
        (QUESTION, assistant("", call(0, "refresh")), result(0, "refresh", "")),
        (REFRESH,),
    ),
    Conversation(
        "empty_values",
        (
            QUESTION,
            assistant("", call(0, "save_note", path="", body="\n", meta={})),
            result(0, "save_note", "ok"),
        ),
        TOOLS,
    ),
    Conversation(
        "delimiters",
        (
            QUESTION,
            assistant(
                "",
                call(
                    0,
                    "save_note",
                    path="<|im_end|>",
                    body="</tool_call></function>[/INST]<|eot|>```json {% raw %} {{ x }}",
                ),
            ),
            result(0, "save_note", "</tool_response> [TOOL_CALLS]"),
        ),
        TOOLS,
    ),
    Conversation(
        "user_after_result",
        (QUESTION, assistant("", TIDE), result(0, "get_tide", "low"), user("Stop.")),
        TOOLS,
    ),
    Conversation(
        "reasoning",
        (
            SYSTEM,
            QUESTION,
            assistant("", TIDE, reasoning="First the table.\nThen the answer."),
            result(0, "get_tide", "low at 14:05"),
        ),
        TOOLS,
    ),
    Conversation(
        "old_reasoning",
        (SYSTEM, QUESTION, assistant("At noon.", reasoning="I know that."), user("Sure?")),
        TOOLS,
    ),
)

"""Two tools and a few turns that show a template at work: in `check`, in `render` and in the docs."""

from __future__ import annotations

from journeyman.types import Message, ToolCall, ToolSpec

__all__ = ["CONVERSATION", "TOOLS", "TURNS"]

TOOLS = (
    ToolSpec(
        name="list_files",
        description="List the files of a folder.",
        parameters={
            "type": "object",
            "properties": {
                "folder": {"type": "string", "description": "Path of the folder"},
                "depth": {"type": "integer", "description": "How many levels to show"},
                "hidden": {"type": "boolean", "description": "Also names that begin with a dot"},
            },
            "required": ["folder"],
        },
    ),
    ToolSpec(
        name="write_file",
        description="Write a file.",
        parameters={
            "type": "object",
            "properties": {
                "path": {"type": "string", "description": "Path of the file"},
                "text": {"type": "string", "description": "The whole new text"},
                "options": {"type": "object", "description": "Encoding and permissions"},
            },
            "required": ["path", "text"],
        },
    ),
)

_CODE = 'def greet(name: str) -> str:\n    return f"<b>{name}</b>"  # naïve\n'
_LIST = ToolCall(name="list_files", arguments={"folder": "src", "depth": 2, "hidden": False})
_WRITE = ToolCall(
    name="write_file",
    arguments={"path": "src/greet.py", "text": _CODE, "options": {"modes": ["r", "w"], "mask": 18}},
)

TURNS = {
    "text": Message(role="assistant", content="There is nothing to do."),
    "one call": Message(role="assistant", tool_calls=(_LIST,)),
    "text and a call": Message(role="assistant", content="Let me look.", tool_calls=(_LIST,)),
    "a call with code": Message(role="assistant", tool_calls=(_WRITE,)),
    "two calls": Message(
        role="assistant",
        tool_calls=(_LIST, ToolCall(name="list_files", arguments={"folder": "tests/Ünïcode 🌊"})),
    ),
    "reasoning": Message(role="assistant", reasoning="It is small.", content="Done."),
}
"""Assistant turns by what they show."""

CONVERSATION = (
    Message(role="system", content="You are a careful programmer."),
    Message(role="user", content="Add a greeting to src."),
    TURNS["text and a call"],
    Message(role="tool", content="src/main.py", name="list_files"),
    TURNS["a call with code"],
    Message(role="tool", content="written", name="write_file"),
)

"""One call in every tool chat template, side by side: declared, made, answered."""

from __future__ import annotations

from typing import Any

from journeyman.templates import get_template, list_templates
from journeyman.types import Message, ToolCall, ToolSpec
from journeyman.web.reading.text import visible

__all__ = ["template_context"]

_TOOL = ToolSpec(
    name="edit_file",
    description="Replace one text by another in a file.",
    parameters={
        "type": "object",
        "properties": {
            "path": {"type": "string", "description": "Path of the file."},
            "old": {"type": "string", "description": "Text to replace."},
            "new": {"type": "string", "description": "Text to put in its place."},
            "count": {"type": "integer", "description": "Most replacements."},
        },
        "required": ["path", "old", "new"],
    },
)
_CALL = ToolCall(
    name="edit_file",
    arguments={"path": "src/app.py", "old": "a < b", "new": 'a <= b  # "inclusive"', "count": 1},
    id="call00001",
)


def template_context() -> dict[str, Any]:
    """Return the same conversation in every template."""
    arguments = ", ".join(f"{name}={value!r}" for name, value in _CALL.arguments.items())
    return {
        "written": f"{_CALL.name}({arguments})",
        "templates": [_view(name) for name in list_templates()],
    }


def _view(name: str) -> dict[str, Any]:
    template = get_template(name)
    asked = Message(role="user", content="Make the bound inclusive.")
    turn = Message(role="assistant", tool_calls=(_CALL,))
    answer = Message(role="tool", content="1 replacement", tool_call_id=_CALL.id, name=_CALL.name)
    before = template.render([asked], [_TOOL])
    call = template.render_turn(turn)
    # What the answer adds to the conversation is seen best as what comes behind the call.
    whole = template.render([asked, turn, answer], [_TOOL])
    at = whole.rfind(call.strip())
    reply = whole[at + len(call.strip()) :] if at >= 0 else whole
    read = template.parse(call, [_TOOL])
    return {
        "name": name,
        "family": getattr(template, "family", ""),
        "declared": visible(before),
        "call": visible(call),
        "reply": visible(reply),
        "is_exact": [(it.name, it.arguments) for it in read.calls]
        == [(_CALL.name, _CALL.arguments)],
        "size": len(call),
    }

"""The parts of a request that OpenAI's Chat Completions are made of: messages, tools, choices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from journeyman.gateway.errors import GatewayError
from journeyman.gateway.reading import Body, read_arguments
from journeyman.gateway.request import ANY_TOOL
from journeyman.types import Message, ToolCall, ToolSpec

__all__ = [
    "ChatMessage",
    "ChatTool",
    "ChosenTool",
    "ResponseFormat",
    "forced_tool",
    "join_text",
    "read_format",
    "read_messages",
]

_TEXT_PARTS = ("text", "input_text", "output_text", "refusal", "summary_text", "reasoning_text")


class Part(Body):
    """A part of a content."""

    type: str
    text: str | None = None
    refusal: str | None = None


class CalledFunction(Body):
    """What a call in the history called."""

    name: str = Field(min_length=1)
    arguments: str = ""


class ChatCall(Body):
    """A call in the history."""

    id: str = ""
    function: CalledFunction


class ChatMessage(Body):
    """One message of the history."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[Part] | None = None
    tool_calls: list[ChatCall] | None = None
    tool_call_id: str | None = None
    name: str | None = None
    reasoning_content: str | None = None


class Function(Body):
    """A tool's declaration."""

    name: str = Field(min_length=1)
    description: str | None = None
    parameters: dict[str, Any] | None = None


class ChatTool(Body):
    """A tool in its wrapper."""

    type: Literal["function"] = "function"
    function: Function

    def spec(self) -> ToolSpec:
        """Return the tool as templates take it."""
        fields: dict[str, Any] = {"name": self.function.name}
        fields["description"] = self.function.description or ""
        if self.function.parameters is not None:
            fields["parameters"] = self.function.parameters
        return ToolSpec(**fields)


class ChosenFunction(Body):
    """The name of a tool that must be called."""

    name: str


class ChosenTool(Body):
    """A tool that must be called."""

    type: Literal["function"] = "function"
    function: ChosenFunction


class JsonSchema(Body):
    """A schema in its wrapper."""

    schema_: dict[str, Any] = Field(alias="schema")


class ResponseFormat(Body):
    """The form of the answer: text, any JSON object, or JSON of a schema."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None
    """Where Chat Completions put the schema."""
    schema_: dict[str, Any] | None = Field(default=None, alias="schema")
    """Where the other protocols put it."""


def read_format(given: ResponseFormat | None, where: str) -> Any:
    """Return the schema that the answer is held to, or None. Raises `GatewayError`."""
    if given is None or given.type == "text":
        return None
    if given.type == "json_object":
        return {"type": "object"}
    found = given.json_schema.schema_ if given.json_schema is not None else given.schema_
    if found is None:
        raise GatewayError("invalid_request", "holds no schema", param=where)
    return found


def read_messages(records: Sequence[ChatMessage]) -> tuple[Message, ...]:
    """Read a history. Raises `GatewayError` with the field that is wrong."""
    return tuple(_message(record, f"messages[{index}]") for index, record in enumerate(records))


def _message(record: ChatMessage, where: str) -> Message:
    content = join_text(record.content, f"{where}.content")
    if record.role == "tool":
        if record.tool_call_id is None:
            raise GatewayError(
                "invalid_request", "is missing on a tool's answer", param=f"{where}.tool_call_id"
            )
        return Message(role="tool", content=content, tool_call_id=record.tool_call_id)
    if record.role != "assistant":
        role: Literal["user", "system"] = "user" if record.role == "user" else "system"
        return Message(role=role, content=content)
    calls = [
        ToolCall(
            id=call.id,
            name=call.function.name,
            arguments=read_arguments(
                call.function.arguments, f"{where}.tool_calls[{index}].function.arguments"
            ),
        )
        for index, call in enumerate(record.tool_calls or ())
    ]
    reasoning = record.reasoning_content or ""
    return Message(role="assistant", content=content, reasoning=reasoning, tool_calls=tuple(calls))


def join_text(content: str | Sequence[Part] | None, where: str) -> str:
    """Return the text of a content. Raises `GatewayError` where a part is not text."""
    if content is None or isinstance(content, str):
        return content or ""
    for index, part in enumerate(content):
        if part.type not in _TEXT_PARTS:
            raise GatewayError(
                "invalid_request",
                f"{part.type} is not supported, the model reads text",
                param=f"{where}[{index}].type",
            )
    return "".join(part.text or part.refusal or "" for part in content)


def forced_tool(choice: str | None, name: str | None, tools: Sequence[ToolSpec]) -> str | None:
    """Return which tool must be called: `ANY_TOOL`, a name, or None. Raises `GatewayError`."""
    forced = ANY_TOOL if name is None and choice in ("required", "any") else name
    if forced is not None and (not tools or (forced and forced not in {it.name for it in tools})):
        raise GatewayError("invalid_request", "names no tool of `tools`", param="tool_choice")
    return forced

"""OpenAI's Responses: what a client may ask."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from journeyman.gateway.dialect import Writer, openai_error
from journeyman.gateway.errors import GatewayError
from journeyman.gateway.openai_chat import MaxTokens
from journeyman.gateway.openai_messages import ResponseFormat, forced_tool, read_format
from journeyman.gateway.reading import Body, read_json
from journeyman.gateway.request import ModelRequest
from journeyman.gateway.responses_input import CUSTOM_INPUT, Item, read_items
from journeyman.gateway.responses_writer import ResponsesWriter
from journeyman.types import Message, ToolSpec

__all__ = ["OpenAIResponses"]

_LOGPROBS = "message.output_text.logprobs"
"""What a client includes to see them."""
_CUSTOM_PARAMETERS = {
    "type": "object",
    "properties": {CUSTOM_INPUT: {"type": "string"}},
    "required": [CUSTOM_INPUT],
}


class Tool(Body):
    """A tool's declaration; those that the server itself would run are passed over."""

    type: str
    name: str | None = None
    description: str | None = None
    parameters: dict[str, Any] | None = None


class ChosenTool(Body):
    """A tool that must be called."""

    type: Literal["function", "custom"]
    name: str


class TextOptions(Body):
    """The form of the answer."""

    format: ResponseFormat | None = None


class ResponsesBody(Body):
    """A request."""

    model: str
    input: str | list[Item]
    instructions: str | None = None
    tools: list[Tool] | None = None
    tool_choice: Literal["none", "auto", "required"] | ChosenTool | None = None
    parallel_tool_calls: bool | None = None
    max_output_tokens: MaxTokens | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    stream: bool | None = None
    store: bool | None = None
    previous_response_id: str | None = None
    text: TextOptions | None = None
    metadata: dict[str, str] | None = None
    include: list[str] | None = None
    top_logprobs: int | None = Field(default=None, ge=0, le=20)
    background: Literal[False] | None = None


class OpenAIResponses:
    """`POST /v1/responses`."""

    name = "openai_responses"

    def read(self, data: bytes) -> tuple[ModelRequest, Writer]:
        """Read a request's body. Raises `GatewayError`."""
        body = read_json(ResponsesBody, data)
        choice = body.tool_choice
        tools = _tools(body) if choice != "none" else ()
        leading = [Message(role="system", content=body.instructions)] if body.instructions else []
        messages = _input(body.input)
        if not messages and not body.previous_response_id:
            raise GatewayError("invalid_request", "says nothing", param="input")
        has_logprobs = _LOGPROBS in (body.include or ())
        writer = ResponsesWriter(
            body.model,
            echo=_echo(body),
            has_logprobs=has_logprobs,
            custom={tool.name for tool in body.tools or () if tool.type == "custom" and tool.name},
        )
        request = ModelRequest(
            model=body.model,
            protocol=self.name,
            messages=(*leading, *messages),
            num_leading=len(leading),
            previous_id=body.previous_response_id or "",
            answer_id="" if body.store is False else writer.id,
            tools=tools,
            forced_tool=forced_tool(
                choice if isinstance(choice, str) else None,
                choice.name if isinstance(choice, ChosenTool) else None,
                tools,
            ),
            has_parallel_calls=body.parallel_tool_calls is not False,
            temperature=body.temperature,
            top_p=body.top_p,
            max_tokens=body.max_output_tokens,
            json_schema=read_format(
                body.text.format if body.text is not None else None,
                "text.format",
            ),
            is_streamed=bool(body.stream),
            has_logprobs=has_logprobs,
        )
        return request, writer

    def error(self, error: GatewayError) -> tuple[int, dict[str, Any]]:
        """Shape a refusal."""
        return openai_error(error)


def _input(given: str | list[Item]) -> list[Message]:
    return [Message(role="user", content=given)] if isinstance(given, str) else read_items(given)


def _tools(body: ResponsesBody) -> tuple[ToolSpec, ...]:
    found = []
    for index, tool in enumerate(body.tools or ()):
        if tool.type not in ("function", "custom"):
            continue
        if not tool.name:
            raise GatewayError("invalid_request", "is missing", param=f"tools[{index}].name")
        fields: dict[str, Any] = {"name": tool.name, "description": tool.description or ""}
        if tool.type == "custom":
            fields["parameters"] = _CUSTOM_PARAMETERS
        elif tool.parameters is not None:
            fields["parameters"] = tool.parameters
        found.append(ToolSpec(**fields))
    return tuple(found)


def _echo(body: ResponsesBody) -> dict[str, Any]:
    """What a response repeats of its request."""
    choice = body.tool_choice
    return {
        "instructions": body.instructions,
        "max_output_tokens": body.max_output_tokens,
        "metadata": body.metadata or {},
        "parallel_tool_calls": body.parallel_tool_calls is not False,
        "previous_response_id": body.previous_response_id,
        "store": body.store is not False,
        "temperature": body.temperature,
        "text": _echo_text(body.text),
        "tool_choice": choice.model_dump() if isinstance(choice, ChosenTool) else choice or "auto",
        "tools": [tool.model_dump(exclude_none=True) for tool in body.tools or ()],
        "top_p": body.top_p,
        "truncation": "disabled",
    }


def _echo_text(text: TextOptions | None) -> dict[str, Any]:
    given = text.format if text is not None else None
    if given is None or given.type != "json_schema":
        return {"format": {"type": given.type if given is not None else "text"}}
    return {"format": {"type": given.type, "name": "answer", "schema": given.schema_}}

"""Anthropic's Messages: what a client may ask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from journeyman.gateway.anthropic_writer import MessagesWriter, anthropic_error
from journeyman.gateway.dialect import Writer
from journeyman.gateway.errors import GatewayError
from journeyman.gateway.openai_chat import MaxTokens, StopText
from journeyman.gateway.openai_messages import ResponseFormat, forced_tool, read_format
from journeyman.gateway.reading import Body, read_json
from journeyman.gateway.request import ModelRequest
from journeyman.types import Message, ToolCall, ToolSpec

__all__ = ["AnthropicMessages", "TokenCount"]

_BILLING = "x-anthropic-billing-header:"
_UNSEEN = "[{} left out: the model reads text]"


class Block(Body):
    """A block of a content; which fields it has depends on its type."""

    type: str
    text: str | None = None
    thinking: str | None = None
    id: str | None = None
    name: str | None = None
    input: dict[str, Any] | None = None
    tool_use_id: str | None = None
    content: str | list[Block] | None = None
    source: dict[str, Any] | None = None


class InputMessage(Body):
    """One message of the history."""

    role: Literal["user", "assistant", "system"]
    content: str | list[Block]


class Tool(Body):
    """A tool's declaration."""

    type: str | None = None
    name: str = Field(min_length=1)
    description: str | None = None
    input_schema: dict[str, Any] | None = None


class ToolChoice(Body):
    """Whether, and which, tool must be called."""

    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class Thinking(Body):
    """Whether reasoning shall be shown."""

    type: str


class OutputConfig(Body):
    """The form of the answer."""

    format: ResponseFormat | None = None


class CountBody(Body):
    """A request without what only drawing needs."""

    model: str
    messages: list[InputMessage] = Field(min_length=1)
    system: str | list[Block] | None = None
    tools: list[Tool] | None = None
    tool_choice: ToolChoice | None = None
    thinking: Thinking | None = None


class MessagesBody(CountBody):
    """A request."""

    max_tokens: MaxTokens
    stop_sequences: list[StopText] | None = Field(default=None, max_length=64)
    stream: bool | None = None
    temperature: float | None = Field(default=None, ge=0, le=1)
    top_p: float | None = Field(default=None, ge=0, le=1)
    output_config: OutputConfig | None = None


class AnthropicMessages:
    """`POST /v1/messages`."""

    name = "anthropic_messages"

    def read(self, data: bytes) -> tuple[ModelRequest, Writer]:
        """Read a request's body. Raises `GatewayError`."""
        body = read_json(MessagesBody, data)
        choice = body.tool_choice
        tools = _tools(body)
        if choice is not None and choice.type == "tool" and choice.name is None:
            raise GatewayError("invalid_request", "is missing", param="tool_choice.name")
        is_named = choice is not None and choice.type == "tool"
        request = ModelRequest(
            model=body.model,
            protocol=self.name,
            messages=_messages(body),
            tools=tools,
            forced_tool=forced_tool(
                choice.type if choice else None, choice.name if choice and is_named else None, tools
            ),
            has_parallel_calls=not (choice and choice.disable_parallel_tool_use),
            temperature=body.temperature,
            top_p=body.top_p,
            max_tokens=body.max_tokens,
            json_schema=read_format(
                body.output_config.format if body.output_config is not None else None,
                "output_config.format",
            ),
            stop=tuple(body.stop_sequences or ()),
            is_streamed=bool(body.stream),
            call_prefix="toolu_",
        )
        thinking = body.thinking.type if body.thinking is not None else "disabled"
        return request, MessagesWriter(request, has_thinking=thinking != "disabled")

    def error(self, error: GatewayError) -> tuple[int, dict[str, Any]]:
        """Shape a refusal."""
        return anthropic_error(error)


class TokenCount(AnthropicMessages):
    """`POST /v1/messages/count_tokens`: reads what would be asked, and is answered with its length."""

    def read(self, data: bytes) -> tuple[ModelRequest, Writer]:
        """Read a request's body. Raises `GatewayError`."""
        body = read_json(CountBody, data)
        request = ModelRequest(
            model=body.model, protocol=self.name, messages=_messages(body), tools=_tools(body)
        )
        return request, MessagesWriter(request, has_thinking=False)


def _tools(body: CountBody) -> tuple[ToolSpec, ...]:
    found = []
    for index, tool in enumerate(body.tools or ()):
        if tool.type not in (None, "custom"):
            raise GatewayError(
                "invalid_request", f"{tool.type} is not run here", param=f"tools[{index}].type"
            )
        fields: dict[str, Any] = {"name": tool.name, "description": tool.description or ""}
        if tool.input_schema is not None:
            fields["parameters"] = tool.input_schema
        found.append(ToolSpec(**fields))
    is_none = body.tool_choice is not None and body.tool_choice.type == "none"
    return () if is_none else tuple(found)


def _messages(body: CountBody) -> tuple[Message, ...]:
    found: list[Message] = []
    system = _text(_for_the_model(body.system), "system", "\n")
    if system:
        found.append(Message(role="system", content=system))
    for index, message in enumerate(body.messages):
        where = f"messages[{index}].content"
        if message.role == "assistant":
            found.append(_assistant(message.content, where))
        elif message.role == "system":
            found.append(Message(role="system", content=_text(message.content, where, "\n")))
        else:
            found += _user(message.content, where)
    if not any(message.role != "system" for message in found):
        raise GatewayError("invalid_request", "say nothing", param="messages")
    return tuple(found)


def _for_the_model(system: str | list[Block] | None) -> str | list[Block]:
    """Take out what Claude Code tells the provider's billing, anew with every call.

    At the head of every prompt, it would let no prompt extend the last one.
    """
    if not isinstance(system, list):
        return system or ""
    return [block for block in system if not (block.text or "").startswith(_BILLING)]


def _text(content: str | Sequence[Block], where: str, separator: str) -> str:
    """Join the texts of a content. Raises `GatewayError` where a block is something else."""
    if isinstance(content, str):
        return content
    return separator.join(
        _block_text(block, f"{where}[{index}]") for index, block in enumerate(content)
    )


def _block_text(block: Block, where: str) -> str:
    if block.type == "text" and block.text is not None:
        return block.text
    source = block.source or {}
    if block.type == "document" and source.get("type") == "text":
        return str(source.get("data", ""))
    if block.type == "text":
        raise GatewayError("invalid_request", "is missing", param=f"{where}.text")
    raise GatewayError(
        "invalid_request",
        f"{block.type} is not supported, the model reads text",
        param=f"{where}.type",
    )


def _user(content: str | Sequence[Block], where: str) -> list[Message]:
    """Part the tools' results from what the user says; the results come first."""
    if isinstance(content, str):
        return [Message(role="user", content=content)]
    results: list[Message] = []
    texts: list[str] = []
    for index, block in enumerate(content):
        if block.type != "tool_result":
            texts.append(_block_text(block, f"{where}[{index}]"))
        elif block.tool_use_id is None:
            raise GatewayError(
                "invalid_request", "is missing", param=f"{where}[{index}].tool_use_id"
            )
        else:
            text = _result_text(block.content)
            results.append(Message(role="tool", content=text, tool_call_id=block.tool_use_id))
    said = [Message(role="user", content="\n".join(texts))] if texts else []
    return results + said


def _result_text(content: str | Sequence[Block] | None) -> str:
    """What a tool answered; a picture in it must not end the conversation."""
    if content is None or isinstance(content, str):
        return content or ""
    return "\n".join(
        block.text if block.text is not None else _UNSEEN.format(block.type) for block in content
    )


def _assistant(content: str | Sequence[Block], where: str) -> Message:
    if isinstance(content, str):
        return Message(role="assistant", content=content)
    text, reasoning = [], []
    calls: list[ToolCall] = []
    for index, block in enumerate(content):
        if block.type == "thinking":
            reasoning.append(block.thinking or "")
        elif block.type == "tool_use":
            if not block.name:
                raise GatewayError("invalid_request", "is missing", param=f"{where}[{index}].name")
            calls.append(ToolCall(id=block.id or "", name=block.name, arguments=block.input or {}))
        elif block.type != "redacted_thinking":
            text.append(_block_text(block, f"{where}[{index}]"))
    return Message(
        role="assistant",
        content="".join(text),
        reasoning="".join(reasoning),
        tool_calls=tuple(calls),
    )

"""OpenAI's Chat Completions: what a client may ask.

Fields that are unknown or mean nothing here are ignored; those that would change the answer and
cannot be honoured (`n` over 1, images) are refused.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from journeyman.gateway.dialect import Writer, openai_error
from journeyman.gateway.errors import GatewayError
from journeyman.gateway.openai_chat_writer import ChatWriter
from journeyman.gateway.openai_messages import (
    ChatMessage,
    ChatTool,
    ChosenTool,
    ResponseFormat,
    forced_tool,
    read_format,
    read_messages,
)
from journeyman.gateway.reading import Body, read_json
from journeyman.gateway.request import ModelRequest

__all__ = ["MaxTokens", "OpenAIChat", "Seed", "Stop", "StopText", "StreamOptions", "read_stop"]

Seed = Annotated[int, Field(ge=-(2**63), lt=2**63)]
MaxTokens = Annotated[int, Field(ge=1, lt=2**31)]
StopText = Annotated[str, Field(min_length=1)]
Stop = StopText | Annotated[list[StopText], Field(max_length=16)]


class StreamOptions(Body):
    """What a stream shall hold besides."""

    include_usage: bool | None = None


class ChatBody(Body):
    """A request."""

    model: str
    messages: list[ChatMessage] = Field(min_length=1)
    tools: list[ChatTool] | None = None
    tool_choice: Literal["none", "auto", "required"] | ChosenTool | None = None
    parallel_tool_calls: bool | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: MaxTokens | None = None
    max_completion_tokens: MaxTokens | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    stop: Stop | None = None
    seed: Seed | None = None
    n: Annotated[int, Field(ge=1, le=1)] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = Field(default=None, ge=0, le=20)
    response_format: ResponseFormat | None = None


class OpenAIChat:
    """`POST /v1/chat/completions`."""

    name = "openai_chat"

    def read(self, data: bytes) -> tuple[ModelRequest, Writer]:
        """Read a request's body. Raises `GatewayError`."""
        body = read_json(ChatBody, data)
        choice = body.tool_choice
        tools = tuple(tool.spec() for tool in body.tools or ()) if choice != "none" else ()
        name = choice.function.name if isinstance(choice, ChosenTool) else None
        word = choice if isinstance(choice, str) else None
        if body.top_logprobs and not body.logprobs:
            raise GatewayError("invalid_request", "needs logprobs to be true", param="top_logprobs")
        request = ModelRequest(
            model=body.model,
            protocol=self.name,
            messages=read_messages(body.messages),
            tools=tools,
            forced_tool=forced_tool(word, name, tools),
            has_parallel_calls=body.parallel_tool_calls is not False,
            temperature=body.temperature,
            top_p=body.top_p,
            max_tokens=body.max_completion_tokens or body.max_tokens,
            stop=read_stop(body.stop),
            seed=body.seed,
            json_schema=read_format(body.response_format, "response_format"),
            has_logprobs=bool(body.logprobs),
            is_streamed=bool(body.stream),
        )
        options = body.stream_options
        has_usage = options is not None and bool(options.include_usage)
        return request, ChatWriter(request, has_usage=has_usage)

    def error(self, error: GatewayError) -> tuple[int, dict[str, Any]]:
        """Shape a refusal."""
        return openai_error(error)


def read_stop(stop: str | list[str] | None) -> tuple[str, ...]:
    """Return stop texts as a tuple."""
    return (stop,) if isinstance(stop, str) else tuple(stop or ())

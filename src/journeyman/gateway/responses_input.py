"""The items of OpenAI's Responses as messages: what belongs to one turn of the model becomes one."""

from __future__ import annotations

from collections.abc import Sequence

from journeyman.gateway.errors import GatewayError
from journeyman.gateway.openai_messages import Part, join_text
from journeyman.gateway.reading import Body, read_arguments
from journeyman.types import Message, ToolCall

__all__ = ["CUSTOM_INPUT", "Item", "read_items"]

CUSTOM_INPUT = "input"
"""The only argument of a tool that takes bare text."""


class Item(Body):
    """An item of the input; which fields it has depends on its type."""

    type: str = "message"
    role: str | None = None
    content: str | list[Part] | None = None
    summary: list[Part] | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    input: str | None = None
    output: str | list[Part] | None = None


class _Turn:
    """Items of the model that follow one another."""

    def __init__(self) -> None:
        self.is_open = False
        self._content: list[str] = []
        self._reasoning: list[str] = []
        self._calls: list[ToolCall] = []

    def add(
        self, *, content: str = "", reasoning: str = "", calls: tuple[ToolCall, ...] = ()
    ) -> None:
        self.is_open = True
        self._content.append(content)
        self._reasoning.append(reasoning)
        self._calls += calls

    def take(self) -> list[Message]:
        if not self.is_open:
            return []
        message = Message(
            role="assistant",
            content="".join(self._content),
            reasoning="".join(self._reasoning),
            tool_calls=tuple(self._calls),
        )
        self.__init__()  # type: ignore[misc]
        return [message]


def read_items(items: Sequence[Item]) -> list[Message]:
    """Read a history. Raises `GatewayError` with the field that is wrong."""
    found: list[Message] = []
    turn = _Turn()
    for index, item in enumerate(items):
        where = f"input[{index}]"
        if not _continues(turn, item, where):
            found += turn.take()
            found.append(_message(item, where))
    return found + turn.take()


def _continues(turn: _Turn, item: Item, where: str) -> bool:
    """Add an item of the model's own to its turn; False if it is somebody else's."""
    if item.type == "message" and item.role == "assistant":
        turn.add(content=join_text(item.content, f"{where}.content"))
    elif item.type == "reasoning":
        thought = join_text(item.content or item.summary, f"{where}.content")
        turn.add(reasoning=thought)
    elif item.type in ("function_call", "custom_tool_call"):
        turn.add(calls=(_call(item, where),))
    else:
        return False
    return True


def _call(item: Item, where: str) -> ToolCall:
    if not item.name:
        raise GatewayError("invalid_request", "is missing", param=f"{where}.name")
    if item.type == "custom_tool_call":
        arguments = {CUSTOM_INPUT: item.input or ""}
    else:
        arguments = read_arguments(item.arguments or "", f"{where}.arguments")
    return ToolCall(id=item.call_id or "", name=item.name, arguments=arguments)


def _message(item: Item, where: str) -> Message:
    if item.type in ("function_call_output", "custom_tool_call_output"):
        if item.call_id is None:
            raise GatewayError("invalid_request", "is missing", param=f"{where}.call_id")
        text = join_text(item.output, f"{where}.output")
        return Message(role="tool", content=text, tool_call_id=item.call_id)
    if item.type != "message":
        raise GatewayError(
            "invalid_request", f"{item.type} is not supported", param=f"{where}.type"
        )
    text = join_text(item.content, f"{where}.content")
    if item.role in ("system", "developer"):
        return Message(role="system", content=text)
    if item.role != "user":
        raise GatewayError(
            "invalid_request",
            "is none of user, assistant, system, developer",
            param=f"{where}.role",
        )
    return Message(role="user", content=text)

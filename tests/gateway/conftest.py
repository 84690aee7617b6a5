"""A gateway over real HTTP, with a scripted model that speaks a template token by token."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import aiohttp
import pytest

from journeyman.gateway import Gateway, GatewaySettings, SpokenModel, serving
from journeyman.models import ScriptedModel
from journeyman.templates import get_template
from journeyman.types import Message, ToolCall

BASH = {
    "type": "function",
    "function": {
        "name": "bash",
        "description": "Run a command.",
        "parameters": {
            "type": "object",
            "properties": {"command": {"type": "string"}, "timeout": {"type": "integer"}},
            "required": ["command"],
        },
    },
}
ASK = {"model": "m", "messages": [{"role": "user", "content": "List the files."}]}


def say(content: str = "", *calls: dict[str, Any], reasoning: str = "") -> Message:
    """An assistant message that calls `bash` with each of `calls`."""
    made = tuple(ToolCall(name="bash", arguments=arguments) for arguments in calls)
    return Message(role="assistant", content=content, reasoning=reasoning, tool_calls=made)


class Client(NamedTuple):
    """A plain HTTP client of one gateway."""

    gateway: Gateway
    url: str
    http: aiohttp.ClientSession

    async def post(self, path: str, body: Any, **headers: str) -> tuple[int, Any]:
        async with self.http.post(self.url + path, json=body, headers=headers) as response:
            return response.status, await response.json()

    async def events(self, path: str, body: Any, **headers: str) -> list[dict[str, Any]]:
        """The events of a stream; `[DONE]` is checked and left out."""
        async with self.http.post(self.url + path, json=body, headers=headers) as response:
            text = await response.text()
            assert response.status == 200, text
        assert response.content_type == "text/event-stream"
        found = [
            line.removeprefix("data: ")
            for block in text.split("\n\n")
            for line in block.split("\n")
            if line.startswith("data: ")
        ]
        if "chat/completions" in path or path.endswith("/completions"):
            assert found.pop() == "[DONE]"
        return [json.loads(line) for line in found]


def spoken(*script: Message, template: str = "qwen3_coder", seed: int = 0) -> SpokenModel:
    return SpokenModel(ScriptedModel("script", script), get_template(template), seed=seed)


@asynccontextmanager
async def running(
    model: Any, template: str = "qwen3_coder", is_closed: bool = False, **settings: Any
) -> AsyncIterator[Client]:
    gateway = Gateway(
        model, get_template(template), GatewaySettings(**settings), keys=() if is_closed else None
    )
    async with serving(gateway, drain_s=5) as url, aiohttp.ClientSession() as http:
        yield Client(gateway, url, http)


class Kit(NamedTuple):
    """What tests build gateways with."""

    say: Callable[..., Message]
    spoken: Callable[..., SpokenModel]
    running: Callable[..., Any]
    bash: dict[str, Any]
    ask: dict[str, Any]


@pytest.fixture
def kit() -> Kit:
    return Kit(say, spoken, running, BASH, ASK)

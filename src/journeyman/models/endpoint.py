"""Any OpenAI-compatible server as a model: vLLM, SGLang, llama.cpp, or a provider.

It speaks chat completions with tools; the server brings its own template. The key, where one is
needed, comes from an environment variable and goes nowhere but into the request.

    model = await open_endpoint("http://127.0.0.1:8000/v1#qwen3-coder-next")
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field

from journeyman.config import Config
from journeyman.errors import AttributedError, JourneymanError
from journeyman.models.base import Piece
from journeyman.models.chat_stream import GatheredAnswer
from journeyman.models.chat_wire import read_answer, request_body
from journeyman.models.transport import JsonClient
from journeyman.types import Completion, Prompt, Sampling

__all__ = ["EndpointModel", "EndpointSettings", "connect", "greet", "open_endpoint"]

_DEFAULT_KEY = "OPENAI_API_KEY"
_GREETING_S = 15.0


class EndpointSettings(Config):
    """How a server is asked."""

    api_key_env: str = ""
    """Environment variable that holds the key; without it `OPENAI_API_KEY`, where that is set."""
    timeout_s: float = Field(default=600.0, gt=0)
    """Longest wait for one answer."""
    body: dict[str, Any] = Field(default_factory=dict)
    """Laid over each request, e.g. `logprobs = true`, or vLLM's `return_token_ids = true`."""
    max_tokens_key: str = "max_tokens"
    """What the server calls the limit of a completion, e.g. `max_completion_tokens`."""
    usd_per_million_prompt_tokens: float = Field(default=0.0, ge=0)
    """Price, where the server does not say itself what a call cost."""
    usd_per_million_completion_tokens: float = Field(default=0.0, ge=0)
    """The same of what the model writes."""


class EndpointModel:
    """A model behind a server that speaks chat completions; calls may be made in parallel."""

    reads_text = False
    holds_schemas = True
    forces_tools = True
    streams_tokens = False
    # What servers tell of tokens, they tell in whole answers.

    def __init__(
        self,
        name: str,
        url: str,
        model: str,
        settings: EndpointSettings,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`headers` are laid over those of every request, e.g. a key that no variable holds."""
        self.name = name
        self.model = model
        self.settings = settings
        self._client = connect(url, settings, headers)

    async def complete(self, prompt: Prompt, sampling: Sampling) -> Completion:
        """Complete `prompt.messages`.

        Raises `ContextOverflowError` if the server says that they are too long, and
        `AttributedError` with a `model_*` cause for every other failure.
        """
        answer = await self._client.post("/chat/completions", self._body(prompt, sampling))
        return self._read(answer, prompt)

    async def stream(self, prompt: Prompt, sampling: Sampling) -> AsyncIterator[Piece | Completion]:
        """Yield content and reasoning as the server sends them, then the completion with its calls.

        Raises as `complete` does.
        """
        asked = {"stream": True, "stream_options": {"include_usage": True}}
        gathered = GatheredAnswer()
        body = self._body(prompt, sampling) | asked
        async with aclosing(self._client.stream("/chat/completions", body)) as chunks:
            async for chunk in chunks:
                content, reasoning = gathered.add(chunk)
                if content or reasoning:
                    yield Piece(content, reasoning=reasoning)
        yield self._read(gathered.answer(), prompt)

    async def close(self) -> None:
        """Close every connection."""
        await self._client.close()

    def _body(self, prompt: Prompt, sampling: Sampling) -> dict[str, Any]:
        body = request_body(prompt, sampling, model=self.model)
        body[self.settings.max_tokens_key] = body.pop("max_tokens")
        return body | self.settings.body

    def _read(self, answer: dict[str, Any], prompt: Prompt) -> Completion:
        # The place in the conversation keeps made-up identifiers apart.
        completion = read_answer(answer, call_prefix=f"call_{len(prompt.messages)}")
        if completion.cost_usd:
            return completion
        return completion.model_copy(update={"cost_usd": self._price(completion)})

    def _price(self, done: Completion) -> float:
        settings = self.settings
        millionths = (
            done.num_prompt_tokens * settings.usd_per_million_prompt_tokens
            + done.num_completion_tokens * settings.usd_per_million_completion_tokens
        )
        return millionths / 1e6


async def open_endpoint(
    spec: str, settings: EndpointSettings | None = None, *, name: str = ""
) -> EndpointModel:
    """Open `http(s)://host/v1#model`; without `#model`, the only one that the server has.

    Raises `JourneymanError` if the address is none, nobody answers there, the key is wrong or the
    model is not named.
    """
    url, _, wanted = spec.partition("#")
    address = urlsplit(url)
    if not address.hostname:
        raise JourneymanError(f"{spec} is no address", "write http://127.0.0.1:8000/v1#name")
    settings = settings or EndpointSettings()
    served = [str(it["id"]) for it in await greet(url, settings)]
    if not wanted and len(served) != 1:
        listed = f"it has {', '.join(served[:10])}" if served else "it does not list its models"
        raise JourneymanError(f"which model of {url}? {listed}", f"write {url}#NAME")
    model = wanted or served[0]
    return EndpointModel(name or model, url, model, settings)


async def greet(url: str, settings: EndpointSettings) -> list[dict[str, Any]]:
    """Return the server's records of its models; an empty list if it does not tell.

    Raises `JourneymanError` if nobody answers there or the key is wrong.
    """
    greeting = settings.model_copy(update={"timeout_s": min(_GREETING_S, settings.timeout_s)})
    client = connect(url, greeting)
    try:
        answer = await client.get("/models")
    except AttributedError as error:
        if error.cause != "model_refused":
            raise JourneymanError(
                f"no model server at {url}: {error.detail}", "start it, or correct the address"
            ) from None
        if error.detail.startswith(("HTTP 401", "HTTP 403")):
            variable = settings.api_key_env or _DEFAULT_KEY
            raise JourneymanError(f"{url} refuses the key", f"export {variable}=…") from None
        return []
    finally:
        await client.close()
    records = answer.get("data")
    listed = records if isinstance(records, list) else []
    return [it for it in listed if isinstance(it, dict) and it.get("id")]


def connect(
    url: str, settings: EndpointSettings, headers: Mapping[str, str] | None = None
) -> JsonClient:
    """Return a client of a server, with the key where one is needed. Raises `JourneymanError`."""
    key = _key(settings)
    own = {"Authorization": f"Bearer {key}"} if key else {}
    return JsonClient(url, timeout_s=settings.timeout_s, headers=own | dict(headers or {}))


def _key(settings: EndpointSettings) -> str:
    if settings.api_key_env and not os.environ.get(settings.api_key_env):
        raise JourneymanError(
            f"{settings.api_key_env} is not set, and the model's key is in it",
            f"export {settings.api_key_env}=…",
        )
    return os.environ.get(settings.api_key_env or _DEFAULT_KEY, "")

"""vLLM or SGLang as a model that reads tokens: a template of ours, and exactly what was drawn.

Their chat endpoints, where the server brings its own template, are `endpoint`'s.

    model = await open_token_server("vllm:http://127.0.0.1:8000#qwen3-coder-next")
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any
from urllib.parse import urlsplit

from journeyman.errors import AttributedError, JourneymanError
from journeyman.models.base import Piece
from journeyman.models.endpoint import EndpointSettings, connect, greet
from journeyman.models.token_wire import Part, SglangWire, VllmWire, Wire
from journeyman.models.transport import JsonClient
from journeyman.types import Completion, Prompt, Sampling

__all__ = ["TokenServerModel", "open_token_server"]

_WIRES: dict[str, Callable[[], Wire]] = {"vllm": VllmWire, "sglang": SglangWire}
_CONTEXT_TOKENS = 131_072


class TokenServerModel:
    """A model behind a server that takes and gives tokens; calls may be made in parallel."""

    reads_text = True
    holds_schemas = True
    streams_tokens = True

    def __init__(
        self,
        name: str,
        client: JsonClient,
        model: str,
        wire: Callable[[], Wire],
        *,
        context_tokens: int,
        seed: int = 0,
    ) -> None:
        self.name = name
        self.model = model
        self.context_tokens = context_tokens
        """Longest prompt and completion together, as the server says."""
        self._client = client
        self._wire = wire
        self._seeds = itertools.count(seed)

    async def complete(self, prompt: Prompt, sampling: Sampling) -> Completion:
        """Complete `prompt.token_ids`, else `prompt.text`.

        Raises `ContextOverflowError` if the server says that it is too long, and `AttributedError`
        with a `model_*` cause for every other failure.
        """
        tokens = await self._tokens(prompt)
        wire = self._wire()
        part = wire.read(await self._client.post(wire.path, self._body(wire, tokens, sampling)))
        return await self._completion(tokens, [part])

    async def stream(self, prompt: Prompt, sampling: Sampling) -> AsyncIterator[Piece | Completion]:
        """Yield what the server sends as it comes, then the completion. Raises as `complete` does."""
        tokens = await self._tokens(prompt)
        wire = self._wire()
        body = self._body(wire, tokens, sampling) | {"stream": True}
        parts: list[Part] = []
        async with aclosing(self._client.stream(wire.path, body)) as events:
            async for event in events:
                part = wire.read(event)
                parts.append(part)
                if part.text or part.token_ids:
                    yield Piece(part.text, part.token_ids, part.logprobs)
        yield await self._completion(tokens, parts)

    async def tokenize(self, text: str, *, is_start: bool = False) -> tuple[int, ...]:
        """Return the tokens of `text`; the names of special tokens are read as those tokens."""
        body = {"model": self.model, "prompt": text, "add_special_tokens": is_start}
        return tuple((await self._client.post("/tokenize", body))["tokens"])

    async def close(self) -> None:
        """Close every connection."""
        await self._client.close()

    async def _tokens(self, prompt: Prompt) -> tuple[int, ...]:
        if prompt.token_ids is not None:
            return prompt.token_ids
        assert prompt.text is not None, "a model that reads text needs Prompt.text"
        return await self.tokenize(prompt.text, is_start=True)

    def _body(self, wire: Wire, tokens: tuple[int, ...], sampling: Sampling) -> dict[str, Any]:
        seed = next(self._seeds) if sampling.seed is None else sampling.seed
        return wire.body(tokens, sampling, self.model, seed)

    async def _completion(self, prompt: tuple[int, ...], parts: list[Part]) -> Completion:
        ending = next((it.ending for it in reversed(parts) if it.ending), "")
        if ending not in ("stop", "length"):
            words = f"it ended with {ending!r}" if ending else "the stream ended before its end"
            raise AttributedError("model_unreachable", words)
        text = "".join(it.text for it in parts)
        token_ids = tuple(token for it in parts for token in it.token_ids)
        logprobs = tuple(value for it in parts for value in it.logprobs)
        stop_text = "".join(it.stop_text for it in parts)
        return Completion(
            text=text,
            token_ids=token_ids,
            logprobs=logprobs if len(logprobs) == len(token_ids) else (),
            finish_reason="length" if ending == "length" else "stop",
            stop_text=await self._stop_text(text, token_ids, stop_text) if ending == "stop" else "",
            num_prompt_tokens=len(prompt),
            num_completion_tokens=len(token_ids),
            prompt_token_ids=prompt,
            model_version=next((it.model_version for it in reversed(parts) if it.ending), ""),
        )

    async def _stop_text(self, text: str, token_ids: tuple[int, ...], known: str) -> str:
        """Return all that the drawn tokens say beyond the text."""
        body = {"model": self.model, "tokens": token_ids, "skip_special_tokens": False}
        answer = await self._client.post("/detokenize", body)
        whole = answer.get("prompt") or answer.get("text") or ""
        return whole[len(text) :] if whole.startswith(text) else known


async def open_token_server(
    spec: str, settings: EndpointSettings | None = None, *, name: str = "", seed: int = 0
) -> TokenServerModel:
    """Open `vllm:http(s)://host#model` or `sglang:…`; without `#model`, the only one it has.

    Raises `JourneymanError` as `open_endpoint` does.
    """
    kind, _, rest = spec.partition(":")
    url, _, wanted = rest.partition("#")
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise JourneymanError(f"{spec} is no address", f"write {kind}:http://127.0.0.1:8000#name")
    root = url.rstrip("/").removesuffix("/v1")
    settings = settings or EndpointSettings()
    served = await greet(f"{root}/v1", settings)
    names = [str(it["id"]) for it in served]
    if (wanted or len(names) != 1) and wanted not in names:
        listed = f"it has {', '.join(names[:10])}" if names else "it does not list its models"
        raise JourneymanError(f"which model of {url}? {listed}", f"write {kind}:{url}#NAME")
    record = next((it for it in served if it["id"] == wanted), served[0])
    return TokenServerModel(
        name or str(record["id"]),
        connect(root, settings),
        str(record["id"]),
        _WIRES[kind],
        context_tokens=int(record.get("max_model_len") or _CONTEXT_TOKENS),
        seed=seed,
    )

"""A GGUF file as a model: text in, exact tokens out, from a llama.cpp server of our own.

Requests beyond the server's slots wait in its queue. If the server crashes, the requests in flight
fail with `model_unreachable`, and the next request starts it again.

    model = await LlamaModel.open("smollm2", LlamaSettings(path=Path("model.gguf")))
    done = await model.complete(prompt, Sampling(max_tokens=64))
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

from journeyman.errors import AttributedError
from journeyman.models.base import Piece
from journeyman.models.llama_process import LlamaProcess, LlamaSettings, start_llama
from journeyman.models.logprobs import align
from journeyman.models.transport import JsonClient
from journeyman.types import Completion, Prompt, Sampling

__all__ = ["LlamaModel"]

_TIMEOUT_S = 1800.0
_DEATH_S = 2.0
_MOST_CRASHES = 3
_FIRST_LOOK = 64
_MOST_RESCORED = 128
_PUSH = 1e6


class LlamaModel:
    """A model that reads text, served by a process that this object owns."""

    reads_text = True
    holds_schemas = True
    streams_tokens = False
    # The server streams only tokens that end a character, and never the one that ends the turn.

    def __init__(self, name: str, settings: LlamaSettings, *, seed: int = 0) -> None:
        self.name = name
        self.settings = settings
        self._seeds = itertools.count(seed)
        self._lock = asyncio.Lock()
        self._process: LlamaProcess | None = None
        self._client: JsonClient | None = None
        self._num_crashes = 0
        self._is_closed = False
        self._vocabulary: tuple[int, int] | None = None

    @classmethod
    async def open(cls, name: str, settings: LlamaSettings, *, seed: int = 0) -> LlamaModel:
        """Start the server. Raises as `start_llama` does.

        Completions that are asked for without a seed draw from `seed`, `seed + 1`, …
        """
        model = cls(name, settings, seed=seed)
        await model._served()
        return model

    @property
    def context_tokens(self) -> int:
        """Longest prompt and completion together."""
        return self.settings.context_tokens

    @property
    def pid(self) -> int | None:
        """The identifier of the server's process while it lives."""
        return self._process.pid if self._process and self._process.is_alive else None

    async def complete(self, prompt: Prompt, sampling: Sampling) -> Completion:
        """Complete `prompt.token_ids`, else `prompt.text`.

        `logprobs` are under the model itself, before temperature and nucleus. Raises
        `ContextOverflowError` if the prompt alone fills a slot, `AttributedError` with a `model_*`
        cause if the server fails.
        """
        tokens = prompt.token_ids
        if tokens is None:
            assert prompt.text is not None, "a model that reads text needs Prompt.text"
            tokens = await self.tokenize(prompt.text, is_start=True)
        seed = next(self._seeds) if sampling.seed is None else sampling.seed
        answer = await self._post("/completion", _request(tokens, sampling, seed))
        written = tuple(answer["tokens"])
        completion = Completion(
            text=answer["content"],
            token_ids=written,
            logprobs=await self._logprobs(tokens, written, answer),
            finish_reason="length" if answer["stop_type"] == "limit" else "stop",
            num_prompt_tokens=len(tokens),
            num_completion_tokens=len(written),
            prompt_token_ids=tokens,
            model_version=self.settings.path.name,
        )
        return await self._split_stop(completion, answer)

    async def stream(self, prompt: Prompt, sampling: Sampling) -> AsyncIterator[Piece | Completion]:
        """Yield the text as it is drawn, then the completion without its tokens.

        Raises as `complete` does.
        """
        tokens = prompt.token_ids
        if tokens is None:
            tokens = await self.tokenize(prompt.text or "", is_start=True)
        seed = next(self._seeds) if sampling.seed is None else sampling.seed
        body = _request(tokens, sampling, seed) | {"stream": True, "n_probs": 0}
        parts: list[str] = []
        held, num_held = "", 0
        async with aclosing(self._events("/completion", body)) as answers:
            async for answer in answers:
                is_end = answer["stop"]
                # The token that ends a turn comes as text; only the end tells that it was the last.
                ended = is_end and answer["stop_type"] == "eos"
                if held and not (ended and num_held == answer["tokens_predicted"]):
                    parts.append(held)
                    yield Piece(held)
                held, num_held = answer["content"], answer["tokens_predicted"]
                if is_end and held:
                    parts.append(held)
                    yield Piece(held)
                if is_end:
                    yield Completion(
                        text="".join(parts),
                        finish_reason="length" if answer["stop_type"] == "limit" else "stop",
                        stop_text=answer.get("stopping_word", ""),
                        num_prompt_tokens=len(tokens),
                        num_completion_tokens=answer["tokens_predicted"],
                        model_version=self.settings.path.name,
                    )

    async def tokenize(self, text: str, *, is_start: bool = False) -> tuple[int, ...]:
        """Return the tokens of `text`; the names of special tokens are read as those tokens."""
        body = {"content": text, "add_special": is_start, "parse_special": True}
        return tuple((await self._post("/tokenize", body))["tokens"])

    async def close(self) -> None:
        """End the server. Safe to call twice."""
        self._is_closed = True
        async with self._lock:
            await self._drop()

    async def _split_stop(self, completion: Completion, answer: dict[str, Any]) -> Completion:
        """Take what ended the turn out of the text: all that the tokens say beyond it."""
        whole = (await self._post("/detokenize", {"tokens": completion.token_ids}))["content"]
        text = completion.text
        if answer["stop_type"] == "eos" and text == whole:
            last = completion.token_ids[-1:]
            ended = (await self._post("/detokenize", {"tokens": last}))["content"]
            text = text.removesuffix(ended)
        stop = whole[len(text) :] if whole.startswith(text) else answer["stopping_word"]
        return completion.model_copy(update={"text": text, "stop_text": stop})

    async def _logprobs(
        self, prompt: tuple[int, ...], written: tuple[int, ...], answer: dict[str, Any]
    ) -> tuple[float, ...]:
        """One log-probability a token; none at all where too many would have to be asked for."""
        entries = answer.get("completion_probabilities", ())
        found = align(written, [(entry["id"], entry["logprob"]) for entry in entries])
        values = found if found is not None else [None] * len(written)
        if values.count(None) > _MOST_RESCORED:
            return ()
        return tuple(
            [
                value
                if value is not None
                else await self._score(prompt + written[:index], written[index])
                for index, value in enumerate(values)
            ]
        )

    async def _score(self, prompt: tuple[int, ...], token: int) -> float:
        """Ask for the log-probability of one token, among the likeliest first, then among all.

        The server reports only on tokens that complete a character, so it is pushed to draw one
        that does; what it reports is from before the push.
        """
        filler, num_tokens = await self._known_vocabulary()
        for wanted in (_FIRST_LOOK, num_tokens):
            body = _request(prompt, Sampling(temperature=0.0, max_tokens=1), 0)
            body |= {"n_probs": wanted, "logit_bias": [[filler, _PUSH]]}
            answer = await self._post("/completion", body)
            for entry in answer["completion_probabilities"][0]["top_logprobs"]:
                if entry["id"] == token:
                    return float(entry["logprob"])
        raise AttributedError("model_refused", f"the server knows no token {token}")

    async def _known_vocabulary(self) -> tuple[int, int]:
        """A token that is a whole character, and the number of all tokens."""
        if self._vocabulary is None:
            filler = (await self.tokenize("a"))[-1]
            client = await self._served()
            meta = (await client.get("/v1/models"))["data"][0]["meta"]
            self._vocabulary = filler, int(meta["n_vocab"])
        return self._vocabulary

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        client = await self._served()
        process = self._process
        try:
            answer = await client.post(path, body)
        except AttributedError as error:
            if error.cause == "model_unreachable" and process and await process.has_died(_DEATH_S):
                raise AttributedError("model_unreachable", process.last_words()) from None
            raise
        self._num_crashes = 0
        return answer

    async def _events(
        self, path: str, body: dict[str, Any]
    ) -> AsyncGenerator[dict[str, Any], None]:
        client = await self._served()
        process = self._process
        try:
            async with aclosing(client.stream(path, body)) as events:
                async for event in events:
                    if "error" in event:
                        raise AttributedError("model_unreachable", str(event["error"]))
                    yield event
        except AttributedError as error:
            if error.cause == "model_unreachable" and process and await process.has_died(_DEATH_S):
                raise AttributedError("model_unreachable", process.last_words()) from None
            raise
        self._num_crashes = 0

    async def _served(self) -> JsonClient:
        """The client of the living server, which is started where it is not there."""
        async with self._lock:
            if self._is_closed:
                raise AttributedError("model_unreachable", f"{self.name} is closed")
            if self._process is not None and not self._process.is_alive:
                await self._bury(self._process)
            if self._client is None:
                self._process = await start_llama(self.settings)
                self._client = JsonClient(self._process.url, timeout_s=_TIMEOUT_S)
            return self._client

    async def _bury(self, process: LlamaProcess) -> None:
        self._num_crashes += 1
        words = process.last_words()
        if self._num_crashes > _MOST_CRASHES:
            raise AttributedError(
                "model_unreachable", f"llama.cpp crashed {_MOST_CRASHES} times in a row: {words}"
            )
        await self._drop()

    async def _drop(self) -> None:
        client, self._client = self._client, None
        process, self._process = self._process, None
        if client is not None:
            await client.close()
        if process is not None:
            await process.close()


def _request(tokens: tuple[int, ...], sampling: Sampling, seed: int) -> dict[str, Any]:
    schema = {} if sampling.json_schema is None else {"json_schema": sampling.json_schema}
    return schema | {
        "prompt": tokens,
        "n_predict": sampling.max_tokens,
        # llama.cpp's own defaults would sharpen the distribution with samplers we do not record.
        "samplers": ["temperature", "top_p"],
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "seed": seed % 2**31,
        "stop": sampling.stop,
        "return_tokens": True,
        "n_probs": 1,
        "cache_prompt": True,
    }

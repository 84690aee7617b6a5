"""How vLLM and SGLang are asked for tokens, and how their answers are read.

Both take a prompt's tokens and give those that they drew with their log-probabilities. What ends a turn
is among the tokens, but not in the text.

    wire = VllmWire()
    wire.read(await client.post(wire.path, wire.body(prompt, sampling, "name")))
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from journeyman.errors import AttributedError
from journeyman.types import Sampling

__all__ = ["Part", "SglangWire", "VllmWire", "Wire"]

_SHOWN_CHARACTERS = 200
_LONGEST_SEED = 2**31


@dataclass(frozen=True, slots=True)
class Part:
    """An answer, or what a stream adds to it."""

    text: str
    token_ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    ending: str = ""
    """`stop`, `length`, or another word of the server's; empty while it goes on."""
    stop_text: str = ""
    """The stop text that ended it, where one did."""
    model_version: str = ""


class Wire(Protocol):
    """One server's own way of taking and giving tokens."""

    @property
    def path(self) -> str:
        """Where completions are asked for, from the server's root on."""
        ...

    def body(
        self, prompt: Sequence[int], sampling: Sampling, model: str, seed: int
    ) -> dict[str, Any]:
        """Write a request."""
        ...

    def read(self, answer: Mapping[str, Any]) -> Part:
        """Read an answer, or an event of a stream. Raises `AttributedError`."""
        ...


class VllmWire:
    """vLLM's `/v1/completions` with `return_token_ids` (0.10.2 and later)."""

    path = "/v1/completions"

    def body(
        self, prompt: Sequence[int], sampling: Sampling, model: str, seed: int
    ) -> dict[str, Any]:
        """Write a request."""
        body: dict[str, Any] = {
            "model": model,
            "prompt": list(prompt),
            "max_tokens": sampling.max_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "stop": list(sampling.stop),
            "seed": seed % _LONGEST_SEED,
            "logprobs": 1,
            "return_token_ids": True,
            # What templates find calls by may be special tokens.
            "skip_special_tokens": False,
            "spaces_between_special_tokens": False,
        }
        if sampling.json_schema is not None:
            schema = {"name": "answer", "schema": sampling.json_schema}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        return body

    def read(self, answer: Mapping[str, Any]) -> Part:
        """Read an answer, or an event of a stream. Raises `AttributedError`."""
        choices = answer.get("choices")
        if not choices:
            # The last event of a stream may hold usage alone.
            if "usage" in answer:
                return Part("", (), ())
            raise _unread(answer)
        choice = choices[0]
        token_ids = choice.get("token_ids")
        if token_ids is None:
            raise AttributedError(
                "model_refused", "the server tells no tokens; vLLM does from 0.10.2 on"
            )
        logprobs = (choice.get("logprobs") or {}).get("token_logprobs") or ()
        reason = choice.get("stop_reason")
        return Part(
            text=choice.get("text") or "",
            token_ids=tuple(token_ids),
            logprobs=_fitting(logprobs, token_ids),
            ending=choice.get("finish_reason") or "",
            stop_text=reason if isinstance(reason, str) else "",
            model_version=str(answer.get("model") or ""),
        )


class SglangWire:
    """SGLang's `/generate`; of a stream, each event may hold everything so far or only what is new."""

    path = "/generate"

    def __init__(self) -> None:
        self._num_tokens = 0
        self._num_characters = 0

    def body(
        self, prompt: Sequence[int], sampling: Sampling, model: str, seed: int
    ) -> dict[str, Any]:
        """Write a request."""
        asked: dict[str, Any] = {
            "max_new_tokens": sampling.max_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "stop": list(sampling.stop),
            "sampling_seed": seed % _LONGEST_SEED,
            "skip_special_tokens": False,
            "spaces_between_special_tokens": False,
        }
        if sampling.json_schema is not None:
            asked["json_schema"] = json.dumps(sampling.json_schema)
        return {"input_ids": list(prompt), "sampling_params": asked, "return_logprob": True}

    def read(self, answer: Mapping[str, Any]) -> Part:
        """Read an answer, or an event of a stream. Raises `AttributedError`."""
        about = answer.get("meta_info")
        if not isinstance(about, dict):
            raise _unread(answer)
        drawn = about.get("output_token_logprobs") or []
        text = answer.get("text") or ""
        num_all = about.get("completion_tokens", len(drawn))
        if self._num_tokens and len(drawn) == num_all:
            drawn, text = drawn[self._num_tokens :], text[self._num_characters :]
        self._num_tokens += len(drawn)
        self._num_characters += len(text)
        reason = about.get("finish_reason") or {}
        matched = reason.get("matched")
        return Part(
            text=text,
            token_ids=tuple(entry[1] for entry in drawn),
            logprobs=tuple(entry[0] for entry in drawn),
            ending=reason.get("type") or "",
            stop_text=matched if isinstance(matched, str) else "",
            model_version=str(about.get("weight_version") or ""),
        )


def _fitting(logprobs: Sequence[Any], token_ids: Sequence[int]) -> tuple[float, ...]:
    is_whole = len(logprobs) == len(token_ids) and None not in logprobs
    return tuple(float(it) for it in logprobs) if is_whole else ()


def _unread(answer: Mapping[str, Any]) -> AttributedError:
    error = answer.get("error")
    shown = json.dumps(error or answer, ensure_ascii=False)[:_SHOWN_CHARACTERS]
    # What fails within a stream comes as an event of it.
    cause = "model_unreachable" if error else "model_refused"
    return AttributedError(cause, f"the answer is no completion: {shown}")

"""Conversations as OpenAI's chat completions write them: what is sent, and what comes back.

Nothing that a model wrote raises an error: a malformed call becomes a `FormatError`. An answer that is
no chat completion at all is the server's fault, `model_refused`.

    body = request_body(prompt, sampling, model="name")
    completion = read_answer(answer)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from journeyman.errors import AttributedError
from journeyman.types import Completion, FormatError, Message, Prompt, Sampling, ToolCall, ToolSpec

__all__ = ["read_answer", "request_body"]

_CHARACTERS_PER_TOKEN = 4
_SHOWN_CHARACTERS = 200


def request_body(prompt: Prompt, sampling: Sampling, *, model: str) -> dict[str, Any]:
    """Write the request; of `Prompt`, text and tokens are not sent."""
    body: dict[str, Any] = {
        "model": model,
        "messages": [_message_record(message) for message in prompt.messages],
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": sampling.max_tokens,
    }
    # Some servers refuse an empty list.
    if prompt.tools:
        body["tools"] = [_tool_record(tool) for tool in prompt.tools]
    if prompt.forced_tool is not None:
        named = {"type": "function", "function": {"name": prompt.forced_tool}}
        body["tool_choice"] = named if prompt.forced_tool else "required"
    if sampling.stop:
        body["stop"] = list(sampling.stop)
    if sampling.json_schema is not None:
        schema = {"name": "answer", "schema": sampling.json_schema}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    if sampling.seed is not None:
        body["seed"] = sampling.seed % 2**31
    return body


def _message_record(message: Message) -> dict[str, Any]:
    record: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.role == "tool":
        record["tool_call_id"] = message.tool_call_id
    if message.tool_calls:
        record["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {
                    "name": call.name,
                    "arguments": json.dumps(call.arguments, ensure_ascii=False),
                },
            }
            for call in message.tool_calls
        ]
    return record


def _tool_record(tool: ToolSpec) -> dict[str, Any]:
    return {
        "type": "function",
        "function": {
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.parameters,
        },
    }


def read_answer(answer: Mapping[str, Any], *, call_prefix: str = "call") -> Completion:
    """Read a chat completion; calls without an identifier get `<call_prefix>_<index>`.

    `cost_usd` is what the server itself says. Raises `AttributedError("model_refused")` if `answer`
    is something else.
    """
    choice = _first_choice(answer)
    record = choice["message"]
    calls, errors = _read_calls(record.get("tool_calls"), call_prefix)
    message = Message(
        role="assistant",
        content=_text(record.get("content")),
        reasoning=_text(record.get("reasoning_content") or record.get("reasoning")),
        tool_calls=calls,
    )
    token_ids, logprobs = _integers(choice.get("token_ids")), _logprobs(choice.get("logprobs"))
    usage = _mapping(answer.get("usage"))
    return Completion(
        message=message,
        format_errors=errors,
        token_ids=token_ids,
        logprobs=logprobs if len(token_ids) in (0, len(logprobs)) else (),
        finish_reason="length" if choice.get("finish_reason") == "length" else "stop",
        prompt_token_ids=_integers(answer.get("prompt_token_ids")),
        num_prompt_tokens=_count(usage.get("prompt_tokens")),
        num_completion_tokens=_count(usage.get("completion_tokens"))
        or len(token_ids or logprobs)
        or _guessed_tokens(record),
        cost_usd=_cost(usage.get("cost")),
        model_version=str(answer.get("model") or ""),
    )


def _first_choice(answer: Mapping[str, Any]) -> dict[str, Any]:
    choices = answer.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    if isinstance(first, dict) and isinstance(first.get("message"), dict):
        return first
    shown = json.dumps(answer.get("error") or answer, ensure_ascii=False)[:_SHOWN_CHARACTERS]
    raise AttributedError("model_refused", f"the answer is no chat completion: {shown}")


def _read_calls(records: Any, prefix: str) -> tuple[tuple[ToolCall, ...], tuple[FormatError, ...]]:
    calls: list[ToolCall] = []
    errors: list[FormatError] = []
    for index, record in enumerate(records if isinstance(records, list) else ()):
        read = _read_call(record, f"{prefix}_{index}")
        if isinstance(read, ToolCall):
            calls.append(read)
        else:
            errors.append(read)
    return tuple(calls), tuple(errors)


def _read_call(record: Any, fallback_id: str) -> ToolCall | FormatError:
    function = _mapping(_mapping(record).get("function"))
    name = function.get("name")
    if not isinstance(name, str) or not name:
        return _wrong("missing_name", f"a call names no tool: {_shown(record)}")
    arguments = function.get("arguments")
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments) if arguments.strip() else {}
        except (ValueError, RecursionError) as error:
            return _wrong(
                "bad_json", f"the arguments of {name} are no JSON ({error}): {_shown(arguments)}"
            )
    arguments = {} if arguments is None else arguments
    if not isinstance(arguments, dict):
        return _wrong("wrong_type", f"the arguments of {name} are no object: {_shown(arguments)}")
    identifier = _mapping(record).get("id")
    return ToolCall(name=name, arguments=arguments, id=str(identifier or fallback_id))


def _wrong(kind: str, message: str) -> FormatError:
    return FormatError(kind=kind, message=message, start=0, end=0)


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def _text(content: Any) -> str:
    """Text as it is, or the texts of a list of parts."""
    if isinstance(content, list):
        return "".join(_text(_mapping(part).get("text")) for part in content)
    return content if isinstance(content, str) else ""


def _logprobs(record: Any) -> tuple[float, ...]:
    entries = _mapping(record).get("content")
    if not isinstance(entries, list):
        return ()
    values = [_mapping(entry).get("logprob") for entry in entries]
    numbers = [float(value) for value in values if isinstance(value, (int, float))]
    return tuple(numbers) if len(numbers) == len(values) else ()


def _integers(values: Any) -> tuple[int, ...]:
    if isinstance(values, list) and all(isinstance(value, int) for value in values):
        return tuple(values)
    return ()


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _cost(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) and value > 0 else 0.0


def _guessed_tokens(record: Mapping[str, Any]) -> int:
    """Where a server counts nothing: a guess, so that limits still end a conversation."""
    return 1 + len(json.dumps(record, ensure_ascii=False)) // _CHARACTERS_PER_TOKEN


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}

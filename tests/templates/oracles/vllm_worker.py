"""Runs vLLM's tool parsers from its source tree, without the rest of vLLM, in a process of their own.

The parsers need a tokenizer for the numbers of their tags only, and of the engine little more than
names: what they import beside their own folder is stood in for here, none of it reads a text.
"""

from __future__ import annotations

import sys
import types
from importlib import import_module
from typing import Any

import worker_loop

TAGS = (
    "<tool_calls>",
    "</tool_calls>",
    "<seed:tool_call>",
    "</seed:tool_call>",
    "<seed:think>",
    "</seed:think>",
    "<tool_call>",
    "</tool_call>",
)
PARSERS = {
    "minimax": ("minimax_tool_parser", "MinimaxToolParser"),
    "seed_oss": ("seed_oss_tool_parser", "SeedOssToolParser"),
    "xlam": ("xlam_tool_parser", "xLAMToolParser"),
    "hermes": ("hermes_tool_parser", "Hermes2ProToolParser"),
}


class Tokenizer:
    """Numbers the tags that parsers look for, and one other token."""

    vocab = {tag: number for number, tag in enumerate(TAGS, 1)}  # noqa: RUF012

    def get_vocab(self) -> dict[str, int]:
        return self.vocab

    def encode(self, text: str, **_options: Any) -> list[int]:
        return [self.vocab.get(text, 0)]

    def decode(self, ids: Any, **_options: Any) -> str:
        names = {number: tag for tag, number in self.vocab.items()}
        listed = ids if isinstance(ids, list) else [ids]
        return "".join(names.get(each, "") for each in listed)


def stand_in() -> None:
    """Put what the parsers import from elsewhere in vLLM among the loaded modules."""
    from logging import getLogger

    from pydantic import BaseModel, ConfigDict

    class Anything(BaseModel):
        model_config = ConfigDict(extra="allow")

    counter = iter(range(10**9))
    modules: dict[str, dict[str, Any]] = {
        "vllm.logger": {"init_logger": getLogger},
        "vllm.envs": {"VLLM_TOOL_PARSE_REGEX_TIMEOUT_SECONDS": 1},
        "vllm.sampling_params": {"StructuredOutputsParams": Anything, "SamplingParams": Any},
        "vllm.utils": {"random_uuid": lambda: f"{next(counter):032x}"},
        "vllm.utils.collection_utils": {"is_list_of": _is_list_of},
        "vllm.utils.import_utils": {"import_from_path": None, "resolve_obj_by_qualname": None},
        "vllm.entrypoints.chat_utils": {"make_tool_call_id": lambda **_: f"call_{next(counter)}"},
        "vllm.entrypoints.openai.responses.protocol": {
            "ResponsesRequest": type("ResponsesRequest", (Anything,), {}),
            "ResponseTextConfig": Anything,
        },
        "vllm.entrypoints.openai.chat_completion.protocol": {
            "ChatCompletionRequest": Anything,
            "ChatCompletionToolsParam": Anything,
            "ChatCompletionNamedToolChoiceParam": Anything,
        },
        "vllm.tokenizers": {"TokenizerLike": Any},
        "vllm.tokenizers.mistral": {"MistralTokenizer": type("MistralTokenizer", (), {})},
        "transformers": {"PreTrainedTokenizerBase": Any},
    }
    for name, members in modules.items():
        module = types.ModuleType(name)
        module.__dict__.update(members)
        sys.modules[name] = module
    import_module("vllm").envs = sys.modules["vllm.envs"]  # type: ignore[attr-defined]


def _is_list_of(value: Any, kind: Any, *, check: str = "first") -> bool:
    return isinstance(value, list) and all(isinstance(each, kind) for each in value)


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Read with a parser of its own, as the engine does for every request."""
    from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest

    module, name = PARSERS[request["parser"]]
    parser = getattr(import_module(f"vllm.tool_parsers.{module}"), name)(Tokenizer())
    tools = [_record(tool) for tool in request["tools"]]
    asked = ChatCompletionRequest(tools=tools, tool_choice="auto", skip_special_tokens=False)
    if "pieces" in request:
        return _streamed(parser, request["pieces"], asked)
    found = parser.extract_tool_calls(request["text"], asked)
    calls = [[call.function.name, call.function.arguments] for call in found.tool_calls]
    return {"content": found.content or "", "calls": calls}


def _record(tool: dict[str, Any]) -> types.SimpleNamespace:
    function = types.SimpleNamespace(**tool["function"])
    return types.SimpleNamespace(type="function", function=function)


def _streamed(parser: Any, pieces: list[str], asked: Any) -> dict[str, Any]:
    text, ids = "", list[int]()
    content: list[str] = []
    fragments: list[worker_loop.Fragment] = []
    for piece in pieces:
        new = [Tokenizer.vocab.get(piece, 0)]
        delta = parser.extract_tool_calls_streaming(
            text, text + piece, piece, ids, ids + new, new, asked
        )
        text, ids = text + piece, ids + new
        if delta is None:
            continue
        content.append(delta.content or "")
        for call in delta.tool_calls or ():
            function = _as_mapping(call.function)
            fragments.append((call.index, function.get("name"), function.get("arguments")))
    return {"content": "".join(content), "calls": worker_loop.joined(fragments)}


def _as_mapping(function: Any) -> dict[str, Any]:
    if function is None or isinstance(function, dict):
        return function or {}
    return dict(function.model_dump())


if __name__ == "__main__":
    stand_in()
    worker_loop.serve(answer)

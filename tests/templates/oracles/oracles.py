"""Which genuine template each of ours is compared with, and where the two are known to differ.

A conversation named in `differs` is asserted to differ, so the table cannot go stale; its
reasons are for people to read here.
"""

# ruff: noqa: RUF001 - tokens are spelt with full-width bars

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import genuine
import packages
from conversations import Conversation

from journeyman.types import Message, ToolSpec

VLLM = "examples/tool_chat_template_{}.jinja"
LLAMA = "vendor/llama.cpp/models/templates/{}.jinja"


@dataclass(frozen=True)
class Oracle:
    """A genuine Jinja template and how it is asked."""

    template: str
    package: str
    path: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    prepare: Callable[[str], str] = str
    """Edits the file's source, e.g. so that it leaks no blanks."""
    adapt: Callable[[str], str] = str
    """Edits the rendered text."""
    wire: Callable[[Message], dict[str, Any]] = genuine.wire_message
    """Writes a message as the file expects it."""
    differs: Mapping[str, str] = field(default_factory=dict)
    """Conversation to the reason why ours is meant to differ."""
    without_tools: bool = False
    """Whether the file declares no tools: the conversations are rendered without."""

    def tools(self, conversation: Conversation) -> tuple[ToolSpec, ...]:
        return () if self.without_tools else conversation.tools

    def render(self, conversation: Conversation) -> str:
        path: Path = packages.tree(self.package) / self.path
        rendered = genuine.render(
            self.prepare(path.read_text(encoding="utf-8")),
            [self.wire(message) for message in conversation.messages],
            self.tools(conversation),
            add_generation_prompt=conversation.add_generation_prompt,
            **self.variables,
        )
        return self.adapt(rendered)


def _deepseek_v3(source: str) -> str:
    """Keep the words of vLLM's file, drop the indentation and line ends that it leaks."""
    head, loop, tail = source.partition(
        "{%- for message in messages %}\n    {%- if message['role'] == 'user'"
    )
    head = re.sub(r"(?m)^ +", "", head).replace("{{ bos_token }}\n{{", "{{- bos_token }}{{-")
    return head + loop + _trimmed(tail)


def _trimmed(source: str) -> str:
    """Let every tag eat the white space before it."""
    return re.sub(
        r"\{%(?!-)", "{%-", re.sub(r"\{\{(?=['\"\s\w])(?!additional)", "{{-", source)
    ).rstrip()


def _kimi(source: str) -> str:
    """Number without methods that change a list, and declare tools as the current file does."""
    declared = "tools | tojson(separators=(',', ':'), sort_keys=True)"
    queue = "tool_response_queue.ids"
    return (
        source.replace("tools | tojson", declared)
        .replace(f"set _ = {queue}.append(formatted_id)", f"set {queue} = {queue} + [formatted_id]")
        .replace(f"{queue}.pop(0) -%}}", f"{queue}[0] -%}}{{%- set {queue} = {queue}[1:] -%}}")
    )


def _mistral(source: str) -> str:
    """Leave out the default system prompt, which is for models that reason."""
    return re.sub(r"(set default_system_message = )'[^\n]*' %\}", r"\1'' %}", source)


def _literals(source: str) -> str:
    """Print values as Python literals, where the file prints them bare or in mere quotes."""
    source = source.replace("""param + '="'""", "param + '='").replace("""{{- '"' -}}""", "")
    return source.replace('"%s" | format', "literal")


def _literal(value: Any) -> str:
    """A Python literal of what the conversations hold, texts between double quotes."""
    words = {"true": "True", "false": "False", "null": "None"}
    return re.sub(
        r'("(?:[^"\\]|\\.)*")|\b(true|false|null)\b',
        lambda match: match[1] or words[match[2]],
        json.dumps(value, ensure_ascii=False),
    )


def _toolace(source: str) -> str:
    """Print the generation prompt only where it is asked for."""
    start = "{{- '<|start_header_id|>assistant"
    head, _, tail = _literals(source).rpartition(start)
    return f"{head}{{%- if add_generation_prompt %}}{start}{tail.rstrip()}{{% endif %}}"


_DROPS_TEXT = "the genuine template drops the text beside calls; ours keeps it"
_DEEPSEEK = {"bos_token": "<｜begin▁of▁sentence｜>"}
_LLAMA = {"bos_token": "<|begin_of_text|>", "literal": _literal}
_OPEN_OUTPUTS = (
    "the genuine template leaves the results open when a user speaks next; ours closes them"
)

ORACLES: tuple[Oracle, ...] = (
    Oracle("qwen3_coder", "llama-cpp-python", LLAMA.format("Qwen3-Coder")),
    Oracle(
        "qwen3_xml_mixed",
        "llama-cpp-python",
        LLAMA.format("Qwen3.5-4B"),
        {"enable_thinking": False},
        adapt=lambda text: text.replace("<think>\n\n</think>\n\n", ""),
    ),
    Oracle("glm46", "llama-cpp-python", LLAMA.format("GLM-4.6")),
    Oracle(
        "minimax_m1",
        "llama-cpp-python",
        LLAMA.format("MiniMax-M1"),
        differs={"text_and_call": _DROPS_TEXT, "steps_with_text": _DROPS_TEXT},
    ),
    Oracle("minimax_m2", "llama-cpp-python", LLAMA.format("MiniMax-M2")),
    Oracle("seed_oss", "llama-cpp-python", LLAMA.format("ByteDance-Seed-OSS")),
    Oracle("qwen25_coder", "llama-cpp-python", LLAMA.format("Qwen-Qwen2.5-7B-Instruct")),
    Oracle(
        "deepseekr1",
        "vllm",
        VLLM.format("deepseekr1"),
        _DEEPSEEK,
        differs={"user_after_result": _OPEN_OUTPUTS},
    ),
    Oracle(
        "deepseekv3",
        "vllm",
        VLLM.format("deepseekv3"),
        _DEEPSEEK,
        prepare=_deepseek_v3,
        adapt=str.lstrip,  # the blank line that the file leaks at its top
        differs={"user_after_result": _OPEN_OUTPUTS},
    ),
    Oracle("deepseekv31", "vllm", VLLM.format("deepseekv31"), _DEEPSEEK, prepare=_trimmed),
    Oracle(
        "deepseekv31",
        "llama-cpp-python",
        LLAMA.format("deepseek-ai-DeepSeek-V3.1"),
        _DEEPSEEK,
        adapt=lambda text: text.replace("<think></think>", "</think>"),
        without_tools=True,
    ),
    Oracle(
        "kimik2",
        "llama-cpp-python",
        LLAMA.format("Kimi-K2-Instruct"),
        prepare=_kimi,
        differs={
            "code": "the file numbers the call anew; ours keeps its id, as the current one does"
        },
    ),
    Oracle(
        "mistral3",
        "llama-cpp-python",
        LLAMA.format("mistralai-Ministral-3-14B-Reasoning-2512"),
        {"bos_token": "<s>", "eos_token": "</s>"},
        prepare=_mistral,
        differs={"user_after_result": "the genuine template refuses it; ours writes it"},
    ),
    Oracle(
        "xlam_qwen",
        "vllm",
        VLLM.format("xlam_qwen"),
        differs={"text_and_call": _DROPS_TEXT, "steps_with_text": _DROPS_TEXT},
    ),
    Oracle("llama4_json", "vllm", VLLM.format("llama4_json"), _LLAMA),
    Oracle(
        "toolace",
        "vllm",
        VLLM.format("toolace"),
        _LLAMA,
        prepare=_toolace,
        differs={"text_and_call": _DROPS_TEXT, "steps_with_text": _DROPS_TEXT},
    ),
    Oracle("llama4_pythonic", "vllm", VLLM.format("llama4_pythonic"), _LLAMA, prepare=_literals),
)

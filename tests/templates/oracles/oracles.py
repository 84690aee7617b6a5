"""Which genuine template each of ours is compared with, and where the two are known to differ.

A conversation named in `differs` is asserted to differ, so the table cannot go stale; its reasons
are printed in `docs/templates/disagreements.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import genuine
import packages
from conversations import Conversation

VLLM = "examples/tool_chat_template_{}.jinja"
LLAMA = "vendor/llama.cpp/models/templates/{}.jinja"


@dataclass(frozen=True)
class Oracle:
    """A genuine Jinja template and how it is asked."""

    template: str
    package: str
    path: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    adapt: Callable[[str], str] = str
    """Removes what is not ours to reproduce, e.g. blanks that the file leaks."""
    differs: Mapping[str, str] = field(default_factory=dict)
    """Conversation to the reason why ours is meant to differ."""

    def render(self, conversation: Conversation) -> str:
        path: Path = packages.tree(self.package) / self.path
        return self.adapt(
            genuine.render(
                path,
                conversation.messages,
                conversation.tools,
                add_generation_prompt=conversation.add_generation_prompt,
                **self.variables,
            )
        )


ORACLES: tuple[Oracle, ...] = (
    Oracle("qwen25_coder", "llama-cpp-python", LLAMA.format("Qwen-Qwen2.5-7B-Instruct")),
)

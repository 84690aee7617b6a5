"""Aider: no tools, its edits are blocks in the text of the answer; over Chat Completions."""

from __future__ import annotations

import json
import shlex

from journeyman.scaffolds.agents.agent import (
    PROMPT_PATH,
    Agent,
    Endpoint,
    Launch,
    PythonPackage,
)

__all__ = ["AIDER"]

_LIMITS = "/tmp/journeyman-aider.json"  # noqa: S108 - inside the sandbox
_FLAGS = (
    "--yes-always --edit-format diff --no-auto-commits --no-dirty-commits --no-gitignore "
    "--no-analytics --no-check-update --no-show-release-notes --no-show-model-warnings "
    "--no-suggest-shell-commands --no-detect-urls --disable-playwright --no-pretty "
    "--no-fancy-input --input-history-file /dev/null --chat-history-file /dev/null"
)


def _launch(place: str, endpoint: Endpoint) -> Launch:
    model = f"openai/{endpoint.model}"
    limits = {
        model: {
            "max_input_tokens": endpoint.context_tokens - endpoint.max_tokens,
            "max_output_tokens": endpoint.max_tokens,
            "litellm_provider": "openai",
            "mode": "chat",
        }
    }
    return Launch(
        command=(
            f"{place}/bin/aider --model {shlex.quote(model)} {_FLAGS} "
            f"--model-metadata-file {_LIMITS} --message-file {PROMPT_PATH}"
        ),
        variables={
            "OPENAI_API_BASE": f"{endpoint.url}/v1",
            "OPENAI_API_KEY": endpoint.key,
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        },
        files={_LIMITS: json.dumps(limits)},
    )


AIDER = Agent(
    name="aider",
    version="0.86.2",
    source=PythonPackage("aider-chat", requires_python=">=3.10,<3.13"),
    protocol="openai_chat",
    launch=_launch,
)

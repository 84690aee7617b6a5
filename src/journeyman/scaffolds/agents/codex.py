"""Codex CLI, over OpenAI Responses."""

from __future__ import annotations

import json

from journeyman.sandbox import AGENT_HOME
from journeyman.scaffolds.agents.agent import (
    NODE_PATH,
    PROMPT_PATH,
    Agent,
    Endpoint,
    Launch,
    NodePackage,
)

__all__ = ["CODEX"]


def _launch(place: str, endpoint: Endpoint) -> Launch:
    return Launch(
        command=(
            f"{NODE_PATH}/bin/node {place}/node_modules/@openai/codex/bin/codex.js exec "
            "--dangerously-bypass-approvals-and-sandbox --skip-git-repo-check --color never "
            f"- < {PROMPT_PATH}"
        ),
        files={f"{AGENT_HOME}/.codex/config.toml": _settings(endpoint)},
    )


def _settings(endpoint: Endpoint) -> str:
    return "\n".join(
        [
            f"model = {json.dumps(endpoint.model)}",
            'model_provider = "journeyman"',
            f"model_context_window = {endpoint.context_tokens}",
            'web_search = "disabled"',
            "check_for_update_on_startup = false",
            "[analytics]",
            "enabled = false",
            "[model_providers.journeyman]",
            'name = "Journeyman"',
            f"base_url = {json.dumps(f'{endpoint.url}/v1')}",
            'wire_api = "responses"',
            f"experimental_bearer_token = {json.dumps(endpoint.key)}",
            "",
        ]
    )


CODEX = Agent(
    name="codex",
    version="0.171.0",
    source=NodePackage("@openai/codex"),
    protocol="openai_responses",
    launch=_launch,
)

"""Qwen Code, over Chat Completions."""

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

__all__ = ["QWEN_CODE"]

_SETTINGS = {
    "general": {"disableAutoUpdate": True, "enableAutoUpdate": False},
    "privacy": {"usageStatisticsEnabled": False},
    "telemetry": {"enabled": False},
}


def _launch(place: str, endpoint: Endpoint) -> Launch:
    return Launch(
        command=(
            f"{NODE_PATH}/bin/node {place}/node_modules/.bin/qwen --auth-type openai --yolo "
            f"--output-format text < {PROMPT_PATH}"
        ),
        variables={
            "OPENAI_BASE_URL": f"{endpoint.url}/v1",
            "OPENAI_API_KEY": endpoint.key,
            "OPENAI_MODEL": endpoint.model,
        },
        files={f"{AGENT_HOME}/.qwen/settings.json": json.dumps(_SETTINGS)},
    )


QWEN_CODE = Agent(
    name="qwen-code",
    version="0.24.4",
    source=NodePackage("@qwen-code/qwen-code"),
    protocol="openai_chat",
    launch=_launch,
)

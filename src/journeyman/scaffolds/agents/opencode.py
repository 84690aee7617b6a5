"""OpenCode, over Chat Completions."""

from __future__ import annotations

import json

from journeyman.scaffolds.agents.agent import PROMPT_PATH, Agent, Endpoint, Launch, NodePackage

__all__ = ["OPENCODE"]

_SETTINGS = "/tmp/journeyman-opencode.json"  # noqa: S108 - inside the sandbox


def _launch(place: str, endpoint: Endpoint) -> Launch:
    limits = {"context": endpoint.context_tokens, "output": endpoint.max_tokens}
    settings = {
        "provider": {
            "journeyman": {
                "npm": "@ai-sdk/openai-compatible",
                "options": {"baseURL": f"{endpoint.url}/v1", "apiKey": endpoint.key},
                "models": {endpoint.model: {"limit": limits}},
            }
        },
        "model": f"journeyman/{endpoint.model}",
        "small_model": f"journeyman/{endpoint.model}",
        "permission": "allow",
        "share": "disabled",
        "autoupdate": False,
    }
    return Launch(
        command=f"{place}/node_modules/.bin/opencode run --title task < {PROMPT_PATH}",
        variables={
            "OPENCODE_CONFIG": _SETTINGS,
            "OPENCODE_DISABLE_MODELS_FETCH": "1",
            "OPENCODE_DISABLE_AUTOUPDATE": "1",
            "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
        },
        files={_SETTINGS: json.dumps(settings)},
    )


OPENCODE = Agent(
    name="opencode",
    version="1.18.33",
    source=NodePackage("opencode-ai"),
    protocol="openai_chat",
    launch=_launch,
)

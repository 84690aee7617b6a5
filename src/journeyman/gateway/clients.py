"""What to tell each client program, so that it talks to a gateway.

>>> print(client_settings("http://127.0.0.1:8484", "smollm2")["Aider"])
OPENAI_API_BASE=http://127.0.0.1:8484/v1 OPENAI_API_KEY=local aider --model openai/smollm2
"""

from __future__ import annotations

import json
import shlex

__all__ = ["client_settings"]

_KEY = "local"


def client_settings(url: str, model: str, key: str = _KEY) -> dict[str, str]:
    """Return, for each client, what to paste: a command line, or a file with its name above it."""
    base = f"{url}/v1"
    return {
        "any client of OpenAI's protocols": f"base URL {base}, key {key}, model {model}",
        "any client of Anthropic's protocol": f"base URL {url}, key {key}, model {model}",
        "Claude Code": _command(
            "claude",
            ANTHROPIC_BASE_URL=url,
            ANTHROPIC_AUTH_TOKEN=key,
            ANTHROPIC_MODEL=model,
            ANTHROPIC_DEFAULT_HAIKU_MODEL=model,
            CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1",
        ),
        "Codex CLI": _codex(base, model, key),
        "Qwen Code": _command(
            "qwen --auth-type openai",
            OPENAI_BASE_URL=base,
            OPENAI_API_KEY=key,
            OPENAI_MODEL=model,
        ),
        "OpenCode": _opencode(base, model, key),
        "Aider": _command(
            f"aider --model {shlex.quote(f'openai/{model}')}",
            OPENAI_API_BASE=base,
            OPENAI_API_KEY=key,
        ),
        "mini-swe-agent": _command(
            f"mini --model {shlex.quote(f'openai/{model}')}",
            OPENAI_API_BASE=base,
            OPENAI_API_KEY=key,
            MSWEA_COST_TRACKING="ignore_errors",
        ),
    }


def _command(command: str, **variables: str) -> str:
    set_here = [f"{name}={shlex.quote(value)}" for name, value in variables.items()]
    return " ".join((*set_here, command))


def _codex(base: str, model: str, key: str) -> str:
    return "\n".join(
        [
            "# ~/.codex/config.toml",
            f"model = {json.dumps(model)}",
            'model_provider = "journeyman"',
            "[model_providers.journeyman]",
            'name = "Journeyman"',
            f"base_url = {json.dumps(base)}",
            'wire_api = "responses"',
            f"experimental_bearer_token = {json.dumps(key)}",
        ]
    )


def _opencode(base: str, model: str, key: str) -> str:
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "options": {"baseURL": base, "apiKey": key},
        "models": {model: {}},
    }
    config = {"provider": {"journeyman": provider}, "model": f"journeyman/{model}"}
    return "// opencode.json\n" + json.dumps(config, indent=2)

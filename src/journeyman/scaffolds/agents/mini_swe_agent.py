"""mini-swe-agent: bash and nothing else, over Chat Completions."""

from __future__ import annotations

import json

from journeyman.scaffolds.agents.agent import Agent, Endpoint, Launch, PythonPackage

__all__ = ["MINI_SWE_AGENT"]

_SETTINGS = "/tmp/journeyman-mini.yaml"  # noqa: S108 - inside the sandbox
_OUTPUT = "/tmp/journeyman-mini.json"  # noqa: S108


def _launch(place: str, endpoint: Endpoint) -> Launch:
    settings = {
        "run": {"task": endpoint.prompt},
        "model": {
            "model_kwargs": {
                "api_base": f"{endpoint.url}/v1",
                "api_key": endpoint.key,
                "max_tokens": endpoint.max_tokens,
            }
        },
    }
    return Launch(
        command=(
            f"{place}/bin/mini -m openai/{endpoint.model} -c mini.yaml -c {_SETTINGS} --yolo "
            f"--exit-immediately --cost-limit 0 -o {_OUTPUT}"
        ),
        variables={
            "MSWEA_CONFIGURED": "true",
            "MSWEA_SILENT_STARTUP": "1",
            "MSWEA_COST_TRACKING": "ignore_errors",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        },
        files={_SETTINGS: json.dumps(settings)},  # JSON is YAML
    )


MINI_SWE_AGENT = Agent(
    name="mini-swe-agent",
    version="2.4.6",
    source=PythonPackage("mini-swe-agent", requires_python=">=3.10"),
    protocol="openai_chat",
    launch=_launch,
)

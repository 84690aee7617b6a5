"""Claude Code, over Anthropic Messages."""

from __future__ import annotations

from journeyman.scaffolds.agents.agent import PROMPT_PATH, Agent, Endpoint, Launch, NodePackage

__all__ = ["CLAUDE_CODE"]


def _launch(place: str, endpoint: Endpoint) -> Launch:
    return Launch(
        command=(
            f"{place}/node_modules/.bin/claude --print --dangerously-skip-permissions "
            f"--output-format text < {PROMPT_PATH}"
        ),
        variables={
            "ANTHROPIC_BASE_URL": endpoint.url,
            "ANTHROPIC_AUTH_TOKEN": endpoint.key,
            "ANTHROPIC_MODEL": endpoint.model,
            "ANTHROPIC_DEFAULT_HAIKU_MODEL": endpoint.model,
            "CLAUDE_CODE_MAX_OUTPUT_TOKENS": str(endpoint.max_tokens),
            # It knows the windows of its own models only, and takes others to be of a million tokens.
            "CLAUDE_CODE_MAX_CONTEXT_TOKENS": str(endpoint.context_tokens),
            "CLAUDE_CODE_AUTO_COMPACT_WINDOW": str(endpoint.context_tokens),
            # Without it the system prompt holds a number that changes from call to call.
            "CLAUDE_CODE_ATTRIBUTION_HEADER": "0",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
            "DISABLE_TELEMETRY": "1",
        },
    )


CLAUDE_CODE = Agent(
    name="claude-code",
    version="2.1.332",
    source=NodePackage("@anthropic-ai/claude-code"),
    protocol="anthropic_messages",
    launch=_launch,
)

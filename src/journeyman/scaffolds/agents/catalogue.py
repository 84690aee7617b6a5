"""The external agents by name; one more is one file beside these and one line here."""

from __future__ import annotations

from journeyman.errors import JourneymanError
from journeyman.scaffolds.agents.agent import Agent
from journeyman.scaffolds.agents.aider import AIDER
from journeyman.scaffolds.agents.claude_code import CLAUDE_CODE
from journeyman.scaffolds.agents.codex import CODEX
from journeyman.scaffolds.agents.mini_swe_agent import MINI_SWE_AGENT
from journeyman.scaffolds.agents.opencode import OPENCODE
from journeyman.scaffolds.agents.qwen_code import QWEN_CODE

__all__ = ["AGENTS", "find_agent"]

AGENTS: dict[str, Agent] = {
    agent.name: agent for agent in (AIDER, CLAUDE_CODE, CODEX, MINI_SWE_AGENT, OPENCODE, QWEN_CODE)
}


def find_agent(name: str) -> Agent | None:
    """Return the agent that `name` or `name@version` means, None if there is none of that name."""
    bare, at, version = name.partition("@")
    if bare not in AGENTS or not at:
        return AGENTS.get(bare)
    if not version or not all(it.isalnum() or it in ".-+" for it in version):
        raise JourneymanError(f"{version!r} is no version of {bare}", f"write {bare}@1.2.3")
    return AGENTS[bare].at(version)

"""What an external agent program is: where it comes from and how it is started against a gateway.

AGENT = Agent(name="aider", version="0.86.2", source=PythonPackage("aider-chat"), …)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

__all__ = [
    "NODE_PATH",
    "PROMPT_PATH",
    "Agent",
    "Endpoint",
    "Launch",
    "NodePackage",
    "PythonPackage",
]

PROMPT_PATH = "/tmp/journeyman-prompt.md"  # noqa: S108 - inside the sandbox
"""Where an agent finds what it is asked to do."""

NODE_PATH = "/opt/node"
"""Where the runtime of agents from npm lies; the system's own may be absent or too old."""


@dataclass(frozen=True, slots=True)
class PythonPackage:
    """A program from the Python index, in a virtual environment of its own."""

    package: str
    requires_python: str
    """Which interpreters it runs on."""


@dataclass(frozen=True, slots=True)
class NodePackage:
    """A program from the npm registry."""

    package: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the gateway is for the agent."""

    url: str
    """Without `/v1`."""
    key: str
    model: str
    """A name that is safe in commands and settings; the gateway has one model, by whatever name."""
    context_tokens: int
    """Longest prompt and completion together, for clients that compact in time."""
    max_tokens: int
    """Longest completion."""
    prompt: str
    """What the agent is asked to do; also in the file `PROMPT_PATH`."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How the program is started in a sandbox."""

    command: str
    """A shell command, run in the workspace. It ends when the agent is done."""
    variables: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    """Its settings, by absolute path."""


@dataclass(frozen=True, slots=True)
class Agent:
    """One external agent program, pinned to a version."""

    name: str
    version: str
    source: PythonPackage | NodePackage
    protocol: Literal["openai_chat", "openai_responses", "anthropic_messages"]
    """What it speaks, as captured turns name it."""
    launch: Callable[[str, Endpoint], Launch]
    """Says how to start it, given the folder where it is installed, and the gateway."""

    @property
    def place(self) -> str:
        """Where it lies inside every sandbox."""
        return f"/opt/agents/{self.name}"

    def at(self, version: str) -> Agent:
        """Return the same program in another version."""
        return replace(self, version=version)

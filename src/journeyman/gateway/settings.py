"""What a gateway and its sessions are allowed."""

from __future__ import annotations

from pydantic import Field

from journeyman.config import Config

__all__ = ["GatewaySettings", "Limits"]


class Limits(Config):
    """Ceilings of one session; None sets none."""

    num_turns: int | None = Field(default=None, ge=1)
    """Most model calls, those under way included."""
    num_tokens: int | None = Field(default=None, ge=1)
    """Most completion tokens in total."""
    time_s: float | None = Field(default=None, gt=0)
    """Most seconds from the first call."""


class GatewaySettings(Config):
    """How one gateway serves."""

    context_tokens: int = Field(default=131_072, ge=16)
    """Longest prompt and completion together."""
    max_tokens: int = Field(default=32_768, ge=1)
    """Longest completion where the client sets no limit."""
    num_running: int = Field(default=1024, ge=1)
    """Most model calls at the same time; further ones wait."""
    num_waiting: int = Field(default=4096, ge=0)
    """Most calls that wait; further ones are refused with `Retry-After`."""
    timeout_s: float = Field(default=1800.0, gt=0)
    """Longest model call."""
    ping_s: float = Field(default=10.0, gt=0)
    """A stream that is silent for this long gets a sign of life."""
    body_s: float = Field(default=60.0, gt=0)
    """Longest wait for a request's body."""
    max_body_bytes: int = Field(default=64 << 20, ge=1)
    """Largest request."""
    num_sessions: int = Field(default=256, ge=1)
    """Sessions that clients open by naming a key; the one unused longest is forgotten first."""
    num_remembered: int = Field(default=4096, ge=1)
    """Turns that such a session remembers, so that the next prompt extends them."""

"""The gateway: any client, any protocol, any template, any model.

One HTTP server both serves an IDE and captures the tokens of agents in rollouts, so that what is
trained is what is used.

    gateway = Gateway(model, get_template("qwen3_coder"))
    async with serving(gateway) as url:
        ...
"""

from journeyman.gateway.app import Gateway
from journeyman.gateway.clients import client_settings
from journeyman.gateway.journal import Journal, read_journal
from journeyman.gateway.record import (
    CapturedTurn,
    SessionRecord,
    TokenSequence,
    check_fidelity,
    sequences,
    trajectories,
)
from journeyman.gateway.server import calm_collector, listen, listen_unix, serving
from journeyman.gateway.session import Session, Sessions
from journeyman.gateway.settings import GatewaySettings, Limits
from journeyman.gateway.spoken import SpokenModel

__all__ = [
    "CapturedTurn",
    "Gateway",
    "GatewaySettings",
    "Journal",
    "Limits",
    "Session",
    "SessionRecord",
    "Sessions",
    "SpokenModel",
    "TokenSequence",
    "calm_collector",
    "check_fidelity",
    "client_settings",
    "listen",
    "listen_unix",
    "read_journal",
    "sequences",
    "serving",
    "trajectories",
]

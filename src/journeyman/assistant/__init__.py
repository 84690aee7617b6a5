"""A coding assistant for a folder on this machine, on any model: `journeyman code`."""

from journeyman.assistant.agent import Agent, TurnResult
from journeyman.assistant.approval import Approval, Approvals, View
from journeyman.assistant.folder import open_folder
from journeyman.assistant.store import Kept, SessionFile, find_session, list_sessions

__all__ = [
    "Agent",
    "Approval",
    "Approvals",
    "Kept",
    "SessionFile",
    "TurnResult",
    "View",
    "find_session",
    "list_sessions",
    "open_folder",
]

"""Sandboxes: live, isolated copies of an environment.

async with opened(SandboxSpec(workspace_layers=(folder,))) as sandbox:
    result = await sandbox.execute("pytest -q", timeout_s=60)
"""

from journeyman.sandbox.base import (
    ENVIRONMENT_PATH,
    WORKSPACE,
    Executed,
    IndexPolicy,
    Limits,
    Mount,
    Sandbox,
    SandboxSpec,
)
from journeyman.sandbox.diagnosis import diagnose
from journeyman.sandbox.environment import environment_spec, load_environment, with_mounts
from journeyman.sandbox.opening import file_name, open_sandbox, opened
from journeyman.sandbox.settings import AGENT_HOME
from journeyman.sandbox.state import reap, reap_own

__all__ = [
    "AGENT_HOME",
    "ENVIRONMENT_PATH",
    "WORKSPACE",
    "Executed",
    "IndexPolicy",
    "Limits",
    "Mount",
    "Sandbox",
    "SandboxSpec",
    "diagnose",
    "environment_spec",
    "file_name",
    "load_environment",
    "open_sandbox",
    "opened",
    "reap",
    "reap_own",
    "with_mounts",
]

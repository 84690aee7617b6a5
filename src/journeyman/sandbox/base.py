"""What a sandbox is: the protocol every backend keeps, and the data that describes one.

async with opened(spec) as sandbox:
    result = await sandbox.execute("pytest -q", timeout_s=60)
"""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Literal, Protocol

from pydantic import AwareDatetime, Field

from journeyman.types import Data

__all__ = [
    "ENVIRONMENT_PATH",
    "WORKSPACE",
    "Executed",
    "IndexPolicy",
    "Limits",
    "Mount",
    "Sandbox",
    "SandboxSpec",
]

WORKSPACE = "/testbed"
"""Where the repository lies inside every sandbox, as in SWE-bench's images."""

ENVIRONMENT_PATH = "/opt/environment"
"""Where an environment's toolchain (e.g. its virtual environment) lies inside every sandbox."""

Network = Literal["none", "index", "open"]


class Limits(Data):
    """Ceilings of one sandbox. Enforced by cgroups where there are any, by rlimits elsewhere."""

    num_cpus: float = Field(default=2.0, gt=0)
    memory_bytes: int = Field(default=4 << 30, gt=0)
    num_processes: int = Field(default=512, gt=0)
    disk_bytes: int = Field(default=4 << 30, gt=0)
    """What it may write. In a namespace sandbox that lies in memory: three quarters of it at most."""
    output_bytes: int = Field(default=1 << 20, gt=0)
    """Most that is kept of each of stdout and stderr of one command; the middle is dropped."""


class Mount(Data):
    """A folder or file of the host, seen inside the sandbox at `target`."""

    source: Path
    target: str
    is_writable: bool = False


class IndexPolicy(Data):
    """What a sandbox with network `index` may see of the package indexes."""

    before: AwareDatetime
    """Only what was uploaded before this instant, such as the base commit's date."""
    denied: tuple[str, ...] = ()
    """Packages that are never served, in any spelling: the task's own project and its forks."""


class SandboxSpec(Data):
    """Everything that a fresh sandbox is made of."""

    workspace_layers: tuple[Path, ...] = ()
    """Folders laid over one another at `WORKSPACE`, bottom first; never written to."""
    mounts: tuple[Mount, ...] = ()
    variables: dict[str, str] = Field(default_factory=dict)
    network: Network = "none"
    index: IndexPolicy | None = None
    """Needed by network `index`, ignored by the others."""
    limits: Limits = Limits()
    owner: str = ""
    """Who owes the clean-up, e.g. a run's identifier; part of the sandbox's deterministic name."""


class Executed(Data):
    """The outcome of one command. `exit_code` is 128 + signal for a killed command, as in a shell."""

    exit_code: int
    stdout: bytes = b""
    stderr: bytes = b""
    is_truncated: bool = False
    is_timed_out: bool = False
    duration_s: float = 0.0


class Sandbox(Protocol):
    """A live, isolated copy of an environment."""

    async def execute(
        self,
        command: str,
        *,
        timeout_s: float,
        stdin: bytes = b"",
        env: dict[str, str] | None = None,
        user: Literal["agent", "root"] = "agent",
    ) -> Executed:
        """Run a shell command in the workspace. A time-out is a result, not an error.

        Raises `AttributedError("sandbox_died")` if the sandbox itself is gone.
        """
        ...

    async def read(self, path: str) -> bytes:
        """Return a file's bytes; `FileNotFoundError` and `IsADirectoryError` as for `open`."""
        ...

    async def write(self, path: str, data: bytes) -> None:
        """Write a file, its parents made as needed."""
        ...

    async def listen(self, port: int = 0) -> socket.socket:
        """Return a socket that listens on 127.0.0.1 inside; who accepts, and closes it, is outside.

        Port 0 takes a free one. It is how a program in there reaches a server of ours and nothing
        else. Raises `JourneymanError` where the sandbox's network cannot be entered.
        """
        ...

    async def close(self) -> None:
        """End every process and remove what the sandbox wrote. Safe to call twice."""
        ...

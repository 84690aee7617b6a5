"""Opening a sandbox by backend, with a name that says who owes its clean-up."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from journeyman.config import digest
from journeyman.errors import JourneymanError
from journeyman.sandbox.base import Sandbox, SandboxSpec
from journeyman.sandbox.container import open_container
from journeyman.sandbox.namespace import open_namespace

__all__ = ["file_name", "open_sandbox", "opened"]

_ENGINES = ("docker", "podman")
_counter = itertools.count(1)


async def open_sandbox(
    spec: SandboxSpec, *, name: str | None = None, backend: str = "namespace"
) -> Sandbox:
    """Start a fresh sandbox; whoever opens it must close it.

    Raises `JourneymanError` where this machine cannot run one, and
    `AttributedError("sandbox_unavailable")` where `name` is taken.
    """
    if spec.network == "index" and spec.index is None:
        raise JourneymanError(
            "network index needs an instant: the package-index proxy serves what was there before",
            "give SandboxSpec an IndexPolicy",
        )
    kind, _, base = backend.partition(":")
    if kind in _ENGINES:
        return await open_container(spec, file_name(name or _default_name(spec)), kind, base)
    if backend != "namespace":
        raise JourneymanError(
            f"unknown sandbox backend {backend!r}", "use namespace, docker, podman or docker:IMAGE"
        )
    return await open_namespace(spec, file_name(name or _default_name(spec)))


@asynccontextmanager
async def opened(
    spec: SandboxSpec, *, name: str | None = None, backend: str = "namespace"
) -> AsyncIterator[Sandbox]:
    """Open a sandbox for the length of a block; it is always closed."""
    sandbox = await open_sandbox(spec, name=name, backend=backend)
    try:
        yield sandbox
    finally:
        await sandbox.close()


def _default_name(spec: SandboxSpec) -> str:
    return f"{spec.owner or 'sandbox'}-{digest(spec)[:12]}-{os.getpid()}-{next(_counter)}"


def file_name(name: str) -> str:
    """Return what the sandbox `name` is called: safe as a folder, distinct for distinct names."""
    safe = re.sub(r"[^A-Za-z0-9._-]", "-", name).lstrip(".-")
    if safe == name and len(name) <= 120:
        return name
    return f"{safe[:100]}-{digest(name)[:12]}"

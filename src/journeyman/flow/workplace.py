"""What the jobs of one process share: open models, ceilings on every resource, and locks.

place = Workplace(models, ceilings=config.concurrency)
async with place.sandbox(spec, name="…", backend="namespace", patience=patience) as sandbox:
    ...
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Protocol

from journeyman.flow.admission import Admission
from journeyman.flow.config import Concurrency
from journeyman.flow.events import ResourceLevel
from journeyman.flow.lazy_sandbox import LazySandbox
from journeyman.flow.model_pressure import ModelPressure
from journeyman.flow.patience import Patience
from journeyman.flow.quota import Quota
from journeyman.flow.shared_verdicts import SharedVerdicts
from journeyman.models import Model, open_model
from journeyman.sandbox import Sandbox, SandboxSpec, open_sandbox

__all__ = ["Opener", "Workplace"]


class Opener(Protocol):
    """Starts a fresh sandbox, as `sandbox.open_sandbox` does."""

    async def __call__(
        self, spec: SandboxSpec, *, name: str | None = None, backend: str = "namespace"
    ) -> Sandbox:
        """Start one; whoever asked must close it."""
        ...


class Workplace:
    """One process's share of a run. Models that were not given are opened at first use."""

    def __init__(
        self,
        models: Mapping[str, Model] | None = None,
        *,
        ceilings: Concurrency | None = None,
        opener: Opener = open_sandbox,
        policy_version: str = "",
    ) -> None:
        self.ceilings = ceilings = ceilings or Concurrency()
        self.opener = opener
        self.policy_version = policy_version
        """Stamped on every completion that does not say itself which weights it is of."""
        self._models = dict(models or {})
        self._own: list[Model] = []
        self._pressures: dict[str, ModelPressure] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._verdicts: dict[Path | None, SharedVerdicts] = {}
        num_cpus = len(os.sched_getaffinity(0))
        admission = Admission(num_cpus=num_cpus)
        fixed = ceilings.sandboxes
        self.sandboxes = Quota("sandboxes", fixed, gate=None if fixed else admission.admits)
        self.builds = Quota("builds", ceilings.builds or num_cpus)
        self.evaluations = Quota("evaluations", ceilings.evaluations or num_cpus)
        self.gateway_sessions = Quota("gateway_sessions", ceilings.gateway_sessions)

    async def model(self, spec: str) -> Model:
        """Return the open model of a spec."""
        async with self.lock(f"model {spec}"):
            if spec not in self._models:
                self._models[spec] = await open_model(spec)
                self._own.append(self._models[spec])
        return self._models[spec]

    def adopt(self, spec: str, model: Model) -> None:
        """Take over an open model; it is closed with the others."""
        self._models[spec] = model
        self._own.append(model)

    def pressure(self, spec: str) -> ModelPressure:
        """Return what bounds the requests to the model of a spec."""
        if spec not in self._pressures:
            self._pressures[spec] = ModelPressure(self.ceilings.model_requests)
        return self._pressures[spec]

    @contextlib.asynccontextmanager
    async def sandbox(
        self, spec: SandboxSpec, *, name: str, backend: str, patience: Patience, group: str = ""
    ) -> AsyncIterator[LazySandbox]:
        """Yield a sandbox that takes a slot and opens at its first use, and is closed at the end."""
        async with contextlib.AsyncExitStack() as stack:

            async def open_now() -> Sandbox:
                async with patience.waiting():
                    await self.sandboxes.take(group)
                stack.callback(self.sandboxes.give)
                patience.enter("opening")
                sandbox = await self.opener(spec, name=name, backend=backend)
                stack.push_async_callback(sandbox.close)
                patience.enter("working")
                return sandbox

            yield LazySandbox(open_now)

    def verdicts_in(self, folder: Path | None) -> SharedVerdicts:
        """Return the verdicts that jobs of this process share, kept in a folder where one is given."""
        return self._verdicts.setdefault(folder, SharedVerdicts(folder))

    def lock(self, name: str) -> asyncio.Lock:
        """Return the lock of that name."""
        return self._locks.setdefault(name, asyncio.Lock())

    @property
    def levels(self) -> tuple[ResourceLevel, ...]:
        """How much of everything is in use."""
        quotas = (self.sandboxes, self.builds, self.evaluations, self.gateway_sessions)
        requests = [it.level for it in self._pressures.values()]
        return (*(quota.level for quota in quotas), *requests)

    async def aclose(self) -> None:
        """Close the models that were opened here."""
        for model in self._own:
            await model.close()
        self._own.clear()

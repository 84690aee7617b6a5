"""A taskset and its agent as plugins of `verifiers` 0.4, by the id `journeyman_verifiers`.

    eval journeyman_verifiers --env.taskset.folder tasksets/mine \
        --env.agent.harness.scaffold bash --env.agent.runtime.type subprocess

The harness runs our scaffold in our sandbox, in this process, and asks its model at the package's own
interception server: whatever that server's client knows of tokens, the trace has.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import verifiers.v1 as vf

from journeyman.flow import RolloutConfig
from journeyman.models.endpoint import EndpointModel, EndpointSettings
from journeyman.scaffolds.session import SessionLimits
from journeyman.tasks import load_taskset
from journeyman.train.interop.attempt import Attempt
from journeyman.types import Sampling

__all__ = ["JourneymanHarness", "JourneymanTaskset"]


class JourneymanState(vf.State):
    """What became of a rollout."""

    reward: float | None = None
    is_resolved: bool = False
    ending: str = ""


class JourneymanData(vf.TaskData):
    """`id` is the task's own."""

    folder: str
    """Of the taskset."""


class JourneymanTask(vf.Task[JourneymanData, JourneymanState, vf.TaskConfig]):
    """Rewarded by execution."""

    @property
    def key(self) -> str:
        """The task's own id, whatever its place in the set."""
        return str(self.data.id)

    @vf.reward
    async def reward(self, trace: Any) -> float:
        """The verdict, and the penalty of the rollout's ending."""
        return float(trace.state.reward)

    @vf.metric
    async def is_resolved(self, trace: Any) -> float:
        """Whether the verifier accepted what was left."""
        return float(trace.state.is_resolved)


class JourneymanTasksetConfig(vf.TasksetConfig):
    """Which tasks."""

    folder: Path
    """Of the taskset."""


class JourneymanTaskset(vf.Taskset[JourneymanTask, JourneymanTasksetConfig]):
    """The tasks of a folder."""

    def load(self) -> Iterator[JourneymanTask]:
        """Yield every task."""
        folder = self.config.folder.resolve()
        for task in load_taskset(folder).tasks:
            data = JourneymanData(
                id=task.instance_id, prompt=task.problem_statement, folder=str(folder)
            )
            yield JourneymanTask(data, self.config.task)


class JourneymanHarnessConfig(vf.HarnessConfig):
    """How the agent works."""

    scaffold: str = "bash"
    """As in `journeyman rollout`."""
    sandbox: str = "namespace"
    """Sandbox backend, in place of the package's runtime."""
    guard: str = "rules"
    """What refuses reward hacking before it is carried out."""
    num_turns: int = 30
    """Most model calls."""


class JourneymanHarness(vf.Harness[JourneymanHarnessConfig]):
    """Our scaffold, sandbox, guard and grading around a model that the package serves."""

    NEEDS_CONTAINER = False
    EXECUTES_CODE = False
    """In the package's runtime: our sandbox holds what the model does."""

    async def launch(
        self,
        ctx: Any,
        trace: Any,
        runtime: Any,
        endpoint: str,
        secret: str,
        mcp_urls: dict[str, str],
        data: JourneymanData,
    ) -> Any:
        """Play and grade. Raises `SandboxError` where the machine failed: there is no reward."""
        taskset = load_taskset(Path(data.folder))
        model = EndpointModel(
            "policy",
            endpoint,
            ctx.model,
            EndpointSettings(),
            headers={"Authorization": f"Bearer {secret}"},
        )
        try:
            rollout = await Attempt(taskset, str(data.id), self._config(data, ctx), model).run()
        finally:
            await model.close()
        if rollout.reward is None or not rollout.reward.is_valid:
            raise vf.SandboxError(f"{data.id} was not graded: {rollout.failure}")
        trace.state.reward = rollout.reward.value
        trace.state.is_resolved = bool(rollout.verdict and rollout.verdict.is_resolved)
        trace.state.ending = rollout.ending.value
        return vf.ProgramResult(exit_code=0, stdout=rollout.ending.value, stderr="")

    def _config(self, data: JourneymanData, ctx: Any) -> RolloutConfig:
        asked = ctx.sampling.model_dump() if hasattr(ctx.sampling, "model_dump") else {}
        known = {
            key: asked[key] for key in ("temperature", "top_p", "max_tokens") if asked.get(key)
        }
        return RolloutConfig(
            taskset=Path(data.folder),
            scaffold=self.config.scaffold,
            sandbox=self.config.sandbox,
            guard=self.config.guard,
            limits=SessionLimits(num_turns=self.config.num_turns),
            sampling=Sampling(**known),
        )

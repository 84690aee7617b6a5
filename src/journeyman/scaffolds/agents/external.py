"""The scaffold that runs an external agent program unmodified, its model behind a gateway of its own.

The program runs inside the sandbox and reaches one thing: a socket on the sandbox's loopback that is
served from out here. What it asked its model and was answered becomes the rollout's trajectories,
token by token.

    ending = await ExternalAgent(QWEN_CODE).run(view, sandbox, session)
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from journeyman.errors import AttributedError
from journeyman.gateway import (
    CapturedTurn,
    Gateway,
    GatewaySettings,
    Limits,
    Session,
    serving,
    trajectories,
)
from journeyman.runs import slug
from journeyman.sandbox.base import Executed, Mount, Sandbox
from journeyman.scaffolds.agents.agent import PROMPT_PATH, Agent, Endpoint, Launch
from journeyman.scaffolds.agents.gated import gated
from journeyman.scaffolds.agents.layers import agent_mounts
from journeyman.scaffolds.agents.outcome import judge_end
from journeyman.scaffolds.prompts import task_for_agent
from journeyman.scaffolds.session import ModelSession
from journeyman.types import Ending, TaskView

if TYPE_CHECKING:
    from journeyman.templates import ToolTemplate

__all__ = ["ExternalAgent"]

_GRACE_S = 20.0
"""How long a program may take to end by itself once a limit refuses its calls."""
_LONGEST_S = 30 * 86_400.0
"""The session's clock ends it, which leaves out what was waited for a slot."""
_WATCH_S = 0.5
_NAME_CHARACTERS = 60
_LOG = "/tmp/journeyman-agent.log"  # noqa: S108 - inside the sandbox
_LOG_BYTES = 500_000
_DRAIN_S = 5.0


class ExternalAgent:
    """An agent program as a scaffold."""

    def __init__(self, agent: Agent) -> None:
        self.name = agent.name
        self.agent = agent

    async def mounts(
        self, *, backend: str = "namespace", on_progress: Callable[[str], None] | None = None
    ) -> tuple[Mount, ...]:
        """Return the layers of the program, installed where they are not."""
        return await agent_mounts(self.agent, backend=backend, on_progress=on_progress)

    async def run(self, task: TaskView, sandbox: Sandbox, session: ModelSession) -> Ending:
        """Let the program work until it ends or a limit is reached, and say which.

        Raises `AttributedError` for what is not the model's doing.
        """
        gateway = _gateway(session)
        key = secrets.token_urlsafe(18)
        caller = _open(gateway, key, session)
        session.forgive_also(caller.forgive)
        listener = await sandbox.listen()
        done: Executed | None = None
        try:
            async with serving(gateway, [listener], drain_s=_DRAIN_S) as url:
                launch = self.agent.launch(self.agent.place, _endpoint(url, key, task, session))
                await _lay(sandbox, launch, task)
                try:
                    done = await _Watch(sandbox, launch, caller, session).run()
                finally:
                    session.files["agent.log"] = log = await _log(sandbox)
                if caller.num_started == 0:
                    await _require(sandbox, url)
        finally:
            record = gateway.record(gateway.sessions.close(key))
            branches = trajectories(record)
            session.adopt([it.model_copy(update={"scaffold": self.name}) for it in branches])
            session.files["session.json"] = record.model_dump_json().encode()
        exit_code = done.exit_code if done is not None else None
        return judge_end(self.agent, exit_code, log, caller)


def _gateway(session: ModelSession) -> Gateway:
    settings = GatewaySettings(
        context_tokens=session.limits.context_tokens, max_tokens=session.sampling.max_tokens
    )

    def on_turn(it: CapturedTurn) -> None:
        session.tell(it.turn)

    template = cast("ToolTemplate | None", session.template)
    return Gateway(gated(session), template, settings, keys=(), on_turn=on_turn)


def _open(gateway: Gateway, key: str, session: ModelSession) -> Session:
    limits = session.limits
    return gateway.sessions.open(
        key,
        limits=Limits(
            num_turns=limits.num_turns, num_tokens=limits.num_tokens, time_s=limits.time_s
        ),
        sampling=session.sampling,
        guard=session.guard,
    )


def _endpoint(url: str, key: str, task: TaskView, session: ModelSession) -> Endpoint:
    return Endpoint(
        url=url,
        key=key,
        model=slug(session.model.name, _NAME_CHARACTERS),
        context_tokens=session.limits.context_tokens,
        max_tokens=session.sampling.max_tokens,
        prompt=task_for_agent(task),
    )


async def _lay(sandbox: Sandbox, launch: Launch, task: TaskView) -> None:
    files = {PROMPT_PATH: task_for_agent(task), **launch.files}
    for path, text in files.items():
        await sandbox.write(path, text.encode("utf-8", "replace"))


async def _log(sandbox: Sandbox) -> bytes:
    """Return the end of what the program said; nothing if nobody can be asked any more."""
    try:
        done = await sandbox.execute(f"tail -c {_LOG_BYTES} {_LOG}", timeout_s=30)
    except AttributedError:
        return b""
    return done.stdout


async def _require(sandbox: Sandbox, url: str) -> None:
    """Tell a program that calls nobody from one that could not: is the gateway there for it?"""
    host, _, port = url.removeprefix("http://").partition(":")
    done = await sandbox.execute(f"exec 3<>/dev/tcp/{host}/{port}", timeout_s=30)
    if done.exit_code:
        said = done.stderr.decode(errors="replace").strip()
        raise AttributedError("sandbox_died", f"the gateway cannot be reached in it: {said}")


class _Watch:
    """One program at work, and those who may end it."""

    def __init__(
        self, sandbox: Sandbox, launch: Launch, caller: Session, session: ModelSession
    ) -> None:
        self._sandbox = sandbox
        self._launch = launch
        self._caller = caller
        self._limits = session.limits

    async def run(self) -> Executed | None:
        """Return how it ended; None where it had to be ended."""
        # Into a file, so that a program that has to be ended leaves its words too.
        command = f"( {self._launch.command}\n) > {_LOG} 2>&1"
        work = asyncio.create_task(
            self._sandbox.execute(command, timeout_s=_LONGEST_S, env=self._launch.variables)
        )
        try:
            await self._wait(work)
        finally:
            if not work.done():
                work.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await work
        return work.result() if not work.cancelled() else None

    async def _wait(self, work: asyncio.Task[Executed]) -> None:
        """Wait until it is done, out of time, silent for too long, or will not take a refusal."""
        refused_s = 0.0
        while not (await asyncio.wait([work], timeout=_WATCH_S))[0]:
            if self._caller.remaining_s() == 0:
                self._caller.out_of_time()
                return
            refused_s = refused_s + _WATCH_S if self._caller.ending is not None else 0.0
            if refused_s > _GRACE_S or self._caller.idle_s() > self._limits.idle_s:
                return

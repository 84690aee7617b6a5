"""One rollout that somebody else's model plays: they ask what it is shown, and say what it answered.

The scaffold, the sandbox, the guard, the limits and the grading are those of `journeyman rollout`; only
the model is elsewhere.

    episode = Episode(taskset, "toolz__toolz-0001", RolloutConfig(taskset=taskset.folder))
    asked = await episode.start()
    while asked is not None:
        asked = await episode.answer(await their_model(asked.messages, asked.tools))
    reward = (await episode.finish()).reward
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass

from journeyman.errors import AttributedError, JourneymanError
from journeyman.flow import RolloutConfig
from journeyman.flow.jobs import Job, JobResult, Stage
from journeyman.flow.plan import make_seats, select_tasks
from journeyman.flow.reward import finish
from journeyman.flow.stages import perform
from journeyman.flow.workplace import Workplace
from journeyman.scaffolds import is_external
from journeyman.tasks import Taskset
from journeyman.types import Completion, Message, Prompt, Rollout, Sampling, ToolSpec

__all__ = ["Asked", "Episode"]

_PLAYER = "player"


@dataclass(frozen=True)
class Asked:
    """What the model is shown now, and what of it is new since its last answer."""

    messages: tuple[Message, ...]
    new: tuple[Message, ...]
    tools: tuple[ToolSpec, ...]


class Episode:
    """One attempt at one task. Whoever starts it must `finish` or `close` it."""

    def __init__(self, taskset: Taskset, instance_id: str, config: RolloutConfig) -> None:
        """Raises `JourneymanError` for an unknown task and for an agent that is an outside program."""
        if is_external(config.scaffold):
            raise JourneymanError(
                f"{config.scaffold} calls its model itself", "use bash, editor, answer or calls"
            )
        self.task = select_tasks(taskset, (instance_id,))[instance_id]
        self._config = config.model_copy(update={"models": (_PLAYER,), "n": 1})
        self._player = _Player()
        self._place = Workplace({_PLAYER: self._player}, ceilings=config.concurrency)
        (self._seat,) = make_seats(self._config, [instance_id])
        self._run = f"episode-{secrets.token_hex(4)}"
        self._environments = taskset.environments
        self._work: asyncio.Task[JobResult] | None = None
        self._num_known = 0

    async def start(self) -> Asked | None:
        """Begin, and return the first prompt; None where the rollout ended without any."""
        self._work = asyncio.create_task(self._perform(Stage.ROLLOUT))
        return await self._next()

    async def answer(self, message: Message) -> Asked | None:
        """Give the model's turn, and return the next prompt; None where the rollout has ended."""
        self._player.answers.put_nowait(message)
        return await self._next()

    async def finish(self) -> Rollout:
        """Grade what was left behind; a rollout that has not ended is stopped and not graded."""
        if self._work is None or not self._work.done():
            await self.close()
            return finish(
                self._seat,
                self._config.scaffold,
                work=None,
                verdict=None,
                failure=AttributedError("abandoned", "it was left before its end").failure,
                num_attempts=1,
            )
        done = self._work.result()
        graded: JobResult | None = None
        if done.work is not None and done.work.is_graded:
            graded = await self._perform(Stage.EVALUATION, patch=done.work.patch)
        return finish(
            self._seat,
            self._config.scaffold,
            work=done.work,
            verdict=graded.verdict if graded else None,
            failure=done.failure or (graded.failure if graded else None),
            num_attempts=1,
        )

    async def close(self) -> None:
        """End what still runs; its sandbox goes with it."""
        if self._work is not None and not self._work.done():
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)
        await self._place.aclose()

    async def _next(self) -> Asked | None:
        assert self._work is not None
        prompted = asyncio.ensure_future(self._player.prompts.get())
        await asyncio.wait({prompted, self._work}, return_when=asyncio.FIRST_COMPLETED)
        if not prompted.done():
            prompted.cancel()
            return None
        prompt = prompted.result()
        new = prompt.messages[self._num_known :]
        self._num_known = len(prompt.messages) + 1  # and the answer to come
        return Asked(prompt.messages, new, prompt.tools)

    async def _perform(self, stage: Stage, *, patch: str = "") -> JobResult:
        job = Job(
            run=self._run,
            seat=self._seat,
            stage=stage,
            token=1,
            task=self.task,
            environments=self._environments,
            config=self._config,
            patch=patch,
        )
        return await perform(job, self._place, lambda _: None)


class _Player:
    """The model as the scaffold sees it: hands prompts out, and waits for the answers."""

    name = _PLAYER
    reads_text = False

    def __init__(self) -> None:
        self.prompts: asyncio.Queue[Prompt] = asyncio.Queue()
        self.answers: asyncio.Queue[Message] = asyncio.Queue()

    async def complete(self, prompt: Prompt, sampling: Sampling) -> Completion:
        """Return what whoever plays answers."""
        self.prompts.put_nowait(prompt)
        return Completion(message=await self.answers.get(), model_version=self.name)

    async def close(self) -> None:
        """Nothing to release."""

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
from dataclasses import dataclass

from journeyman.errors import JourneymanError
from journeyman.flow import RolloutConfig
from journeyman.flow.jobs import JobResult
from journeyman.scaffolds import is_external
from journeyman.tasks import Taskset
from journeyman.train.interop.attempt import Attempt
from journeyman.types import Completion, Message, Prompt, Rollout, Sampling, ToolSpec

__all__ = ["Asked", "Episode"]


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
        self._player = _Player()
        self._attempt = Attempt(taskset, instance_id, config, self._player)
        self.task = self._attempt.task
        self._work: asyncio.Task[JobResult] | None = None
        self._num_known = 0

    async def start(self) -> Asked | None:
        """Begin, and return the first prompt; None where the rollout ended without any."""
        self._work = self._attempt.begin()
        return await self._next()

    async def answer(self, said: Message | Completion) -> Asked | None:
        """Give the model's turn, and return the next prompt; None where the rollout has ended."""
        done = said if isinstance(said, Completion) else Completion(message=said)
        self._player.answers.put_nowait(done)
        return await self._next()

    async def finish(self) -> Rollout:
        """Grade what was left behind; a rollout that has not ended is stopped and not graded."""
        return await self._attempt.grade()

    async def close(self) -> None:
        """End what still runs; its sandbox goes with it."""
        await self._attempt.close()

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


class _Player:
    """The model as the scaffold sees it: hands prompts out, and waits for the answers."""

    name = "player"
    reads_text = False

    def __init__(self) -> None:
        self.prompts: asyncio.Queue[Prompt] = asyncio.Queue()
        self.answers: asyncio.Queue[Completion] = asyncio.Queue()

    async def complete(self, prompt: Prompt, sampling: Sampling) -> Completion:
        """Return what whoever plays answers."""
        self.prompts.put_nowait(prompt)
        return await self.answers.get()

    async def close(self) -> None:
        """Nothing to release."""

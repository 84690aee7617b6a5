"""What a step of distillation is taught on: texts that the student, or a teacher, writes itself.

    drawn, figures = await draw_tasks(settings, domain, home, name, taskset, names, model, seed=1)

Tasks go through the same orchestrator as `journeyman rollout`; plain prompts are answered once.
"""

from __future__ import annotations

import asyncio
from array import array
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random

from journeyman.config import digest
from journeyman.models import Model
from journeyman.models.torch_local import TorchLocalModel
from journeyman.runs import read_trajectories
from journeyman.tasks import Taskset
from journeyman.templates import get_template
from journeyman.train.distill.settings import DistillSettings, Domain
from journeyman.train.documents.conversation import Conversation
from journeyman.train.rl.collect import figures_of, roll_out
from journeyman.train.rl.sequences import PolicySequence, policy_sequences
from journeyman.train.rl.settings import RlSettings
from journeyman.types import Prompt, Rollout

__all__ = ["answer_prompts", "draw_tasks", "pick", "roll_domain"]


def pick(num_names: int, *, step: int, num: int, seed: int) -> list[int]:
    """Return which `num` of some names a step, counted from 0, takes: all once before any twice.

    >>> sorted(pick(4, step=0, num=2, seed=0) + pick(4, step=1, num=2, seed=0))
    [0, 1, 2, 3]
    """
    found: list[int] = []
    for place in range(step * num, (step + 1) * num):
        epoch, at = divmod(place, num_names)
        order = list(range(num_names))
        Random(f"{seed} {epoch}").shuffle(order)  # noqa: S311 - no secret
        found.append(order[at])
    return list(dict.fromkeys(found))


async def roll_domain(
    settings: DistillSettings,
    domain: Domain,
    home: Path,
    name: str,
    taskset: Taskset,
    instance_ids: Sequence[str],
    model: Model,
    *,
    n: int,
    seed: int,
    is_graded: bool = True,
) -> list[Rollout]:
    """Roll a model out on tasks as a domain says, in the run `home/name`."""
    given = RlSettings(
        model=settings.model,
        taskset=taskset.folder,
        scaffold=domain.scaffold,
        template=domain.template,
        guard=domain.guard,
        sandbox=domain.sandbox,
        network=domain.network,
        limits=domain.limits,
        sampling=domain.sampling,
        concurrency=settings.concurrency,
    )
    return await roll_out(
        given, home, name, taskset, instance_ids, model, n=n, seed=seed, is_graded=is_graded
    )


async def draw_tasks(
    settings: DistillSettings,
    domain: Domain,
    home: Path,
    name: str,
    taskset: Taskset,
    instance_ids: Sequence[str],
    model: Model,
    *,
    seed: int,
) -> tuple[list[PolicySequence], dict[str, float]]:
    """Return what was drawn on tasks, token by token, and figures of it where it was graded."""
    rollouts = await roll_domain(
        settings,
        domain,
        home,
        name,
        taskset,
        instance_ids,
        model,
        n=domain.samples,
        seed=seed,
        is_graded=settings.grades_lessons,
    )
    found: list[PolicySequence] = []
    for rollout in rollouts:
        branches = read_trajectories(home / name / "artifacts" / rollout.rollout_id)
        found += policy_sequences(rollout, branches, advantage=0.0)
    return found, figures_of(rollouts, Counter()) if settings.grades_lessons else {}


async def answer_prompts(
    domain: Domain, conversations: Sequence[Conversation], model: TorchLocalModel, *, seed: int
) -> list[PolicySequence]:
    """Return an answer to the last request of each conversation."""
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_answer(domain, it, model, place, seed))
            for place, it in enumerate(conversations)
        ]
    return [task.result() for task in tasks]


async def _answer(
    domain: Domain, conversation: Conversation, model: TorchLocalModel, place: int, seed: int
) -> PolicySequence:
    template = get_template(domain.template)
    messages = list(conversation.messages)
    while messages and messages[-1].role == "assistant":
        messages.pop()
    text = template.render(messages, conversation.tools)
    asked = await model.tokenize(text, is_start=True)
    sampling = domain.sampling.model_copy(
        update={
            "stop": (*domain.sampling.stop, *template.stop),
            "seed": int(digest([seed, place])[:8], 16) >> 1,
        }
    )
    prompt = Prompt(messages=tuple(messages), tools=conversation.tools, text=text, token_ids=asked)
    done = await model.complete(prompt, sampling)
    first = [0, *([int(domain.teaches_prompts)] * (len(asked) - 1))]
    key = conversation.id or f"{domain.name}-{place}"
    return PolicySequence(
        rollout_id=key,
        group_id=key,
        token_ids=array("i", [*asked, *done.token_ids]),
        is_drawn=bytearray([*first, *([1] * len(done.token_ids))]),
        logprobs=array("f", [*([0.0] * len(asked)), *done.logprobs]),
        advantages=array("f", [0.0] * (len(asked) + len(done.token_ids))),
        versions=(done.model_version,),
    )

"""Experts into one model: the student answers, and each prompt's own expert says what it would have.

On-policy distillation by several teachers (MOPD, arXiv 2601.02780): in each step the student rolls out
on every domain's tasks, and its tokens are moved towards the distribution of that domain's teacher. A
killed run goes on from its last checkpoint with the rollouts that it had, to the same weights.

    place = distill(settings, run)
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from journeyman.errors import JourneymanError
from journeyman.flow.task_template import BY_TASK, check_template
from journeyman.models.torch_local import TorchLocalModel
from journeyman.runs import RunFolder
from journeyman.tasks import load_taskset
from journeyman.train.distill.draw import answer_prompts, draw_tasks, pick
from journeyman.train.distill.retention import write_retention
from journeyman.train.distill.school import School, open_local
from journeyman.train.distill.settings import DistillSettings, Domain
from journeyman.train.distill.update import Lesson, StudentUpdate
from journeyman.train.model.folder import load_network
from journeyman.train.model.network import Network
from journeyman.train.rl.packed import pack
from journeyman.train.rl.sequences import PolicySequence
from journeyman.train.stages.result import save_result
from journeyman.train.tokenizer import PlainTokenizer, load_tokenizer
from journeyman.train.trainer.checkpoint import load_newest, save_checkpoint
from journeyman.train.trainer.optimizer import make_optimizer
from journeyman.train.trainer.processes import Processes
from journeyman.train.trainer.recorder import Recorder
from journeyman.train.trainer.schedule import share_of_rate
from journeyman.train.trainer.settings import TrainerSettings

__all__ = ["distill"]

OnStep = Callable[[Mapping[str, Any]], None]


def distill(
    settings: DistillSettings,
    run: RunFolder,
    *,
    on_step: OnStep | None = None,
    on_progress: Callable[[str], None] | None = None,
) -> Path:
    """Train, write the retention table, and return the folder of the student, `model/` in the run."""
    for domain in settings.domains:
        tasks = load_taskset(domain.taskset).tasks if domain.taskset is not None else ()
        if domain.template == BY_TASK and not tasks:
            raise JourneymanError(
                f"domain {domain.name} has prompts, which name no template",
                "name one: template = …",
            )
        check_template(domain.template, tasks)
    loop = _Loop(settings, run, on_step, on_progress or (lambda _: None))
    asyncio.run(loop.train())
    place = save_result(loop.network, loop.tokenizer, run.path / "model")
    write_retention(run.path)
    return place


class _Loop:
    """One process's hold on one distillation."""

    def __init__(
        self,
        settings: DistillSettings,
        run: RunFolder,
        on_step: OnStep | None,
        say: Callable[[str], None],
    ) -> None:
        self.settings = settings
        start = settings.student or settings.model
        self.tokenizer: PlainTokenizer = load_tokenizer(settings.model)
        self.school = School(settings, run.path, self.tokenizer, say)
        self.network: Network = load_network(start)
        trainer = TrainerSettings(weight_decay=settings.weight_decay)
        self._recorder = Recorder(run, trainer)
        self._processes = Processes(trainer)
        self._processes.prepare(self.network)
        self._optimizer = make_optimizer(self.network, trainer)
        self._update = StudentUpdate(self.network, self._optimizer, settings)
        self._home = run.path / "rollouts"
        self._on_step = on_step

    async def train(self) -> None:
        """Take all steps that are owed; measure everybody before, and the student after."""
        done = load_newest(self._recorder.checkpoints, self._processes, self._optimizer) or 0
        self._recorder.forget_after(done)
        num_steps = self.settings.num_steps
        self._recorder.event("training_started", num_done=done, num_steps=num_steps)
        if done < num_steps:
            self.school.measures.forget("student")
        await self.school.admit()
        async with open_local(self.network, self.tokenizer, self.settings, str(done)) as model:
            while done < num_steps:
                started = time.monotonic()
                record = await self._step(model, done)
                done += 1
                record["duration_s"] = time.monotonic() - started
                self._recorder.step(record)
                if done == num_steps or done % self.settings.checkpoint_every == 0:
                    home = self._recorder.checkpoints
                    save_checkpoint(home, done, self._processes, self._optimizer)
                self._recorder.status("running", num_done=done)
                if self._on_step is not None:
                    left_s = record["duration_s"] * (num_steps - done)
                    self._on_step({**record, "num_steps": num_steps, "left_s": left_s})
        await self.school.measure("student", self.network, self.settings.domains, step=done)
        self._recorder.status("done", num_done=done)
        self._recorder.event("training_finished", num_done=done)

    async def _step(self, model: TorchLocalModel, done: int) -> dict[str, Any]:
        """Draw texts of every domain, take one update, and return the step's metrics."""
        step, lessons = done + 1, []
        figures: dict[str, Any] = {}
        started = time.monotonic()
        texts = await self._draw_all(model, done)
        rollouts_s = time.monotonic() - started
        for domain in self.settings.domains:
            drawn, seen = texts[domain.name]
            figures |= {f"{key}_{domain.name}": seen[key] for key in _SHOWN if key in seen}
            packed = pack(drawn, capacity=self.settings.row_length, pad_id=self.tokenizer.pad_id)
            teacher = self.school.teacher_of(domain)
            lessons.append(Lesson(domain.name, packed, teacher, domain.weight, domain.divergence))
        rate = self.settings.learning_rate * share_of_rate(
            step,
            self.settings.num_steps,
            num_warmup=self.settings.num_warmup_steps,
            decay_share=self.settings.decay_share,
        )
        found: dict[str, Any] = {}

        def work(_: Any) -> None:
            found.update(self._update.apply(lessons, learning_rate=rate))

        started = time.monotonic()
        await model.change(work, version=str(step))
        update_s = time.monotonic() - started
        num_tokens = sum(sum(it.packed.num_drawn) for it in lessons)
        return {
            "step": step,
            **found,
            **figures,
            "num_too_long": sum(it.packed.num_too_long for it in lessons),
            "learning_rate": rate,
            "num_tokens": num_tokens,
            "rollouts_s": rollouts_s,
            "update_s": update_s,
            "tokens_per_s": num_tokens / update_s if update_s else 0.0,
        }

    async def _draw_all(
        self, student: TorchLocalModel, done: int
    ) -> dict[str, tuple[list[PolicySequence], dict[str, float]]]:
        """Draw a step's texts, by domain.

        Rollouts of tasks take the interrupts, so there is one domain of them after the other; plain
        prompts are answered meanwhile, for a larger batch takes little longer.
        """
        tasks = [it for it in self.settings.domains if it.taskset is not None]
        plain = {
            it.name: asyncio.create_task(self._draw(it, student, done))
            for it in self.settings.domains
            if it.taskset is None
        }
        try:
            found = {it.name: await self._draw(it, student, done) for it in tasks}
            return found | {name: await drawing for name, drawing in plain.items()}
        finally:
            for drawing in plain.values():
                drawing.cancel()
            await asyncio.gather(*plain.values(), return_exceptions=True)

    async def _draw(
        self, domain: Domain, student: TorchLocalModel, done: int
    ) -> tuple[list[PolicySequence], dict[str, float]]:
        seed = self.settings.seed + done + 1
        async with self._writer(domain, student) as model:
            if domain.taskset is None:
                known = self.school.conversations[domain.name]
                chosen = [known[at] for at in self._picked(domain, len(known), done)]
                return await answer_prompts(domain, chosen, model, seed=seed), {}
            names = self.school.names[domain.name]
            chosen_names = [names[at] for at in self._picked(domain, len(names), done)]
            return await draw_tasks(
                self.settings,
                domain,
                self._home,
                f"step_{done + 1:06d}_{domain.name}",
                self.school.tasksets[domain.name],
                chosen_names,
                model,
                seed=seed,
            )

    def _picked(self, domain: Domain, num_names: int, done: int) -> list[int]:
        num, seed = domain.tasks_per_step, self.settings.seed
        return pick(num_names, step=done, num=min(num, num_names), seed=seed)

    @asynccontextmanager
    async def _writer(
        self, domain: Domain, student: TorchLocalModel
    ) -> AsyncIterator[TorchLocalModel]:
        """Yield who writes the texts of a domain."""
        if self.settings.drawn_by == "student":
            yield student
            return
        teacher = self.school.teacher_of(domain)
        async with open_local(teacher, self.tokenizer, self.settings, domain.name) as model:
            yield model


_SHOWN = ("num_rollouts", "solve_rate", "turns", "completion_tokens", "format_errors")

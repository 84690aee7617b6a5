"""Reinforcement learning from execution: agents try tasks, execution says right or wrong, step by step.

Synchronous unless `max_staleness` says otherwise: every token of a step is drawn by the weights that
the step then changes. A killed run goes on from its last checkpoint with the rollouts that it had, to
the same weights.

    place = rl(settings, run)
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from journeyman.errors import JourneymanError
from journeyman.flow import wilson
from journeyman.flow.looks import VisionJudge, look_at, opened_judge
from journeyman.flow.plan import select_tasks
from journeyman.flow.task_template import check_template
from journeyman.models.llama_process import LlamaSettings
from journeyman.models.local_settings import LocalSettings
from journeyman.models.torch_local import TorchLocalModel
from journeyman.runs import RunFolder, read_jsonl
from journeyman.runs.storage import explain_storage
from journeyman.tasks import Taskset, load_taskset
from journeyman.train.model.folder import load_network
from journeyman.train.model.lora import Adapters, add_adapters
from journeyman.train.model.network import Network
from journeyman.train.prompts import read_prompts, write_prompts
from journeyman.train.rl.collect import Harvest, reap_step, roll_out
from journeyman.train.rl.curriculum import pick_tasks
from journeyman.train.rl.group_stream import STREAM, GroupStream, keep_state, read_state
from journeyman.train.rl.llama_sampler import LlamaSampler
from journeyman.train.rl.offsets import offsets_by
from journeyman.train.rl.packed import pack
from journeyman.train.rl.selection import check_disjoint
from journeyman.train.rl.settings import RlSettings
from journeyman.train.rl.update import PolicyUpdate
from journeyman.train.rl.vllm_sampler import VllmSampler
from journeyman.train.stages.result import save_result
from journeyman.train.tokenizer import PlainTokenizer, load_tokenizer
from journeyman.train.trainer.checkpoint import load_newest, save_checkpoint
from journeyman.train.trainer.optimizer import make_optimizer
from journeyman.train.trainer.processes import Processes
from journeyman.train.trainer.recorder import Recorder
from journeyman.train.trainer.schedule import share_of_rate
from journeyman.train.trainer.settings import TrainerSettings
from journeyman.types import Rollout

__all__ = ["rl"]

Sampler = TorchLocalModel | LlamaSampler | VllmSampler
OnStep = Callable[[Mapping[str, Any]], None]


def rl(
    settings: RlSettings,
    run: RunFolder,
    *,
    on_step: OnStep | None = None,
    on_progress: Callable[[str], None] | None = None,
) -> Path:
    """Train, and return the folder of the trained policy, `model/` in the run."""
    loop = _Loop(settings, run, on_step)
    if on_progress is not None:
        on_progress(
            f"{len(loop.names)} tasks to learn on, {len(loop.held_out_names)} to be measured on"
        )
    asyncio.run(loop.train())
    loop.merge(run.path / "adapter")
    return save_result(loop.network, loop.tokenizer, run.path / "model")


class _Loop:
    """One process's hold on one run of reinforcement learning."""

    def __init__(self, settings: RlSettings, run: RunFolder, on_step: OnStep | None) -> None:
        self.settings = settings
        self.taskset = load_taskset(settings.taskset)
        self.names = list(select_tasks(self.taskset, settings.tasks))
        self.held_out = load_taskset(settings.held_out) if settings.held_out else None
        self.held_out_names = (
            [it.instance_id for it in self.held_out.tasks] if self.held_out else []
        )
        _check_tasks(settings, self.taskset, self.held_out)
        for taskset in (self.taskset, self.held_out) if self.held_out else (self.taskset,):
            check_template(settings.template, taskset.tasks)
        self.tokenizer: PlainTokenizer = load_tokenizer(settings.model)
        self.network: Network = load_network(settings.model)
        self._known = frozenset[str]().union(*map(read_prompts, settings.trained_on))
        self._adapters = _adapt(self.network, settings)
        self._run = run
        self._on_step = on_step
        trainer = TrainerSettings(weight_decay=settings.weight_decay)
        self._recorder = Recorder(run, trainer)
        self._processes = Processes(trainer)
        self._processes.prepare(self.network)
        self._optimizer = make_optimizer(self.network, trainer)
        self._rollouts = run.path / "rollouts"
        self._judge: VisionJudge | None = None
        reference = load_network(settings.model) if settings.update.loss.kl_weight else None
        self._update = PolicyUpdate(
            self.network, self._optimizer, settings.update, reference=reference
        )

    def merge(self, place: Path) -> None:
        """Write adapters into a folder and put them into the weights, where there are any."""
        if self._adapters is None:
            return
        with explain_storage(place):
            self._adapters.save(place)
        self._adapters.merge()

    async def train(self) -> None:
        """Take all steps that are owed."""
        done = load_newest(self._recorder.checkpoints, self._processes, self._optimizer) or 0
        self._recorder.forget_after(done)
        self._recorder.event("training_started", num_done=done, num_steps=self.settings.num_steps)
        self.network.eval()
        model = await self._open_sampler(str(done))
        try:
            async with self._streaming(model, done) as stream, self._judging() as judge:
                self._judge = judge
                await self._train(model, stream, done)
        finally:
            await model.close()

    def _streaming(
        self, model: Sampler, done: int
    ) -> contextlib.AbstractAsyncContextManager[GroupStream | None]:
        if not self.settings.max_staleness:
            return contextlib.nullcontext()
        state = read_state(self._run.path, done)
        return GroupStream(
            self.settings, self._rollouts, self.taskset, self.names, model, state=state
        )

    def _judging(self) -> contextlib.AbstractAsyncContextManager[VisionJudge | None]:
        spec = self.settings.judge
        return opened_judge(spec) if spec else contextlib.nullcontext()

    async def _open_sampler(self, version: str) -> Sampler:
        settings = self.settings
        if settings.sampler == "torch":
            local = LocalSettings(num_slots=settings.num_slots, num_threads=settings.num_threads)
            base, tokenizer = self.network.base, self.tokenizer.tokenizer
            return TorchLocalModel("policy", base, tokenizer, local, version=version)
        if self._adapters is not None:
            raise JourneymanError(
                "adapters are not published before they are merged",
                "train all weights, or use --sampler torch",
            )
        folder = self._run.path / "sampler"
        if settings.sampler != "llama":
            return await VllmSampler.open(
                self.network,
                self.tokenizer,
                settings.sampler_folder or folder,
                settings.sampler,
                version=version,
            )
        served = LlamaSettings(
            path=self._run.path,
            num_slots=settings.num_slots,
            num_threads=settings.num_threads,
            context_tokens=settings.row_length,
        )
        return await LlamaSampler.open(
            self.network,
            self.tokenizer,
            folder,
            served,
            version=version,
            kind=settings.sampler_precision,
        )

    async def _train(self, model: Sampler, stream: GroupStream | None, done: int) -> None:
        num_steps = self.settings.num_steps
        if not done and self.held_out is not None and not self._measurements():
            self._recorder.step({"step": 0, **await self._measure(model, 0)})
        while done < num_steps and not self._has_stalled():
            started = time.monotonic()
            record = await self._step(model, stream, done)
            done += 1
            is_last = done == num_steps
            if self.held_out is not None and (is_last or not done % self.settings.evaluate_every):
                record |= await self._measure(model, done)
            record["duration_s"] = time.monotonic() - started
            # Before the checkpoint: a step whose weights are kept is a step that is known.
            self._recorder.step(record)
            if is_last or done % self.settings.checkpoint_every == 0:
                if stream is not None:
                    keep_state(self._run.path, done, stream.state)
                save_checkpoint(self._recorder.checkpoints, done, self._processes, self._optimizer)
            self._recorder.status("running", num_done=done)
            if self._on_step is not None:
                left_s = record["duration_s"] * (num_steps - done)
                self._on_step({**record, "num_steps": num_steps, "left_s": left_s})
        self._recorder.status("done", num_done=done)
        self._recorder.event("training_finished", num_done=done)

    async def _step(self, model: Sampler, stream: GroupStream | None, done: int) -> dict[str, Any]:
        """Roll out, update, and return the step's metrics."""
        step, started = done + 1, time.monotonic()
        age: dict[str, Any] = {"staleness": 0}
        if stream is None:
            name, rollouts = await self._draw(model, done)
        else:
            name, (rollouts, age) = STREAM, await stream.take()
        rollouts_s = time.monotonic() - started
        harvest = reap_step(
            self._rollouts / name,
            rollouts,
            self.settings,
            offsets=offsets_by(self.tokenizer.decode),
            known=self._known,
            ugly=await self._ugly(name, rollouts),
        )
        write_prompts(self._run.path, harvest.prompts)
        figures = await self._learn(model, harvest, step)
        if stream is not None:
            stream.publish(step)
        dropped = harvest.selection.dropped if harvest.selection else {}
        return {
            "step": step,
            **harvest.figures,
            **figures,
            **age,
            "num_sequences": len(harvest.sequences),
            "num_groups": len({it.group_id for it in rollouts}),
            "groups_dropped": dict(dropped),
            "pass_rates": harvest.pass_rates,
            "rollouts": name,
            "rollouts_s": rollouts_s,
        }

    async def _ugly(self, name: str, rollouts: Sequence[Rollout]) -> frozenset[str]:
        """Return the rollouts whose page the judge finds bad, where there is one."""
        if self._judge is None:
            return frozenset()
        looks = await look_at(self._rollouts / name, rollouts, self.taskset, self._judge)
        return frozenset(it.rollout_id for it in looks if it.look == "bad")

    async def _draw(self, model: Sampler, done: int) -> tuple[str, list[Rollout]]:
        """Roll out on the tasks of a step with the weights as they are, in a run of its own."""
        settings, step = self.settings, done + 1
        picked = pick_tasks(
            self.names,
            step=done,
            num=settings.tasks_per_step,
            seed=settings.seed,
            history=[it.get("pass_rates", {}) for it in self._metrics()],
        )
        name = f"step_{step:06d}"
        return name, await roll_out(
            settings,
            self._rollouts,
            name,
            self.taskset,
            picked,
            model,
            n=settings.group_size,
            seed=settings.seed + step,
        )

    async def _learn(self, model: Sampler, harvest: Harvest, step: int) -> dict[str, Any]:
        settings = self.settings
        packed = pack(harvest.sequences, capacity=settings.row_length, pad_id=self.tokenizer.pad_id)
        rate = settings.learning_rate * share_of_rate(
            step,
            settings.num_steps,
            num_warmup=settings.num_warmup_steps,
            decay_share=settings.decay_share,
        )
        found: dict[str, float] = {}

        def work(_: Any) -> None:
            found.update(self._update.apply(packed, learning_rate=rate))

        started = time.monotonic()
        await model.change(work, version=str(step))
        duration_s = time.monotonic() - started
        num_tokens = sum(len(it) for it in harvest.sequences)
        drawn_N = packed.sampler_logprobs_N
        return {
            **found,
            "entropy": float(-drawn_N.mean()) if drawn_N.numel() else 0.0,
            "num_too_long": packed.num_too_long,
            "learning_rate": rate,
            "num_tokens": num_tokens,
            "update_s": duration_s,
            "tokens_per_s": num_tokens / duration_s if duration_s else 0.0,
        }

    async def _measure(self, model: Sampler, done: int) -> dict[str, Any]:
        """Return the solve rate on the held-out tasks with its 95 % interval."""
        assert self.held_out is not None
        name = f"evaluation_{done:06d}"
        rollouts = await roll_out(
            self.settings,
            self._rollouts,
            name,
            self.held_out,
            self.held_out_names,
            model,
            n=self.settings.evaluation_size,
            seed=self.settings.seed,
        )
        valid = [it for it in rollouts if it.reward is not None and it.reward.is_valid]
        num_solved = sum(bool(it.verdict and it.verdict.is_resolved) for it in valid)
        low, high = wilson(num_solved, len(valid))
        return {
            "held_out_solve_rate": num_solved / max(1, len(valid)),
            "held_out_low": low,
            "held_out_high": high,
            "held_out_num": len(valid),
            "held_out_rollouts": name,
        }

    def _metrics(self) -> list[dict[str, Any]]:
        return [it for it in self._run.read("metrics") if it["step"] > 0]

    def _measurements(self) -> list[float]:
        rates = (it.get("held_out_solve_rate") for it in self._run.read("metrics"))
        return [it for it in rates if it is not None]

    def _has_stalled(self) -> bool:
        rates, patience = self._measurements(), self.settings.patience
        if not patience or len(rates) <= patience:
            return False
        return max(rates[-patience:]) <= max(rates[:-patience])


def _adapt(network: Network, settings: RlSettings) -> Adapters | None:
    if not settings.lora.rank:
        return None
    if settings.update.precision == "bfloat16":
        network.to(torch.bfloat16)
    return add_adapters(network, settings.lora, seed=settings.seed)


def _check_tasks(settings: RlSettings, taskset: Taskset, held_out: Taskset | None) -> None:
    """Refuse tasks that another stage was trained on, or that are measured and learned on at once."""
    learned = [task.instance_id for task in taskset.tasks]
    if held_out is not None:
        check_disjoint(learned, [it.instance_id for it in held_out.tasks], "the held-out tasks")
        repos = {it.repo for it in taskset.tasks}
        if shared := sorted(repos & {it.repo for it in held_out.tasks}):
            raise JourneymanError(
                f"{shared[0]} is learned on and measured on",
                "measure on tasks of other repositories, or the rate says nothing about new ones",
            )
    for run in settings.trained_on:
        used = [str(it.get("instance_id")) for it in read_jsonl(run / "rollouts.jsonl")]
        check_disjoint(learned, used, str(run))

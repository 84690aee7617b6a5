"""The training loop: steps, metrics, checkpoints, and where a killed run goes on.

It knows neither stages nor documents, only rows and an objective. What it writes in the run folder: one
line a step in `metrics.jsonl`, `events.jsonl`, `samples.jsonl`, `status.json` and `checkpoints/`.

    with RunFolder.create(...) as run:
        Trainer(network, rows, settings, run).train()

Several processes (`accelerate launch`, on one GPU each or sharded by FSDP2) take every step together,
each a share of its rows; only the first has the run folder.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from journeyman.errors import JourneymanError
from journeyman.runs import RunFolder
from journeyman.train.documents import Encoded
from journeyman.train.model.network import Network
from journeyman.train.trainer.checkpoint import load_newest, save_checkpoint
from journeyman.train.trainer.evaluation import mean_loss
from journeyman.train.trainer.objective import (
    Losses,
    Objective,
    StepTotals,
    count_totals,
    cross_entropy,
)
from journeyman.train.trainer.optimizer import make_optimizer, set_learning_rate
from journeyman.train.trainer.processes import Processes
from journeyman.train.trainer.recorder import Recorder
from journeyman.train.trainer.rows import Batch, Rows, RowSource, make_batch
from journeyman.train.trainer.samples import write_samples
from journeyman.train.trainer.schedule import learning_rate
from journeyman.train.trainer.settings import TrainerSettings
from journeyman.train.trainer.throughput import flops_per_token, measure_peak

__all__ = ["Measure", "OnStep", "Trainer"]

OnStep = Callable[[Mapping[str, Any]], None]
Measure = Callable[[Network], Mapping[str, float]]
"""What else is measured at each checkpoint, on a network that is not sharded."""


class Trainer:
    """Trains one network on one source of rows."""

    def __init__(
        self,
        network: Network,
        rows: Rows,
        settings: TrainerSettings,
        run: RunFolder | None,
        *,
        objective: Objective | None = None,
        held_out: RowSource | None = None,
        measure: Measure | None = None,
        samples: Sequence[Encoded] = (),
        decode: Callable[[Sequence[int]], str] | None = None,
        on_step: OnStep | None = None,
    ) -> None:
        self.settings = settings
        self.network = network
        self.processes = Processes(settings)
        self.device = self.processes.device
        if not settings.keeps_activations:
            network.base.activation_checkpointing_enable({"use_reentrant": False})
        if not settings.second_token_weight:
            network.leave_second_token()
        self._flops = flops_per_token(network)
        self.processes.prepare(network)
        self.optimizer = make_optimizer(network, settings)
        self._objective = objective or cross_entropy(settings)
        self._rows = rows
        self._held_out = held_out
        self._measure = measure
        self._samples = samples[: settings.num_samples]
        self._decode = decode
        self._recorder = Recorder(run, settings)
        self._on_step = on_step

    def train(self) -> None:
        """Take all steps that are owed. Raises `JourneymanError` if the loss is no number any more."""
        self._recorder.begin(self._rows.digest())
        done = load_newest(self._recorder.checkpoints, self.processes, self.optimizer) or 0
        self._recorder.forget_after(done)
        num_steps = self.settings.num_steps
        self._recorder.event("training_started", num_done=done, num_steps=num_steps)
        self.network.train()
        started, first = time.monotonic(), done
        while done < num_steps:
            record = self._step(done)
            done += 1
            is_kept = done == num_steps or done % self.settings.checkpoint_every == 0
            if is_kept:
                record |= self._measures()
            self._recorder.step(record)
            left_s = (time.monotonic() - started) / (done - first) * (num_steps - done)
            self._recorder.status("running", num_done=done, seconds_left=round(left_s, 1))
            if is_kept:
                self._write_samples(done)
                self._save(done)
            if self._on_step is not None:
                self._on_step({**record, "num_steps": num_steps, "left_s": left_s})
        self._recorder.status("done", num_done=done)
        self._recorder.event("training_finished", num_done=done)
        self._recorder.close()

    def _step(self, step: int) -> dict[str, Any]:
        """Take one step and return its metrics."""
        started = time.monotonic()
        batches = self._batches(step)
        totals = self._totals(batches)
        sums = self.processes.add_up(self._accumulate(batches, totals))
        norm = self.processes.clip(self.settings.max_gradient_norm)
        self._check(step, sums, norm)
        rate = learning_rate(step, self.settings)
        set_learning_rate(self.optimizer, rate)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return {
            "step": step + 1,
            **_named(sums),
            "gradient_norm": norm,
            "learning_rate": rate,
            "epoch": (step + 1) * self.settings.rows_per_step / len(self._rows),
            **self._pace(sums["num_tokens"], sums["num_trained"], time.monotonic() - started),
        }

    def _batches(self, step: int) -> list[Batch]:
        """Return this process's share of a step's rows, in passes."""
        rows = self._rows.of_step(step, rows_per_step=self.settings.rows_per_step)
        own, size = self.processes.share(rows), self.settings.rows_per_pass
        return [make_batch(own[at : at + size], self.device) for at in range(0, len(own), size)]

    def _totals(self, batches: list[Batch]) -> StepTotals:
        own = count_totals(batches)
        names = ("num_passes", "weight", "num_second")
        found = self.processes.add_up({name: getattr(own, name) for name in names})
        if not found["weight"]:
            raise JourneymanError("no token of this step's rows is trained on", "check the masks")
        return StepTotals(**found)

    def _accumulate(self, batches: list[Batch], totals: StepTotals) -> dict[str, float]:
        """Add up the gradients of a step; every unit of weight in it counts the same."""
        sums = {
            "loss": 0.0,
            "second_loss": 0.0,
            "balance": 0.0,
            "num_tokens": 0.0,
            "num_trained": 0.0,
        }
        for batch in batches:
            with self.processes.precision():
                losses = self._objective(self.processes.network, batch, totals)
            self.processes.backward(losses.loss)
            for name, value in _flat(losses).items():
                sums[name] = sums.get(name, 0.0) + value
            sums["num_tokens"] += int(batch.is_real.sum())
            sums["num_trained"] += int(batch.target_weights.count_nonzero())
        return sums

    def _check(self, step: int, sums: Mapping[str, float], norm: float) -> None:
        if math.isfinite(sums["loss"]) and math.isfinite(norm):
            return
        self._recorder.event("training_diverged", num_done=step, loss=repr(sums["loss"]))
        raise JourneymanError(
            f"the loss of step {step + 1} is {sums['loss']}, its gradient {norm}",
            "lower the learning rate, or look at the rows of this step; checkpoints are intact",
        )

    def _pace(self, num_tokens: float, num_trained: float, duration_s: float) -> dict[str, float]:
        peak = measure_peak(self.device, self.processes.dtype) * self.processes.number
        pace = num_tokens / duration_s
        return {
            "num_tokens": int(num_tokens),
            "num_trained_tokens": int(num_trained),
            "tokens_per_s": pace,
            "utilisation": pace * self._flops / peak,
        }

    def _measures(self) -> dict[str, float]:
        """Measure what is measured at checkpoints alone."""
        found: dict[str, float] = {}
        if self._held_out is not None:
            found["held_out_loss"] = mean_loss(self.processes, self._held_out)
        if self._measure is not None and not self.processes.is_sharded:
            self.network.eval()
            found |= self._measure(self.network)
            self.network.train()
        return found

    def _write_samples(self, done: int) -> None:
        if not self._samples or self.processes.is_sharded:
            return
        texts = write_samples(self.network, self._samples, num_tokens=self.settings.sample_tokens)
        for prompt, written in texts:
            record = {"step": done, "token_ids": written, "num_prompt_tokens": len(prompt)}
            if self._decode is not None:
                record |= {"prompt": self._decode(prompt), "text": self._decode(written)}
            self._recorder.sample(record)

    def _save(self, done: int) -> None:
        keep = self.settings.num_checkpoints
        save_checkpoint(self._recorder.checkpoints, done, self.processes, self.optimizer, keep=keep)
        self._recorder.event("checkpoint_saved", num_done=done, folder=f"step_{done:06d}")


_SOURCE_LOSS, _SOURCE_WEIGHT = "source_loss ", "source_weight "


def _flat(losses: Losses) -> dict[str, float]:
    """Return metrics and what each source lost, as one table of sums."""
    found = dict(losses.metrics)
    for name, (loss, weight) in losses.by_source.items():
        found[_SOURCE_LOSS + name] = loss
        found[_SOURCE_WEIGHT + name] = weight
    return found


def _named(sums: Mapping[str, float]) -> dict[str, Any]:
    """Undo `_flat`: the mean loss of each source."""
    hidden = (_SOURCE_LOSS, _SOURCE_WEIGHT, "num_tokens", "num_trained")
    found: dict[str, Any] = {k: v for k, v in sums.items() if not k.startswith(hidden)}
    names = [it.removeprefix(_SOURCE_LOSS) for it in sums if it.startswith(_SOURCE_LOSS)]
    found["loss_by_source"] = {
        name: sums[_SOURCE_LOSS + name] / sums[_SOURCE_WEIGHT + name] for name in sorted(names)
    }
    return found

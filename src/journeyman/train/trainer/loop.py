"""The training loop: steps, metrics, checkpoints, and where a killed run goes on.

It knows neither stages nor documents, only rows. What it writes in the run folder: one line a step in
`metrics.jsonl`, `events.jsonl`, `status.json` and `checkpoints/`.

    with RunFolder.create(...) as run:
        Trainer(network, rows, settings, run).train()
"""

from __future__ import annotations

import contextlib
import json
import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch

from journeyman.errors import JourneymanError
from journeyman.runs import RunFolder, write_atomic
from journeyman.train.documents import IGNORED
from journeyman.train.losses import second_targets
from journeyman.train.model.network import Network
from journeyman.train.trainer.checkpoint import load_newest, save_checkpoint
from journeyman.train.trainer.rows import Batch, RowSource, make_batch
from journeyman.train.trainer.schedule import learning_rate
from journeyman.train.trainer.settings import TrainerSettings

__all__ = ["Trainer", "make_optimizer", "mean_loss"]

OnStep = Callable[[Mapping[str, Any]], None]


class Trainer:
    """Trains one network on one source of rows, in one process."""

    def __init__(
        self,
        network: Network,
        rows: RowSource,
        settings: TrainerSettings,
        run: RunFolder,
        *,
        held_out: RowSource | None = None,
        on_step: OnStep | None = None,
    ) -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.network = network.to(self.device)
        self.optimizer = make_optimizer(network, settings)
        self.settings = settings
        self._rows = rows
        self._held_out = held_out
        self._run = run
        self._home = run.path / "checkpoints"
        self._on_step = on_step
        self._is_half = _is_half(settings, self.device)

    def train(self) -> None:
        """Take all steps that are owed. Raises `JourneymanError` if the loss is no number any more."""
        self._run.remember(digests={"rows": self._rows.digest()})
        done = load_newest(self._home, self.network, self.optimizer, device=self.device) or 0
        self._forget_after(done)
        self._tell("training_started", num_done=done, num_steps=self.settings.num_steps)
        started, first = time.monotonic(), done
        while done < self.settings.num_steps:
            record = self._step(done)
            done += 1
            pace_s = (time.monotonic() - started) / (done - first)
            is_last = done == self.settings.num_steps
            if is_last or done % self.settings.checkpoint_every == 0:
                record |= self._measure_held_out()
            self._run.append("metrics", record)
            left_s = pace_s * (self.settings.num_steps - done)
            self._run.set_status("running", num_done=done, seconds_left=round(left_s, 1))
            if is_last or done % self.settings.checkpoint_every == 0:
                self._save(done)
            if self._on_step is not None:
                self._on_step({**record, "num_steps": self.settings.num_steps, "left_s": left_s})
        self._run.set_status("done", num_done=done)
        self._tell("training_finished", num_done=done)

    def _step(self, step: int) -> dict[str, Any]:
        """Take one step and return its metrics."""
        settings = self.settings
        started = time.monotonic()
        rows = self._rows.of_step(step, rows_per_step=settings.rows_per_step)
        size = settings.rows_per_pass
        parts = [rows[at : at + size] for at in range(0, len(rows), size)]
        batches = [make_batch(part, self.device) for part in parts]
        totals = self._accumulate(batches)
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), settings.max_gradient_norm)
        if not (math.isfinite(totals["loss"]) and math.isfinite(float(norm))):
            self._tell("training_diverged", num_done=step, **totals)
            raise JourneymanError(
                f"the loss of step {step + 1} is {totals['loss']}, its gradient {float(norm)}",
                "lower the learning rate, or look at the rows of this step; checkpoints are intact",
            )
        rate = learning_rate(step, settings)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        num_tokens = sum(int(batch.is_real.sum()) for batch in batches)
        duration_s = time.monotonic() - started
        return {
            "step": step + 1,
            **totals,
            "gradient_norm": float(norm),
            "learning_rate": rate,
            "num_tokens": num_tokens,
            "tokens_per_s": num_tokens / duration_s,
            "epoch": (step + 1) * settings.rows_per_step / len(self._rows),
        }

    def _accumulate(self, batches: list[Batch]) -> dict[str, float]:
        """Add up the gradients of a step; every trained token of it weighs the same."""
        settings = self.settings
        num_targets = sum(_count(it.targets) for it in batches)
        num_second = sum(_count(second_targets(it.targets, it.positions)) for it in batches)
        if not num_targets:
            raise JourneymanError("no token of this step's rows is trained on", "check the masks")
        sums = {"loss": 0.0, "second_loss": 0.0, "balance": 0.0}
        for batch in batches:
            with self._precision():
                output = self.network(
                    batch.token_ids, batch.targets, batch.positions, batch.is_real
                )
            main = output.token_losses_N.sum() / num_targets
            second = output.second_losses.sum() / max(1, num_second)
            balance = output.balance / len(batches)
            loss = main + settings.second_token_weight * second + settings.balance_weight * balance
            loss.backward()
            for name, value in (("loss", main), ("second_loss", second), ("balance", balance)):
                sums[name] += float(value.detach())
        return sums

    def _precision(self) -> contextlib.AbstractContextManager[Any]:
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self._is_half)

    def _measure_held_out(self) -> dict[str, float]:
        if self._held_out is None:
            return {}
        with self._precision():
            return {"held_out_loss": mean_loss(self.network, self._held_out, self.device)}

    def _save(self, done: int) -> None:
        place = save_checkpoint(
            self._home, done, self.network, self.optimizer, keep=self.settings.num_checkpoints
        )
        self._tell("checkpoint_saved", num_done=done, folder=place.name)

    def _forget_after(self, done: int) -> None:
        """Drop the metrics of steps that will be taken again."""
        records = self._run.read("metrics")
        kept = [record for record in records if record["step"] <= done]
        if len(kept) < len(records):
            lines = "".join(f"{json.dumps(record)}\n" for record in kept)
            write_atomic(self._run.path / "metrics.jsonl", lines)

    def _tell(self, kind: str, **details: Any) -> None:
        self._run.append("events", {"kind": kind, "at": time.time(), **details})


def make_optimizer(network: torch.nn.Module, settings: TrainerSettings) -> torch.optim.AdamW:
    """Return AdamW (Loshchilov and Hutter, arXiv 1711.05101) with decay for matrices alone."""
    weights = [it for it in network.parameters() if it.requires_grad]
    groups = [
        {"params": [it for it in weights if it.dim() > 1], "weight_decay": settings.weight_decay},
        {"params": [it for it in weights if it.dim() <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        groups, lr=settings.learning_rate, betas=(settings.beta1, settings.beta2)
    )


@torch.no_grad()
def mean_loss(network: Network, rows: RowSource, device: torch.device) -> float:
    """Return the mean cross-entropy, in nats a token, over one epoch of rows."""
    total, count = 0.0, 0
    for number in range(len(rows)):
        batch = make_batch(rows.of_step(number, rows_per_step=1), device)
        losses = network(batch.token_ids, batch.targets, batch.positions, batch.is_real)
        total += float(losses.token_losses_N.sum())
        count += losses.token_losses_N.numel()
    return total / max(1, count)


def _count(targets: torch.Tensor) -> int:
    return int((targets != IGNORED).sum())


def _is_half(settings: TrainerSettings, device: torch.device) -> bool:
    if settings.precision == "auto":
        return device.type == "cuda" and torch.cuda.is_bf16_supported()
    return settings.precision == "bfloat16"

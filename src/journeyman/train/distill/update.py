"""One update of a student from texts and its teachers' distributions over them.

    update = StudentUpdate(network, optimizer, settings)
    figures = update.apply([Lesson("software", packed, teacher, weight=1.0)], learning_rate=1e-5)

Teacher and student read the same rows, and scores are made for some hundred positions at a time and
made again in the backward pass, so that positions x vocabulary is never held at once. Each domain's
divergence is the mean over its tokens; the loss is their mean by weight.

Legend: N drawn tokens, D hidden size, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from journeyman.train.distill.divergence import (
    forward_kl,
    jensen_shannon,
    reverse_kl,
    sampled_advantages,
    top_reverse_kl,
)
from journeyman.train.distill.settings import DistillSettings, Divergence
from journeyman.train.documents import IGNORED
from journeyman.train.model.network import Network
from journeyman.train.rl.packed import Packed
from journeyman.train.trainer.optimizer import set_learning_rate, take_step
from journeyman.train.trainer.rows import Batch, make_batch

__all__ = ["Lesson", "StudentUpdate", "token_divergences"]

_CHUNK = 512


@dataclass(frozen=True, slots=True)
class Lesson:
    """A step's texts of one domain, and who teaches them."""

    domain: str
    packed: Packed
    teacher: Network
    weight: float = 1.0
    divergence: Divergence | None = None
    """Its own, where it is not the settings'."""


class StudentUpdate:
    """Changes one network, which may be the sampler's own."""

    def __init__(
        self, network: Network, optimizer: torch.optim.Optimizer, settings: DistillSettings
    ) -> None:
        self.network = network
        self.optimizer = optimizer
        self.settings = settings
        self._device = next(network.parameters()).device

    def apply(self, lessons: Sequence[Lesson], *, learning_rate: float) -> dict[str, Any]:
        """Take one step and return its figures, among them `divergence_<domain>` in nats a token.

        Raises `JourneymanError` if the gradient is no number any more, before the weights change.
        """
        held = [it for it in lessons if it.packed.rows]
        if not held:
            return {}
        set_learning_rate(self.optimizer, learning_rate)
        self.network.eval()
        whole = sum(it.weight for it in held)
        means = {it.domain: self._teach(it, it.weight / whole) for it in held}
        most = self.settings.max_gradient_norm
        norm = take_step(self.network, self.optimizer, max_norm=most, name="student")
        loss = sum(it.weight / whole * means[it.domain] for it in held)
        by_domain = {f"divergence_{name}": mean for name, mean in means.items()}
        return {"loss": loss, "gradient_norm": norm, **by_domain}

    def _teach(self, lesson: Lesson, share: float) -> float:
        """Add the gradient of one domain's mean; return its mean reverse KL."""
        rows, total, num_tokens = lesson.packed.rows, 0.0, sum(lesson.packed.num_drawn)
        size, is_half = self.settings.rows_per_pass, self.settings.precision == "bfloat16"
        settings = self.settings
        if lesson.divergence is not None:
            settings = settings.model_copy(update={"divergence": lesson.divergence})
        for first in range(0, len(rows), size):
            batch = make_batch(rows[first : first + size], self._device)
            with torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=is_half):
                loss, shown, balance = self._pass(batch, lesson.teacher, settings)
            part = len(rows[first : first + size]) / len(rows)
            aside = self.settings.balance_weight * part * balance
            (share * (loss / num_tokens + aside)).backward()
            total += shown
        return total / num_tokens

    def _pass(
        self, batch: Batch, teacher: Network, settings: DistillSettings
    ) -> tuple[torch.Tensor, float, torch.Tensor]:
        chosen_BT = batch.targets != IGNORED
        states_BTD, balance = self.network.read(batch.token_ids, batch.positions, batch.is_real)
        with torch.no_grad():
            taught_BTD, _ = teacher.read(batch.token_ids, batch.positions, batch.is_real)
        loss_N, shown_N = token_divergences(
            states_BTD[chosen_BT],
            self.network.head,
            taught_BTD[chosen_BT],
            teacher.head.detach(),
            batch.targets[chosen_BT],
            settings,
        )
        return loss_N.sum(), float(shown_N.sum()), balance


def token_divergences(
    states_ND: torch.Tensor,
    head_VD: torch.Tensor,
    taught_ND: torch.Tensor,
    teacher_head_VD: torch.Tensor,
    targets_N: torch.Tensor,
    settings: DistillSettings,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return at each position what is made smaller, and without gradient the reverse KL in nats.

    The teacher's hidden size may differ from the student's; their vocabularies are one.
    """

    def chunk(
        states: torch.Tensor, head: torch.Tensor, taught: torch.Tensor, targets: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        student_NV = functional.linear(states, head).float()
        with torch.no_grad():
            teacher_NV = functional.linear(taught, teacher_head_VD).float()
        return _losses(student_NV, teacher_NV, targets, settings)

    found = [
        checkpoint(chunk, states, head_VD, taught, targets, use_reentrant=False)
        for states, taught, targets in zip(
            states_ND.split(_CHUNK), taught_ND.split(_CHUNK), targets_N.split(_CHUNK), strict=True
        )
    ]
    return torch.cat([it[0] for it in found]), torch.cat([it[1].detach() for it in found])


def _losses(
    student_NV: torch.Tensor,
    teacher_NV: torch.Tensor,
    targets_N: torch.Tensor,
    settings: DistillSettings,
) -> tuple[torch.Tensor, torch.Tensor]:
    kind = settings.divergence
    whole_N = reverse_kl(student_NV, teacher_NV)
    if kind == "forward":
        return forward_kl(student_NV, teacher_NV), whole_N
    if kind == "jensen_shannon":
        return jensen_shannon(student_NV, teacher_NV, beta=settings.beta), whole_N
    if kind == "sampled":
        at_N1 = targets_N.unsqueeze(-1)
        own_N = student_NV.log_softmax(-1).gather(-1, at_N1).squeeze(-1)
        told_N = teacher_NV.log_softmax(-1).gather(-1, at_N1).squeeze(-1)
        return -sampled_advantages(told_N, own_N) * own_N, whole_N
    if settings.top:
        most = min(settings.top, teacher_NV.shape[-1])
        known = teacher_NV.log_softmax(-1).topk(most, dim=-1)
        return top_reverse_kl(student_NV, known.indices, known.values), whole_N
    return whole_N, whole_N

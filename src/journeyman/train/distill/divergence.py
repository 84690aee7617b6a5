"""How far a student is from its teacher at each position, over the whole vocabulary or the
teacher's top.

    loss_N = reverse_kl(student_scores_NV, teacher_scores_NV)

Legend: N positions, V vocabulary, K tokens that a teacher told of.

On-policy distillation takes positions of texts that the student wrote itself and teaches it by
reverse KL, KL(student || teacher), which asks the student to stay where the teacher is sure instead
of covering all that the teacher might say (GKD, arXiv 2306.13649; MOPD, arXiv 2601.02780).
Gradients go through the student's probabilities, not through the drawing.
"""

from __future__ import annotations

import torch

__all__ = ["forward_kl", "jensen_shannon", "reverse_kl", "sampled_advantages", "top_reverse_kl"]


def reverse_kl(student_NV: torch.Tensor, teacher_NV: torch.Tensor) -> torch.Tensor:
    """Return KL(student || teacher) in nats at each position; scores before the softmax."""
    student_logs_NV = student_NV.float().log_softmax(-1)
    teacher_logs_NV = teacher_NV.float().log_softmax(-1)
    return (student_logs_NV.exp() * (student_logs_NV - teacher_logs_NV)).sum(-1)


def forward_kl(student_NV: torch.Tensor, teacher_NV: torch.Tensor) -> torch.Tensor:
    """Return KL(teacher || student) in nats at each position."""
    return reverse_kl(teacher_NV, student_NV)


def jensen_shannon(
    student_NV: torch.Tensor, teacher_NV: torch.Tensor, *, beta: float
) -> torch.Tensor:
    """Return the generalised Jensen-Shannon divergence of GKD at each position, 0 < beta < 1.

    beta KL(teacher || M) + (1 - beta) KL(student || M) with M = beta teacher + (1 - beta) student.
    """
    if not 0 < beta < 1:
        raise ValueError(f"beta must lie between 0 and 1, not {beta}")
    student_logs_NV = student_NV.float().log_softmax(-1)
    teacher_logs_NV = teacher_NV.float().log_softmax(-1)
    mixed_NV = torch.logaddexp(
        teacher_logs_NV + torch.tensor(beta).log(), student_logs_NV + torch.tensor(1 - beta).log()
    )
    of_teacher_N = (teacher_logs_NV.exp() * (teacher_logs_NV - mixed_NV)).sum(-1)
    of_student_N = (student_logs_NV.exp() * (student_logs_NV - mixed_NV)).sum(-1)
    return beta * of_teacher_N + (1 - beta) * of_student_N


def top_reverse_kl(
    student_NV: torch.Tensor, top_ids_NK: torch.Tensor, top_logprobs_NK: torch.Tensor
) -> torch.Tensor:
    """Return the reverse KL against a teacher known at K tokens a position, the rest as one bucket.

    For teachers behind a server that tells its most likely tokens. It is a lower bound of the whole
    (data processing: both distributions are coarsened alike), and equal to it at K = V.
    """
    student_logs_NV = student_NV.float().log_softmax(-1)
    seen_NK = student_logs_NV.gather(-1, top_ids_NK)
    total_N = (seen_NK.exp() * (seen_NK - top_logprobs_NK)).sum(-1)
    rest_N = _log_rest(seen_NK)
    teacher_rest_N = _log_rest(top_logprobs_NK.float())
    return total_N + rest_N.exp() * (rest_N - teacher_rest_N)


def sampled_advantages(
    teacher_logprobs_N: torch.Tensor,
    student_logprobs_N: torch.Tensor,
    outcome_N: torch.Tensor | None = None,
    *,
    outcome_weight: float = 0.0,
) -> torch.Tensor:
    """Return per-token advantages of reverse KL from the drawn tokens alone, without gradient.

    log teacher - log student at the drawn token (Thinking Machines' on-policy distillation), plus
    `outcome_weight` times an advantage of the outcome (MOPD). To be used with `train.rl.policy_loss`.
    """
    advantages_N = (teacher_logprobs_N - student_logprobs_N).detach()
    if outcome_N is not None and outcome_weight:
        advantages_N = advantages_N + outcome_weight * outcome_N
    return advantages_N


def _log_rest(logprobs_NK: torch.Tensor) -> torch.Tensor:
    """Return the log of the probability that K tokens leave, kept finite."""
    seen_N = logprobs_NK.logsumexp(-1).clamp(max=-1e-7)
    return torch.log(-torch.expm1(seen_N)).clamp(min=-30.0)

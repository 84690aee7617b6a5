"""Reinforcement learning from execution: advantages, losses, penalties and selection as pure
functions."""

from journeyman.train.rl.advantages import group_advantages, pass_rate
from journeyman.train.rl.aggregation import aggregate, sequence_means
from journeyman.train.rl.divergence import divergence
from journeyman.train.rl.format_penalty import malformed_tokens, penalise
from journeyman.train.rl.mismatch import Mismatch, mismatch_weights
from journeyman.train.rl.policy_loss import DrawnTokens, PolicyLoss, policy_loss
from journeyman.train.rl.selection import (
    Selection,
    check_disjoint,
    group_rollouts,
    select_groups,
)
from journeyman.train.rl.sequences import PolicySequence, policy_sequences

__all__ = [
    "DrawnTokens",
    "Mismatch",
    "PolicyLoss",
    "PolicySequence",
    "Selection",
    "aggregate",
    "check_disjoint",
    "divergence",
    "group_advantages",
    "group_rollouts",
    "malformed_tokens",
    "mismatch_weights",
    "pass_rate",
    "penalise",
    "policy_loss",
    "policy_sequences",
    "select_groups",
    "sequence_means",
]

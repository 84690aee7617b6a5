"""Memory and speed of a model on a machine, from figures alone.

Drawing a token reads every weight that it uses once, and its keys, values and states. Memory cannot be
read faster than it is: that is the roof of tokens per second (the roofline of Williams, Waterman and
Patterson, 2009), and one sequence on a CPU comes near it.

    plan = make_plan(architecture, machine, context_tokens=32768)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from journeyman.models.plan.config import Architecture
from journeyman.models.plan.machine import Machine
from journeyman.models.plan.quantisation import QUANTISATIONS

__all__ = ["Plan", "PlanRow", "make_plan"]

AS_STORED = "as stored"
_CACHE_BYTES = 2
"""Of a number in keys and values: llama.cpp keeps them in 16 bits."""
_OVERHEAD_BYTES = 512 << 20
"""For what is computed and for the program itself."""


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One quantisation."""

    quantisation: str
    weights_bytes: int
    expert_bytes: int
    """Of routed experts: what may lie in system memory beside a GPU."""
    read_bytes_per_token: int
    """Of weights that one token uses."""
    needed_bytes: int
    """Weights, caches, states and room to compute."""
    fits: bool
    tokens_per_s: float
    """The roof at a short context."""
    tokens_per_s_at_context: float
    """The roof when the context is full."""
    dense_tokens_per_s: float
    """The roof of a model of as many weights that uses all of them."""
    gpu_bytes: int
    """Everything but the routed experts, caches included."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What was found."""

    architecture: Architecture
    machine: Machine
    context_tokens: int
    num_sequences: int
    cache_bytes: int
    """Keys and values of all sequences when their contexts are full."""
    state_bytes: int
    """Recurrent states of all sequences."""
    rows: tuple[PlanRow, ...]


def make_plan(
    architecture: Architecture,
    machine: Machine,
    *,
    context_tokens: int,
    num_sequences: int = 1,
    quantisations: Sequence[str] = (),
) -> Plan:
    """Plan every quantisation, or those given; a model that is at hand also as it is stored."""
    one_cache = architecture.cache_values_per_token * _CACHE_BYTES * context_tokens
    plan = Plan(
        architecture=architecture,
        machine=machine,
        context_tokens=context_tokens,
        num_sequences=num_sequences,
        cache_bytes=one_cache * num_sequences,
        state_bytes=architecture.state_bytes * num_sequences,
        rows=(),
    )
    names = list(quantisations) or [*QUANTISATIONS]
    if architecture.file_bytes and not quantisations:
        names.insert(0, AS_STORED)
    rows = tuple(_row(plan, name) for name in names)
    return Plan(**{**{it: getattr(plan, it) for it in Plan.__slots__}, "rows": rows})


def _row(plan: Plan, name: str) -> PlanRow:
    found, machine = plan.architecture, plan.machine
    weights, experts, looked_up = _sizes(found, name)
    read = weights - looked_up - round(experts * (1 - found.expert_share if experts else 0))
    memory = plan.cache_bytes + plan.state_bytes + _OVERHEAD_BYTES
    # A state is read and written anew.
    carried = 2 * found.state_bytes
    full = carried + plan.cache_bytes // plan.num_sequences
    return PlanRow(
        quantisation=name,
        weights_bytes=weights,
        expert_bytes=experts,
        read_bytes_per_token=read,
        needed_bytes=weights + memory,
        fits=weights + memory <= machine.free_bytes,
        tokens_per_s=machine.bandwidth / (read + carried),
        tokens_per_s_at_context=machine.bandwidth / (read + full),
        dense_tokens_per_s=machine.bandwidth / (weights - looked_up),
        gpu_bytes=weights - experts + memory,
    )


def _sizes(found: Architecture, name: str) -> tuple[int, int, int]:
    """Bytes of all weights, of routed experts, and of embeddings that are only looked up."""
    if name == AS_STORED:
        return found.file_bytes, found.file_expert_bytes, found.file_looked_up_bytes
    bits = QUANTISATIONS[name]
    counts = (found.num_weights, found.num_expert_weights, found.num_looked_up)
    whole, experts, looked_up = (int(count * bits / 8) for count in counts)
    return whole, experts, looked_up

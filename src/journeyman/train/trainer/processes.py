"""The processes that take a step together, through `accelerate`: one, several, or sharded by FSDP2.

`accelerate launch` or `torchrun` start them. Each has the whole model, or, with `sharding = "full"`, its
share of every layer, by PyTorch's `fully_shard`: the same call on one CPU's processes and on many GPUs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import torch
from accelerate import Accelerator
from torch.distributed.checkpoint import state_dict as distributed
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

from journeyman.train.trainer.settings import TrainerSettings

__all__ = ["Processes"]

RowT = TypeVar("RowT")


class Processes:
    """This process among those that train one network."""

    def __init__(self, settings: TrainerSettings) -> None:
        self._accelerator = Accelerator(cpu=not torch.cuda.is_available())
        self.device: torch.device = self._accelerator.device
        self.number: int = self._accelerator.num_processes
        self.is_first: bool = self._accelerator.is_main_process
        self.is_sharded: bool = settings.sharding == "full" and self.number > 1
        """Whether no process has all weights."""
        self._is_half = _is_half(settings, self.device)
        self.network: Any = None
        """The network as it is called: wrapped where there are several processes."""

    @property
    def dtype(self) -> torch.dtype:
        """What products are made in."""
        return torch.bfloat16 if self._is_half else torch.float32

    def prepare(self, network: Any) -> None:
        """Move, wrap or shard a network, in place; its optimiser is made afterwards."""
        if self.is_sharded:
            _shard(network.to(self.device), self.number)
            self.network = network
        else:
            self.network = self._accelerator.prepare_model(network)

    def share(self, rows: Sequence[RowT]) -> list[RowT]:
        """Return the rows of a step that this process takes; all processes get as many."""
        own = list(rows[self._accelerator.process_index :: self.number])
        return own or list(rows[:1])

    def add_up(self, sums: Mapping[str, float]) -> dict[str, float]:
        """Add up figures of all processes; a name that only some have counts."""
        if self.number == 1:
            return dict(sums)
        tables: list[Any] = [None] * self.number
        torch.distributed.all_gather_object(tables, dict(sums))
        names = {name for table in tables for name in table}
        return {name: sum(table.get(name, 0.0) for table in tables) for name in sorted(names)}

    def precision(self) -> contextlib.AbstractContextManager[Any]:
        """Return the context of a pass."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self._is_half)

    def backward(self, loss: torch.Tensor) -> None:
        """Add a pass's gradient; processes average theirs, and losses are meant to be added."""
        (loss * self.number).backward()

    def clip(self, most: float) -> float:
        """Scale gradients down to a norm of `most`; return what the norm was."""
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), most)
        return float(norm.full_tensor() if hasattr(norm, "full_tensor") else norm)

    def wait(self) -> None:
        """Wait for all processes."""
        self._accelerator.wait_for_everyone()

    def weights(self) -> dict[str, torch.Tensor]:
        """Return all trained weights, by name, on the first process; all processes call it."""
        network = self._accelerator.unwrap_model(self.network)
        if not self.is_sharded:
            named = network.named_parameters()
            return {name: it.detach() for name, it in named if it.requires_grad}
        state = distributed.get_model_state_dict(network, options=_whole())
        return {name: it for name, it in state.items() if name in _trained(network)}

    def set_weights(self, state: Mapping[str, torch.Tensor]) -> None:
        """Put trained weights back; `ValueError` if they are another network's."""
        network = self._accelerator.unwrap_model(self.network)
        if self.is_sharded:
            options = _whole(broadcast_from_rank0=True, strict=False)
            distributed.set_model_state_dict(network, dict(state), options=options)
            return
        if set(state) != _trained(network):
            raise ValueError("it has other weights than the model that is trained")
        network.load_state_dict(state, strict=False)

    def optimizer_state(self, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
        """Return the optimiser's whole state, on the first process; all processes call it."""
        if not self.is_sharded:
            return dict(optimizer.state_dict())
        network = self._accelerator.unwrap_model(self.network)
        return dict(distributed.get_optimizer_state_dict(network, optimizer, options=_whole()))

    def set_optimizer_state(self, optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
        """Put the optimiser's state back."""
        if not self.is_sharded:
            optimizer.load_state_dict(state)
            return
        network = self._accelerator.unwrap_model(self.network)
        options = _whole(broadcast_from_rank0=True)
        distributed.set_optimizer_state_dict(network, optimizer, state, options=options)


def _shard(network: Any, number: int) -> None:
    """Share out the weights of every layer, and then of the rest."""
    mesh = init_device_mesh(next(network.parameters()).device.type, (number,))
    stacks = [it for it in network.modules() if isinstance(it, torch.nn.ModuleList)]
    for stack in stacks:
        for layer in stack:
            if hasattr(layer, "self_attn") or hasattr(layer, "linear_attn"):
                fully_shard(layer, mesh=mesh)
    fully_shard(network, mesh=mesh)


def _whole(**more: bool) -> Any:
    return distributed.StateDictOptions(full_state_dict=True, cpu_offload=True, **more)


def _trained(network: Any) -> set[str]:
    return {name for name, it in network.named_parameters() if it.requires_grad}


def _is_half(settings: TrainerSettings, device: torch.device) -> bool:
    if settings.precision == "auto":
        return device.type == "cuda" and torch.cuda.is_bf16_supported()
    return settings.precision == "bfloat16"

"""How many parameters a model has, and how many of them one token uses."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

__all__ = ["Counts", "count_parameters"]


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers of parameters; tied weights count once."""

    total: int
    embeddings: int
    """Of the input embedding and the head."""
    experts: int
    """Of routed experts."""
    active: int
    """What one token uses: everything, but only its share of the routed experts."""
    mtp: int = 0
    """Of the multi-token-prediction module, which is in no other figure."""

    @property
    def total_without_embeddings(self) -> int:
        """All but embedding and head."""
        return self.total - self.embeddings

    @property
    def active_without_embeddings(self) -> int:
        """Active ones but embedding and head."""
        return self.active - self.embeddings


def count_parameters(model: nn.Module, mtp: nn.Module | None = None) -> Counts:
    """Count a causal model of `transformers`, which may lie on the meta device."""
    config = model.config
    total = sum(it.numel() for it in model.parameters())
    ends = {id(it.weight): it.weight for it in _ends(model)}
    experts = sum(it.numel() for name, it in model.named_parameters() if ".experts." in name)
    num_experts = getattr(config, "num_experts", 0)
    share = config.num_experts_per_tok / num_experts if num_experts else 1.0
    return Counts(
        total=total,
        embeddings=sum(it.numel() for it in ends.values()),
        experts=experts,
        active=total - experts + round(experts * share),
        mtp=sum(it.numel() for it in mtp.parameters()) if mtp is not None else 0,
    )


def _ends(model: nn.Module) -> list[nn.Module]:
    found = (model.get_input_embeddings(), model.get_output_embeddings())
    return [it for it in found if it is not None]

"""How a model is trained, whatever the stage; every field is a flag and a key of the config."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from journeyman.config import Config

__all__ = ["TrainerSettings"]


class TrainerSettings(Config):
    """Optimiser, schedule, batch and checkpoints."""

    num_steps: int = Field(default=100, ge=1)
    """Steps of the optimiser."""
    rows_per_step: int = Field(default=8, ge=1)
    """Rows whose gradients make one step."""
    rows_per_pass: int = Field(default=4, ge=1)
    """Rows that go through the model at once; the rest of a step accumulates."""
    learning_rate: float = Field(default=1e-3, gt=0)
    """Highest learning rate, after the warm-up."""
    final_share: float = Field(default=0.1, ge=0, le=1)
    """Share of it that is left at the last step."""
    num_warmup_steps: int = Field(default=10, ge=0)
    """Steps in which the learning rate rises from nothing."""
    schedule: Literal["cosine", "wsd", "constant"] = "cosine"
    """After the warm-up: a half cosine, or constant with a linear fall at the end, or constant."""
    decay_share: float = Field(default=0.2, gt=0, le=1)
    """Share of all steps in which `wsd` falls."""
    weight_decay: float = Field(default=0.1, ge=0)
    """AdamW's decay of matrices; vectors (norms, biases, rates) have none."""
    beta1: float = Field(default=0.9, ge=0, lt=1)
    """Decay of AdamW's first moment."""
    beta2: float = Field(default=0.95, ge=0, lt=1)
    """Decay of AdamW's second moment."""
    max_gradient_norm: float = Field(default=1.0, gt=0)
    """Gradients with a larger norm are scaled down to it."""
    second_token_weight: float = Field(default=0.1, ge=0)
    """Weight of multi-token prediction in the loss; at 0 its layer is left as it is and not run."""
    balance_weight: float = Field(default=0.001, ge=0)
    """Weight of the router's auxiliary loss."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Of the products in a pass; weights and optimiser are float32. `auto`: bfloat16 on a GPU that has
    it, float32 elsewhere."""
    seed: int = 0
    """Seed of the order of rows."""
    checkpoint_every: int = Field(default=50, ge=1)
    """Steps between checkpoints; the last step always has one."""
    num_checkpoints: int = Field(default=2, ge=1)
    """How many checkpoints are kept, the newest."""

    sharding: Literal["none", "full"] = "none"
    """Where several processes train: `none`, each has the whole model; `full`, each has a share of every
    layer's weights, gradients and optimiser states (FSDP2)."""
    keeps_activations: bool = True
    """Whether a pass keeps every layer's activations; without, they are computed again in the backward
    pass, which takes a third more time and far less memory."""
    num_samples: int = Field(default=0, ge=0)
    """Texts that the model writes at each checkpoint, into `samples.jsonl`."""
    sample_tokens: int = Field(default=64, ge=1)
    """Most tokens of such a text."""
    trackers: tuple[Literal["tensorboard", "trackio", "wandb"], ...] = ()
    """Where metrics go beside `metrics.jsonl`; TensorBoard's files lie in `tensorboard/`."""

    @model_validator(mode="after")
    def _is_whole(self) -> TrainerSettings:
        if self.num_warmup_steps > self.num_steps:
            raise ValueError("num_warmup_steps is more than num_steps")
        return self

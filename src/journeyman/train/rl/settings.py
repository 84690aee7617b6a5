"""What reinforcement learning from execution is asked to do."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from journeyman.config import Config
from journeyman.flow.config import Concurrency
from journeyman.sandbox.base import Network as NetworkPolicy
from journeyman.scaffolds.session import SessionLimits
from journeyman.train.model.lora_settings import LoraSettings
from journeyman.types import Sampling

__all__ = [
    "Aggregation",
    "Algorithm",
    "Baseline",
    "Estimator",
    "Mismatch",
    "PolicyLoss",
    "RlSettings",
    "Scale",
    "UpdateSettings",
]

Aggregation = Literal["token", "sequence", "group", "constant"]
Baseline = Literal["mean", "leave_one_out", "none"]
Estimator = Literal["k1", "k2", "k3"]
Scale = Literal["deviation", "mean", "none"]


Algorithm = Literal["grpo", "dr_grpo", "dapo", "gspo", "cispo"]

_LOW = {"grpo": 0.2, "dr_grpo": 0.2, "dapo": 0.2, "gspo": 3e-4, "cispo": 1.0}
_HIGH = {"grpo": 0.2, "dr_grpo": 0.2, "dapo": 0.28, "gspo": 4e-4, "cispo": 0.28}
_AGGREGATION: dict[str, Aggregation] = {
    "grpo": "sequence",
    "dr_grpo": "constant",
    "dapo": "token",
    "gspo": "sequence",
    "cispo": "token",
}


class Mismatch(Config):
    """What is done where sampler and trainer disagree: nothing, unless asked for.

    A sampler that is the network itself differs by rounding alone, and weights made of that would make a
    resumed run differ in its last bits. Ask for it where another program samples, or older weights.
    """

    truncate_at: float | None = Field(default=None, gt=0)
    """Largest importance weight of a token, 2 as a rule; no such weight at all where this is none."""
    token_low: float = Field(default=0.0, ge=0)
    """Tokens whose ratio is lower are dropped; 0 drops none."""
    token_high: float | None = Field(default=None, gt=0)
    """Tokens whose ratio is higher are dropped; none drops none."""
    sequence_low: float = Field(default=0.0, ge=0)
    """Sequences whose geometric mean of ratios is lower are dropped."""
    sequence_high: float | None = Field(default=None, gt=0)
    """Sequences whose geometric mean of ratios is higher are dropped."""
    veto: float = Field(default=0.0, ge=0)
    """A sequence with any token ratio below this, 1e-4 as a rule, is dropped; 0 drops none."""


class PolicyLoss(Config):
    """How drawn tokens and their advantages become a loss."""

    algorithm: Algorithm = "gspo"
    """Which ratio is clipped how: grpo, dr_grpo, dapo, gspo or cispo."""
    clip_low: float | None = Field(default=None, ge=0)
    """How far a ratio may fall below 1; the algorithm's own value where none is given."""
    clip_high: float | None = Field(default=None, ge=0)
    """How far a ratio may rise above 1; the algorithm's own value where none is given."""
    aggregation: Aggregation | None = None
    """token, sequence, group or constant; the algorithm's own where none is given."""
    constant: float = Field(default=1024.0, gt=0)
    """What `constant` divides a rollout's sum by, in tokens: the longest answer, say."""
    kl_weight: float = Field(default=0.0, ge=0)
    """Weight of the divergence from the reference model; 0 leaves it out."""
    kl_estimator: Estimator = "k3"
    """How the divergence is estimated from drawn tokens."""
    mismatch: Mismatch = Mismatch()

    @property
    def how(self) -> Aggregation:
        """The aggregation that holds."""
        return self.aggregation or _AGGREGATION[self.algorithm]

    @property
    def low(self) -> float:
        """The lower clip that holds."""
        return _LOW[self.algorithm] if self.clip_low is None else self.clip_low

    @property
    def high(self) -> float:
        """The upper clip that holds."""
        return _HIGH[self.algorithm] if self.clip_high is None else self.clip_high


class UpdateSettings(Config):
    """How a step's sequences change the policy."""

    loss: PolicyLoss = PolicyLoss()
    num_epochs: int = Field(default=1, ge=1)
    """How often a step's sequences are gone through."""
    num_minibatches: int = Field(default=1, ge=1)
    """Steps of the optimiser in each."""
    rows_per_pass: int = Field(default=2, ge=1)
    """Rows that go through the model at once."""
    max_gradient_norm: float = Field(default=1.0, gt=0)
    """Gradients with a larger norm are scaled down to it."""
    balance_weight: float = Field(default=0.001, ge=0)
    """Weight of the router's auxiliary loss; routing is not replayed from the sampler."""
    precision: str = Field(default="float32", pattern="^(float32|bfloat16)$")
    """Of the products in a pass: float32 or bfloat16."""


class RlSettings(Config):
    """A policy, tasks to learn on, tasks to be measured on, and how one becomes better at them."""

    resume_may_change: ClassVar[frozenset[str]] = frozenset(
        {"num_steps", "concurrency", "verdicts"}
    )

    model: Path
    """Folder of the model to begin with."""
    taskset: Path
    """Folder of the tasks that are learned on."""
    tasks: tuple[str, ...] = ()
    """Only these instance ids; all where none is given."""
    held_out: Path | None = None
    """Folder of the tasks that are measured and never learned on."""
    trained_on: tuple[Path, ...] = ()
    """Runs of earlier stages. None of their tasks may be among those learned on, and groups whose prompt
    is one of theirs, by digest, are left out."""
    scaffold: str = "editor"
    """The agent around the policy."""
    template: str = "hermes"
    """The tool chat template; `task`: the one that each task names."""
    num_steps: int = Field(default=20, ge=1)
    """Steps: rollouts, then an update."""
    tasks_per_step: int = Field(default=8, ge=1)
    """Groups of a step."""
    group_size: int = Field(default=8, ge=2)
    """Rollouts of each task."""
    lowest_pass_rate: float = Field(default=0.0, ge=0, le=1)
    """Groups that solved a smaller share are left out; those that solved none always are."""
    highest_pass_rate: float = Field(default=1.0, ge=0, le=1)
    """Groups that solved a larger share are left out; those that solved all always are."""
    baseline: Baseline = "mean"
    """What a reward is compared with: mean of its group, leave_one_out, or none."""
    scale: Scale = "deviation"
    """What the difference is divided by: deviation of the group, its mean, or none."""
    format_penalty: float = Field(default=1.0, ge=0)
    """What the tokens of one turn's malformed calls lose together; 0 turns it off."""
    void: tuple[str, ...] = ("all",)
    """Labels of the audit that take a reward away; `all`, or names as in `guard audit --void`."""
    judge: str = ""
    """A vision model, http://HOST:8000/v1#MODEL, that is shown every page that passed its tests: one
    that it finds bad earns nothing and counts as unsolved. Without an answer the tests' word stands.
    Measurements know nothing of it."""
    max_staleness: int = Field(default=0, ge=0)
    """Most steps between the weights that a rollout began with and those that it trains. 0 draws every
    step with the weights that it changes, and resumes to the last bit; with more, rollouts go on while
    weights change."""
    grading: Literal["shared"] | None = None
    """`shared` grades equal patches of a task once; each is graded where it is not set."""
    verdicts: Path | None = None
    """Folder in which `shared` keeps verdicts for other runs too; the run's own where it is not set."""
    guard: str = "rules"
    """What refuses reward hacking before it is carried out: rules, report-heuristic or off."""
    network: NetworkPolicy = "none"
    """What agents reach."""
    sandbox: str = "namespace"
    """Sandbox backend."""
    limits: SessionLimits = SessionLimits(num_turns=8)
    """Ceilings of each conversation."""
    sampling: Sampling = Sampling(max_tokens=256)
    """How the policy draws while it learns."""
    concurrency: Concurrency = Concurrency()
    """What runs at once."""
    sampler: str = Field(default="torch", pattern="^(torch|llama|vllm:https?://.+)$")
    """What draws: torch, the network itself in this process; llama, llama.cpp from a GGUF file that is
    written after every step; or a vLLM server of this run's own, vllm:http://HOST:8000#MODEL, that reads
    its weights anew after every step."""
    sampler_folder: Path | None = None
    """Where the vLLM server finds the weights: a folder that it sees under the same path; in the run's
    own folder where none is given."""
    sampler_precision: Literal["f32", "f16", "bf16", "q8_0"] = "f16"
    """Of the matrices in the GGUF file."""
    num_slots: int = Field(default=32, ge=1)
    """Completions that are drawn at the same time."""
    num_threads: int = Field(default=0, ge=0)
    """Threads that draw; 0 takes `OMP_NUM_THREADS`, or every core. One is faster where sandboxes keep
    the cores busy."""
    row_length: int = Field(default=4096, ge=16)
    """Tokens of a row: the longest sequence that is trained on."""
    update: UpdateSettings = UpdateSettings()
    """How a step changes the policy."""
    lora: LoraSettings = LoraSettings()
    """Adapters that are trained in place of all weights, which `update.precision` is then kept in."""
    learning_rate: float = Field(default=1e-5, gt=0)
    """Of every step, after the warm-up."""
    num_warmup_steps: int = Field(default=2, ge=0)
    """Steps in which the learning rate rises from nothing."""
    decay_share: float = Field(default=0.0, ge=0, le=1)
    """Share of the steps, the last, in which it falls towards nothing: less of the noise of single steps
    stays in the weights."""
    weight_decay: float = Field(default=0.0, ge=0)
    """AdamW's decay of matrices."""
    evaluate_every: int = Field(default=5, ge=1)
    """Steps between measurements on the held-out tasks; before the first and after the last step,
    too."""
    evaluation_size: int = Field(default=1, ge=1)
    """Rollouts of each held-out task."""
    patience: int = Field(default=0, ge=0)
    """Measurements without a new best after which the run ends; 0 never ends it early."""
    checkpoint_every: int = Field(default=1, ge=1)
    """Steps between checkpoints."""
    seed: int = 0
    """Of the order of tasks and of every draw."""

    @model_validator(mode="after")
    def _is_whole(self) -> RlSettings:
        if self.lowest_pass_rate > self.highest_pass_rate:
            raise ValueError("lowest_pass_rate is above highest_pass_rate")
        if self.verdicts and self.grading != "shared":
            raise ValueError("--verdicts needs --grading shared, which keeps them")
        return self

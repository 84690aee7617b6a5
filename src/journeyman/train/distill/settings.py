"""What distillation into one model is asked to do.

A TOML file, for the domains are a table each:

    model = "models/sft"
    num_steps = 40

    [[domains]]
    name = "software"
    teacher = "runs/rl-software/model"
    taskset = "tasksets/mine"
    held_out = "tasksets/other"

    [[domains]]
    name = "general"
    prompts = "conversations.jsonl"
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from journeyman.config import Config
from journeyman.flow.config import Concurrency
from journeyman.sandbox.base import Network as NetworkPolicy
from journeyman.scaffolds.session import SessionLimits
from journeyman.types import Sampling

__all__ = ["DistillSettings", "Divergence", "Domain"]

Divergence = Literal["reverse", "forward", "jensen_shannon", "sampled"]


class Domain(Config):
    """Prompts of one kind, and who teaches them."""

    name: str = Field(pattern="^[a-z0-9][a-z0-9-]*$")
    """How tables call it."""
    teacher: Path | None = None
    """Folder of the expert; where none is given, the model that the student begins as teaches."""
    taskset: Path | None = None
    """Folder of the tasks whose prompts are drawn from; or give `prompts`."""
    prompts: Path | None = None
    """A JSONL file of conversations: each is answered once, from its last request on."""
    tasks: tuple[str, ...] = ()
    """Only these instance ids; all where none is given."""
    held_out: Path | None = None
    """Folder of the tasks that base, expert and student are measured on, and nobody learns from."""
    tasks_per_step: int = Field(default=4, ge=1)
    """Tasks or prompts of this domain in each step."""
    samples: int = Field(default=1, ge=1)
    """Rollouts of each task in a step."""
    teaches_prompts: bool = False
    """Whether the tokens of `prompts` are taught as well, which keeps how other text is read."""
    divergence: Divergence | None = None
    """How far it is from its teacher, where that is not measured as in the other domains: on texts that
    neither wrote, `forward` keeps all that the teacher finds likely."""
    weight: float = Field(default=1.0, gt=0)
    """Weight of this domain's mean over its tokens, beside the other domains'."""
    scaffold: str = "editor"
    """The agent around student and teacher."""
    template: str = "hermes"
    """The tool chat template."""
    guard: str = "rules"
    """What refuses reward hacking before it is carried out: rules, report-heuristic or off."""
    network: NetworkPolicy = "none"
    """What agents reach."""
    sandbox: str = "namespace"
    """Sandbox backend."""
    limits: SessionLimits = SessionLimits(num_turns=8)
    """Ceilings of each conversation."""
    sampling: Sampling = Sampling(max_tokens=256)
    """How answers are drawn."""
    evaluation_size: int = Field(default=1, ge=1)
    """Rollouts of each held-out task."""

    @model_validator(mode="after")
    def _is_whole(self) -> Domain:
        if (self.taskset is None) == (self.prompts is None):
            raise ValueError(f"domain {self.name} needs either taskset or prompts")
        if self.teaches_prompts and self.prompts is None:
            raise ValueError(f"domain {self.name} has no prompts that could be taught")
        return self


class DistillSettings(Config):
    """A student, its teachers by domain, and how it learns from them on its own answers."""

    resume_may_change: ClassVar[frozenset[str]] = frozenset({"num_steps", "concurrency"})

    model: Path
    """Folder of the model that all experts began as: the base of every gain."""
    student: Path | None = None
    """Folder of what the student begins as, e.g. a merge of the experts; `model` where none is given."""
    domains: tuple[Domain, ...] = Field(min_length=1)
    """What is taught by whom."""
    drawn_by: Literal["student", "teacher"] = "student"
    """Who writes the texts that are taught: on-policy the student, off-policy each domain's teacher."""
    grades_lessons: bool = True
    """Whether what is written while learning is graded: shows a solve rate, teaches nothing more."""
    divergence: Divergence = "reverse"
    """reverse: KL(student || teacher) at each token; forward; jensen_shannon; sampled: reverse by the
    drawn tokens alone."""
    top: int = Field(default=0, ge=0)
    """How many of the teacher's likeliest tokens are known, the rest as one; 0 takes them all. With
    `reverse` alone."""
    beta: float = Field(default=0.5, gt=0, lt=1)
    """The teacher's share in the middle of `jensen_shannon`."""
    num_steps: int = Field(default=20, ge=1)
    """Steps: rollouts of every domain, then an update."""
    learning_rate: float = Field(default=1e-5, gt=0)
    """Of every step, after the warm-up."""
    num_warmup_steps: int = Field(default=2, ge=0)
    """Steps in which the learning rate rises from nothing."""
    decay_share: float = Field(default=0.0, ge=0, le=1)
    """Share of the steps, the last, in which it falls towards nothing: less of the noise of single steps
    stays in the weights."""
    weight_decay: float = Field(default=0.0, ge=0)
    """AdamW's decay of matrices."""
    max_gradient_norm: float = Field(default=1.0, gt=0)
    """Gradients with a larger norm are scaled down to it."""
    balance_weight: float = Field(default=0.001, ge=0)
    """Weight of the router's auxiliary loss."""
    row_length: int = Field(default=4096, ge=16)
    """Tokens of a row: the longest sequence that is learned from."""
    rows_per_pass: int = Field(default=2, ge=1)
    """Rows that go through student and teacher at once."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of the products in a pass, of student and teacher."""
    accepts_weak_teachers: bool = False
    """Whether an expert may teach that does not beat the base on its domain's held-out tasks."""
    general: tuple[Path, ...] = ()
    """Folders of source files whose loss is measured before and after, and never trained on."""
    general_rows: int = Field(default=32, ge=1)
    """Most rows of them."""
    adherence: int = Field(default=0, ge=0)
    """Held-out exercises in calling tools, in each template, that base and student do at the end."""
    concurrency: Concurrency = Concurrency()
    """What runs at once."""
    num_slots: int = Field(default=32, ge=1)
    """Completions that are drawn at the same time."""
    num_threads: int = Field(default=0, ge=0)
    """Threads that draw; 0 takes `OMP_NUM_THREADS`, or every core."""
    checkpoint_every: int = Field(default=1, ge=1)
    """Steps between checkpoints."""
    seed: int = 0
    """Of the order of tasks and of every draw."""

    @model_validator(mode="after")
    def _is_whole(self) -> DistillSettings:
        names = [it.name for it in self.domains]
        if len(set(names)) < len(names):
            raise ValueError("two domains have the same name")
        if self.top and self.divergence != "reverse":
            raise ValueError("top goes with the divergence reverse")
        return self

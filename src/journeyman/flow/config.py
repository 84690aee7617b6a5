"""What a run is asked to do: rollouts, or gradings of patches that exist."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from journeyman.config import Config
from journeyman.sandbox.base import Limits, Network
from journeyman.scaffolds.session import SessionLimits
from journeyman.types import Sampling

__all__ = ["Breakers", "Concurrency", "GradeConfig", "RetryBudgets", "RolloutConfig", "Timeouts"]

_RESUME_MAY_CHANGE = frozenset(
    {"breakers", "concurrency", "timeouts", "retries", "prices", "address", "executor", "verdicts"}
)


class Timeouts(Config):
    """What each stage may take beyond its own limits, in seconds; then it is a failure."""

    rollout_extra_s: float = Field(default=600.0, gt=0)
    """Added to `limits.time_s`: preparing the workspace, starting the sandbox, taking the patch."""
    evaluation_extra_s: float = Field(default=300.0, gt=0)
    """Added to the verifier's own time-out: starting the sandbox, applying the patches."""
    turn_s: float = Field(default=3600.0, gt=0)
    """How long a stage may wait for its turn at a sandbox or a model; its own clock stands still."""
    lost_s: float = Field(default=60.0, gt=0)
    """How long after its deadline a job counts as lost, together with whoever did it."""
    closing_s: float = Field(default=20.0, gt=0)
    """How long what runs may take to close when the run is stopped."""


class RetryBudgets(Config):
    """How often a failed stage is tried again; which budget a cause draws on, the table says."""

    infrastructure: int = Field(default=4, ge=0)
    """Retries of one stage for each infrastructure cause."""
    data: int = Field(default=1, ge=0)
    """Retries of one stage for all data causes together."""
    backoff_s: float = Field(default=1.0, ge=0)
    """Wait before the first infrastructure retry; doubled for each one after it."""
    longest_backoff_s: float = Field(default=60.0, ge=0)
    """Longest wait before a retry."""


class Concurrency(Config):
    """Ceilings of what is in use at once; on a cluster all but `rollouts` are each node's."""

    rollouts: int | None = Field(default=None, ge=1)
    """Agents at work: those that wait for their model or for a sandbox cost little. 32 for each
    processor where it is not set."""
    sandboxes: int | None = Field(default=None, ge=1)
    """Sandboxes of agents. The measured load decides where it is not set."""
    builds: int | None = Field(default=None, ge=1)
    """Workspaces in the making. One for each processor where it is not set."""
    evaluations: int | None = Field(default=None, ge=1)
    """Gradings, each in its sandbox; they keep a processor busy. One for each processor where it is
    not set."""
    model_requests: int = Field(default=256, ge=1)
    """Requests to one model; fewer while it answers late or not at all."""
    gateway_sessions: int = Field(default=1024, ge=1)
    """Agent programs that talk to their model through a gateway."""


class Breakers(Config):
    """When nothing new is tried on an environment or a model, because it fails again and again."""

    num_failures: int = Field(default=8, ge=1)
    """Infrastructure failures in a row, of any rollouts, after which it is left alone."""
    pause_s: float = Field(default=15.0, ge=0)
    """For how long at first, until one attempt tries it again; doubled each time that fails."""
    longest_pause_s: float = Field(default=300.0, ge=0)
    """Longest pause."""
    give_up_s: float = Field(default=3600.0, gt=0)
    """A run in which nothing has worked for so long, with a circuit open, ends and can be resumed."""


class Prices(Config):
    """What machines cost, for the report."""

    usd_per_cpu_hour: float = Field(default=0.0, ge=0)
    """Price of one processor of the driver's machine."""


class RolloutConfig(Config):
    """Tasks × models × scaffold, `n` times each."""

    resume_may_change: ClassVar[frozenset[str]] = _RESUME_MAY_CHANGE

    taskset: Path
    """Folder of the taskset."""
    models: tuple[str, ...] = Field(default=("oracle",), min_length=1)
    """Specs of the models, e.g. `oracle`, `noop`, `http://127.0.0.1:8000/v1#name`."""
    scaffold: str = "bash"
    """The agent around the model: bash, editor, terminal, terminal-xml, answer or calls (one
    turn), or an external program: aider, claude-code, codex, mini-swe-agent, opencode, qwen-code,
    each also as NAME@VERSION."""
    template: str = "hermes"
    """The tool chat template, for models that read text; others bring their own. External agents
    speak it with scripted models too. `task`: the one that each task names."""
    n: int = Field(default=1, ge=1)
    """Rollouts of each task by each model."""
    tasks: tuple[str, ...] = ()
    """Only these instance ids; all where none is given."""
    guard: str = "rules"
    """What refuses reward hacking before it is carried out: rules, report-heuristic or off."""
    sandbox: str = "namespace"
    """Sandbox backend."""
    network: Network = "none"
    """What agents reach: none, index (packages as they were at the base commit) or open."""
    sandbox_limits: Limits = Limits()
    """Ceilings of each agent's sandbox."""
    grading: Literal["later", "shared"] | None = None
    """`later` leaves patches ungraded, without a verdict or reward: `journeyman grade RUN --again`
    grades them. `shared` grades equal patches of a task once in each process. Each is graded as it comes
    where it is not set."""
    verdicts: Path | None = None
    """Folder in which `shared` keeps verdicts and looks for those of other runs: a task that changed in
    anything is another."""
    limits: SessionLimits = SessionLimits()
    """Ceilings of each conversation."""
    sampling: Sampling = Sampling()
    """How completions are drawn; each rollout gets a seed of its own."""
    seed: int = 0
    """Origin of every rollout's own seed."""
    concurrency: Concurrency = Concurrency()
    """What runs at once."""
    timeouts: Timeouts = Timeouts()
    """Deadlines of the stages."""
    retries: RetryBudgets = RetryBudgets()
    """How often a failed stage is tried again."""
    breakers: Breakers = Breakers()
    """When nothing new is tried on what fails again and again."""
    prices: Prices = Prices()
    """What machines cost, for the report."""
    executor: Literal["local", "ray"] = "local"
    """Where jobs run: in this process, or on the nodes of a Ray cluster."""
    address: str = "auto"
    """The Ray cluster: auto, host:port, ray://host:port, or local to start one here."""
    ledger: str = ""
    """A PostgreSQL database, postgresql://USER@HOST/DATABASE, that drivers on several hosts share; the
    run's own file where it is empty."""

    @model_validator(mode="after")
    def _is_whole(self) -> RolloutConfig:
        if self.verdicts and self.grading != "shared":
            raise ValueError("--verdicts needs --grading shared, which keeps them")
        return self


class GradeConfig(Config):
    """A predictions file, graded on a taskset."""

    resume_may_change: ClassVar[frozenset[str]] = _RESUME_MAY_CHANGE

    taskset: Path
    """Folder of the taskset."""
    predictions: Path
    """The file of predictions, as SWE-bench has them: JSON or JSONL."""
    tasks: tuple[str, ...] = ()
    """Only these instance ids; all where none is given."""
    sandbox: str = "namespace"
    """Sandbox backend."""
    concurrency: Concurrency = Concurrency()
    """What runs at once."""
    timeouts: Timeouts = Timeouts()
    """Deadlines of the gradings."""
    retries: RetryBudgets = RetryBudgets()
    """How often a failed grading is tried again."""
    breakers: Breakers = Breakers()
    """When nothing new is tried on what fails again and again."""
    prices: Prices = Prices()
    """What machines cost, for the report."""
    executor: Literal["local", "ray"] = "local"
    """Where jobs run: in this process, or on the nodes of a Ray cluster."""
    address: str = "auto"
    """The Ray cluster: auto, host:port, ray://host:port, or local to start one here."""

    @property
    def as_rollouts(self) -> RolloutConfig:
        """The same as a run whose rollouts are done already."""
        return RolloutConfig(
            taskset=self.taskset,
            models=("predictions",),
            scaffold="predictions",
            tasks=self.tasks,
            sandbox=self.sandbox,
            concurrency=self.concurrency,
            timeouts=self.timeouts,
            retries=self.retries,
            breakers=self.breakers,
            prices=self.prices,
            executor=self.executor,
            address=self.address,
        )

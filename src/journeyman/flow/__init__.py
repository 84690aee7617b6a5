"""The orchestrator: rollout, evaluation, post-processing; each stage retried alone."""

from journeyman.flow.config import (
    Breakers,
    Concurrency,
    GradeConfig,
    RetryBudgets,
    RolloutConfig,
    Timeouts,
)
from journeyman.flow.driver import Driver, run_rollouts
from journeyman.flow.events import EVENT, Event
from journeyman.flow.executor import Executor, LocalExecutor
from journeyman.flow.grading import grade_predictions, plan_grading
from journeyman.flow.groups import Group, GroupRules, ProducerState
from journeyman.flow.interruption import RunInterrupted
from journeyman.flow.interval import wilson
from journeyman.flow.jobs import AgentWork, Job, JobResult, Seat, Stage
from journeyman.flow.metrics import Metrics
from journeyman.flow.plan import Plan, planned
from journeyman.flow.predictions import Prediction, read_predictions, write_predictions
from journeyman.flow.producer import GroupProducer
from journeyman.flow.regrade import (
    VerdictChange,
    compare_verdicts,
    plan_regrading,
    read_rollouts,
    taskset_of,
)
from journeyman.flow.report import write_report
from journeyman.flow.summary import Coverage, ModelSummary, RunSummary, summarise
from journeyman.flow.workplace import Workplace

__all__ = [
    "EVENT",
    "AgentWork",
    "Breakers",
    "Concurrency",
    "Coverage",
    "Driver",
    "Event",
    "Executor",
    "GradeConfig",
    "Group",
    "GroupProducer",
    "GroupRules",
    "Job",
    "JobResult",
    "LocalExecutor",
    "Metrics",
    "ModelSummary",
    "Plan",
    "Prediction",
    "ProducerState",
    "RetryBudgets",
    "RolloutConfig",
    "RunInterrupted",
    "RunSummary",
    "Seat",
    "Stage",
    "Timeouts",
    "VerdictChange",
    "Workplace",
    "compare_verdicts",
    "grade_predictions",
    "plan_grading",
    "plan_regrading",
    "planned",
    "read_predictions",
    "read_rollouts",
    "run_rollouts",
    "summarise",
    "taskset_of",
    "wilson",
    "write_predictions",
    "write_report",
]

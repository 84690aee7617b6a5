"""What a training changed: a base model and what was made of it, on adherence and on held-out tasks.

Both suites are run as their own commands run them, each in a folder inside the study's; what is
finished is never asked again.

    study = await run_study(config, run, argv=argv, listener=progress, say=print)
    study.measures[0].difference
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from journeyman.errors import JourneymanError
from journeyman.evals.adherence.ask import ask_models
from journeyman.evals.adherence.report import write_adherence
from journeyman.evals.adherence.suite import AdherenceConfig, Answer, QuestionsConfig
from journeyman.evals.adherence.summary import AdherenceSummary, sum_up_answers
from journeyman.evals.evaluation import Evaluation
from journeyman.evals.matrix import MatrixConfig, run_matrix
from journeyman.evals.trained.measure import Measure, measure_answers, measure_rollouts
from journeyman.flow import Event
from journeyman.flow.plan import label_models
from journeyman.runs import RunFolder, read_jsonl
from journeyman.types import Data, Rollout

__all__ = ["Study", "TrainedConfig", "run_study"]

Listener = Callable[[Event], None]


class TrainedConfig(MatrixConfig):
    """A base model, what was trained from it, and on what they are measured."""

    resume_may_change: ClassVar[frozenset[str]] = MatrixConfig.resume_may_change

    models: tuple[str, ...] = Field(default=(), min_length=2)
    """Specs of the models: the base, then one or more that were trained from it."""
    taskset: Path
    """Folder of the held-out taskset."""
    adherence: QuestionsConfig = QuestionsConfig()
    """What the adherence suite asks."""


class Study(Data):
    """What a study found."""

    name: str
    base: str
    trained: tuple[str, ...]
    benchmark: str
    """Name of the taskset."""
    num_tasks: int
    measures: tuple[Measure, ...]
    """Every measure of every trained model beside the base's."""
    adherence: AdherenceSummary
    evaluation: Evaluation


async def run_study(
    config: TrainedConfig,
    run: RunFolder,
    *,
    argv: Sequence[str],
    listener: Callable[[], AbstractContextManager[Listener]],
    say: Callable[[str], None],
) -> Study:
    """Ask, let work, and compare every trained model with the base.

    Raises `JourneymanError` for an unknown model, template or taskset, and `RunInterrupted` where
    somebody stopped it, with what is finished saved.
    """
    base, *trained = label_models(config.models).values()
    if not trained:
        raise JourneymanError(
            "the trained model is the base itself", "give a base and a model trained from it"
        )
    answers, summary = await _ask(config, run, argv, say)
    evaluation = await run_matrix(
        config, config.taskset, run, argv=argv, listener=listener, say=say
    )
    rollouts = [
        Rollout.model_validate(record)
        for folder in evaluation.runs.values()
        for record in read_jsonl(run.path / folder / "rollouts.jsonl")
    ]
    measures = [
        measure
        for name in trained
        for measure in (
            *measure_answers(answers, base, name),
            *measure_rollouts(rollouts, base, name),
        )
    ]
    return Study(
        name=run.name,
        base=base,
        trained=tuple(trained),
        benchmark=evaluation.benchmark,
        num_tasks=evaluation.num_tasks,
        measures=tuple(measures),
        adherence=summary,
        evaluation=evaluation,
    )


async def _ask(
    config: TrainedConfig, run: RunFolder, argv: Sequence[str], say: Callable[[str], None]
) -> tuple[list[Answer], AdherenceSummary]:
    asked = AdherenceConfig(models=config.models, **config.adherence.model_dump())
    folder = run.path / "adherence"
    with RunFolder.create(
        run.path, "eval", "adherence", config=asked, argv=argv, name=folder.name,
        resume=(folder / "config.toml").is_file(),
    ) as inner:  # fmt: skip
        answers = await ask_models(asked, inner, say=say)
        summary = sum_up_answers(answers)
        write_adherence(inner, summary)
        inner.set_status("finished", num_questions=summary.num_questions)
    return answers, summary

"""`journeyman eval predictions` and `eval official`: other people's patches, whatever their file."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from journeyman.cli.eval_tell import tell
from journeyman.cli.output import emit, note, print_lines, print_table
from journeyman.cli.progress import RolloutProgress, Steps
from journeyman.cli.settings import RunOptions, resolve_settings, show_config
from journeyman.errors import FAILURES, AttributedError, JourneymanError
from journeyman.evals.evaluation import Evaluation, evaluate, settings_of
from journeyman.evals.reports import write_reports
from journeyman.evals.swebench.instance import Instance, read_instances
from journeyman.evals.swebench.official import grade_officially
from journeyman.evals.swebench.triage import Triage, triage
from journeyman.flow import GradeConfig, Prediction, grade_predictions, plan_grading
from journeyman.runs import RunFolder
from journeyman.sandbox.engine import find_engine
from journeyman.tasks import Taskset, load_taskset
from journeyman.types import Failure, Origin, Task, Verdict, VerifierSpec

__all__ = ["official", "predictions"]


class Given(GradeConfig):
    """The flags of `eval predictions`; taskset and predictions are positional."""

    taskset: Annotated[Path, Parameter(parse=False)] = Path()
    predictions: Annotated[Path, Parameter(parse=False)] = Path()
    tasks: Annotated[tuple[str, ...], Parameter(parse=False)] = ()


def predictions(
    taskset: Path,
    file: Path,
    /,
    *,
    given: Annotated[Given, Parameter(name="*")] = Given(),  # noqa: B008 - frozen
    options: RunOptions = RunOptions(),  # noqa: B008 - frozen
) -> int:
    """Grade a file of predictions as far as it can be, and say what is wrong with the rest.

    Parameters
    ----------
    taskset
        Folder of the taskset.
    file
        Predictions as SWE-bench has them: a list, an object by instance id, or JSONL; also half a one.
    given
        How they are graded.
    options
        Where it is kept, and whether it goes on.
    """
    settings = resolve_settings(
        GradeConfig, options.config, given, taskset=taskset.absolute(), predictions=file.absolute()
    )
    if options.is_dry_run:
        return show_config(settings)
    loaded = load_taskset(settings.taskset)
    found = triage(settings.predictions, loaded.tasks)
    for line in found.notes(len(loaded.tasks)):
        note(line.replace("**", ""))
    _refuse_none(found, file, loaded)
    with options.create("eval", f"{loaded.name}-predictions", settings) as run:
        evaluation = asyncio.run(_graded(settings, loaded, found, run))
        write_reports(run, evaluation)
        run.write_text(
            "problems.jsonl", "".join(f"{it.model_dump_json()}\n" for it in found.problems)
        )
    return tell(evaluation, run.path, is_json=options.is_json)


async def _graded(
    settings: GradeConfig, taskset: Taskset, found: Triage, run: RunFolder
) -> Evaluation:
    usable = run.write_text("usable.jsonl", "".join(_line(it) for it in found.usable))
    plan = plan_grading(settings.model_copy(update={"predictions": usable}))
    with RolloutProgress() as progress:
        rollouts = await grade_predictions(settings, run, on_event=progress, plan=plan)
    expected = {
        (model, "predictions"): len(taskset.tasks)
        for model in dict.fromkeys(it.model for it in rollouts)
    }
    return evaluate(
        run.name,
        taskset,
        rollouts,
        expected=expected,
        settings=settings_of(settings.model_dump(mode="json"), taskset),
        audits={},
        runs={"predictions": "."},
        notes=tuple(found.notes(len(taskset.tasks))),
    )


def _line(prediction: Prediction) -> str:
    return prediction.model_dump_json(exclude={"line"}) + "\n"


def _refuse_none(found: Triage, file: Path, taskset: Taskset) -> None:
    if found.usable:
        return
    counts = ", ".join(f"{count} {kind}" for kind, count in found.counts.items())
    raise JourneymanError(
        f"nothing in {file} can be graded on {taskset.name}: {counts or 'it is empty'}",
        'a prediction is {"instance_id": "…", "model_name_or_path": "…", "model_patch": "…"}',
    )


def official(
    file: Path,
    predictions: Path,
    /,
    *,
    task: tuple[str, ...] = (),
    engine: str = "docker",
    timeout_s: float = 1800.0,
    scripts: Path | None = None,
    json: bool = False,
) -> int:
    """Grade predictions in the benchmark's own images, where the engine has them.

    Parameters
    ----------
    file
        The benchmark's file: JSONL, JSON or Parquet.
    predictions
        Predictions as SWE-bench has them.
    task
        Only this instance id; again for more.
    engine
        docker or podman.
    timeout_s
        Seconds that the tests of one instance may take.
    scripts
        SWE-bench Pro's `run_scripts`, of its own repository.
    json
        Print the verdicts as JSON lines.
    """
    instances = {it.instance_id: it for it in read_instances(file)}
    found = triage(predictions, [_as_task(it) for it in instances.values()])
    for line in found.notes(len(instances)):
        note(line.replace("**", ""))
    chosen = [it for it in found.usable if not task or it.instance_id in task]
    if not chosen:
        raise JourneymanError(f"nothing in {predictions} can be graded", "see what was said above")
    verdicts = asyncio.run(_officially(chosen, instances, engine, timeout_s, scripts))
    if json:
        for prediction, verdict in zip(chosen, verdicts, strict=True):
            emit({"instance_id": prediction.instance_id, "model": prediction.model_name_or_path,
                  "verdict": verdict})  # fmt: skip
        return 0
    rows = [
        (it.instance_id, it.model_name_or_path,
         "resolved" if v.is_resolved else "not graded" if _is_lost(v) else "not resolved",
         v.failure.cause if v.failure else "")
        for it, v in zip(chosen, verdicts, strict=True)
    ]  # fmt: skip
    print_table(("task", "model", "", "failure"), rows)
    num_lost = sum(map(_is_lost, verdicts))
    line = f"{sum(v.is_resolved for v in verdicts)} of {len(verdicts) - num_lost} resolved"
    print_lines(["", f"{line}; {num_lost} could not be graded" if num_lost else line])
    return 0


async def _officially(
    chosen: Sequence[Prediction],
    instances: dict[str, Instance],
    program: str,
    timeout_s: float,
    scripts: Path | None,
) -> list[Verdict]:
    engine, steps = find_engine(program, is_the_only_way=True), Steps()
    verdicts: list[Verdict] = []
    lost: list[JourneymanError] = []
    for it in chosen:
        steps(f"{it.instance_id} of {it.model_name_or_path}")
        instance = instances[it.instance_id]
        try:
            graded = await grade_officially(
                instance, it.model_patch, engine, timeout_s=timeout_s, scripts=scripts
            )
            verdicts.append(graded.verdict)
        except JourneymanError as error:
            lost.append(error)
            note(f"not graded: {error.message} ({error.hint})")
            failure = Failure(cause="environment_missing", detail=error.message)
            verdicts.append(Verdict(is_resolved=False, failure=failure))
        except AttributedError as error:
            note(f"not graded: {it.instance_id}: {error}")
            verdicts.append(Verdict(is_resolved=False, failure=error.failure))
    if lost and len(lost) == len(chosen):
        raise lost[0]
    return verdicts


def _is_lost(verdict: Verdict) -> bool:
    return verdict.failure is not None and not FAILURES[verdict.failure.cause].reward_is_valid


def _as_task(instance: Instance) -> Task:
    return Task(
        instance_id=instance.instance_id,
        repo=instance.repo,
        base_commit=instance.base_commit,
        problem_statement=instance.problem_statement,
        patch=instance.patch,
        test_patch=instance.test_patch,
        FAIL_TO_PASS=instance.FAIL_TO_PASS,
        PASS_TO_PASS=instance.PASS_TO_PASS,
        verifier=VerifierSpec(command=""),
        origin=Origin(road="import", strategy="swe-bench"),
    )

"""`journeyman eval`: measure agents on a repository or a benchmark, and say how sure the answer is."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from journeyman.cli.eval_tell import tell
from journeyman.cli.output import note, print_json, print_lines
from journeyman.cli.progress import RolloutProgress, Steps
from journeyman.cli.settings import RunOptions, command_line, resolve_settings, show_config
from journeyman.errors import JourneymanError
from journeyman.evals.compare import compare_evaluations, render_comparison
from journeyman.evals.evaluation import Evaluation, load_evaluation
from journeyman.evals.matrix import MatrixConfig, run_matrix
from journeyman.evals.reports import write_reports
from journeyman.evals.repository import BenchmarkConfig, make_benchmark
from journeyman.runs import RunFolder
from journeyman.scaffolds import SessionLimits
from journeyman.tasks import load_taskset, obtain_project

__all__ = ["app"]

app = App(name="eval", help="Measure agents on a repository or a benchmark, with intervals.")
app.command(
    "journeyman.cli.eval_adherence:adherence",
    name="adherence",
    help="How often a model's calls keep to each tool chat template.",
)
app.command(
    "journeyman.cli.eval_adherence:curve",
    name="curve",
    help="Adherence against the number of templates trained on.",
)
app.command(
    "journeyman.cli.eval_trained:trained",
    name="trained",
    help="What a training changed: a base model and a trained one on adherence and on tasks.",
)
app.command(
    "journeyman.cli.eval_looks:looks",
    name="looks",
    help="A vision model looks at the pages of a run that passed their tests.",
)
app.command(
    "journeyman.cli.eval_terminal:terminal",
    name="terminal",
    help="Task folders of Terminal-Bench and Harbor, in their own containers.",
)
app.command(
    "journeyman.cli.eval_curve:train_curve",
    name="train-curve",
    help="Fine-tune on ever more templates and draw adherence against their number.",
)
app.command(
    "journeyman.cli.eval_benchmark:suites", name="suites", help="Which benchmarks' files are read."
)
app.command(
    "journeyman.cli.eval_benchmark:prepare",
    name="prepare",
    help="Make a taskset of a SWE-bench file and clones of its repositories.",
)


app.command(
    "journeyman.cli.eval_benchmark:polyglot",
    name="polyglot",
    help="Make a taskset of Aider's polyglot benchmark.",
)
app.command(
    "journeyman.cli.eval_code:code",
    name="code",
    help="Single-turn programs: HumanEval, HumanEvalFix, MBPP, EvalPlus, LiveCodeBench.",
)
app.command("journeyman.cli.eval_code:calls", name="calls", help="Function calls: BFCL.")
app.command(
    "journeyman.cli.eval_predictions:predictions",
    name="predictions",
    help="Grade a predictions file as far as it can be, and name what is wrong with it.",
)
app.command(
    "journeyman.cli.eval_predictions:official",
    name="official",
    help="Grade predictions in a benchmark's own images.",
)


class EvaluateConfig(MatrixConfig):
    """A taskset, and who works on it."""

    taskset: Path
    """Folder of the taskset."""


class RepositoryConfig(MatrixConfig, BenchmarkConfig):
    """A repository, what tasks are made of it, and who works on them."""

    source: str
    """A path to a Git repository, its URL, or a project's name on the package index."""
    limits: SessionLimits = SessionLimits(num_turns=50, time_s=900.0)
    """Ceilings of each conversation."""


class GivenTasks(EvaluateConfig):
    """The flags of `eval tasks`; the taskset is positional."""

    taskset: Annotated[Path, Parameter(parse=False)] = Path()
    models: Annotated[tuple[str, ...], Parameter(name="--model")] = ("oracle", "noop")
    """A model to evaluate; again for more."""
    scaffolds: Annotated[tuple[str, ...], Parameter(name="--scaffold")] = ("bash",)
    """An agent around the models; again for more."""
    tasks: Annotated[tuple[str, ...], Parameter(name="--task")] = ()
    """Only this instance id; again for more."""


class GivenRepository(RepositoryConfig):
    """The flags of `eval repo`; the source is positional."""

    source: Annotated[str, Parameter(parse=False)] = ""
    models: Annotated[tuple[str, ...], Parameter(name="--model")] = ("oracle", "noop")
    """A model to evaluate; again for more."""
    scaffolds: Annotated[tuple[str, ...], Parameter(name="--scaffold")] = ("bash",)
    """An agent around the models; again for more."""
    tasks: Annotated[tuple[str, ...], Parameter(name="--task")] = ()
    """Only this instance id; again for more."""


@app.command(name="tasks")
def evaluate_tasks(
    taskset: Path,
    /,
    *,
    given: Annotated[GivenTasks, Parameter(name="*")] = GivenTasks(),  # noqa: B008 - frozen
    options: RunOptions = RunOptions(),  # noqa: B008 - frozen
) -> int:
    """Let every model in every scaffold work on a taskset, and report.

    Parameters
    ----------
    taskset
        Folder of the taskset.
    given
        Who works, and how.
    options
        Where it is kept, and whether it goes on.
    """
    settings = resolve_settings(EvaluateConfig, options.config, given, taskset=taskset.absolute())
    if options.is_dry_run:
        return show_config(settings)
    what = load_taskset(settings.taskset).name
    with options.create("eval", what, settings) as run:
        note(f"evaluation in {run.path}")
        evaluation = asyncio.run(_evaluate(settings, settings.taskset, run, Steps(), ()))
    return tell(evaluation, run.path, is_json=options.is_json)


@app.command(name="repo")
def evaluate_repository(
    source: str,
    /,
    *,
    given: Annotated[GivenRepository, Parameter(name="*")] = GivenRepository(),  # noqa: B008
    options: RunOptions = RunOptions(),  # noqa: B008 - frozen
) -> int:
    """Make a benchmark of your own repository and say which agent and model serve it best.

    Parameters
    ----------
    source
        A path to a Git repository, its URL, or a project's name on the package index.
    given
        What tasks are made, who works on them, and how.
    options
        Where it is kept, and whether it goes on.
    """
    settings = resolve_settings(RepositoryConfig, options.config, given, source=_whole(source))
    if options.is_dry_run:
        return show_config(settings)
    steps = Steps()
    steps(f"obtaining {source}")
    project = obtain_project(settings.source)
    note(f"         {project.origin_note}")
    with options.create("eval", project.name, settings) as run:
        note(f"         evaluation in {run.path}")

        async def go() -> Evaluation:
            benchmark = await make_benchmark(
                project, run.path.absolute(), settings, on_progress=steps, backend=settings.sandbox
            )
            steps(f"{len(benchmark.taskset.tasks)} tasks")
            return await _evaluate(settings, benchmark.taskset.folder, run, steps, benchmark.notes)

        evaluation = asyncio.run(go())
    return tell(evaluation, run.path, is_json=options.is_json)


async def _evaluate(
    settings: MatrixConfig, taskset: Path, run: RunFolder, steps: Steps, notes: tuple[str, ...]
) -> Evaluation:
    evaluation = await run_matrix(
        settings,
        taskset,
        run,
        argv=command_line(),
        listener=RolloutProgress,
        say=steps,
        notes=notes,
    )
    write_reports(run, evaluation)
    run.set_status("finished", num_tasks=evaluation.num_tasks)
    return evaluation


@app.command(name="compare")
def compare(runs: tuple[Path, ...], /, *, strict: bool = False, json: bool = False) -> int:
    """Put runs beside each other: evaluations, rollouts or gradings.

    Parameters
    ----------
    runs
        Folders of two or more runs; the first is compared with each other one.
    strict
        Refuse with exit code 1 where their settings differ, rather than only saying so.
    json
        Print the comparison as JSON.
    """
    if len(runs) < 2:
        raise JourneymanError(
            "there is nothing to compare one run with", "journeyman eval compare RUN RUN"
        )
    comparison = compare_evaluations([load_evaluation(path) for path in runs])
    if json:
        print_json(comparison)
    else:
        print_lines(render_comparison(comparison).rstrip("\n").split("\n"))
    return 1 if strict and not comparison.is_fair else 0


@app.command(name="report")
def report(run: Path, /, *, json: bool = False) -> int:
    """Print the findings of an evaluation, or of any run of rollouts or gradings.

    Parameters
    ----------
    run
        Folder of the run.
    json
        Print the evaluation as JSON.
    """
    return tell(load_evaluation(run), run, is_json=json)


def _whole(source: str) -> str:
    """Return a path as an absolute one, so that the run can be repeated from elsewhere."""
    path = Path(source).expanduser()
    return str(path.absolute()) if (path / ".git").exists() or path.is_dir() else source

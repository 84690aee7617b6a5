"""`journeyman train`: on source files, on verified rollouts, on what execution says."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from journeyman.cli.output import note, print_json
from journeyman.cli.settings import RunOptions, resolve_settings, show_config
from journeyman.cli.train_distill import distill_command
from journeyman.cli.training_progress import TrainingProgress
from journeyman.config import Config
from journeyman.errors import JourneymanError
from journeyman.runs import RunFolder
from journeyman.train.extra import require_extra
from journeyman.train.rl.settings import RlSettings
from journeyman.train.stages.dpo import DpoSettings, dpo
from journeyman.train.stages.midtrain import MidtrainSettings, midtrain
from journeyman.train.stages.sft import SftSettings, sft

__all__ = ["app"]

app = App(
    name="train",
    help="Train a model: on source files, on verified rollouts, on what execution says.",
)
app.command(distill_command, name="distill")


class GivenMidtrain(MidtrainSettings):
    """The flags of `train midtrain`; the model is positional."""

    model: Annotated[Path, Parameter(parse=False)] = Path()
    corpus: tuple[Path, ...] = ()
    """A folder of source files; again for more."""
    documents: tuple[Path, ...] = ()
    """A JSONL file of documents that `journeyman data` wrote; again for more."""
    conversations: tuple[Path, ...] = ()
    """A JSONL file of conversations; again for more."""


class GivenSft(SftSettings):
    """The flags of `train sft`; the model is positional."""

    model: Annotated[Path, Parameter(parse=False)] = Path()
    rollouts: tuple[Path, ...] = ()
    """Folder of a run with rollouts; again for more."""
    conversations: tuple[Path, ...] = ()
    """A JSONL file of conversations; again for more."""
    templates: tuple[str, ...] = ()
    """A template to write conversations in: `NAME`, `NAME=WEIGHT`, or `all`; again for more."""


class GivenDpo(DpoSettings):
    """The flags of `train dpo`; the model is positional."""

    model: Annotated[Path, Parameter(parse=False)] = Path()
    preferences: tuple[Path, ...] = ()
    """A JSONL file of preferences; again for more."""
    templates: tuple[str, ...] = ()
    """A template to write them in, `NAME`, `NAME=WEIGHT`, or `all`; again for more. Each pair is written
    in one of them."""


class GivenRl(RlSettings):
    """The flags of `train rl`; model and taskset are positional."""

    model: Annotated[Path, Parameter(parse=False)] = Path()
    taskset: Annotated[Path, Parameter(parse=False)] = Path()
    tasks: Annotated[tuple[str, ...], Parameter(name="--task")] = ()
    """Only this instance id; again for more."""
    trained_on: tuple[Path, ...] = ()
    """A run whose tasks an earlier stage was trained on, and none of which may be learned on; again for
    more."""
    void: tuple[str, ...] = ("all",)
    """A label of the audit that takes a reward away; again for more, or `all`."""


@app.command(name="midtrain")
def midtrain_command(
    model: Path,
    /,
    *,
    given: Annotated[GivenMidtrain, Parameter(name="*")] = GivenMidtrain(),  # noqa: B008 - frozen
    options: RunOptions = RunOptions(),  # noqa: B008 - frozen
) -> int:
    """Train a model on source files, as repository documents and with holes to be filled.

    Parameters
    ----------
    model
        Folder of the model to begin with.
    given
        What to do.
    options
        Where it is kept, and whether it goes on.
    """
    settings = resolve_settings(MidtrainSettings, options.config, given, model=model.absolute())
    if options.is_dry_run:
        return show_config(settings)
    return _train("midtrain", settings, midtrain, model, options)


@app.command(name="sft")
def sft_command(
    model: Path,
    /,
    *,
    given: Annotated[GivenSft, Parameter(name="*")] = GivenSft(),  # noqa: B008 - frozen
    options: RunOptions = RunOptions(),  # noqa: B008 - frozen
) -> int:
    """Fine-tune a model on rollouts that solved their tasks, conversations and exercises.

    Parameters
    ----------
    model
        Folder of the model to begin with.
    given
        What to do.
    options
        Where it is kept, and whether it goes on.
    """
    settings = resolve_settings(SftSettings, options.config, given, model=model.absolute())
    if options.is_dry_run:
        return show_config(settings)
    return _train("sft", settings, sft, model, options)


@app.command(name="dpo")
def dpo_command(
    model: Path,
    /,
    *,
    given: Annotated[GivenDpo, Parameter(name="*")] = GivenDpo(),  # noqa: B008 - frozen
    options: RunOptions = RunOptions(),  # noqa: B008 - frozen
) -> int:
    """Make preferred answers likelier than rejected ones, by direct preference optimisation.

    Parameters
    ----------
    model
        Folder of the model to begin with, which is the reference too.
    given
        What to do.
    options
        Where it is kept, and whether it goes on.
    """
    settings = resolve_settings(DpoSettings, options.config, given, model=model.absolute())
    if options.is_dry_run:
        return show_config(settings)
    return _train("dpo", settings, dpo, model, options)


@app.command(name="rl")
def rl_command(
    model: Path,
    taskset: Path,
    /,
    *,
    given: Annotated[GivenRl, Parameter(name="*")] = GivenRl(),  # noqa: B008 - frozen
    options: RunOptions = RunOptions(),  # noqa: B008 - frozen
) -> int:
    """Let a model try tasks, and make what solved them likelier.

    Parameters
    ----------
    model
        Folder of the model to begin with.
    taskset
        Folder of the tasks to learn on.
    given
        What to do.
    options
        Where it is kept, and whether it goes on.
    """
    fixed = {"model": model.absolute(), "taskset": taskset.absolute()}
    settings = resolve_settings(RlSettings, options.config, given, **fixed)
    if options.is_dry_run:
        return show_config(settings)
    return _train("rl", settings, _rl, model, options)


def _rl(settings: RlSettings, run: RunFolder | None, **options: Any) -> Path:
    if run is None:
        raise JourneymanError(
            "train rl runs in one process", "start it without torchrun or accelerate launch"
        )
    # Loads PyTorch, which only this command needs at once.
    from journeyman.train.stages.rl import rl

    return rl(settings, run, **{**options, "on_step": _tell_rl_step})


def _tell_rl_step(record: Mapping[str, Any]) -> None:
    held_out = ""
    if "held_out_solve_rate" in record:
        low, high = record["held_out_low"], record["held_out_high"]
        held_out = f", held out {record['held_out_solve_rate']:.0%} ({low:.0%} to {high:.0%})"
    note(
        f"step {record['step']}/{record['num_steps']}: solved {record['solve_rate']:.0%}, "
        f"reward {record['reward']:.2f}, {record['turns']:.1f} turns{held_out}, "
        f"{record['left_s']:.0f} s left"
    )


def _train(
    stage: str,
    settings: Config,
    work: Callable[..., Path | None],
    model: Path,
    options: RunOptions,
) -> int:
    require_extra()
    if int(os.environ.get("RANK", "0")) > 0:
        work(settings, None)  # the first process of a launch owns the run folder
        return 0
    run = options.create(f"train-{stage}", model.name, settings)
    with run:
        note(f"training in {run.path}")
        with TrainingProgress() as progress:
            place = work(settings, run, on_step=progress, on_progress=note)
        last = run.read("metrics")[-1]
    note(f"the trained model is in {place}")
    if options.is_json:
        print_json({"run": str(run.path), "model": str(place), **last})
    return 0

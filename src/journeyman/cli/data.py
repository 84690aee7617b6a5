"""`journeyman data`: what a model is trained on: made, counted, and shown as the model sees it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from cyclopts import App

from journeyman.cli.output import note, print_json
from journeyman.errors import JourneymanError

__all__ = ["app"]

app = App(name="data", help="Training data: make it, count it, see it as the model does.")


@app.command(name="demonstrate")
def demonstrate_command(
    taskset: Path,
    script: Path,
    /,
    *,
    scaffold: Literal["bash", "editor"] = "editor",
    json: bool = False,
) -> int:
    """Write scripts that work on each task as one who knows the fix would, to be rolled out.

    Parameters
    ----------
    taskset
        Folder of the taskset.
    script
        The file to write; roll it out with `--model scripted:FILE` and the same scaffold.
    scaffold
        Whose tools are called.
    json
        Print what was made as JSON.
    """
    from journeyman.tasks import load_taskset
    from journeyman.train.demonstrations import demonstrate, write_scripts

    tasks = load_taskset(taskset).tasks
    scripts = demonstrate(tasks, scaffold=scaffold)
    _refuse_existing(script)
    write_scripts(scripts, script)
    if json:
        print_json({"script": str(script), "num_tasks": len(tasks), "num_scripts": len(scripts)})
    else:
        note(f"{len(scripts)} scripts for {len(tasks)} tasks in {script}")
    return 0


@app.command(name="exercises")
def exercises_command(
    file: Path,
    /,
    *,
    num: int = 1000,
    num_turns: int = 5,
    seed: int = 0,
) -> int:
    """Write exercises in calling tools, as conversations that `train sft --conversations` reads.

    Parameters
    ----------
    file
        The JSONL file to write.
    num
        How many conversations.
    num_turns
        Calls in each.
    seed
        Seed of what is drawn.
    """
    from journeyman.runs import write_atomic
    from journeyman.train.documents.exercises import exercise_conversations

    _refuse_existing(file)
    found = exercise_conversations(num, num_turns=num_turns, seed=seed)
    lines = [it.model_dump_json(exclude_defaults=True) for it in found]
    write_atomic(file, "".join(f"{line}\n" for line in lines))
    note(f"{len(lines)} conversations in {file}")
    return 0


def _refuse_existing(path: Path) -> None:
    if path.exists():
        raise JourneymanError(f"{path} exists already", "give another name, or remove this one")

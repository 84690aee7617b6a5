"""`journeyman eval suites` and `eval prepare`: published benchmarks, from files that people have."""

from __future__ import annotations

import asyncio
from pathlib import Path

from journeyman.cli.output import emit, note, print_json, print_lines, print_table
from journeyman.cli.progress import Steps
from journeyman.errors import JourneymanError
from journeyman.evals.polyglot import prepare_polyglot
from journeyman.evals.suites import SUITES
from journeyman.evals.swebench.instance import read_instances
from journeyman.evals.swebench.prepare import Prepared
from journeyman.evals.swebench.prepare import prepare as prepare_taskset

__all__ = ["polyglot", "prepare", "suites"]


def suites(*, json: bool = False) -> int:
    """List the benchmarks whose files are read, what each needs, and where people get it.

    Parameters
    ----------
    json
        Print the list as JSON.
    """
    if json:
        print_json(list(SUITES.values()))
        return 0
    rows = [(it.name, it.needs, it.command, it.source) for it in SUITES.values()]
    print_table(("suite", "file", "command", "where people get it"), rows)
    print_lines(["", "Nothing is fetched: give the file that you have."])
    return 0


def prepare(
    file: Path,
    /,
    *,
    repositories: Path,
    out: Path,
    task: tuple[str, ...] = (),
    repo: tuple[str, ...] = (),
    name: str = "",
    sandbox: str = "namespace",
    json: bool = False,
) -> int:
    """Make a taskset of a SWE-bench file: an environment is built at each instance's base commit.

    Ended and called again, it goes on where it was. Instances that cannot be built on this machine
    are left out and named.

    Parameters
    ----------
    file
        The benchmark's file: JSONL, JSON or Parquet.
    repositories
        Folder with clones of the repositories, `owner__name` each.
    out
        Folder of the new taskset.
    task
        Only this instance id; again for more.
    repo
        Only instances of this repository, `owner/name`; again for more.
    name
        Name of the taskset; the file's where none is given.
    sandbox
        Sandbox backend that builds.
    json
        Print the outcome as JSON.
    """
    instances = read_instances(file)
    known = {it.instance_id for it in instances}
    if unknown := [it for it in task if it not in known]:
        raise JourneymanError(
            f"{file} has no instance {unknown[0]}",
            f"see its ids in {file}",
        )
    chosen = [
        it
        for it in instances
        if (not task or it.instance_id in task) and (not repo or it.repo in repo)
    ]
    if not chosen:
        raise JourneymanError(f"{file} has no instance of {', '.join(repo)}", "check the spelling")
    steps = Steps()
    steps(f"{len(chosen)} of {len(instances)} instances")
    prepared = asyncio.run(
        prepare_taskset(
            chosen, repositories, out.absolute(), name=name or file.name.partition(".")[0],
            on_progress=steps, backend=sandbox,
        )
    )  # fmt: skip
    return _tell(prepared, out, is_json=json)


def polyglot(
    folder: Path,
    /,
    *,
    out: Path,
    language: str = "python",
    exercise: tuple[str, ...] = (),
    sandbox: str = "namespace",
    json: bool = False,
) -> int:
    """Make a taskset of the exercises of Aider's polyglot benchmark, or of an Exercism track.

    Parameters
    ----------
    folder
        A clone of polyglot-benchmark, or of a track such as exercism/python.
    out
        Folder of the new taskset.
    language
        Which of its languages.
    exercise
        Only this exercise; again for more.
    sandbox
        Sandbox backend that builds.
    json
        Print the outcome as JSON.
    """
    steps = Steps()
    prepared = asyncio.run(
        prepare_polyglot(
            folder, out.absolute(), language, names=exercise, on_progress=steps, backend=sandbox
        )
    )
    return _tell(prepared, out, is_json=json)


def _tell(prepared: Prepared, out: Path, *, is_json: bool) -> int:
    if is_json:
        emit(
            {
                "taskset": str(out),
                "num_tasks": len(prepared.taskset.tasks),
                "left_out": prepared.left_out,
            }
        )
        return 0
    for instance_id, reason in prepared.left_out.items():
        note(f"left out: {instance_id}: {reason}")
    print_lines(
        [
            f"{len(prepared.taskset.tasks)} tasks, {len(prepared.left_out)} left out",
            "",
            f"taskset  {out}",
            f"check    journeyman eval tasks {out} --model oracle --model noop",
            f"go on    journeyman grade {out} predictions.jsonl",
        ]
    )
    return 0

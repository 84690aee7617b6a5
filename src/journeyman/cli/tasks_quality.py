"""`journeyman tasks filter`, `manifest` and `describe`: what is wrong with tasks, and better words."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from journeyman.cli.models import opened_model
from journeyman.cli.output import note, print_json, print_lines, print_table
from journeyman.errors import JourneymanError
from journeyman.tasks import Taskset, load_taskset
from journeyman.tasks.quality import (
    BANDS,
    find_overlap,
    make_manifest,
    read_manifest,
    write_manifest,
)
from journeyman.tasks.quality.sift import SiftConfig, Sifted, sift
from journeyman.tasks.subset import save_subset

__all__ = ["decontaminate", "describe", "filter_", "locate", "manifest"]


def locate(taskset: tuple[Path, ...], /, *, out: Path, json: bool = False) -> int:
    """Keep the tasks whose fix changes one line of one function, and say in their hints which function.

    Parameters
    ----------
    taskset
        Folder of a taskset; again for more, all of which become one.
    out
        Folder of the new taskset.
    json
        Print the counts as JSON.
    """
    from journeyman.tasks.locate import locate as located_of

    if not taskset:
        raise JourneymanError(
            "no taskset was given", "journeyman tasks locate TASKSET --out FOLDER"
        )
    loaded = [load_taskset(it) for it in taskset]
    found = [located_of(it) for it in loaded]
    kept = tuple(task for it in found for task in it.kept)
    whole = loaded[0].model_copy(
        update={
            "tasks": kept,
            "name": out.name,
            "project": "" if len(loaded) > 1 else loaded[0].project,
        }
    )
    save_subset(whole, out.absolute(), environments=[it.environments for it in loaded])
    dropped = sum((it.dropped for it in found), Counter[str]())
    if json:
        print_json({"out": str(out), "num_kept": len(kept), "dropped": dropped})
        return 0
    why = ", ".join(f"{count} {name}" for name, count in sorted(dropped.items()))
    note(f"{len(kept)} tasks in {out}; left out: {why or 'none'}")
    return 0


def filter_(
    taskset: Path,
    /,
    *,
    out: Path | None = None,
    manifest: Annotated[tuple[Path, ...], Parameter(name="--manifest")] = (),
    run: Annotated[tuple[Path, ...], Parameter(name="--run")] = (),
    band: Annotated[tuple[str, ...], Parameter(name="--band")] = (),
    model: str = "",
    threshold: float = 0.85,
    json: bool = False,
) -> int:
    """Drop tasks that are copies, a benchmark's own, unfairly put, or too easy or hard.

    Parameters
    ----------
    taskset
        Folder of the taskset.
    out
        Folder of the new taskset; without it only what would be dropped is said.
    manifest
        A benchmark that tasks must not overlap, as `tasks manifest` writes one; again for more.
    run
        A run whose rollouts say how hard each task is; again for more.
    band
        Keep only tasks of this difficulty: unsolved, hard, medium, easy or always; again for more.
    model
        A model that judges statements beside the rules.
    threshold
        How alike two tasks are at least, of 1, that count as copies.
    json
        Print the outcome as JSON.
    """
    for name in band:
        if name not in BANDS:
            raise JourneymanError(f"no difficulty {name}", f"difficulties: {', '.join(BANDS)}")
    if band and not run:
        raise JourneymanError("--band needs rollouts", "add --run RUN")
    loaded = load_taskset(taskset, needs_environments=False)
    config = SiftConfig(
        manifests=tuple(map(read_manifest, manifest)), runs=run, bands=band, threshold=threshold
    )
    sifted = asyncio.run(_sift(loaded, config, model))
    if out is not None:
        kept = loaded.model_copy(update={"tasks": sifted.kept})
        save_subset(kept, out.absolute(), environments=[loaded.environments])
    return _tell(loaded, sifted, out, is_json=json)


async def _sift(taskset: Taskset, config: SiftConfig, spec: str) -> Sifted:
    async with opened_model(spec) as model:
        return await sift(taskset, config, model=model)


def _tell(taskset: Taskset, sifted: Sifted, out: Path | None, *, is_json: bool) -> int:
    if is_json:
        print_json({"num_tasks": len(taskset.tasks), "num_kept": len(sifted.kept),
                    "dropped": sifted.dropped, "model_use": sifted.model_use,
                    "out": str(out) if out else None})  # fmt: skip
        return 0
    rows = [(drop.instance_id, drop.reason, drop.detail[:90]) for drop in sifted.dropped]
    if rows:
        print_table(("dropped", "reason", "detail"), rows)
    reasons = Counter(drop.reason for drop in sifted.dropped)
    told = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
    kept = f"{len(sifted.kept)} of {len(taskset.tasks)} tasks kept"
    print_lines(["", f"{kept} ({told or 'none dropped'})"])
    if out is not None:
        print_lines([f"taskset  {out}"])
    return 0


def manifest(
    benchmark: Path,
    /,
    *,
    out: Path,
    name: str = "",
    repos: bool = True,
    json: bool = False,
) -> int:
    """Describe a benchmark, so that tasks can be kept apart from it: repositories, commits, texts.

    Parameters
    ----------
    benchmark
        Its instances with SWE-bench's fields: .jsonl, .json or .parquet.
    out
        The new manifest, a JSON file; texts are in it as hashes only.
    name
        What reports call it; the file's name where none is given.
    repos
        Keep tasks of its repositories out altogether; --no-repos keeps only its commits and texts.
    json
        Print what was written as JSON.
    """
    from journeyman.tasks.exchange import read_rows

    made = make_manifest(name or benchmark.stem, read_rows(benchmark), has_repos=repos)
    write_manifest(out, made)
    counts = {"repos": len(made.repos), "commits": len(made.commits),
              "instances": len(made.instance_ids), "shingles": len(made.shingles)}  # fmt: skip
    if json:
        print_json({"out": str(out), "name": made.name, **counts})
    else:
        told = ", ".join(f"{count} {what}" for what, count in counts.items())
        print_lines([f"{out}: {made.name}, {told}"])
    return 0


def decontaminate(
    taskset: Path,
    /,
    *,
    manifest: Annotated[tuple[Path, ...], Parameter(name="--manifest")],
    out: Path | None = None,
    json: bool = False,
) -> int:
    """Drop the tasks that overlap a benchmark, and nothing else. Exits 1 if some do, without --out.

    Parameters
    ----------
    taskset
        Folder of the taskset.
    manifest
        A benchmark, as `tasks manifest` writes one; again for more.
    out
        Folder of the new taskset, without those.
    json
        Print the outcome as JSON.
    """
    loaded = load_taskset(taskset, needs_environments=False)
    manifests = [read_manifest(path) for path in manifest]
    overlaps = {task.instance_id: find_overlap(task, manifests) for task in loaded.tasks}
    found = {name: reason for name, reason in overlaps.items() if reason}
    kept = tuple(task for task in loaded.tasks if task.instance_id not in found)
    if out is not None:
        cleaned = loaded.model_copy(update={"tasks": kept})
        save_subset(cleaned, out.absolute(), environments=[loaded.environments])
    if json:
        print_json({"num_tasks": len(loaded.tasks), "num_kept": len(kept), "overlaps": found})
    else:
        if found:
            print_table(("task", "overlap"), list(found.items()))
        print_lines([f"{len(found)} of {len(loaded.tasks)} tasks overlap a benchmark"])
    return 1 if found and out is None else 0


def describe(
    taskset: Path,
    /,
    *,
    model: str,
    out: Path,
    attempts: int = 3,
    json: bool = False,
) -> int:
    """Let a model write the problem statements anew; those that the judge passes replace the old ones.

    Parameters
    ----------
    taskset
        Folder of the taskset.
    model
        The model that writes.
    out
        Folder of the new taskset.
    attempts
        How often the model is asked for one statement; each time it is told what was wrong.
    json
        Print the outcome as JSON.
    """
    from journeyman.tasks.describe import DescribeReport, describe_tasks

    loaded = load_taskset(taskset, needs_environments=False)

    async def work() -> tuple[Taskset, DescribeReport]:
        async with opened_model(model) as opened:
            assert opened is not None
            return await describe_tasks(loaded, opened, attempts=attempts, on_progress=note)

    described, report = asyncio.run(work())
    save_subset(described, out.absolute(), environments=[loaded.environments])
    if json:
        print_json({"taskset": str(out), "report": report})
        return 0
    reasons = ", ".join(f"{count} {reason}" for reason, count in report.refused.items())
    print_lines([f"{report.num_written} of {len(loaded.tasks)} statements are new",
                 f"refused  {reasons or 'none'}", f"taskset  {out}"])  # fmt: skip
    return 0

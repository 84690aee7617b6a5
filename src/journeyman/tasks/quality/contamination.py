"""Benchmarks that tasks must not overlap: by repository, by commit, by instance, by text.

A manifest is one JSON file, small enough to be kept beside a project. Texts are in it as hashes of word
groups, so that it can be passed on without the benchmark:

    {"name": "swe-bench-verified", "repos": ["django/django"], "commits": ["3e2…"],
     "instance_ids": ["django__django-11099"], "shingle_size": 13, "shingles": ["9f2c…", …]}

    manifest = make_manifest("mine", records)
    find_overlap(task, [manifest])
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from journeyman.errors import JourneymanError
from journeyman.tasks.quality.text import changed_text, shingles
from journeyman.types import Data, Task

__all__ = ["BenchmarkManifest", "find_overlap", "make_manifest", "read_manifest", "write_manifest"]

SHINGLE_SIZE = 13
"""As GPT-3's authors and most after them cut texts for this (Brown et al. 2020, appendix C)."""

MIN_SHARE = 0.2
"""Part of a text's word groups that may be a benchmark's own before it counts as overlap."""

_HASH_CHARACTERS = 16


class BenchmarkManifest(Data):
    """What a benchmark holds."""

    name: str
    repos: tuple[str, ...] = ()
    """`owner/name`: no task may come from these, whatever its commit."""
    commits: tuple[str, ...] = ()
    """Full or shortened commit ids, as tasks' bases or set-ups."""
    instance_ids: tuple[str, ...] = ()
    shingle_size: int = Field(default=SHINGLE_SIZE, ge=1)
    shingles: tuple[str, ...] = ()
    """First 16 hexadecimal digits of the SHA-256 of every word group, sorted."""


def make_manifest(
    name: str,
    records: Iterable[Mapping[str, Any]],
    *,
    has_repos: bool = True,
    size: int = SHINGLE_SIZE,
) -> BenchmarkManifest:
    """Describe a benchmark's instances, which have SWE-bench's field names.

    `has_repos` keeps every task of its repositories out; without it only its own commits and texts.
    """
    rows = list(records)
    texts = [_changed(str(row.get("patch", ""))) for row in rows]
    texts += [str(row.get("problem_statement", "")) for row in rows]
    texts += [_changed(str(row.get("test_patch", ""))) for row in rows]
    hashes = {_hashed(part) for text in texts for part in _full(text, size)}
    return BenchmarkManifest(
        name=name,
        repos=_sorted(row.get("repo") for row in rows) if has_repos else (),
        commits=_sorted(
            row.get(key) for row in rows for key in ("base_commit", "environment_setup_commit")
        ),
        instance_ids=_sorted(row.get("instance_id") for row in rows),
        shingle_size=size,
        shingles=tuple(sorted(hashes)),
    )


def find_overlap(task: Task, manifests: Sequence[BenchmarkManifest]) -> str:
    """Say in what a task overlaps a benchmark; "" where it does in nothing."""
    for manifest in manifests:
        reason = _overlap(task, manifest)
        if reason:
            return f"{manifest.name}: {reason}"
    return ""


def read_manifest(path: Path) -> BenchmarkManifest:
    """Read a manifest; every fault is a `JourneymanError`."""
    hint = "journeyman tasks manifest BENCHMARK.jsonl makes one"
    try:
        return BenchmarkManifest.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise JourneymanError(f"cannot read the manifest {path}: {error}", hint) from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise JourneymanError(f"{path} is no manifest: {where}: {first['msg']}", hint) from None


def write_manifest(path: Path, manifest: BenchmarkManifest) -> None:
    """Write a manifest, equal ones to equal bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(manifest.model_dump(mode="json"), indent=1, ensure_ascii=False)
    path.write_text(f"{text}\n", encoding="utf-8")


def _overlap(task: Task, manifest: BenchmarkManifest) -> str:
    if task.instance_id in manifest.instance_ids:
        return f"it holds {task.instance_id}"
    repos = {repo.lower() for repo in manifest.repos}
    if task.repo.lower() in repos:
        return f"it is made of {task.repo}"
    for commit in (task.base_commit, task.environment_setup_commit):
        if commit and any(_is_same_commit(commit, other) for other in manifest.commits):
            return f"it holds the commit {commit[:12]}"
    known = set(manifest.shingles)
    for what, text in (("statement", task.problem_statement), ("fix", changed_text(task))):
        groups = _full(text, manifest.shingle_size)
        shared = sum(_hashed(group) in known for group in groups)
        if groups and shared / len(groups) >= MIN_SHARE:
            return f"{100 * shared / len(groups):.0f} % of the {what} is in it"
    return ""


def _full(text: str, size: int) -> set[str]:
    """Return a text's word groups of full size: shorter texts say too little to be anyone's own."""
    found = shingles(text, size=size)
    return {group for group in found if group.count(" ") == size - 1}


def _changed(patch: str) -> str:
    kept = [line for line in patch.split("\n") if line[:1] in ("+", "-")]
    return "\n".join(line for line in kept if not line.startswith(("+++ ", "--- ")))


def _is_same_commit(one: str, other: str) -> bool:
    short = min(len(one), len(other))
    return short >= 7 and one[:short].lower() == other[:short].lower()


def _hashed(group: str) -> str:
    return hashlib.sha256(group.encode()).hexdigest()[:_HASH_CHARACTERS]


def _sorted(values: Iterable[Any]) -> tuple[str, ...]:
    return tuple(sorted({str(value) for value in values if value}))

"""Whether a model may have learnt the very tasks it is evaluated on.

Three signs, from certain to likely: the same instance, the same repository at the same commit, and
long passages of the answer or the problem in what it was trained on. What was trained on must be
given; without it nothing is claimed.

    check_contamination(taskset.tasks, [Path("tasksets/train")])["num_tasks_flagged"]
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from journeyman.errors import JourneymanError
from journeyman.types import Task

__all__ = ["check_contamination"]

NUM_WORDS = 13
"""Words of a passage that count as the same text, as in most contamination studies since GPT-3."""
_WORD = re.compile(r"\w+")
_SHARE = 0.2
_TEXT_FILES = ("*.jsonl", "*.json")


def check_contamination(tasks: Sequence[Task], trained_on: Sequence[Path]) -> dict[str, Any]:
    """Search what was trained on for the tasks; `{"is_checked": False}` where nothing is given.

    Raises `JourneymanError` for a folder or file that does not exist.
    """
    if not trained_on:
        return {"is_checked": False}
    texts: list[str] = []
    instances: set[str] = set()
    states: set[tuple[str, str]] = set()
    for source in trained_on:
        for record in _records(source):
            instances.add(str(record.get("instance_id", "")))
            states.add(
                (str(record.get("repo", "")), str(record.get("environment_setup_commit", "")))
            )
            texts.append(json.dumps(record, ensure_ascii=False))
    passages = {passage for text in texts for passage in _passages(text.replace("\\n", "\n"))}
    found: dict[str, list[str]] = {}
    for task in tasks:
        if signs := list(_signs(task, instances, states, passages)):
            found[task.instance_id] = signs
    return {
        "is_checked": True,
        "sources": [str(source) for source in trained_on],
        "num_tasks": len(tasks),
        "num_tasks_flagged": len(found),
        "tasks": found,
        "passage_words": NUM_WORDS,
    }


def _signs(
    task: Task, instances: set[str], states: set[tuple[str, str]], passages: set[tuple[str, ...]]
) -> Iterator[str]:
    if task.instance_id in instances:
        yield "same instance"
    commit = task.environment_setup_commit
    if commit and (task.repo, commit) in states:
        yield "same repository at the same commit"
    added = "\n".join(
        line[1:] for line in task.patch.split("\n") if line[:1] == "+" and line[:3] != "+++"
    )
    for name, text in (("answer", added), ("problem statement", task.problem_statement)):
        own = set(_passages(text))
        if own and len(own & passages) / len(own) >= _SHARE:
            yield f"passages of the {name}"


def _passages(text: str) -> Iterator[tuple[str, ...]]:
    words = [word.lower() for word in _WORD.findall(text)]
    for start in range(len(words) - NUM_WORDS + 1):
        yield tuple(words[start : start + NUM_WORDS])


def _records(source: Path) -> Iterator[dict[str, Any]]:
    if not source.exists():
        raise JourneymanError(f"{source} does not exist", "give a taskset, a run or a JSONL file")
    files = [source] if source.is_file() else sorted(
        path for pattern in _TEXT_FILES for path in source.rglob(pattern)
        if "environments" not in path.relative_to(source).parts
    )  # fmt: skip
    for path in files:
        text = path.read_text(encoding="utf-8", errors="replace")
        for line in text.split("\n") if path.suffix == ".jsonl" else [text]:
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict):
                yield record

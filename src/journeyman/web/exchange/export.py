"""Writes a run in another format: the folder whole or absent, with a note of what it holds.

export_run(run, "sft-jsonl", Path("out"))
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic import Field

from journeyman.errors import JourneymanError
from journeyman.types import Data
from journeyman.web.exchange.atif import to_atif
from journeyman.web.exchange.conversation import to_messages, to_session, to_sft
from journeyman.web.exchange.redact import Redactor
from journeyman.web.exchange.source import Leaving, leaving_rollouts
from journeyman.web.reading import RunReader
from journeyman.web.reading.run import page_key

__all__ = ["FORMATS", "Exported", "export_run"]


class Exported(Data):
    """What was written."""

    folder: Path
    format: str
    num_rollouts: int = 0
    num_left_out: int = 0
    """Rollouts that the format is not for: without a trajectory, or not wanted."""
    unreadable: tuple[str, ...] = ()
    redacted: dict[str, int] = Field(default_factory=dict)
    """Secrets that were taken out, by kind."""
    num_without_tokens: int = 0
    """Rollouts whose tokens were left out, because a secret stood in their text."""


def export_run(run: RunReader, to: str, folder: Path, *, is_everything: bool = False) -> Exported:
    """Write a run into a new folder. Raises `JourneymanError` where that exists, or for no rollouts.

    `sft-jsonl` holds the rollouts that are solved with a valid reward; `is_everything` holds all.
    """
    if to not in FORMATS:
        raise JourneymanError(f"no format {to!r}", f"formats: {', '.join(FORMATS)}")
    if folder.exists():
        raise JourneymanError(
            f"{folder} is there already, and nothing is overwritten", "give another --out"
        )
    run.refresh()
    if not run.rows:
        raise JourneymanError(f"{run.path} has no finished rollouts", f"journeyman view {run.path}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        made = _Writing(run, scratch, is_everything).write(to, folder)
        scratch.chmod(0o755)
        os.rename(scratch, folder)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    return made


class _Writing:
    """One export under way."""

    def __init__(self, run: RunReader, folder: Path, is_everything: bool) -> None:
        self.run = run
        self.folder = folder
        self.is_everything = is_everything
        self.redactor = Redactor()
        self.unreadable: list[str] = []
        self.num_seen = 0
        self.num_without_tokens = 0

    def write(self, to: str, target: Path) -> Exported:
        """Write everything and the note."""
        count = FORMATS[to](self)
        made = Exported(
            folder=target,
            format=to,
            num_rollouts=count,
            num_left_out=self.num_seen - count,
            unreadable=tuple(self.unreadable),
            redacted=dict(self.redactor.counts),
            num_without_tokens=self.num_without_tokens,
        )
        note = made.model_dump(mode="json", exclude={"folder"}) | {"run": self.run.name}
        (self.folder / "export.json").write_text(json.dumps(note, indent=2) + "\n")
        return made

    def rollouts(self) -> Iterator[Leaving]:
        """Yield what can be read."""
        for found in leaving_rollouts(self.run, self.redactor):
            if isinstance(found, str):
                self.unreadable.append(found)
                continue
            self.num_seen += 1
            self.num_without_tokens += found.is_redacted
            yield found


def _write_atif(writing: _Writing) -> int:
    count = 0
    for it in writing.rollouts():
        folder = writing.folder / page_key(it.rollout.rollout_id)
        for branch, trajectory in enumerate(it.branches, start=1):
            folder.mkdir(exist_ok=True)
            document = to_atif(writing.run.name, it.rollout, trajectory, branch=branch)
            text = json.dumps(document, ensure_ascii=False) + "\n"
            (folder / f"trajectory{_suffix(branch)}.json").write_text(text, encoding="utf-8")
        count += bool(it.branches)
    return count


def _write_sessions(writing: _Writing) -> int:
    count = 0
    (writing.folder / "sessions").mkdir()
    for it in writing.rollouts():
        key = page_key(it.rollout.rollout_id)
        for branch, trajectory in enumerate(it.branches, start=1):
            path = writing.folder / "sessions" / f"{key}{_suffix(branch)}.jsonl"
            lines = to_session(writing.run.name, it.rollout, trajectory, branch=branch)
            _write_lines(path, lines)
        count += bool(it.branches)
    (writing.folder / "README.md").write_text(
        "---\ntags:\n- agent-traces\n---\n\n"
        f"Agent traces of the run `{writing.run.name}`, written by `journeyman export --to hf-traces`.\n"
    )
    return count


def _write_sft(writing: _Writing) -> int:
    wanted = [
        it for it in writing.rollouts() if it.branches and (writing.is_everything or _is_solved(it))
    ]
    lines = (
        to_sft(it.rollout, trajectory, branch=branch)
        for it in wanted
        for branch, trajectory in enumerate(it.branches, start=1)
    )
    _write_lines(writing.folder / "train.jsonl", lines)
    return len(wanted)


def _suffix(branch: int) -> str:
    """Return what the name of a further branch's file ends in."""
    return "" if branch == 1 else f"-{branch}"


def _is_solved(leaving: Leaving) -> bool:
    rollout = leaving.rollout
    is_valid = rollout.reward is not None and rollout.reward.is_valid
    return is_valid and rollout.verdict is not None and rollout.verdict.is_resolved


def _write_parquet(writing: _Writing) -> int:
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError:
        raise JourneymanError(
            "Parquet is written with pyarrow, which is not installed",
            "uv pip install 'journeyman[data]'",
        ) from None
    rows = [_table_row(writing.run.name, it) for it in writing.rollouts()]
    parquet.write_table(arrow.Table.from_pylist(rows), writing.folder / "rollouts.parquet")
    return len(rows)


def _table_row(run: str, leaving: Leaving) -> dict[str, Any]:
    record = leaving.rollout.model_dump(mode="json")
    verdict, reward, failure = (record.pop(name) for name in ("verdict", "reward", "failure"))
    branches = [to_messages(it) for it in leaving.branches] or [[]]
    return {
        "run": run,
        **record,
        "is_resolved": bool(verdict and verdict["is_resolved"]),
        "reward": reward["value"] if reward else None,
        "reward_is_valid": bool(reward and reward["is_valid"]),
        "reward_parts": json.dumps(reward["parts"] if reward else {}),
        "tests": json.dumps(verdict["tests"] if verdict else {}),
        "failure": failure["cause"] if failure else "",
        "messages": json.dumps(branches[0], ensure_ascii=False),
        "other_branches": json.dumps(branches[1:], ensure_ascii=False),
    }


def _write_lines(path: Path, lines: Iterator[dict[str, Any]]) -> None:
    with open(path, "w", encoding="utf-8") as file:
        for line in lines:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


FORMATS: dict[str, Callable[[_Writing], int]] = {
    "atif": _write_atif,
    "hf-traces": _write_sessions,
    "sft-jsonl": _write_sft,
    "parquet": _write_parquet,
}
"""By the names that `--to` takes."""

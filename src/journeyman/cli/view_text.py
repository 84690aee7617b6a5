"""`journeyman view --text`: a run's report, its rollouts, or one rollout turn by turn, in a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from journeyman.cli.output import print_json, print_lines, print_table
from journeyman.errors import JourneymanError
from journeyman.runs import read_jsonl
from journeyman.types import Rollout, Trajectory, Turn

__all__ = ["show_text"]

_SHOWN_LINES = 40


def show_text(run: Path, rollout_id: str | None, *, is_full: bool, is_json: bool) -> int:
    """Print a run's report and its rollouts, or one rollout turn by turn."""
    if not (run / "rollouts.jsonl").is_file():
        raise JourneymanError(
            f"no run at {run}", "see what is there: ls runs; in a browser: add --serve"
        )
    rollouts = [Rollout.model_validate(record) for record in read_jsonl(run / "rollouts.jsonl")]
    if rollout_id is None:
        return _show_run(run, rollouts, is_json=is_json)
    return _show_rollout(run, _find(run, rollouts, rollout_id), is_full=is_full, is_json=is_json)


def _show_run(run: Path, rollouts: list[Rollout], *, is_json: bool) -> int:
    if is_json:
        print_json(rollouts)
        return 0
    report = run / "report.md"
    if report.is_file():
        print_lines([report.read_text(encoding="utf-8").rstrip(), ""])
    print_table(
        ("rollout", "ending", "solved", "turns", "tokens", "failure"),
        [
            (
                it.rollout_id,
                it.ending.value,
                "yes" if it.verdict is not None and it.verdict.is_resolved else "no",
                it.num_turns,
                it.num_completion_tokens,
                it.failure.cause if it.failure else "",
            )
            for it in rollouts
        ],
    )
    if rollouts:
        print_lines(["", f"one of them: journeyman view {run} {rollouts[0].rollout_id}"])
    return 0


def _find(run: Path, rollouts: list[Rollout], wanted: str) -> Rollout:
    found = [it for it in rollouts if it.rollout_id == wanted]
    found = found or [it for it in rollouts if it.rollout_id.startswith(wanted)]
    if len(found) != 1:
        what = "no rollout" if not found else f"{len(found)} rollouts"
        raise JourneymanError(f"{run} has {what} {wanted}", f"journeyman view {run}")
    return found[0]


def _show_rollout(run: Path, rollout: Rollout, *, is_full: bool, is_json: bool) -> int:
    folder = run / "artifacts" / rollout.rollout_id
    path = folder / "trajectory.json"
    trajectory = Trajectory.model_validate_json(path.read_bytes()) if path.is_file() else None
    if is_json:
        print_json({"rollout": rollout, "trajectory": trajectory})
        return 0
    print_lines(_head(rollout))
    for number, turn in enumerate(trajectory.turns if trajectory else (), start=1):
        print_lines(_turn_lines(number, turn, is_full=is_full))
    print_lines(["", "patch", rollout.patch.rstrip() or "(empty)"])
    print_lines(["", f"files: {folder}"])
    return 0


def _head(rollout: Rollout) -> Iterator[str]:
    yield f"{rollout.rollout_id}: {rollout.ending.value} after {rollout.num_turns} turns"
    if rollout.failure:
        yield f"failure: {rollout.failure.cause} {rollout.failure.detail}".rstrip()
    if rollout.verdict:
        passed = sum(status == "passed" for status in rollout.verdict.tests.values())
        solved = "solved" if rollout.verdict.is_resolved else "not solved"
        yield f"verdict: {solved}, {passed} of {len(rollout.verdict.tests)} tests pass"
    if rollout.reward:
        valid = "" if rollout.reward.is_valid else " (invalid: not counted)"
        yield f"reward:  {rollout.reward.value:g}{valid}"


def _turn_lines(number: int, turn: Turn, *, is_full: bool) -> Iterator[str]:
    yield f"\n--- turn {number}"
    for message in turn.prompt_messages:
        yield f"[{message.role}]"
        yield from _cut(message.content, is_full=is_full)
    yield "[assistant]"
    text = turn.completion.text or turn.message.content
    yield from _cut(text, is_full=is_full)
    if not turn.completion.text:
        for call in turn.message.tool_calls:
            yield from _cut(f"call {call.name} {call.arguments}", is_full=is_full)
    for error in turn.format_errors:
        yield f"format error: {error.kind}: {error.message}"
    for message in turn.observations:
        yield f"[{message.role} {message.name}]".replace(" ]", "]")
        yield from _cut(message.content, is_full=is_full)


def _cut(text: str, *, is_full: bool) -> Iterator[str]:
    lines = _plain(text).rstrip("\n").split("\n")
    shown = lines if is_full else lines[:_SHOWN_LINES]
    yield from shown
    if len(shown) < len(lines):
        yield f"… {len(lines) - len(shown)} more lines; --full shows them"


def _plain(text: str) -> str:
    """Take out what would drive the terminal: a trajectory is untrusted text."""
    return "".join(char if char.isprintable() or char in "\n\t" else "�" for char in text)

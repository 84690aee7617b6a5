"""What runs of external agents captured: solved rollouts, and whether every token is as it was.

    journeyman rollout TASKSET --scaffold codex --model oracle --name oracle-codex
    python benchmarks/captured.py runs/oracle-codex …

Rebuilds every prompt from what was kept and compares it with what the model was given
(`check_fidelity`), and counts what training is fed. Ends with 1 if there is a breach.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from journeyman.gateway import SessionRecord, check_fidelity, sequences
from journeyman.types import Trajectory

COLUMNS = (
    "scaffold",
    "rollouts",
    "solved",
    "turns",
    "trajectories",
    "tokens drawn",
    "with log-probability",
    "prompts checked",
    "breaches",
    "MB kept",
)


def main(runs: list[str]) -> int:
    print("| " + " | ".join(COLUMNS) + " |")
    print("|---" * len(COLUMNS) + "|")
    num_breaches = 0
    for run in map(Path, runs):
        row, breaches = _row(run)
        print("| " + " | ".join(f"{it:,}" if isinstance(it, int) else str(it) for it in row) + " |")
        num_breaches += len(breaches)
        for breach in breaches:
            print(f"{run}: {breach}", file=sys.stderr)
    return 1 if num_breaches else 0


def _row(run: Path) -> tuple[list[object], list[str]]:
    lines = (run / "rollouts.jsonl").read_text(encoding="utf-8").splitlines()
    rollouts = [json.loads(line) for line in lines]
    solved = sum(bool(it["verdict"] and it["verdict"]["is_resolved"]) for it in rollouts)
    turns = branches = drawn = told = checked = num_bytes = 0
    breaches: list[str] = []
    for rollout in rollouts:
        folder = run / "artifacts" / rollout["rollout_id"]
        for path in sorted(folder.rglob("session.json")):
            num_bytes += path.stat().st_size
            record = SessionRecord.model_validate_json(path.read_bytes())
            found = check_fidelity(record)
            breaches += [f"{rollout['rollout_id']}: {it}" for it in found.breaches]
            turns, checked = turns + found.num_turns, checked + found.num_checked
        for path in sorted(folder.rglob("trajectory*.json")):
            branches += 1
            trajectory = Trajectory.model_validate_json(path.read_bytes())
            for sequence in sequences(trajectory):
                drawn += sum(sequence.is_sampled)
                told += sum(
                    is_drawn and value < 0
                    for is_drawn, value in zip(sequence.is_sampled, sequence.logprobs, strict=True)
                )
    if checked < turns:
        breaches.append(f"{turns - checked} prompts could not be checked")
    if told < drawn:
        breaches.append(f"{drawn - told} tokens have no log-probability")
    scaffold = rollouts[0]["scaffold"] if rollouts else run.name
    kept = f"{num_bytes / 1e6:.1f}"
    row = [scaffold, len(rollouts), solved, turns, branches, drawn, told, checked]
    return [*row, len(breaches), kept], breaches


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

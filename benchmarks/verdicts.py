"""Whether two sandbox backends give the same verdicts, test by test.

Four predictions for every task of the tasksets (the gold patch, none, one that changes nothing that
matters, a gold patch that was broken) are graded in each backend, and every verdict is compared.

    python benchmarks/verdicts.py tasksets/toolz tasksets/boltons --sandbox docker:my-base

Exits 1 where a verdict differs, or where a backend gave none: those are counted apart, with the cause.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

NOTE = (
    "diff --git a/NOTE b/NOTE\nnew file mode 100644\n--- /dev/null\n+++ b/NOTE\n"
    "@@ -0,0 +1 @@\n+Nothing that matters.\n"
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasksets", nargs="+", type=Path)
    parser.add_argument("--sandbox", required=True, help="compared with namespace")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    report = {"num_tasks": 0, "num_verdicts": 0, "num_tests": 0, "num_resolved": 0}
    report |= {"differing": [], "not_graded": []}
    for taskset in arguments.tasksets:
        compare(taskset, arguments.sandbox, report)
    print(json.dumps(report, indent=2) if arguments.json else lines(report))
    return 1 if report["differing"] or report["not_graded"] else 0


def compare(taskset: Path, backend: str, report: dict) -> None:
    """Add one taskset to the report."""
    tasks = [json.loads(line) for line in (taskset / "tasks.jsonl").read_text().splitlines()]
    with tempfile.TemporaryDirectory(prefix="journeyman-verdicts-") as scratch:
        predictions = Path(scratch, "predictions.jsonl")
        predictions.write_text("".join(f"{json.dumps(row)}\n" for row in predicted(tasks)))
        ours = verdicts(taskset, predictions, Path(scratch, "a"), "namespace")
        theirs = verdicts(taskset, predictions, Path(scratch, "b"), backend)
    report["num_tasks"] += len(tasks)
    for where, found in (("namespace", ours), (backend, theirs)):
        lost = {name: it["cause"] for name, it in found.items() if it["tests"] is None}
        report["not_graded"] += [f"{name} in {where}: {cause}" for name, cause in lost.items()]
    both = [name for name in ours if name in theirs]
    both = [name for name in both if None not in (ours[name]["tests"], theirs[name]["tests"])]
    report["num_verdicts"] += len(both)
    report["num_tests"] += sum(len(ours[name]["tests"]) for name in both)
    report["num_resolved"] += sum(ours[name]["is_resolved"] for name in both)
    report["differing"] += [name for name in both if ours[name] != theirs[name]]


def predicted(tasks: list[dict]) -> list[dict]:
    """Make the predictions: right, absent, irrelevant and wrong."""
    rows = []
    for task in tasks:
        gold = task["patch"]
        patches = {"gold": gold, "empty": "", "note": NOTE, "broken": broken(gold)}
        for model, patch in patches.items():
            names = {"instance_id": task["instance_id"], "model_name_or_path": model}
            rows.append({**names, "model_patch": patch})
    return rows


def broken(patch: str) -> str:
    """Put what is no Python into the added lines of a patch; one without them stays as it is."""
    is_added = [line.startswith("+") and not line.startswith("+++") for line in patch.split("\n")]
    rows = zip(patch.split("\n"), is_added, strict=True)
    return "\n".join(f"+)({line[1:]}" if added else line for line, added in rows)


def verdicts(taskset: Path, predictions: Path, runs: Path, backend: str) -> dict[str, dict]:
    """Grade in one backend; return what was decided, without times; no tests where nothing was."""
    words = ["grade", str(taskset), str(predictions), "--runs", str(runs), "--name", "run"]
    command = [str(Path(sys.executable).with_name("journeyman")), *words, "--sandbox", backend]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    found = {}
    for line in (runs / "run/rollouts.jsonl").read_text().splitlines():
        rollout = json.loads(line)
        verdict = rollout["verdict"] or {}
        failure = verdict.get("failure") or rollout.get("failure") or {}
        found[rollout["rollout_id"]] = {
            "is_resolved": verdict.get("is_resolved", False),
            "patch_is_applied": verdict.get("patch_is_applied"),
            "tests": verdict.get("tests"),
            "cause": failure.get("cause"),
        }
    return found


def lines(report: dict) -> str:
    same = report["num_verdicts"] - len(report["differing"])
    counted = f"{report['num_tasks']} tasks, {report['num_resolved']} predictions resolved"
    counted = f"{report['num_tests']} tests; {counted}"
    text = f"{same} of {report['num_verdicts']} verdicts identical ({counted})"
    wrong = [f"differs: {name}" for name in report["differing"]]
    return "\n".join([text, *wrong, *(f"not graded: {it}" for it in report["not_graded"])])


if __name__ == "__main__":
    sys.exit(main())

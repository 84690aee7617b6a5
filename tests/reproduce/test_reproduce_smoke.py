"""The smallest scale end to end, for real: killed with -9 in the middle, and gone on with to its
report."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("torch")

pytestmark = pytest.mark.sandbox
STAGES = (
    "tasks-*",
    "texts",
    "model",
    "midtrain",
    "packing",
    "sft",
    "base-*",
    "expert-*",
    "merge-average-*",
    "student-*",
)


def start(folder: Path, *more: str) -> subprocess.Popen[bytes]:
    only = [word for it in STAGES for word in ("--only", it)]
    words = ["reproduce", "--scale", "smoke", "--domains", "software", *only]
    program = (sys.executable, "-c", "from journeyman.cli import main; main()")
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            [*program, *words, "--runs", str(folder), "--name", "one", *more],
            stdout=log,
            stderr=log,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )


def test_it_goes_on_where_it_was_killed_and_tells_everything(tmp_path) -> None:
    ledger = tmp_path / "one/stages.jsonl"
    process = start(tmp_path)
    deadline = time.monotonic() + 600
    while not (tmp_path / "one/runs/midtrain/config.toml").is_file():
        assert process.poll() is None, (tmp_path / "log").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = ledger.read_text()
    assert start(tmp_path, "--resume").wait() == 0, (tmp_path / "log").read_text()

    records = [json.loads(it) for it in ledger.read_text().splitlines()]
    assert ledger.read_text().startswith(before)
    commands = [it["command"] for it in records if it["state"] == "step"]
    assert len(commands) == len(set(commands)), "a step was done twice"
    done = {it["stage"] for it in records if it["state"] == "done"}
    wanted = {
        "tasks-software",
        "midtrain",
        "sft",
        "base-software",
        "expert-software-0",
        "merge-average-0",
        "student-0",
    }
    assert wanted <= done

    found = json.loads((tmp_path / "one/report.json").read_text())
    (expert,) = found["experts"]
    assert expert["base"]["num_rollouts"] + expert["base"]["num_invalid"] == 2
    (student,) = found["students"]
    assert student["student"]["num_tasks"] == expert["expert"]["num_tasks"]
    assert {"base", "student"} <= set(found["general loss"]["student-0"])
    # Only the expert of single turns is measured before its first step.
    assert [it["step"] for it in found["figure 6"]["expert-software-0"]] == [1]
    states = {it["stage"]: it["state"] for it in found["stages"]}
    assert (states["packing"], states["hacking-off-0"]) == ("done", "not run")
    report = (tmp_path / "one/report.md").read_text()
    assert "**Not run: merge-ties-0, off-policy-0" in report
    assert "no figure below is a claim" in report
    assert "journeyman train distill" in report

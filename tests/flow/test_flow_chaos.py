"""The chaos of `benchmarks/chaos.py`, small: every kind of process killed once."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

CHAOS = Path(__file__).parents[2] / "benchmarks/chaos.py"


@pytest.mark.sandbox
def test_whatever_is_killed_nothing_is_lost_doubled_or_left(tmp_path):
    # Few at once: the run must last until the last of the kills.
    command = [sys.executable, str(CHAOS), "--rollouts", "24", "--at-once", "4"]
    command += ["--rounds", "6", "--seed", "7"]
    done = subprocess.run(
        [*command, "--keep", str(tmp_path / "chaos")], capture_output=True, text=True, timeout=900
    )
    outcome = json.loads(done.stdout)
    assert (outcome["wrong"], outcome["left_over"], done.returncode) == ([], {}, 0)
    assert sum(outcome["killed"].values()) >= 4

"""The benchmark of many rollouts measures rollouts that end well, by today's protocol of sandboxes."""

import json
import subprocess
import sys
from pathlib import Path

SCALE = Path(__file__).parents[2] / "benchmarks" / "flow.py"


def test_the_sandboxes_elsewhere_answer_as_real_ones_do():
    words = ("scale", "--rollouts", "8", "--turns", "3", "--latency", "0.01")
    done = subprocess.run([sys.executable, SCALE, *words], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    told = json.loads(done.stdout)
    assert told["rollouts"] == told["resolved"] == 8

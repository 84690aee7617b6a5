"""The notebooks as programs, with a run and without."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.py"))

pytest.importorskip("marimo", reason="the group docs has marimo")


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda it: it.stem)
def test_a_notebook_runs_from_top_to_bottom(notebook):
    done = subprocess.run(
        [sys.executable, notebook], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.sandbox
def test_notebooks_read_a_real_run(tmp_path):
    program = Path(sys.executable).parent / "journeyman"
    made = [program, "quickstart", "--project", "bundled", "--num-tasks", "1", "--model", ""]
    subprocess.run(
        [*made, "--name", "tiny"], cwd=tmp_path, check=True, timeout=600, capture_output=True
    )
    for name in ("solve_rates", "failures"):
        done = subprocess.run(
            [sys.executable, ROOT / f"notebooks/{name}.py", "--", "--run", tmp_path / "runs/tiny"],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "2 rollouts" in done.stdout

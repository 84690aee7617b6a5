"""The README's commands, run as they stand, in order, by a shell in a copy of the checkout."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
COMMANDS = [line for block in BLOCKS for line in block.strip().split("\n")]

# `make test` is what runs this file; `make quickstart` has a test of its own.
GUIDE = [line for line in COMMANDS if not line.startswith("make ")]


def test_the_readme_shows_both_commands_that_do_everything():
    assert COMMANDS[:2] == ["make quickstart", "make test"]


@pytest.mark.network
@pytest.mark.sandbox
def test_the_guide_runs_as_it_stands(tmp_path):
    for name in ("README.md", "Makefile"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    for command in GUIDE:
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=tmp_path,
            env={**os.environ, "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
    assert (tmp_path / "runs/first/report.md").is_file()

"""The quickstart as a new user runs it: the command itself, on a real project and without a network."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

JOURNEYMAN = str(Path(sys.executable).with_name("journeyman"))


def quickstart(folder, *options, **env):
    return subprocess.run(
        [JOURNEYMAN, "quickstart", *options, "--json"],
        cwd=folder,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=900,
    )


@pytest.mark.network
@pytest.mark.sandbox
@pytest.mark.model
def test_quickstart_on_a_real_project(tmp_path):
    done = quickstart(tmp_path)
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert outcome["project"] == "toolz"
    assert outcome["tasks_validated"] >= 20
    assert outcome["solve_rate"]["oracle"] == 1.0
    assert outcome["solve_rate"]["noop"] == 0.0
    assert 0.0 <= outcome["solve_rate"]["smollm2"] <= 1.0
    assert (tmp_path / "runs/latest/report.md").is_file()
    assert (tmp_path / "runs/latest").resolve() == (tmp_path / outcome["run"]).resolve()


@pytest.mark.sandbox
def test_quickstart_without_a_network_uses_what_ships_and_says_so(tmp_path):
    nowhere = "http://127.0.0.1:9"
    done = quickstart(
        tmp_path,
        "--num-tasks",
        "4",
        JOURNEYMAN_CACHE=str(tmp_path / "cache"),
        HTTP_PROXY=nowhere,
        HTTPS_PROXY=nowhere,
        http_proxy=nowhere,
        https_proxy=nowhere,
        ALL_PROXY=nowhere,
        UV_CACHE_DIR=str(tmp_path / "uv"),
        UV_DEFAULT_INDEX=f"{nowhere}/simple",
        UV_INDEX_URL=f"{nowhere}/simple",
        UV_HTTP_TIMEOUT="2",
        UV_HTTP_RETRIES="0",
    )
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert outcome["is_offline"]
    assert "ships with Journeyman" in done.stderr
    assert outcome["tasks_validated"] == 4
    assert outcome["solve_rate"]["oracle"] == 1.0
    assert outcome["solve_rate"]["noop"] == 0.0
    assert outcome["solve_rate"]["smollm2"] is None
    assert outcome["missing"]["smollm2"]
    assert outcome["tests_left_out"] == {"number": 0, "limit": "500000 calls or 20 s"}

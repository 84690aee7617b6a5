"""`journeyman model plan` and `describe`, as a person runs them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


def _run(*words: str, folder) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("journeyman")), "model", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=120)


def test_the_80b_is_explained(tmp_path):
    done = _run("plan", "qwen3-coder-next", "--bandwidth", "50", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    words = " ".join(done.stdout.split())
    assert "Why this can run where a dense model of its size cannot: 80B weights" in words
    assert "a token uses 3.9B of them, 10 of 512 experts" in words
    assert "Only 12 of 48 layers keep keys and values" in words


def test_figures_are_data_and_names_are_known(tmp_path):
    (tmp_path / "models.toml").write_text('[mine]\nspec = "preset:1b-a100m"\n')
    words = ("plan", "mine", "--context", "4096", "--quantisation", "q4_k_m", "--json")
    found = json.loads(_run(*words, folder=tmp_path).stdout)
    assert found["context_tokens"] == 4096
    assert [row["quantisation"] for row in found["rows"]] == ["q4_k_m"]
    assert found["machine"]["bandwidth"] > 0
    described = json.loads(_run("describe", "mine", "--json", folder=tmp_path).stdout)
    assert described["num_active"] < described["num_weights"]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("plan", "nothing"), "there is no model nothing"),
        (("plan", "http://127.0.0.1:1/v1#x"), "runs on another machine"),
        (("plan", "tiny", "--quantisation", "q9"), "no quantisation 'q9'"),
        (("plan", "tiny", "--context", "-1"), "must not be negative"),
        (("plan", "oracle", "--measure"), "there is no model oracle"),
    ],
)
def test_what_a_user_gets_wrong_is_one_line_and_one_hint(tmp_path, words, complaint):
    done = _run(*words, folder=tmp_path)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr

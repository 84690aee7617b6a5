"""The guides' commands, run as they stand, in order, by a shell; and the documents as a site.

A block that cannot run here has a title that says what it needs, and is left out.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    *sorted((ROOT / "docs/guides").glob("*.md")),
    ROOT / "docs/viewer.md",
    ROOT / "docs/index.md",
]
BLOCK = re.compile(r"^```sh([^\n]*)\n(.*?)^```", re.M | re.S)
NEEDS_INDEX = {"tasks.md"}


def commands(page):
    for head, body in BLOCK.findall(page.read_text(encoding="utf-8")):
        if not head.strip():
            yield from re.sub(r"\\\n\s*", "", body).strip().split("\n")


def _parameters():
    for page in PAGES:
        if any(commands(page)):
            marks = [pytest.mark.sandbox]
            if page.name in NEEDS_INDEX:
                marks.append(pytest.mark.network)
            if page.name == "notebooks.md":
                marks.append(
                    pytest.mark.skipif(
                        not (Path(sys.executable).parent / "marimo").exists(),
                        reason="the group docs has marimo",
                    )
                )
            yield pytest.param(page, marks=marks, id=page.stem)


@pytest.mark.parametrize("page", list(_parameters()))
def test_a_guides_commands_run_as_they_stand(page, tmp_path):
    for name in (".venv", "notebooks", "src"):
        (tmp_path / name).symlink_to(ROOT / name)
    for command in commands(page):
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=tmp_path,
            env={**os.environ, "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        # `doctor` exits 1 where something that is not needed here is missing.
        is_fine = done.returncode == 0 or (command.endswith(" doctor") and done.returncode == 1)
        assert is_fine, f"{command}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr


def test_a_block_that_is_not_run_says_why():
    for page in PAGES:
        for head, _ in BLOCK.findall(page.read_text(encoding="utf-8")):
            assert not head.strip() or re.fullmatch(r' title="[^"]{8,}"', head), (page.name, head)


def test_the_guides_cover_what_a_newcomer_wants():
    assert {it.stem for it in (ROOT / "docs/guides").glob("*.md")} >= {
        "tasks",
        "train",
        "cluster",
        "own",
        "evaluate",
        "serve",
    }


def test_the_site_is_built_strictly(tmp_path):
    program = Path(sys.executable).parent / "mkdocs"
    if not program.exists():
        pytest.skip("the group docs has mkdocs")
    done = subprocess.run(
        [program, "build", "--strict", "--site-dir", tmp_path / "site"],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "site/reference/commands.html").read_text()
    assert "journeyman rollout" in text
    assert "sandbox_died" in (tmp_path / "site/reference/failures.html").read_text()
    assert "RolloutConfig" in (tmp_path / "site/reference/settings.html").read_text()
    shutil.rmtree(tmp_path / "site")

"""Templates that an installed package adds: found by name, listed, checked, or refused with a reason.

Each test installs a small distribution (a module and its `.dist-info`) into a folder on the path of a
fresh interpreter, for the templates of an interpreter are found once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

JOURNEYMAN = str(Path(sys.executable).with_name("journeyman"))
TURN = 'Hi.\n<tool_call>\n{"name": "look", "arguments": {}}\n</tool_call>'
MODULE = """\
from dataclasses import replace

from journeyman.templates import get_template
from journeyman.templates.hermes import TEMPLATE as HERMES

OURS = replace(HERMES, name={name!r}, source="A package of ours")
NUMBER = 7
"""


def install(folder: Path, *, value: str, name: str = "house_hermes", module: str = MODULE) -> None:
    (folder / "house_templates.py").write_text(module.replace("{name!r}", repr(name)))
    about = folder / "house_templates-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: house-templates\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[journeyman.templates]\nhouse = {value}\n")


def run(folder: Path, *words: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [JOURNEYMAN, "templates", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        input=text,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_an_installed_template_is_as_good_as_a_built_in_one(tmp_path: Path) -> None:
    install(tmp_path, value="house_templates:OURS")
    rows = json.loads(run(tmp_path, "list", "--json").stdout)
    sources = {row["name"]: row["source"] for row in rows}
    assert sources["house_hermes"] == "A package of ours"
    assert "hermes" in sources
    turn = json.loads(run(tmp_path, "parse", "house_hermes", "--json", text=TURN).stdout)
    assert (turn["content"], turn["calls"][0]["name"]) == ("Hi.", "look")
    assert run(tmp_path, "check", "house_hermes").returncode == 0
    ours = run(tmp_path, "render", "house_hermes").stdout
    assert ours == run(tmp_path, "render", "hermes").stdout != ""


def test_it_is_gone_with_its_package(tmp_path: Path) -> None:
    done = run(tmp_path, "parse", "house_hermes", text=TURN)
    assert done.returncode == 2
    assert "no template is named 'house_hermes'" in done.stderr


@pytest.mark.parametrize(
    ("value", "name", "complaint"),
    [
        ("house_templates:NUMBER", "x", "house_templates:NUMBER is no ToolTemplate"),
        ("house_templates:NOTHING", "x", "AttributeError"),
        ("no_such_module:OURS", "x", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("house_templates:OURS", "hermes", "there is a template 'hermes' already"),
    ],
)
def test_one_that_cannot_be_used_names_its_package(
    tmp_path: Path, value: str, name: str, complaint: str
) -> None:
    install(tmp_path, value=value, name=name)
    done = run(tmp_path, "list")
    error, blank, hint = done.stderr.splitlines()
    assert (done.returncode, done.stdout, blank) == (2, "", "")
    assert error.startswith("error: the entry point house of house-templates adds no template: ")
    assert complaint in error
    assert hint == "hint: mend or uninstall house-templates"

import json
import subprocess
import sys

import pytest

from journeyman import __version__
from journeyman.cli import VERBS, main

HEAVY = (
    "torch",
    "transformers",
    "ray",
    "docker",
    "playwright",
    "pydantic",
    "aiohttp",
    "cyclopts",
    "rich",
)


def test_help_names_every_verb_and_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom journeyman.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit: pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert all(verb in done.stdout for verb in VERBS)


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([verb, "--help"])
    assert caught.value.code == 0
    assert f"journeyman {verb}" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out.strip() == __version__


def test_a_misspelt_verb_is_one_line_and_one_hint(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["docter"])
    assert caught.value.code == 2
    assert (
        capsys.readouterr().err
        == "error: no verb 'docter'\n\nhint: did you mean journeyman doctor?\n"
    )


def test_a_misspelt_option_is_one_line_and_one_hint(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["doctor", "--jsn"])
    assert caught.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("error: ")
    assert lines[1] == ""
    assert lines[2] == "hint: journeyman doctor --help"


def test_doctor_prints_json(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["doctor", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert caught.value.code == (0 if report["is_ready"] else 1)
    assert {"python", "git"} <= {check["name"] for check in report["checks"]}
    assert all(check["is_ok"] or check["fix"] for check in report["checks"])

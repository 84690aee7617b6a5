"""Our reading of SWE-bench's logs equals the `swebench` package's, on recorded logs of real suites.

The corpus was recorded by `benchmarks/record_swebench_logs.py`. Every log is read by every parser,
also those it was not made for: what they make of it must be the same, nonsense included.
"""

from __future__ import annotations

import json
import lzma
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from journeyman.config import cache_folder
from journeyman.evals.swebench.commands import OFFICIAL_PARSERS
from journeyman.evals.swebench.log import judge_log, read_log
from journeyman.programs import find_uv

pytestmark = pytest.mark.network

VERSION = "5.0.2"
CORPUS = Path(__file__).with_name("corpus")
_KNOWN = ("FAILED", "ERROR", "SKIPPED")
_WORDS = {"failed": "FAILED", "passed": "PASSED", "skipped": "SKIPPED", "error": "ERROR"}


def _corpus() -> list[dict[str, Any]]:
    rows = []
    for path in sorted(CORPUS.glob("*.jsonl.xz")):
        with lzma.open(path, "rt", encoding="utf-8") as lines:
            rows += [json.loads(line) for line in lines]
    return rows


def _variants() -> list[dict[str, Any]]:
    """Each log under its parser, and a few under the others or damaged: cut, spoilt, shuffled."""
    by_ours = {ours: official for official, ours in OFFICIAL_PARSERS.items()}
    rows = [{**it, "ours": it["parser"], "parser": by_ours[it["parser"]]} for it in _corpus()]
    chance = random.Random(0)
    for row in chance.sample(_corpus(), 40):
        for official, ours in OFFICIAL_PARSERS.items():
            rows.append({**row, "id": f"{row['id']}@{ours}", "ours": ours, "parser": official})
    for row in chance.sample(_corpus(), 40):
        own = {**row, "ours": row["parser"], "parser": by_ours[row["parser"]]}
        log = row["log"]
        for name, damaged in (
            ("cut", log[: chance.randrange(len(log))]),
            ("spoilt", log + ">>>>> Tests Timed Out\n"),
            ("exit", log.replace("Exit Code: 0", "Exit Code: 3")),
            ("returns", log.replace("\n", "\r\n")),
            ("shuffled", "\n".join(chance.sample(log.split("\n"), len(log.split("\n"))))),
            ("few", log),
        ):
            names = row["PASS_TO_PASS"]
            kept = [name.split("[")[0] + "[" if "[" in name else name for name in names]
            rows.append({**own, "id": f"{row['id']}@{name}", "log": damaged, "PASS_TO_PASS": kept})
    return rows


@pytest.fixture(scope="module")
def package() -> Path:
    """The package alone, without what it depends on: 1 MB instead of 360."""
    folder = cache_folder("swebench", VERSION)
    if not (folder / "swebench" / "harness" / "grading.py").is_file():
        uv = find_uv()
        if uv is None:
            pytest.skip("uv is not installed")
        command = [uv, "pip", "install", "--quiet", "--no-deps", "--target", str(folder)]
        done = subprocess.run(
            [*command, "--python", sys.executable, f"swebench=={VERSION}"],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            pytest.skip(f"swebench {VERSION} cannot be had: {done.stderr.strip()[-200:]}")
    return folder


@pytest.fixture(scope="module")
def reports(package: Path) -> dict[str, dict[str, Any]]:
    rows = _variants()
    text = "".join(json.dumps(row) + "\n" for row in rows)
    script = Path(__file__).with_name("official_grading.py")
    done = subprocess.run(
        [sys.executable, str(script), str(package)],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == len(rows)
    return {row["id"]: row for row in found}


def test_the_corpus_is_large_and_of_several_runners() -> None:
    rows = _corpus()
    assert len(rows) >= 200
    assert len({row["parser"] for row in rows}) >= 5
    assert sum(path.stat().st_size for path in CORPUS.iterdir()) < 2_000_000
    assert len({row["id"] for row in rows}) == len(rows)


def test_verdicts_equal_those_of_the_package(reports: dict[str, dict[str, Any]]) -> None:
    num_resolved = 0
    for row in _variants():
        official = reports[row["id"]]
        ours = judge_log(
            row["log"],
            parser=row["ours"],
            fail_to_pass=row["FAIL_TO_PASS"],
            pass_to_pass=row["PASS_TO_PASS"],
        )
        where = f"{row['id']} ({row['state']})"
        assert ours.is_readable == official["patch_successfully_applied"], where
        assert ours.is_resolved == official["resolved"], where
        num_resolved += ours.is_resolved
        if not ours.is_readable:
            continue
        tests = official["tests_status"]
        assert list(ours.mended) == tests["FAIL_TO_PASS"]["success"], where
        assert list(ours.kept) == tests["PASS_TO_PASS"]["success"], where
        # `ERROR:` is no status that the harness knows: such a test counts neither way there.
        broken = [it for it in ours.broken if official["statuses"].get(it, "FAILED") in _KNOWN]
        assert broken == tests["PASS_TO_PASS"]["failure"], where
    assert num_resolved > 20


def test_statuses_equal_those_of_the_package(reports: dict[str, dict[str, Any]]) -> None:
    for row in _variants():
        official = reports[row["id"]]
        ours = read_log(row["log"], row["ours"])
        if not official["is_found"]:
            assert ours is None, row["id"]
            continue
        assert ours is not None, row["id"]
        expected = {name: _plain(status) for name, status in official["statuses"].items()}
        assert {name: _WORDS[status] for name, status in ours.items()} == expected, row["id"]


def _plain(status: str) -> str:
    """An expected failure counts as passed; what only begins like a status counts as no pass."""
    if status == "XFAIL":
        return "PASSED"
    return status if status in _WORDS.values() else "ERROR"

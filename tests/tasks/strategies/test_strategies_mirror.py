import subprocess

import pytest

from journeyman.models import ScriptedModel
from journeyman.tasks.asking import Asker
from journeyman.tasks.bug import Bug, Unmade
from journeyman.tasks.mutate import reverse_diff
from journeyman.tasks.project import obtain_project
from journeyman.tasks.strategies.mirror import MirroredFix, mirrored
from journeyman.tasks.tree import patched
from journeyman.types import Message

OLD = '''\
"""Prices."""


def total(prices):
    return sum(prices) + 1


def mean(prices):
    return sum(prices) / len(prices)


def cheapest(prices):
    return prices[0]
'''
MEAN = OLD.replace(
    "    return sum(prices) / len(prices)", "    return sum(prices) / len(prices) if prices else 0"
)
TOTAL = MEAN.replace("sum(prices) + 1", "sum(prices)")
TODAY = TOTAL.replace("prices else 0", "prices else 0.0").replace(
    "def cheapest(prices):\n    return prices[0]",
    "def cheapest(prices, /):\n    return min(prices)",
)
EDIT = """\
<<<<<<< SEARCH
    return sum(prices) / len(prices) if prices else 0.0
=======
    return sum(prices) / len(prices)
>>>>>>> REPLACE
"""


def checks_of(*names):
    return "".join(f"def test_{name}():\n    assert True\n\n\n" for name in names)


@pytest.fixture
def project(tmp_path):
    root = tmp_path / "shop"
    (root / "tests").mkdir(parents=True)
    git = ["git", "-C", str(root), "-c", "user.name=x", "-c", "user.email=x@x"]
    subprocess.run([*git, "init", "-q"], check=True)
    states = [
        ("start", OLD, checks_of("a")),
        ("Mean of nothing is 0 (#1)", MEAN, checks_of("a", "b")),
        ("Do not add one (#2)", TOTAL, checks_of("a", "b", "c")),
        ("A new file (#3)", TOTAL, checks_of("a", "b", "c", "d")),
        ("Tidy up", TODAY, checks_of("a", "b", "c", "d")),
    ]
    for message, code, checks in states:
        (root / "prices.py").write_text(code)
        (root / "tests/test_prices.py").write_text(checks)
        if "new file" in message:
            (root / "more.py").write_text("def more():\n    return 1\n")
        subprocess.run([*git, "add", "-A"], check=True)
        subprocess.run([*git, "commit", "-qm", message], check=True)
    return obtain_project(str(root))


def by_number(project):
    steps = list(mirrored(project, project.path))
    found = {s.candidate.change.number: s for s in steps if isinstance(s, MirroredFix)}
    return found, [step for step in steps if isinstance(step, Unmade)]


async def test_old_fixes_are_undone_on_todays_code(project):
    found, unmade = by_number(project)
    assert found.keys() == {1, 2}
    assert [step.reason for step in unmade] == ["mirror_conflict"]
    assert "makes or removes files" in unmade[0].example
    bug = await found[2].make(None)
    assert isinstance(bug, Bug)
    assert (bug.kind, bug.source, bug.functions) == ("pr_mirror", "#2", ("total",))
    after = patched(project.path, [bug.patch])["prices.py"].decode()
    assert after == TODAY.replace("return sum(prices)\n", "return sum(prices) + 1\n", 1)
    whole = patched(project.path, [bug.patch, reverse_diff(bug.patch)])
    assert whole["prices.py"].decode() == TODAY


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (None, "mirror_conflict"),
        ("I cannot.", "model_unreadable"),
        (EDIT.replace("0.0", "1.0"), "model_unreadable"),
        (EDIT.replace("len(prices)\n>", "len(prices\n>"), "mirror_conflict"),
    ],
)
async def test_what_has_moved_on_is_left_out_or_mended(project, answer, reason):
    found, _ = by_number(project)
    model = ScriptedModel("mender", [Message(role="assistant", content=answer or "")])
    made = await found[1].make(Asker(model) if answer else None)
    assert isinstance(made, Unmade)
    assert made.reason == reason


async def test_a_model_mends_what_has_moved_on(project):
    found, _ = by_number(project)
    model = ScriptedModel("mender", [Message(role="assistant", content=EDIT)])
    bug = await found[1].make(Asker(model))
    assert isinstance(bug, Bug)
    assert "+    return sum(prices) / len(prices)\n" in bug.patch

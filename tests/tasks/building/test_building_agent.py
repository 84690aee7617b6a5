import json
import subprocess
from pathlib import Path

import pytest

from journeyman.errors import JourneymanError
from journeyman.models import ScriptedModel
from journeyman.sandbox import environment_spec, load_environment, opened
from journeyman.tasks.asking import Asker
from journeyman.tasks.building import BuildLimits, Case, build_with_agent, case_of_removal
from journeyman.tasks.environment.record import read_record
from journeyman.tasks.project import obtain_project
from journeyman.types import Message, ToolCall
from journeyman.verify import run_verifier

pytestmark = pytest.mark.sandbox

CODE = '''\
def total(prices, discount=0):
    """Add prices up; a discount is a percentage."""
    whole = 0
    for price in prices:
        whole += price
    return whole - whole * discount // 100


def twice(x):
    return 2 * x
'''
TESTS = """\
import unittest

from shop import total, twice


class Case(unittest.TestCase):
    def test_total(self):
        self.assertEqual(total([1, 2]), 3)

    def test_twice(self):
        self.assertEqual(twice(2), 4)
"""


@pytest.fixture
def project(tmp_path):
    root = tmp_path / "shop"
    (root / "tests").mkdir(parents=True)
    (root / "shop.py").write_text(CODE)
    (root / "tests/__init__.py").write_text("")
    (root / "tests/test_shop.py").write_text(TESTS)
    git = ["git", "-C", str(root), "-c", "user.name=x", "-c", "user.email=x@x"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "start"]):
        subprocess.run([*git, *words], check=True)
    return obtain_project(str(root))


def calls(*pairs):
    made = tuple(
        ToolCall(name=name, arguments=arguments, id=f"c{at}")
        for at, (name, arguments) in enumerate(pairs)
    )
    return Message(role="assistant", tool_calls=made)


def writes(script):
    return calls(("write_verifier", {"script": script}), ("submit", {}))


RIGHT = "python -m unittest -v tests.test_shop"


@pytest.fixture
def case(project):
    return case_of_removal(project, project.path)


async def test_it_works_until_the_verifier_tells_the_states_apart(project, case, tmp_path):
    assert case.name == "shop.py: total is taken away"
    model = ScriptedModel(
        "builder",
        [
            calls(("run", {"command": "ls; grep -c NotImplementedError shop.py"})),
            Message(role="assistant", content="I think that it is done."),
            writes("grep -q NotImplementedError shop.py && exit 1 || exit 0"),
            writes("python -m unittest -v tests.test_shop.Case.test_twice"),
            writes("python -c 'import shop; shop.total([1])'"),
            writes("python -m unittest -v tests.nowhere"),
            calls(("switch_to_fixed", {}), ("run", {"command": "grep -c NotImpl shop.py"})),
            calls(("write_verifier", {"script": RIGHT}), ("fly", {}), ("submit", {})),
        ],
    )
    asker = Asker(model)
    said = []
    environments = tmp_path / "environments"
    outcome = await build_with_agent(project, case, asker, environments, on_progress=said.append)
    assert outcome.fail_to_pass == ("tests.test_shop.Case.test_total",)
    assert outcome.verifier.log_parser == "unittest"
    assert outcome.num_turns == asker.use.num_calls == 8
    first, second, third, fourth = outcome.verdicts
    assert "only looks at text" in first
    assert "0 on the buggy state as well" in second
    assert "names no test that passes" in third
    assert "exits with" in fourth
    folder = environments / outcome.environment.digest
    log = (folder / "build.log").read_text()
    assert "There is no tool fly." in log
    assert "the tree is" not in log
    assert read_record(folder).rung == "agent"
    assert outcome.environment.size_bytes > 0
    assert not list(environments.glob(".building*"))
    # The environment holds the commit's own tree, and runs without a network.
    assert (folder / "repository/shop.py").read_text() == CODE
    async with opened(environment_spec(load_environment(folder), folder)) as sandbox:
        run = await run_verifier(sandbox, outcome.verifier)
    assert run.exit_code == 0
    assert len(run.statuses) == 2


async def test_one_that_does_not_get_there_says_why(project, case, tmp_path):
    lazy = Asker(ScriptedModel("lazy", [writes("grep -q x shop.py"), calls(("submit", {}))]))
    with pytest.raises(JourneymanError, match="did not tell the states") as caught:
        await build_with_agent(project, case, lazy, tmp_path / "e")
    assert "only looks at text" in caught.value.message
    log = caught.value.hint.rpartition(" ")[2]
    assert "given up" in Path(log).read_text()
    endless = Asker(ScriptedModel("endless", [calls(("run", {"command": "true"}))] * 9))
    with pytest.raises(JourneymanError, match="3 turns"):
        await build_with_agent(
            project, case, endless, tmp_path / "e", limits=BuildLimits(num_turns=3)
        )
    assert [path.suffix for path in (tmp_path / "e").iterdir()] == [".log"]


def test_a_case_is_plain_data(case):
    assert isinstance(case, Case)
    json.dumps([case.name, case.commit, case.to_buggy, case.to_fixed, case.tests])

import subprocess

import pytest

from journeyman.models import ScriptedModel
from journeyman.tasks.asking import Asker
from journeyman.tasks.bug import Bug, Unmade
from journeyman.tasks.mutate import reverse_diff
from journeyman.tasks.mutate.grammar import is_installed
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


FOREIGN = {
    "javascript": (
        "lib/prices.js",
        "exports.total = (prices) => {\n  let sum = 0;\n  for (const price of prices) sum += price;\n"
        "  return sum + 1;\n};\n",
        "return sum + 1;",
        "return sum;",
        "test/prices.test.js",
        "// {}\ntest('total', () => {{}});\n",
        "total",
    ),
    "go": (
        "prices.go",
        "package shop\n\nfunc Total(prices []int) int {\n\tsum := 0\n"
        "\tfor _, price := range prices {\n\t\tsum += price\n\t}\n\treturn sum + 1\n}\n",
        "return sum + 1",
        "return sum",
        "prices_test.go",
        'package shop\n\n// {}\nimport "testing"\n\nfunc TestTotal(t *testing.T) {{}}\n',
        "Total",
    ),
    "ruby": (
        "lib/prices.rb",
        "class Prices\n  def total(prices)\n    sum = prices.sum\n    sum + 1\n  end\nend\n",
        "sum + 1",
        "sum + 0",
        "test/prices_test.rb",
        "# {}\nrequire 'minitest/autorun'\n",
        "Prices.total",
    ),
    "php": (
        "src/prices.php",
        "<?php\nfunction total(array $prices): int\n{\n    return array_sum($prices) + 1;\n}\n",
        "array_sum($prices) + 1",
        "array_sum($prices)",
        "tests/PricesTest.php",
        "<?php\n// {}\nclass PricesTest extends TestCase {{}}\n",
        "total",
    ),
    "c": (
        "src/prices.c",
        "int total(const int *prices, int count)\n{\n    return prices[0] + count + 1;\n}\n",
        "+ count + 1",
        "+ count",
        "tests/test_prices.c",
        "/* {} */\nint main(void) {{ return 0; }}\n",
        "total",
    ),
    "rust": (
        "src/lib.rs",
        "pub fn total(prices: &[u32]) -> u32 {\n    prices.iter().sum::<u32>() + 1\n}\n",
        "prices.iter().sum::<u32>() + 1",
        "prices.iter().sum()",
        "tests/prices.rs",
        "// {}\n#[test]\nfn total() {{}}\n",
        "total",
    ),
}


@pytest.fixture(params=FOREIGN)
def foreign(request, tmp_path):
    if not is_installed(request.param):
        pytest.skip(f"the grammar of {request.param} is not installed (extra: languages)")
    path, code, wrong, right, test_path, test, _ = FOREIGN[request.param]
    root = tmp_path / "shop"
    git = ["git", "-C", str(root), "-c", "user.name=x", "-c", "user.email=x@x"]
    root.mkdir()
    subprocess.run([*git, "init", "-q"], check=True)
    states = [("start", code), ("Do not add one (#2)", code.replace(wrong, right))]
    for number, (message, text) in enumerate(states):
        for name, data in ((path, text), (test_path, test.format(number))):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(data)
        subprocess.run([*git, "add", "-A"], check=True)
        subprocess.run([*git, "commit", "-qm", message], check=True)
    return request.param, root


async def test_old_fixes_of_other_languages_are_undone_or_mended(foreign):
    language, root = foreign
    path, code, wrong, right, _, _, function = FOREIGN[language]
    fixed = code.replace(wrong, right)
    project = obtain_project(str(root))
    (step,) = mirrored(project, root, language=language)
    assert isinstance(step, MirroredFix), step
    bug = await step.make(None)
    assert isinstance(bug, Bug), bug
    assert (bug.source, bug.functions) == ("#2", (function,))
    assert patched(root, [bug.patch])[path].decode() == code

    # Today the line is another one: a model puts the old behaviour back, in code that still parses.
    moved = right.replace("sum", "sums").replace("count", "counts").replace("prices", "all_prices")
    (root / path).write_text(fixed.replace(right, moved))
    assert (await step.make(None)).reason == "mirror_conflict"
    for written, reason in ((wrong, ""), (f"{wrong} (((", "mirror_conflict")):
        line = next(one for one in (root / path).read_text().split("\n") if moved in one)
        edit = f"<<<<<<< SEARCH\n{line}\n=======\n{line.replace(moved, written)}\n>>>>>>> REPLACE\n"
        mended = await step.make(
            Asker(ScriptedModel("mender", [Message(role="assistant", content=edit)]))
        )
        if reason:
            assert isinstance(mended, Unmade)
            assert mended.reason == reason
        else:
            assert isinstance(mended, Bug), mended
            assert patched(root, [mended.patch])[path].decode() == code

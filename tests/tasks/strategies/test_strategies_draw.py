import pytest

from journeyman.errors import JourneymanError
from journeyman.models import ScriptedModel
from journeyman.tasks.asking import Asker, code_block, json_object
from journeyman.tasks.bug import Bug, Unmade
from journeyman.tasks.equivalence import same_code
from journeyman.tasks.mutate import read_source, reverse_diff
from journeyman.tasks.patches import Place, changed_places, diff_file, diff_files
from journeyman.tasks.strategies import Setting, draw, share_out
from journeyman.tasks.strategies.mirror import apply_edits
from journeyman.tasks.strategies.targets import find_target, list_targets
from journeyman.tasks.strategies.written import WrittenBug
from journeyman.tasks.tree import patched
from journeyman.types import Message

FILE = b'''\
class Stack:
    """Last in, first out."""

    def __init__(self, items=()):
        """Begin with some items."""
        self.items = list(items)
        self.num_pushed = 0
        self.num_popped = 0

    def push(self, item):
        """Put an item on top."""
        if item is None:
            raise ValueError("nothing")
        self.items.append(item)


def longest(words, *, default=""):
    """Return the longest word, the first of several."""
    best = default
    for word in words:
        if len(word) > len(best):
            best = word
    return best


def short(x):
    return x
'''
GOOD = '''\
Here it is:

```python
def longest(words, *, default=""):
    """Return the longest word, the first of several."""
    best = default
    for word in words:
        if len(word) >= len(best):
            best = word
    return best
```
'''


@pytest.fixture
def root(tmp_path):
    (tmp_path / "a.py").write_bytes(FILE)
    return tmp_path


def asker(text):
    return Asker(ScriptedModel("script", [Message(role="assistant", content=text)]))


def target(root, name="longest"):
    found = find_target(read_source(root, "a.py"), name)
    assert found is not None
    return found


def test_weights_share_the_tasks_out():
    assert share_out((), 5) == {"procedural": 5}
    assert share_out(("remove", "procedural=3"), 8) == {"procedural": 6, "remove": 2}
    assert share_out(("modify", "rewrite", "combine"), 7) == {
        "modify": 3,
        "rewrite": 2,
        "combine": 2,
    }


@pytest.mark.parametrize("text", ["remov", "remove=0", "remove=x", "remove=-1", "remove=inf"])
def test_a_wrong_strategy_is_one_line_and_a_hint(text):
    with pytest.raises(JourneymanError) as caught:
        share_out((text,), 4)
    assert caught.value.hint


def test_targets_are_the_same_for_a_seed_and_leave_trifles_out(root):
    names = [found.name for found in list_targets(root, seed=4)]
    assert names == [found.name for found in list_targets(root, seed=4)]
    assert sorted(names) == ["Stack", "Stack.__init__", "Stack.push", "longest"]


def test_removal_keeps_signature_and_documentation(root, tmp_path):
    bugs = {
        bug.function: bug
        for bug in draw("remove", Setting(project=None, repository=root))  # type: ignore[arg-type]
        if isinstance(bug, Bug)
    }
    assert bugs.keys() == {"Stack", "Stack.__init__", "Stack.push", "longest"}
    after = patched(root, [bugs["Stack"].patch])["a.py"]
    assert after.count(b"raise NotImplementedError") == 2
    assert b"Put an item on top." in after
    assert b"self.items" not in after
    assert b"def longest" in after
    assert bugs["Stack"].kind == "class_removed"
    assert bugs["longest"].kind == "function_removed"
    for bug in bugs.values():
        assert patched(root, [bug.patch, reverse_diff(bug.patch)])["a.py"] == FILE


async def test_a_models_mistake_takes_the_functions_place(root):
    asking = asker(GOOD)
    bug = await WrittenBug("modify", target(root)).make(asking)
    assert isinstance(bug, Bug)
    assert (bug.kind, bug.strategy, bug.functions) == ("lm_modify", "modify", ("longest",))
    assert "+        if len(word) >= len(best):" in bug.patch
    assert bug.places == (Place(path="a.py", first=21, last=21),)
    assert asking.use.num_calls == 1


async def test_a_method_is_indented_as_it_was(root):
    code = "```\ndef push(self, item):\n    self.items.insert(0, item)\n```"
    bug = await WrittenBug("rewrite", target(root, "Stack.push")).make(asker(code))
    assert isinstance(bug, Bug)
    after = patched(root, [bug.patch])["a.py"]
    assert b"    def push(self, item):\n        self.items.insert(0, item)\n" in after


SAME = GOOD.replace(">=", ">").replace("Return the longest word", "Say which")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("I cannot do that.", "model_unreadable"),
        (GOOD + GOOD, "model_unreadable"),
        (GOOD.replace("def longest", "def longer"), "model_unreadable"),
        (GOOD.replace("*, default", "default"), "model_unreadable"),
        (GOOD.replace("for word in words:", "for word in words"), "model_unreadable"),
        (GOOD.replace("    return best", "    return best\n\nprint(1)"), "model_unreadable"),
        (SAME, "model_unchanged"),
        (GOOD.replace("best = default", "return = 1"), "model_unreadable"),
    ],
)
async def test_an_answer_is_read_strictly(root, text, reason):
    made = await WrittenBug("modify", target(root)).make(asker(text))
    assert isinstance(made, Unmade)
    assert made.reason == reason


async def test_a_model_that_refuses_is_a_reason_and_not_the_end(root):
    silent = Asker(ScriptedModel("silent", []))
    made = await WrittenBug("modify", target(root)).make(silent)
    assert isinstance(made, Unmade)
    assert made.reason == "model_refused"


def test_one_block_and_one_object():
    assert code_block("a\n```py\nx = 1\n```\nb") == "x = 1\n"
    assert code_block("````\n```\nx\n```\n````") == "```\nx\n```\n"
    assert code_block("none") is None
    assert json_object('{"a": 1}') == {"a": 1}
    assert json_object('so:\n```json\n{"a": 1}\n```') == {"a": 1}
    assert json_object('so: {"a": 1}') is None
    assert json_object("[1]") is None


EDIT = "<<<<<<< SEARCH\n{}=======\n{}>>>>>>> REPLACE\n"


def test_edits_have_one_clear_place():
    text = "a = 1\nb = 2\nb = 2\n"
    assert apply_edits(text, EDIT.format("a = 1\n", "a = 3\n")) == "a = 3\nb = 2\nb = 2\n"
    assert apply_edits(text, EDIT.format("b = 2\n", "b = 3\n")) is None
    assert apply_edits(text, EDIT.format("c\n", "d\n")) is None
    assert apply_edits(text, "<<<<<<< SEARCH\na = 1\n") is None
    assert apply_edits(text, EDIT.format("\n", "x\n")) is None


def test_distant_changes_are_hunks_of_their_own(root):
    after = FILE.replace(b"list(items)", b"items").replace(b"best = word", b"best = default")
    patch = diff_file("a.py", FILE, after)
    assert patch.count("@@ -") == 2
    assert [place.first for place in changed_places(patch)] == [6, 22]
    assert patched(root, [patch])["a.py"] == after
    assert patched(root, [patch, reverse_diff(patch)])["a.py"] == FILE


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"a\nb\nc", b"a\nc"),
        (b"a\nb", b"a\nb\n"),
        (b"a\r\nb\r\n", b"a\r\nB\r\n"),
        (b"a\x0cb\n", b"a\x0cc\n"),
        (b"", b"x\n"),
        (b"x\n", b"y"),
    ],
)
def test_odd_files_survive_a_diff_and_its_reverse(tmp_path, before, after):
    (tmp_path / "a b.py").write_bytes(before)
    patch = diff_files({"a b.py": (before, after)})
    assert patched(tmp_path, [patch])["a b.py"] == after
    assert patched(tmp_path, [patch, reverse_diff(patch)])["a b.py"] == before


def test_code_that_compiles_to_the_same_is_the_same():
    assert same_code(b"def f(a):\n    return a * (2 + 1)\n", b"def f(a):\n\n    return a * 3\n")
    assert not same_code(b"def f(a):\n    return a < 1\n", b"def f(a):\n    return a <= 1\n")
    assert not same_code(b"x = 1\n", b"x = 1.0\n")
    assert not same_code(b"x = 1\n", b"x = \n")

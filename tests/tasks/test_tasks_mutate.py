"""Mutations over the standard library of this machine: every one parses, applies and reverses."""

import ast
import os
import random
import subprocess
import sysconfig
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from journeyman.errors import JourneymanError
from journeyman.tasks.mutate import KINDS, Mutation, list_mutations, reverse_diff, unified_diff

STDLIB = Path(sysconfig.get_path("stdlib"))
FILES = sorted(path for path in STDLIB.glob("*.py") if path.stat().st_size < 60_000)

lines_of_text = st.lists(
    st.sampled_from(
        [b"a", b"b\r", b"", b"-- a/x", b"++ b/x", b"\xc3\xa9", b"\x0c", b"@@ -1 +1 @@"]
    ),
    max_size=12,
).map(b"\n".join)


def apply(folder: Path, patch: str) -> None:
    command = ["git", "apply", "--whitespace=nowarn", "-"]
    subprocess.run(command, cwd=folder, input=patch.encode(), check=True, capture_output=True)


def project(folder: Path, **files: str | bytes) -> Path:
    for name, content in files.items():
        data = content.encode() if isinstance(content, str) else content
        (folder / f"{name}.py").write_bytes(data)
    return folder


def bugs_of(tmp_path: Path, kind: str, code: str) -> set[str]:
    """Return every changed version of `code` that one kind yields."""
    project(tmp_path, code=code)
    found = set()
    for mutation in list_mutations(tmp_path, kinds=[kind]):
        apply(tmp_path, mutation.patch)
        found.add((tmp_path / "code.py").read_text())
        apply(tmp_path, reverse_diff(mutation.patch))
        assert (tmp_path / "code.py").read_text() == code
    return found


EXAMPLES = {
    "comparison_change": ("return a < b", "return a <= b"),
    "arithmetic_change": ("return a + b", "return a - b"),
    "boolean_operator_change": ("return a and b", "return a or b"),
    "removed_operand": ("return a and b", "return b"),
    "negated_condition": ("return 1 if a else b", "return 1 if not a else b"),
    "dropped_unary": ("return -a", "return a"),
    "augmented_assignment_change": ("a += b", "a -= b"),
    "boundary_shift": ("return a[1:]", "return a[2:]"),
    "wrong_constant": ("return a or 'utf-8'", "return a or ''"),
    "swapped_arguments": ("return g(a,  b)", "return g(b,  a)"),
    "dropped_call": ("a.sort()", "pass"),
    "unwrapped_call": ("return sorted(a)", "return a"),
    "dropped_keyword": ("return g(a, key=b)", "return g(a)"),
    "wrong_function": ("return min(a)", "return max(a)"),
    "wrong_variable": ("return a", "return b"),
    "wrong_attribute": ("return self.x - self.y", "return self.y - self.y"),
    "slice_change": ("return a[1:b]", "return a[1:]"),
    "dictionary_access_change": ("return a.get(b, 1)", "return a[b]"),
    "removed_branch": ("if a:\n        b()\n    else:\n        c()", "if a:\n        b()"),
    "removed_early_return": ("if a:\n        return 1\n    return b", "return b"),
    "removed_condition_body": ("if a:\n        b = 1\n    return b", "return b"),
    "removed_loop_body": ("for x in a:\n        b(x)", "for x in a:\n        pass"),
    "loop_control_change": ("for x in a:\n        break", "for x in a:\n        continue"),
    "exception_handling_removed": (
        "try:\n        b = '''\n        x'''\n        # why\n        a()\n    except E:\n        b()",
        "b = '''\n        x'''\n    # why\n    a()",
    ),
    "exception_narrowed": (
        "try:\n        a()\n    except (E, F):\n        b()",
        "try:\n        a()\n    except F:\n        b()",
    ),
    "return_value_change": ("return a, b", "return b, a"),
    "removed_assignment": ("a.x = 1\n    return a", "return a"),
    "comprehension_filter_removed": ("return [x for x in a if x]", "return [x for x in a]"),
    "swapped_statements": ("a = b\n    b = a", "b = a\n    a = b"),
    "function_body_removed": (
        '"""Doc."""\n    # first\n    a()\n    b()\n    return a',
        '"""Doc."""\n    # first\n    raise NotImplementedError',
    ),
}


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"default_argument_change"}))
def test_each_kind_makes_its_change(tmp_path: Path, kind: str) -> None:
    before, after = EXAMPLES[kind]
    head = "class C:\n  def f(self, a, b):\n    " if "self" in before else "def f(a, b):\n    "
    assert head + after + "\n" in bugs_of(tmp_path, kind, head + before + "\n")


def test_a_default_is_changed(tmp_path: Path) -> None:
    found = bugs_of(tmp_path, "default_argument_change", "def f(a=True, b: int = 2): ...\n")
    assert "def f(a=False, b: int = 2): ...\n" in found
    assert "def f(a=True, b: int = 3): ...\n" in found


def test_every_kind_is_described() -> None:
    assert len(KINDS) >= 14
    assert all(kind.description and kind.language == "python" for kind in KINDS.values())


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(FILES), st.integers(0, 1 << 30))
def test_standard_library_mutations_parse_apply_and_reverse(
    tmp_path_factory: pytest.TempPathFactory, file: Path, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("mutate")
    target, data = folder / "module.py", file.read_bytes()
    target.write_bytes(data)
    mutations = list_mutations(folder, seed=seed, limit=25)
    for mutation in random.Random(seed).sample(mutations, min(3, len(mutations))):
        apply(folder, mutation.patch)
        changed = target.read_bytes()
        assert changed != data
        ast.parse(changed)
        assert mutation.original != mutation.replacement
        apply(folder, reverse_diff(mutation.patch))
        assert target.read_bytes() == data


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(lines_of_text, lines_of_text)
def test_diffs_apply_and_reverse_byte_by_byte(
    tmp_path_factory: pytest.TempPathFactory, before: bytes, after: bytes
) -> None:
    if not before or not after:
        return
    folder = tmp_path_factory.mktemp("diff")
    target = folder / "a b.py"
    target.write_bytes(before)
    patch = unified_diff("a b.py", before, after)
    assert bool(patch) == (before != after)
    if patch:
        apply(folder, patch)
        assert target.read_bytes() == after
        apply(folder, reverse_diff(patch))
        assert target.read_bytes() == before
        assert reverse_diff(reverse_diff(patch)) == patch


def test_deterministic_under_a_seed_and_different_between_seeds(tmp_path: Path) -> None:
    project(tmp_path, a=FILES[3].read_bytes(), b=FILES[9].read_bytes())
    first = list_mutations(tmp_path, seed=1, limit=40)
    assert first == list_mutations(tmp_path, seed=1, limit=40)
    assert first[:10] == list_mutations(tmp_path, seed=1, limit=10)
    assert first != list_mutations(tmp_path, seed=2, limit=40)
    assert Mutation.model_validate_json(first[0].model_dump_json()) == first[0]


def test_spread_over_kinds_functions_and_files(tmp_path: Path) -> None:
    function = "def f{0}(a, b):\n    if a < b:\n        return a + b\n    return g(a, b)\n\n\n"
    project(tmp_path, **{name: "".join(map(function.format, range(10))) for name in "wxyz"})
    found = list_mutations(tmp_path, limit=40)
    kinds, files = Counter(m.kind for m in found), Counter(m.path for m in found)
    assert max(kinds.values()) - min(kinds.values()) <= 1
    assert max(files.values()) - min(files.values()) <= 4
    assert len({(m.path, m.function) for m in found}) >= 30


def test_what_is_no_source_is_left_alone(tmp_path: Path) -> None:
    code = "def f(a, b):\n    return a < b\n"
    for name in ("tests", "docs", "vendor", ".hidden"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "code.py").write_text(code)
    for name in ("setup.py", "conftest.py", "test_a.py"):
        (tmp_path / name).write_text(code)
    (tmp_path / "latin.py").write_bytes(b"# coding: latin-1\ns = '\xe9'\n" + code.encode())
    (tmp_path / "broken.py").write_text(code + "def (:\n")
    os.symlink(tmp_path / "setup.py", tmp_path / "link.py")
    assert list_mutations(tmp_path) == []
    (tmp_path / "real.py").write_text(code)
    assert {m.path for m in list_mutations(tmp_path)} == {"real.py"}
    assert list_mutations(tmp_path, exclude=["real*"]) == []


def test_trivia_is_left_alone(tmp_path: Path) -> None:
    code = (
        "from typing import TYPE_CHECKING, overload\n"
        "if TYPE_CHECKING:\n    def g(a): return a < 1\n"
        "class C:\n    def __repr__(self): return 'C' + self.x\n"
        "    @overload\n    def h(self, a=1): ...\n"
        "def f():\n    '''Text.'''\n    raise ValueError('text')\n"
    )
    project(tmp_path, code=code)
    assert [m.original for m in list_mutations(tmp_path)] == []


@pytest.mark.parametrize("ending", ["\r\n", "\n"])
@pytest.mark.parametrize("last", ["", "END"])
def test_line_endings_and_a_missing_last_one_survive(
    tmp_path: Path, ending: str, last: str
) -> None:
    code = "def f(a, b):\n    return a < b  # é\n".replace("\n", ending)
    code = code if last == "" else code.rstrip()
    target = tmp_path / "code.py"
    target.write_bytes(code.encode())
    mutations = list_mutations(tmp_path, kinds=["comparison_change"])
    assert len(mutations) == 2
    for mutation in mutations:
        apply(tmp_path, mutation.patch)
        assert target.read_bytes() == code.replace("<", mutation.replacement).encode()
        apply(tmp_path, reverse_diff(mutation.patch))
        assert target.read_bytes() == code.encode()


def test_an_unknown_kind_is_named() -> None:
    with pytest.raises(JourneymanError, match="unknown mutation kind boundary_shit") as caught:
        list_mutations(Path(), kinds=["boundary_shit"])
    assert caught.value.hint == "did you mean boundary_shift?"
    with pytest.raises(JourneymanError, match="unknown mutation kind qqq") as caught:
        list_mutations(Path(), kinds=["qqq"])
    assert "comparison_change" in caught.value.hint

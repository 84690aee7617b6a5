"""A change taken apart into its fix and its tests, and the changes that are neither."""

import os

import pytest

from journeyman.tasks.convention import role_of
from journeyman.tasks.mine.changes import iterate_changes
from journeyman.tasks.mine.export import Export
from journeyman.tasks.mine.history import read_history
from journeyman.tasks.mine.hunks import find_blocks
from journeyman.tasks.mine.plumbing import applied_tree
from journeyman.tasks.mine.reasons import REASONS, Refused
from journeyman.tasks.mine.regions import test_lines as lines_of_tests
from journeyman.tasks.mine.sameness import compare
from journeyman.tasks.mine.split import Split, SplitLimits, split_change
from journeyman.verify import touched_paths

CODE = "def add(a, b):\n    return a - b\n\n\ndef name():\n    return 'x'\n"
FIXED = CODE.replace("a - b", "a + b")
TESTS = "from calc import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n"


def last_split(repo, limits=None):
    change = next(iterate_changes(read_history(repo.path), Export()))
    return split_change(repo.path, change, limits or SplitLimits())


def reason(repo, files, **limits):
    repo.commit("change", files)
    found = last_split(repo, SplitLimits(**limits))
    assert isinstance(found, Refused), found
    assert found.reason in REASONS
    return found.reason


def assert_gives_the_tree(repo, split):
    patches = [split.patch.encode(), split.test_patch.encode()]
    assert applied_tree(repo.path, "HEAD^", patches) == repo.tree("HEAD")
    reverse = applied_tree(repo.path, "HEAD^", patches[::-1])
    assert reverse == repo.tree("HEAD")


def test_fix_and_tests_are_parted_by_path(calc):
    calc.commit(
        "Add up (#3)",
        {"calc.py": FIXED, "tests/test_add.py": TESTS, "tests/data/sums.bin": b"\0\1\2",
         "docs/index.md": "Sums.\n", "tests/test_name.py": None},
    )  # fmt: skip
    split = last_split(calc)
    assert isinstance(split, Split)
    assert touched_paths([split.patch]) == ("calc.py", "docs/index.md")
    assert touched_paths([split.test_patch]) == (
        *("tests/data/sums.bin", "tests/test_add.py", "tests/test_name.py"),
    )
    assert (split.sources, split.tests) == (("calc.py",), ("tests/test_add.py",))
    assert split.language == "python"
    assert_gives_the_tree(calc, split)


def test_a_python_file_with_both_is_parted_by_hunk(calc):
    extra = "\n\ndef test_inside():\n    assert add(1, 1) == 2\n"
    padding = "".join(f"\n\ndef pad{number}():\n    return {number}\n" for number in range(4))
    calc.commit("longer", {"calc.py": CODE + padding})
    calc.commit("Add up", {"calc.py": FIXED + padding + extra})
    split = last_split(calc)
    assert isinstance(split, Split), split
    assert "+    return a + b" in split.patch
    assert "test_inside" not in split.patch
    assert "test_inside" in split.test_patch
    assert "a + b" not in split.test_patch
    assert split.tests == ("calc.py",)
    assert_gives_the_tree(calc, split)


RUST = """\
pub fn add(a: i32, b: i32) -> i32 {
    a - b
}

pub fn one() -> i32 {
    1
}

pub fn two() -> i32 {
    2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ones() {
        assert_eq!(one(), 1); // } not the end
    }
}
"""


def test_a_rust_file_with_both_is_parted_by_hunk(repo):
    repo.commit("start", {"src/lib.rs": RUST})
    more = RUST.replace("a - b", "a + b")
    more = (
        more.rstrip("}\n")
        + "}\n\n    #[test]\n    fn adds() {\n        assert_eq!(add(1, 1), 2);\n    }\n}\n"
    )
    repo.commit("Add up", {"src/lib.rs": more})
    split = last_split(repo)
    assert isinstance(split, Split), split
    assert (split.language, split.tests) == ("rust", ("src/lib.rs",))
    assert "fn adds" in split.test_patch
    assert "fn adds" not in split.patch
    assert_gives_the_tree(repo, split)


def test_what_touches_the_same_lines_cannot_be_parted(calc):
    calc.commit("Add up", {"calc.py": FIXED.replace("'x'\n", "'y'\n\n\ndef test_x():\n    pass\n")})
    found = last_split(calc)
    assert isinstance(found, Refused)
    assert found.reason == "inseparable"


def test_changes_without_a_fix_or_without_a_test(calc):
    assert reason(calc, {}) == "empty"
    assert reason(calc, {"tests/test_add.py": TESTS}) == "tests_only"
    assert reason(calc, {"README.md": "words\n", "docs/a.py": "x = 1\n"}) == "docs_only"
    assert reason(calc, {"uv.lock": "a = 1\n", "CHANGES.md": "x\n"}) == "dependencies_only"
    assert reason(calc, {"setup.cfg": "a = 1\n"}) == "no_source"
    assert reason(calc, {"calc.py": FIXED}) == "no_tests"


def test_formatting_and_docstrings_are_no_fix(calc):
    spread = 'def add(\n    a, b\n):\n    return (a - b)\n\n\ndef name():\n    return "x"\n'
    assert reason(calc, {"calc.py": spread, "tests/test_add.py": TESTS}) == "formatting_only"
    told = spread.replace("    return (a", '    """Add."""\n    return (a')
    assert reason(calc, {"calc.py": told, "tests/test_add.py": TESTS + "\n"}) == "docs_only"


def test_large_changes_are_left_alone(calc):
    files = {f"mod{number}.py": f"x = {number}\n" for number in range(4)}
    assert reason(calc, {**files, "tests/test_a.py": TESTS}, max_files=3) == "too_large"
    long = "".join(f"x{number} = 1\n" for number in range(30))
    assert reason(calc, {"mod1.py": long, "tests/test_a.py": "\n"}, max_lines=20) == "too_large"


def test_what_no_patch_can_carry_has_a_reason(calc):
    tests = {"tests/test_add.py": TESTS}
    assert reason(calc, {"calc.py": FIXED, "logo.png": b"\x89\0\1", **tests}) == "binary"
    latin = {"latin.py": b"x = 1  # caf\xe9\n", "tests/test_add.py": TESTS + "\n"}
    assert reason(calc, latin) == "not_utf8"
    os.symlink("../../etc/passwd", calc.path / "way_out")
    assert reason(calc, {"calc.py": CODE + "y = 1\n", "tests/t.py": "1\n"}) == "link_outside"
    sha = calc.git("rev-parse", "HEAD")
    calc.git("update-index", "--add", "--cacheinfo", f"160000,{sha},vendored")
    calc.git("commit", "-q", "-m", "vendor")
    found = last_split(calc)
    assert isinstance(found, Refused)
    assert found.reason == "submodule"


def test_binary_documentation_is_left_out_of_the_fix(calc):
    calc.commit("x", {"calc.py": FIXED, "docs/a.png": b"\0\1", "tests/test_add.py": TESTS})
    split = last_split(calc)
    assert isinstance(split, Split)
    assert touched_paths([split.patch]) == ("calc.py",)


def test_carriage_returns_and_missing_ends_survive(calc):
    calc.commit("crlf", {"calc.py": CODE.replace("\n", "\r\n"), "b.py": "x = 1"})
    calc.commit("y", {"calc.py": FIXED.replace("\n", "\r\n"), "b.py": "x = 2",
                      "tests/test_add.py": TESTS.rstrip("\n")})  # fmt: skip
    split = last_split(calc)
    assert isinstance(split, Split)
    assert_gives_the_tree(calc, split)


def test_missing_objects_are_a_reason_and_not_the_end(calc):
    calc.commit("y", {"calc.py": FIXED, "tests/test_add.py": TESTS})
    blob = calc.git("rev-parse", "HEAD:calc.py")
    (calc.path / ".git/objects" / blob[:2] / blob[2:]).unlink()
    found = last_split(calc)
    assert isinstance(found, Refused)
    assert found.reason == "missing_objects"


def test_the_same_change_in_another_place_has_the_same_digest(make_repo):
    digests = []
    for name, above in (("a", ""), ("b", "import os\n\n\n")):
        repo = make_repo(name)
        repo.commit("start", {"calc.py": above + CODE})
        repo.commit("fix", {"calc.py": above + FIXED, f"tests/test_{name}.py": TESTS})
        digests.append(last_split(repo).digest)
    repo.commit("more", {"calc.py": above + FIXED + "x = 1\n", "tests/test_b.py": TESTS + "\n"})
    assert digests[0] == digests[1] != last_split(repo).digest


@pytest.mark.parametrize(
    ("path", "data", "role"),
    [
        ("toolz/tests/test_core.py", b"", "test"),
        ("tests/helpers.py", b"", "test"),
        ("conftest.py", b"", "test"),
        ("django/test/client.py", b"class Client:\n    pass\n", "source"),
        ("lib/test/support.py", b"import unittest\n", "test"),
        ("src/testing.py", b"", "source"),
        ("examples/flask_example.py", b"", "other"),
        ("src/examples/base.py", b"", "source"),
        ("src/latest.py", b"", "source"),
        ("tests/data/input.json", b"", "test"),
        ("src/components/Button.test.tsx", b"", "test"),
        ("src/__tests__/button.js", b"", "test"),
        ("src/contest.js", b"", "source"),
        ("pkg/price_test.go", b"", "test"),
        ("pkg/testdata/a.txt", b"", "test"),
        ("src/test/java/a/B.java", b"", "test"),
        ("src/main/java/a/PriceTest.java", b"", "test"),
        ("src/main/java/a/test/Run.java", b"class Run {}", "source"),
        ("src/main/java/a/Latest.java", b"", "source"),
        ("spec/models/user.rb", b"", "test"),
        ("lib/user_spec.rb", b"", "test"),
        ("src/UserTest.php", b"", "test"),
        ("Zend/tests/bug1.phpt", b"", "test"),
        ("src/parse_test.cc", b"", "test"),
        ("test/unit.c", b"", "test"),
        ("src/attestation.cpp", b"", "source"),
        ("src/tests.rs", b"", "test"),
        ("src/lib.rs", b"", "source"),
        ("CHANGELOG", b"", "docs"),
        ("docs/conf.py", b"", "docs"),
        ("requirements/dev.txt", b"", "other"),
        ("requirements-dev.txt", b"", "dependencies"),
        ("Makefile", b"", "other"),
    ],
)
def test_roles_follow_each_language_s_convention(path, data, role):
    assert role_of(path, data) == role


@pytest.mark.parametrize(
    ("path", "text", "lines"),
    [
        (
            "a.py",
            "x = 1\n\n\n@mark\ndef test_a():\n    pass\n\n\nclass B(TestCase):\n    x = 1\n",
            {4, 5, 6, 9, 10},
        ),
        ("a.py", "class TestBed:\n    def run(self):\n        pass\n", set()),
        (
            "a.ts",
            "export const a = 1\ndescribe('a', () => {\n  it('b', f)\n})\nconst b = 2\n",
            {2, 3, 4},
        ),
        (
            "a.cc",
            'int f() { return 1; }\nTEST(A, B) {\n  EXPECT_EQ(f(), "}");\n}\nint g;\n',
            {2, 3, 4},
        ),
        (
            "A.java",
            "class A {\n  @Test\n  void a() {\n    f();\n  }\n  void b() {}\n}\n",
            {2, 3, 4, 5},
        ),
        (
            "a.rb",
            "def a\nend\nclass ATest < Minitest::Test\n  def b\n  end\nend\nx = 1\n",
            {3, 4, 5, 6},
        ),
        (
            "A.php",
            "<?php\nclass ATest extends TestCase {\n  function t() {}\n}\nclass B {}\n",
            {2, 3, 4},
        ),
        ("a.rs", "fn a() {}\n#[cfg(test)]\nuse b::c;\nfn d() {}\n", {2, 3}),
        ("a.go", "package a\nfunc TestA(t *testing.T) {\n\tf()\n}\nfunc Testify() {}\n", {2, 3, 4}),
        ("a.txt", "describe('a', () => {\n})\n", set()),
    ],
)
def test_tests_inside_a_file_are_found(path, text, lines):
    assert lines_of_tests(path, text.encode()) == lines


def test_replaced_code_goes_before_the_tests_that_follow_it():
    blocks = find_blocks(
        "a.py", b"x = 1\n", b"def test_y():\n    pass\n\n\nx = 2\ndef test_x():\n    pass\n"
    )
    assert blocks.applied(is_test=False) == b"x = 2\n"
    assert blocks.applied(is_test=True) == (
        b"def test_y():\n    pass\n\n\nx = 1\ndef test_x():\n    pass\n"
    )
    gone = find_blocks("a.py", b"def test_x():\n    pass\n", b"x = 2\n")
    assert gone.applied(is_test=True) == b""
    assert find_blocks("a.py", b"x = 1\ndef test_x():\n    pass\n", b"y\n").is_tangled


@pytest.mark.parametrize(
    ("path", "before", "after", "found"),
    [
        ("a.py", "f(a, b)", "f(\n    a,\n    b,\n)", "same"),
        ("a.py", "x = 'a'", 'x = "a"', "same"),
        ("a.py", "x = 'a'", "x = 'b'", "different"),
        ("a.py", "x = (a)", "x = (a,)", "different"),
        ("a.py", "x = [a]", "x = [a,]", "same"),
        ("a.py", "x = a[1]", "x = a[1,]", "different"),
        ("a.py", "if a:\n    b\n    c\n", "if a:\n    b\nc\n", "different"),
        ("a.py", "if a:\n    b\n    c\n", "if a:\n  b; c\n", "same"),
        ("a.py", "x = a + \\\n    b\n", "x = (\n    a + b\n)\n", "same"),
        ("a.py", "x = 1  # one\n", "x = 1\n", "documentation"),
        ("a.py", "x = 1  # one two\n", "# one  two\nx = 1\n", "same"),
        ("a.py", "x = a * (b + c)", "x = a * b + c", "different"),
        (
            "a.py",
            "def f():\n    'one'\n    g()\n",
            "def f():\n    'two'\n    g()\n",
            "documentation",
        ),
        ("a.py", "def f():\n    g('one')\n", "def f():\n    g('two')\n", "different"),
        ("a.py", "x = 1\n", "x = (\n", "different"),
        ("a.py", "x = f'{a}'", "x = f'{b}'", "different"),
        ("a.py", "pass", "", "different"),
        ("a.py", "x = not a", "x = a", "different"),
        ("a.py", "x = b'a'", "x = 'a'", "different"),
        ("a.js", "f( 1 ) // one", "f(1)", "documentation"),
        ("a.js", "f( 1 ) // one", "/* one */\nf(1)", "same"),
        ("a.js", "f('a b')", "f('ab')", "different"),
        ("a.go", "a := 1\n", "a := 2\n", "different"),
        ("a.rb", "a = 1", "a  = 1", "different"),
    ],
)
def test_what_two_states_of_a_file_say(path, before, after, found):
    assert compare(path, before.encode(), after.encode()) == found

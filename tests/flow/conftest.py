"""A tiny real taskset: a Git repository of two modules and their tests, six bugs, one environment."""

import asyncio
import os
import shutil
import subprocess
import venv

import pytest

from journeyman.config import digest
from journeyman.sandbox import reap
from journeyman.tasks import Taskset, load_taskset, save_taskset
from journeyman.tasks.workspace import find_base_commit
from journeyman.types import Environment, Origin, Task, VerifierSpec

FILES = {
    "calc.py": (
        "def add(a, b):\n    return a + b\n\n\n"
        "def clamp(x, low, high):\n    return max(low, min(x, high))\n\n\n"
        "def mean(values):\n    return sum(values) / len(values)\n"
    ),
    "words.py": (
        "def count(text):\n    return len(text.split())\n\n\n"
        "def initials(text):\n    return ''.join(word[0] for word in text.split())\n\n\n"
        "def is_palindrome(text):\n    return text == text[::-1]\n"
    ),
    "tests/__init__.py": "",
    "tests/test_calc.py": (
        "import unittest\n\nimport calc\n\n\nclass Calc(unittest.TestCase):\n"
        "    def test_add(self):\n        self.assertEqual(calc.add(2, 3), 5)\n\n"
        "    def test_clamp(self):\n        self.assertEqual(calc.clamp(9, 0, 5), 5)\n\n"
        "    def test_mean(self):\n        self.assertEqual(calc.mean([1, 2, 6]), 3)\n"
    ),
    "tests/test_words.py": (
        "import unittest\n\nimport words\n\n\nclass Words(unittest.TestCase):\n"
        "    def test_count(self):\n        self.assertEqual(words.count('a b c'), 3)\n\n"
        "    def test_initials(self):\n        self.assertEqual(words.initials('ab cd'), 'ac')\n\n"
        "    def test_palindrome(self):\n        self.assertFalse(words.is_palindrome('abc'))\n"
    ),
}
# Module, class, test, the right text, the wrong one.
BUGS = (
    ("calc", "Calc", "test_add", "a + b", "a - b"),
    ("calc", "Calc", "test_clamp", "min(x, high)", "max(x, high)"),
    ("calc", "Calc", "test_mean", "/ len(values)", "/ 2"),
    ("words", "Words", "test_count", "len(text.split())", "len(text)"),
    ("words", "Words", "test_initials", "word[0]", "word[-1]"),
    ("words", "Words", "test_palindrome", "text == text[::-1]", "text != text[::-1]"),
)
VERIFIER = VerifierSpec(
    command="python -m unittest -v tests.test_calc tests.test_words",
    log_parser="unittest",
    timeout_s=60.0,
)


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory):
    """One cache for all tests, so that each task's workspace is prepared once."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("JOURNEYMAN_CACHE", str(folder))
        yield folder


@pytest.fixture(autouse=True)
def cache(shared_cache):
    return shared_cache


@pytest.fixture(scope="session")
def taskset(tmp_path_factory, shared_cache) -> Taskset:
    """The taskset `tiny` with its six tasks; never written to."""
    folder = tmp_path_factory.mktemp("tasksets") / "tiny"
    repository = make_repository(tmp_path_factory.mktemp("tiny"))
    environment = make_environment(repository, folder / "environments")
    tasks = [make_task(repository, environment, *bug) for bug in BUGS]
    save_taskset(Taskset(name="tiny", folder=folder, tasks=asyncio.run(based(tasks, folder))))
    return load_taskset(folder)


async def based(tasks, folder) -> tuple[Task, ...]:
    commits = [await find_base_commit(task, folder / "environments") for task in tasks]
    pairs = zip(tasks, commits, strict=True)
    return tuple(task.model_copy(update={"base_commit": commit}) for task, commit in pairs)


def make_repository(folder):
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-q", "-m", "tiny")
    return folder


def make_environment(repository, environments) -> Environment:
    commit = git(repository, "rev-parse", "HEAD").strip()
    environment = Environment(
        digest=digest(FILES)[:16],
        project="tiny",
        commit=commit,
        created_at="2024-01-01T00:00:00+00:00",
        test_command=VERIFIER.command,
        log_parser=VERIFIER.log_parser,
        variables={"PYTHONDONTWRITEBYTECODE": "1"},
    )
    folder = environments / environment.digest
    shutil.copytree(repository, folder / "repository", ignore=shutil.ignore_patterns(".git"))
    venv.create(folder / "toolchain", symlinks=True, with_pip=False)
    (folder / "environment.json").write_text(environment.model_dump_json())
    return environment


def make_task(repository, environment, module, case, test, right, wrong) -> Task:
    path = repository / f"{module}.py"
    path.write_text(FILES[path.name].replace(right, wrong))
    bug, fix = git(repository, "diff"), git(repository, "diff", "-R")
    git(repository, "checkout", "-q", ".")
    failing = f"tests.test_{module}.{case}.{test}"
    every = [f"tests.test_{name}.{group}.{method}" for name, group, method, *_ in BUGS]
    return Task(
        instance_id=f"tiny__{test}",
        repo="tiny/tiny",
        base_commit="",
        problem_statement=f"`{module}.py` is wrong: {test} fails.",
        patch=fix,
        FAIL_TO_PASS=(failing,),
        PASS_TO_PASS=tuple(name for name in every if name != failing),
        environment=environment.digest,
        bug_patch=bug,
        hidden_paths=(f"tests/test_{module}.py",),
        verifier=VERIFIER,
        origin=Origin(road="mutate", strategy="by_hand", location=f"{module}.py"),
    )


def git(folder, *arguments):
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.fixture
def no_sandbox_left(shared_cache):
    """Check after the test that no sandbox is on the disk and none of their processes run."""
    reap()
    yield
    folder = shared_cache / "sandboxes"
    assert not folder.exists() or sorted(os.listdir(folder)) == []
    assert find_processes(str(folder)) == []


def find_processes(text):
    """List the processes whose command line holds a text."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if text.encode() in file.read():
                    found.append(int(pid))
        except OSError:
            continue
    return found

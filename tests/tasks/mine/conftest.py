"""Real Git histories, made step by step, with dates that are the same on every machine."""

import os
import subprocess
from pathlib import Path

import pytest

START = 1_700_000_000
HOUR = 3600


class Repo:
    """A repository that a test writes history into; every commit is an hour after the last."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = START
        path.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *words, author="Ann", authored_at=None, stdin=None):
        env = {
            **{key: value for key, value in os.environ.items() if not key.startswith("GIT_")},
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": author,
            "GIT_AUTHOR_EMAIL": f"{author.lower()}@localhost",
            "GIT_COMMITTER_NAME": "Merger",
            "GIT_COMMITTER_EMAIL": "merger@localhost",
            "GIT_AUTHOR_DATE": f"{authored_at or self.clock} +0000",
            "GIT_COMMITTER_DATE": f"{self.clock} +0000",
        }
        done = subprocess.run(
            ["git", *words], cwd=self.path, env=env, input=stdin, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode(errors="replace").strip()

    def write(self, files):
        for path, data in files.items():
            place = self.path / path
            if data is None:
                place.unlink()
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data if isinstance(data, bytes) else data.encode())
        self.git("add", "-A")

    def commit(self, message, files=None, *, wait=HOUR, **options):
        self.clock += wait
        self.write(files or {})
        self.git("commit", "-q", "--allow-empty", "-F", "-", stdin=message.encode(), **options)
        return self.git("rev-parse", "HEAD")

    def branch(self, name, start="main"):
        self.git("checkout", "-q", "-b", name, start)

    def to(self, name):
        self.git("checkout", "-q", name)

    def merge(self, name, message):
        self.clock += HOUR
        self.git("merge", "-q", "--no-ff", "-m", message, name)
        return self.git("rev-parse", "HEAD")

    def tree(self, commit):
        return self.git("rev-parse", f"{commit}^{{tree}}")


@pytest.fixture
def repo(tmp_path):
    return Repo(tmp_path / "repo")


@pytest.fixture
def make_repo(tmp_path):
    return lambda name: Repo(tmp_path / name)


CODE = "def add(a, b):\n    return a - b\n\n\ndef name():\n    return 'x'\n"
FIXED = CODE.replace("a - b", "a + b")
TESTS = "from calc import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n"


@pytest.fixture
def calc(repo):
    """A repository whose next change can fix `add`."""
    repo.commit("start", {"calc.py": CODE, "tests/test_name.py": "def test_name():\n    pass\n"})
    return repo

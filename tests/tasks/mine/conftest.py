"""Real Git histories, made step by step, with dates that are the same on every machine."""

import hashlib
import http.server
import importlib.metadata
import os
import subprocess
import threading
import zipfile
from functools import partial
from pathlib import Path

import pytest

START = 1_700_000_000
HOUR = 3600
PACKAGES = ("pytest", "pluggy", "iniconfig", "packaging", "pygments")


class Repo:
    """A repository that a test writes history into; every commit is an hour after the last."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = START
        self.rebased = ""
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


PRICES = '''\
"""Prices in cents."""


def total(prices, discount=0):
    """Add prices up; a discount is a percentage."""
    whole = 0
    for price in prices:
        whole += price
    return whole - discount


def cheapest(prices):
    """Return the smallest price, or None."""
    return min(prices)


def dearest(prices):
    """Return the largest price, or None."""
    if not prices:
        return None
    return max(prices)
'''
STOCK = '''\
"""What is there."""


def take(items, name, count=1):
    """Take some of a thing away; tell whether there was enough."""
    have = items.get(name, 0)
    if have <= count:
        return False
    items[name] = have - count
    return True


def names(items):
    return sorted(items)


def is_empty(items):
    return not any(items.values())
'''
TEST_PRICES = """\
from shop.prices import cheapest, dearest, total


def test_sum():
    assert total([100, 250]) == 350


def test_cheapest():
    assert cheapest([30, 10, 20]) == 10


def test_dearest():
    assert dearest([30, 10, 20]) == 30
    assert dearest([]) is None
"""
TEST_STOCK = """\
from shop.stock import names, take


def test_take():
    items = {"pear": 3}
    assert take(items, "pear", 2)
    assert items == {"pear": 1}


def test_names():
    assert names({"b": 1, "a": 2}) == ["a", "b"]
"""
MEAN = '''

def mean_price(prices):
    """Return the mean, rounded down."""
    return sum(prices) // len(prices)
'''


def write_shop_history(repo):
    """Write the history of a small shop: pull requests in every shape, and much that is none."""
    files = {
        "shop/__init__.py": "",
        "shop/prices.py": PRICES,
        "shop/stock.py": STOCK,
        "tests/test_prices.py": TEST_PRICES,
        "tests/test_stock.py": TEST_STOCK,
        "requirements.txt": "",
    }
    repo.commit("Start of the shop", files)

    repo.branch("discount")
    tests = TEST_PRICES + "\n\ndef test_half():\n    assert total([100, 100], discount=50) == 100\n"
    repo.commit("A test", {"tests/test_prices.py": tests})
    prices = PRICES.replace("whole - discount", "whole - whole * discount // 100")
    repo.commit("Take percents", {"shop/prices.py": prices})
    repo.to("main")
    repo.commit("Say what it is", {"README.md": "A shop.\n"})
    repo.merge("discount", "Merge pull request #2 from ann/discount\n\nDiscounts are wrong for sums "
               "of more than one euro\n\nFixes #1")  # fmt: skip

    prices += MEAN
    repo.commit(
        "feat: The mean of some prices is known (#4)\n\nPeople want to know the mean price of a "
        "basket, in cents.\n\nCo-authored-by: Bob <bob@localhost>",
        {"shop/prices.py": prices, "tests/test_mean.py": "from shop.prices import mean_price\n\n\n"
         "def test_mean():\n    assert mean_price([1, 2, 4]) == 2\n"},
    )  # fmt: skip

    written = repo.clock - 9000
    tests += "\n\ndef test_cheapest_of_none():\n    assert cheapest([]) is None\n"
    repo.commit(
        "An empty basket", {"tests/test_prices.py": tests}, author="Bob", authored_at=written
    )
    prices = prices.replace("    return min(prices)", "    return min(prices, default=None)")
    repo.rebased = repo.commit(
        "The cheapest of an empty basket makes it crash\n\nCloses #5",
        {"shop/prices.py": prices}, wait=1, author="Bob", authored_at=written + 60,
    )  # fmt: skip

    stock = STOCK.replace("have <= count", "have < count")
    inside = "def test_inside():\n    assert take({'fig': 1}, 'fig')\n\n\n"
    stock = stock.replace("def is_empty", f"{inside}def is_empty")
    repo.commit("The last piece of a thing cannot be taken (#7)", {"shop/stock.py": stock})

    bad = repo.commit("Sort names backwards (#8)", {
        "shop/stock.py": stock.replace("sorted(items)", "sorted(items)[::-1]"),
        "tests/test_stock.py": TEST_STOCK.replace('["a", "b"]', '["b", "a"]')})  # fmt: skip
    repo.commit(f'Revert "Sort names backwards (#8)"\n\nThis reverts commit {bad}.', {
        "shop/stock.py": stock, "tests/test_stock.py": TEST_STOCK})  # fmt: skip
    repo.commit("Bump rich from 13.1 to 13.2 (#9)", {"README.md": "A good shop.\n"})
    repo.commit("Names are iterated once (#10)", {
        "shop/stock.py": stock.replace("sorted(items)", "sorted(iter(items))"),
        "tests/test_stock.py": TEST_STOCK + "\n\ndef test_no_names():\n    assert names({}) == []\n",
    })  # fmt: skip
    repo.commit("Wanted soon (#11)", {"requirements.txt": "# nothing yet\n"})
    owed = stock.replace("not any(items.values())", "all(one <= 0 for one in items.values())")
    repo.commit("Things owed do not make a stock empty, nor less so (#12)", {
        "shop/stock.py": owed,
        "tests/test_empty.py": "from shop.stock import is_empty\n\n\ndef test_owed():\n"
        "    assert is_empty({'pear': -1})\n    assert not is_empty({'pear': -1, 'fig': 1})\n",
    })  # fmt: skip
    repo.commit("[1.x] Things owed (#13)", {"README.md": "An old shop.\n"})
    return repo


@pytest.fixture
def shop_repo(repo):
    return write_shop_history(repo)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        """`uv` hangs up as soon as it has read the metadata that it wanted."""


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The pages of an index that has what pytest needs."""
    root = tmp_path_factory.mktemp("index")
    for name in PACKAGES:
        found = importlib.metadata.distribution(name)
        folder = root / "simple" / name
        folder.mkdir(parents=True)
        wheel = folder / f"{name}-{found.version}-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as packed:
            for file in found.files:
                if file.parts[0] != ".." and "__pycache__" not in file.parts:
                    packed.write(file.locate(), str(file))
        sum_ = hashlib.sha256(wheel.read_bytes()).hexdigest()
        link = f'<a href="{wheel.name}#sha256={sum_}">{wheel.name}</a>'
        (folder / "index.html").write_text(f"<!DOCTYPE html><body>{link}</body>")
    return root


@pytest.fixture
def index(pages, monkeypatch, tmp_path):
    """An index on loopback; `uv` is set up to know no other."""
    for name in [
        one for one in os.environ if one.startswith("UV_") or one.lower().endswith("_proxy")
    ]:
        monkeypatch.delenv(name)
    handler = partial(Quiet, directory=str(pages))
    with Server(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        (tmp_path / "uv.toml").write_text("")
        monkeypatch.setenv("UV_CONFIG_FILE", str(tmp_path / "uv.toml"))
        monkeypatch.setenv(
            "UV_DEFAULT_INDEX", f"http://127.0.0.1:{server.server_address[1]}/simple"
        )
        monkeypatch.setenv("UV_HTTP_RETRIES", "0")
        yield
        server.shutdown()

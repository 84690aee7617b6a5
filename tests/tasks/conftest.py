"""A small project in an environment of its own, made without a network: for pytest and unittest."""

import importlib.metadata
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from journeyman.tasks.project import Project
from journeyman.types import Environment

SHOP = {
    "shop/__init__.py": "",
    "shop/prices.py": '''\
"""Prices in cents."""


def total(prices, discount=0):
    """Add prices up; a discount is a percentage."""
    whole = 0
    for price in prices:
        if price < 0:
            raise ValueError("a price is negative")
        whole += price
    return whole - whole * discount // 100


def cheapest(prices):
    """Return the smallest price, or None."""
    if not prices:
        return None
    return min(prices)
''',
    "shop/stock.py": '''\
"""What is there."""

from shop.prices import total


class Stock:
    def __init__(self):
        self.items = {}

    def add(self, name, count=1):
        if count <= 0:
            raise ValueError("count must be positive")
        self.items[name] = self.items.get(name, 0) + count

    def take(self, name, count=1):
        have = self.items.get(name, 0)
        if have < count:
            return False
        self.items[name] = have - count
        return True

    def worth(self, prices):
        return total([prices[name] * count for name, count in self.items.items()])


def never_tested(a, b):
    return a + b
''',
    "tests/__init__.py": "",
    "tests/test_prices.py": """\
import unittest

from shop.prices import cheapest, total


class TotalCase(unittest.TestCase):
    def test_sum(self):
        self.assertEqual(total([100, 250]), 350)

    def test_discount(self):
        self.assertEqual(total([100, 100], discount=10), 180)

    def test_negative(self):
        with self.assertRaises(ValueError):
            total([-1])


class CheapestCase(unittest.TestCase):
    def test_smallest(self):
        self.assertEqual(cheapest([30, 10, 20]), 10)

    def test_none(self):
        self.assertIsNone(cheapest([]))
""",
    "tests/test_stock.py": """\
import unittest

from shop.stock import Stock


class StockCase(unittest.TestCase):
    def setUp(self):
        self.stock = Stock()
        self.stock.add("pear", 3)

    def test_take(self):
        self.assertTrue(self.stock.take("pear", 2))
        self.assertEqual(self.stock.items, {"pear": 1})

    def test_take_too_many(self):
        self.assertFalse(self.stock.take("pear", 4))

    def test_all(self):
        self.assertTrue(self.stock.take("pear", 3))

    def test_count(self):
        self.assertRaises(ValueError, self.stock.add, "fig", 0)

    def test_worth(self):
        self.assertEqual(self.stock.worth({"pear": 20}), 60)
""",
    "tests/test_odd.py": """\
import time
import unittest

from shop.prices import total


class OddCase(unittest.TestCase):
    def test_flaky(self):
        # Seldom passes: once in a thousand runs, so that no test here depends on luck.
        self.assertEqual(total([1]) + bool(time.time_ns() // 1000 % 1000), 1)

    def test_fails(self):
        self.assertEqual(total([1]), 2)

    @unittest.skip("not today")
    def test_skipped(self):
        self.fail()
""",
}
"""A project with stable, flaky, failing and skipped tests; its tests run under both runners."""

COMMANDS = {
    "pytest": "python -m pytest -v -rap --color=no --tb=short -p no:cacheprovider -o addopts=",
    "unittest": "python -m unittest discover -v -s tests -t .",
}


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("JOURNEYMAN_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def toolchain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the pytest that runs this test."""
    folder = tmp_path_factory.mktemp("toolchain")
    base = getattr(sys, "_base_executable", sys.executable)
    subprocess.run([base, "-m", "venv", "--without-pip", str(folder)], check=True)
    target = next(folder.glob("lib/python*/site-packages"))
    for name in ("pytest", "pluggy", "iniconfig", "packaging", "pygments"):
        for file in importlib.metadata.files(name) or ():
            if file.parts[0] not in ("..", "__pycache__") and "__pycache__" not in file.parts:
                (target / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file.locate(), target / file)
    # Nothing writes compiled files later: without them, each run would compile pytest anew.
    subprocess.run([base, "-m", "compileall", "-q", str(target)], check=True)
    return folder


Shop = tuple[Project, Environment, Path]


@pytest.fixture(scope="session")
def make_shop(toolchain: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Shop]:
    """Return a function that lays out a taskset's folder with the environment of a small project."""

    def make(runner: str = "pytest", **changes: str) -> Shop:
        root = tmp_path_factory.mktemp("shop")
        files = SHOP | {path.replace("__", "/") + ".py": text for path, text in changes.items()}
        folder = root / "environments" / "shop1"
        for path, text in files.items():
            (folder / "repository" / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / "repository" / path).write_text(text)
        shutil.copytree(toolchain, folder / "toolchain", symlinks=True)
        environment = Environment(
            digest="shop1",
            project="shop",
            commit="1" * 40,
            created_at="2026-01-05T00:00:00Z",
            test_command=COMMANDS[runner],
            log_parser=runner,
            variables={"PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"},
        )
        (folder / "environment.json").write_text(environment.model_dump_json())
        project = Project(
            name="shop",
            repo="shop",
            path=folder / "repository",
            commit="1" * 40,
            created_at="2026-01-05T00:00:00Z",
        )
        return project, environment, root

    return make

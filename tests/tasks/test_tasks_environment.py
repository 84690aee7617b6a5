"""Building an environment with and without an index: a real one, on loopback, of real packages."""

import hashlib
import http.server
import importlib.metadata
import os
import socket
import threading
import zipfile
from functools import partial

import pytest

from journeyman.sandbox import environment_spec, load_environment, opened
from journeyman.tasks.environment import build_environment
from journeyman.tasks.environment.record import BuildRecord, find_built, read_record, write_record
from journeyman.tasks.git import add_files, commit_tree, init_repository, list_files
from journeyman.tasks.project import Project

DATE = "2026-01-05T00:00:00Z"
FILES = {
    "one.py": "def one():\n    return 1\n",
    "tests/__init__.py": "",
    "tests/test_one.py": (
        "import unittest\n\nimport one\n\n\nclass One(unittest.TestCase):\n"
        "    def test_one(self):\n        self.assertEqual(one.one(), 1)\n"
    ),
}
PACKAGES = ("pytest", "pluggy", "iniconfig", "packaging", "pygments")


def write_wheel(name, folder):
    """Pack an installed pure-Python package into the wheel that it came from."""
    found = importlib.metadata.distribution(name)
    path = folder / f"{name}-{found.version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as packed:
        for file in found.files:
            if file.parts[0] != ".." and "__pycache__" not in file.parts:
                packed.write(file.locate(), str(file))
    return path


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The pages of an index: a folder for each package, with its wheel and a link to it."""
    root = tmp_path_factory.mktemp("index")
    for name in PACKAGES:
        (root / "simple" / name).mkdir(parents=True)
        wheel = write_wheel(name, root / "simple" / name)
        sum_ = hashlib.sha256(wheel.read_bytes()).hexdigest()
        link = f'<a href="{wheel.name}#sha256={sum_}">{wheel.name}</a>'
        (wheel.parent / "index.html").write_text(f"<!DOCTYPE html><body>{link}</body>")
    return root


@pytest.fixture
def index(pages, monkeypatch, tmp_path):
    """An index that is down until it is started; `uv` is set up to know no other."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    for name in [name for name in os.environ if name.startswith("UV_")]:
        monkeypatch.delenv(name)
    (tmp_path / "uv.toml").write_text("")
    monkeypatch.setenv("UV_CONFIG_FILE", str(tmp_path / "uv.toml"))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://127.0.0.1:{port}/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("JOURNEYMAN_CACHE", str(tmp_path / "cache"))
    servers = []

    def start():
        handler = partial(Quiet, directory=str(pages))
        servers.append(http.server.ThreadingHTTPServer(("127.0.0.1", port), handler))
        threading.Thread(target=servers[0].serve_forever, daemon=True).start()

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "one"
    for path, text in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    init_repository(folder / ".git")
    add_files(folder / ".git", folder, list_files(folder))
    commit = commit_tree(folder / ".git", "One", DATE)
    return Project(name="one", repo="one", path=folder, commit=commit, created_at=DATE)


@pytest.mark.sandbox
async def test_what_an_index_adds_is_another_environment(project, index, tmp_path):
    environments = tmp_path / "environments"
    bare = await build_environment(project, environments)
    assert (bare.log_parser, bare.packages) == ("unittest", ())
    assert read_record(environments / bare.digest).is_offline
    assert await build_environment(project, environments) == bare, "no index yet: nothing is new"

    index()
    full = await build_environment(project, environments)
    assert full.log_parser == "pytest"
    assert {text.partition("==")[0] for text in full.packages} == {*PACKAGES}
    assert full.digest != bare.digest
    assert not read_record(environments / full.digest).is_offline
    assert load_environment(environments / bare.digest) == bare, "tasks still point to it"
    assert await build_environment(project, environments) == full
    assert not list(environments.glob(".building-*"))

    spec = environment_spec(full, environments / full.digest)
    async with opened(spec) as sandbox:
        done = await sandbox.execute(full.test_command, timeout_s=60)
    assert done.exit_code == 0, done.stdout


@pytest.mark.sandbox
async def test_uv_that_is_told_to_stay_offline_does(project, index, tmp_path, monkeypatch):
    index()
    monkeypatch.setenv("UV_OFFLINE", "1")
    environment = await build_environment(project, tmp_path / "environments")
    assert environment.packages == ()
    assert read_record(tmp_path / "environments" / environment.digest).is_offline


@pytest.mark.sandbox
async def test_what_a_killed_build_left_is_removed_by_the_next(
    project, index, tmp_path, monkeypatch
):
    monkeypatch.setenv("UV_OFFLINE", "1")
    environments = tmp_path / "environments"
    environment = await build_environment(project, environments)
    order = read_record(environments / environment.digest).order
    (environments / environment.digest / "environment.json").unlink()
    mine, other = (environments / f".building-{name}-x" for name in (order[:16], "0" * 16))
    for folder in (mine, other):
        (folder / "repository").mkdir(parents=True)
    assert (await build_environment(project, environments)).digest == environment.digest
    assert not mine.exists()
    assert other.exists(), "another order's builder may be alive"


def test_an_order_is_met_by_the_build_that_had_the_index(tmp_path):
    for name, order, is_offline in (("a", "x", True), ("b", "x", False), ("c", "y", True)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "environment.json").touch()
        write_record(tmp_path / name, BuildRecord(order=order, is_offline=is_offline))
    (tmp_path / "old").mkdir()
    (tmp_path / "old/environment.json").touch()
    assert find_built(tmp_path, "x").place.name == "b"
    assert find_built(tmp_path, "y").place.name == "c"
    assert find_built(tmp_path, "z") is None
    assert find_built(tmp_path, "") is None

import functools
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from journeyman.sandbox import SandboxSpec, opened


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("JOURNEYMAN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def layer(tmp_path) -> Path:
    folder = tmp_path / "layer"
    folder.mkdir()
    (folder / "a.txt").write_text("from the layer\n")
    os.utime(folder / "a.txt", (1, 1))  # the same image for every test
    return folder


@pytest.fixture
def spec(layer) -> SandboxSpec:
    return SandboxSpec(workspace_layers=(layer,))


ENGINE = os.environ.get("JOURNEYMAN_TEST_ENGINE", "docker")
"""`podman` runs the same tests with that engine."""


@pytest.fixture(scope="session")
def docker_base() -> str:
    """Return the name of a base image that is here; `.ci/run` makes one."""
    if shutil.which(ENGINE) is None:
        pytest.skip(f"{ENGINE} is not installed")
    if subprocess.run([ENGINE, "info"], capture_output=True, check=False).returncode:
        pytest.skip(f"no {ENGINE} engine answers")
    base = os.environ.get("JOURNEYMAN_TEST_BASE", "journeyman-test-base")
    found = subprocess.run([ENGINE, "image", "inspect", base], capture_output=True, check=False)
    if found.returncode:
        pytest.skip(f"no image {base}: scripts/base-image {base} {ENGINE}")
    return base


@pytest.fixture(
    params=[
        pytest.param("namespace", marks=pytest.mark.sandbox),
        pytest.param("docker", marks=pytest.mark.docker),
    ]
)
def backend(request):
    if request.param == "namespace":
        return request.param
    return f"{ENGINE}:{request.getfixturevalue('docker_base')}"


@pytest.fixture
def start(backend):
    return functools.partial(opened, backend=backend)


@pytest.fixture
def host_processes():
    """Return a function that lists the processes of this machine whose command line is `words`."""
    return _host_processes


def _host_processes(words):
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = path.read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            continue
        if text == words:
            found.append(path.parent.name)
    return found

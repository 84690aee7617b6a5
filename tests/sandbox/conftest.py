from pathlib import Path

import pytest

from journeyman.sandbox import SandboxSpec


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("JOURNEYMAN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def layer(tmp_path) -> Path:
    folder = tmp_path / "layer"
    folder.mkdir()
    (folder / "a.txt").write_text("from the layer\n")
    return folder


@pytest.fixture
def spec(layer) -> SandboxSpec:
    return SandboxSpec(workspace_layers=(layer,))

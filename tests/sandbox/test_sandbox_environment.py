from pathlib import Path

import pytest

from journeyman.errors import AttributedError, JourneymanError
from journeyman.sandbox import Mount, environment_spec, load_environment, opened
from journeyman.types import Environment


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "environments" / "abc"
    (folder / "repository").mkdir(parents=True)
    (folder / "repository/module.py").write_text("x = 1\n")
    (folder / "toolchain/bin").mkdir(parents=True)
    (folder / "toolchain/bin/tool").write_text("#!/bin/sh\necho $COLOUR tool\n")
    (folder / "toolchain/bin/tool").chmod(0o755)
    environment = Environment(digest="abc", project="p", commit="c", variables={"COLOUR": "red"})
    (folder / "environment.json").write_text(environment.model_dump_json())
    return folder


def test_an_environment_is_read_back(folder):
    assert load_environment(folder).project == "p"


def test_absent_and_broken_environments(folder, tmp_path):
    with pytest.raises(AttributedError, match="environment_missing"):
        load_environment(tmp_path)
    (folder / "environment.json").write_text("{")
    with pytest.raises(JourneymanError, match="broken"):
        load_environment(folder)


def test_the_base_interpreter_is_mounted_where_it_is(folder, tmp_path):
    base = tmp_path / "pythons/3.11"
    (base / "bin").mkdir(parents=True)
    (folder / "toolchain/pyvenv.cfg").write_text(f"home = {base}/bin\n")
    spec = environment_spec(load_environment(folder), folder, owner="r")
    assert Mount(source=base, target=str(base)) in spec.mounts
    assert spec.owner == "r"


def test_a_system_interpreter_needs_no_mount(folder):
    (folder / "toolchain/pyvenv.cfg").write_text("home = /usr/bin\n")
    spec = environment_spec(load_environment(folder), folder)
    assert [mount.target for mount in spec.mounts] == ["/opt/environment"]


@pytest.mark.sandbox
async def test_the_toolchain_is_on_the_path_and_the_repository_in_the_workspace(folder, tmp_path):
    extra = tmp_path / "extra"
    extra.mkdir()
    (extra / "more.py").write_text("y = 2\n")
    spec = environment_spec(load_environment(folder), folder, extra_layers=[extra])
    async with opened(spec) as sandbox:
        done = await sandbox.execute("tool; ls", timeout_s=20)
    assert done.stdout == b"red tool\nmodule.py\nmore.py\n"


@pytest.mark.sandbox
async def test_a_folder_may_be_given_relative_to_where_we_are(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    here = Path("abc")
    async with opened(environment_spec(load_environment(here), here)) as sandbox:
        assert (await sandbox.execute("tool", timeout_s=20)).stdout == b"red tool\n"

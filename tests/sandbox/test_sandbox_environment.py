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


def test_network_index_is_bound_by_the_environments_date_and_names(folder):
    tree = folder / "repository"
    (tree / "pyproject.toml").write_text('[project]\nname = "Widgets.Core"\n')
    (tree / "setup.cfg").write_text("[metadata]\nname = widgets-cfg\n")
    (tree / "setup.py").write_text(
        "import setuptools\nNAME = 'widgets-setup'\nsetuptools.setup(name=NAME, version='1')\n"
    )
    (tree / "package.json").write_text('{"name": "@acme/all", "workspaces": ["packages/*"]}')
    (tree / "packages/ui").mkdir(parents=True)
    (tree / "packages/ui/package.json").write_text('{"name": "@acme/ui"}')
    environment = load_environment(folder).model_copy(
        update={"project": "acme/widgets", "created_at": "2024-05-01T10:00:00+02:00"}
    )
    spec = environment_spec(environment, folder, network="index", forks=("widgets-ng",))
    assert spec.index.before.isoformat() == "2024-05-01T10:00:00+02:00"
    assert spec.index.denied == (
        "@acme/all", "@acme/ui", "Widgets.Core", "widgets", "widgets-cfg", "widgets-ng",
        "widgets-setup",
    )  # fmt: skip
    assert environment_spec(environment, folder).index is None


@pytest.mark.parametrize("broken", ["{", "[]", "\0", "name ="])
def test_a_file_that_cannot_be_read_declares_no_name(folder, broken):
    for name in ("pyproject.toml", "setup.cfg", "setup.py", "package.json"):
        (folder / "repository" / name).write_text(broken)
    environment = load_environment(folder).model_copy(update={"created_at": "2024-05-01"})
    spec = environment_spec(environment, folder, network="index")
    assert spec.index.denied == ("p",)
    assert spec.index.before.isoformat() == "2024-05-01T00:00:00+00:00"


def test_an_environment_without_a_date_has_no_index(folder):
    with pytest.raises(JourneymanError, match="has no date"):
        environment_spec(load_environment(folder), folder, network="index")


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

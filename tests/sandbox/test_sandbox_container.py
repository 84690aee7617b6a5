"""What only the container backend has: images, layers turned into archives, orphans found by label."""

import io
import os
import subprocess
import sys
import tarfile

import pytest

from journeyman.errors import JourneymanError
from journeyman.sandbox import Mount, SandboxSpec, open_sandbox, opened, overlay
from journeyman.sandbox.engine import Engine, find_engine
from journeyman.sandbox.image import Part, dockerfile, find_image


def test_a_layer_becomes_what_it_hides_and_what_it_lays(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/new.py").write_text("x = 1\n")
    (tmp_path / "folder/new.py").chmod(0o755)
    (tmp_path / "link").symlink_to("folder/new.py")
    os.mknod(tmp_path / "folder/gone.py", 0o020000, os.makedev(0, 0))
    gone, archive = overlay.archive_of(tmp_path)
    assert set(gone.split(b"\0")[:-1]) == {b"folder/gone.py", b"folder/new.py", b"link"}
    with tarfile.open(fileobj=io.BytesIO(archive)) as laid:
        members = {member.name: member for member in laid}
    assert set(members) == {"folder", "folder/new.py", "link"}
    assert members["folder/new.py"].mode == 0o755
    assert members["link"].linkname == "folder/new.py"
    assert {member.uid for member in members.values()} == {1000}


def test_a_dockerfile_opens_the_way_to_what_it_copies(tmp_path):
    recipe = dockerfile("base", Part(tmp_path, "/root/tools/python"))
    assert recipe.splitlines() == [
        "FROM base",
        "COPY --chown=0:0 part /root/tools/python",
        "RUN chmod a+rx /root/tools /root",
    ]


async def test_an_engine_that_is_not_installed_is_a_user_error(spec, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(JourneymanError, match="podman is not installed"):
        await open_sandbox(spec, backend="podman")


def test_a_hint_names_no_way_that_there_is_not(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(JourneymanError) as caught:
        find_engine("docker", is_the_only_way=True)
    assert caught.value.hint == "apt-get install -y docker.io"


@pytest.mark.docker
async def test_a_base_that_is_not_there_is_a_user_error(spec, docker_base):
    with pytest.raises(JourneymanError, match="cannot be pulled"):
        await open_sandbox(spec, backend="docker:localhost:1/absent")


@pytest.fixture
def empty_base(docker_base):
    name = "journeyman-test-empty"
    docker("import", "-", name, stdin=_empty_archive())
    yield name
    docker("rmi", "--force", name)


@pytest.mark.docker
async def test_a_base_without_the_tools_is_refused_before_anything_runs(spec, empty_base):
    with pytest.raises(JourneymanError, match="docker build failed"):
        await open_sandbox(spec, backend=f"docker:{empty_base}")


def docker(*words, stdin=b""):
    done = subprocess.run(["docker", *words], input=stdin, check=True, capture_output=True)
    return done.stdout.decode()


def _empty_archive():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        folder = tarfile.TarInfo("etc")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
    return buffer.getvalue()


@pytest.mark.docker
async def test_environments_share_the_image_of_what_they_have_in_common(
    docker_base, tmp_path, cache
):
    (tmp_path / "tools/bin").mkdir(parents=True)
    (tmp_path / "tools/bin/tool").write_text(f"#!/bin/sh\necho {tmp_path.name}\n")
    (tmp_path / "tools/bin/tool").chmod(0o755)
    mounts = (Mount(source=tmp_path / "tools", target="/opt/tools"),)
    images = []
    for number in range(2):
        layer = tmp_path / f"layer-{number}"
        layer.mkdir()
        (layer / "number").write_text(str(number))
        spec = SandboxSpec(workspace_layers=(layer,), mounts=mounts)
        before = set((cache / "images").glob("*.log"))
        images.append(await find_image(Engine("docker"), docker_base, spec))
        if number:
            assert len(set((cache / "images").glob("*.log")) - before) == 1
        async with opened(spec, backend=f"docker:{docker_base}") as sandbox:
            done = await sandbox.execute("/opt/tools/bin/tool; cat number", timeout_s=20)
        assert done.stdout.decode() == f"{tmp_path.name}\n{number}"
    assert images[0] != images[1]


@pytest.mark.docker
async def test_further_layers_hide_and_lay(docker_base, layer, tmp_path):
    upper = tmp_path / "upper"
    (upper / "deep").mkdir(parents=True)
    (upper / "deep/new").write_text("new\n")
    os.mknod(upper / "a.txt", 0o020000, os.makedev(0, 0))
    spec = SandboxSpec(workspace_layers=(layer, upper))
    async with opened(spec, backend=f"docker:{docker_base}") as sandbox:
        done = await sandbox.execute("find . -type f; cat deep/new; rm deep/new", timeout_s=20)
    assert done.stdout == b"./deep/new\nnew\n"
    assert done.exit_code == 0


@pytest.mark.docker
def test_containers_of_the_dead_are_found_by_their_label(docker_base, tmp_path):
    name = f"journeyman-test-orphan-{os.getpid()}"
    words = ("--label", "journeyman=1-1-00000000-", "--name", name, docker_base, "sleep", "300")
    docker("run", "--detach", *words)
    (tmp_path / "layer").mkdir()
    (tmp_path / "layer/x").write_text("x")
    script = f"""
import asyncio, pathlib
from journeyman.sandbox import SandboxSpec, opened
async def main():
    spec = SandboxSpec(workspace_layers=(pathlib.Path({str(tmp_path / "layer")!r}),))
    async with opened(spec, backend="docker:{docker_base}"):
        pass
asyncio.run(main())
"""
    subprocess.run([sys.executable, "-c", script], check=True)
    assert name not in docker("ps", "--all", "--format", "{{.Names}}").split()

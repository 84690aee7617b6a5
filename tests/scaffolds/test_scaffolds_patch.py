"""Capturing a patch from a sandbox whose agent may be careless or hostile."""

import subprocess
from pathlib import Path

import pytest

from journeyman.errors import AttributedError
from journeyman.sandbox import Sandbox, SandboxSpec, opened
from journeyman.scaffolds import capture_patch

pytestmark = pytest.mark.sandbox

FILES = {
    "a.txt": b"one\ntwo\n",
    "crlf.txt": b"one\r\ntwo\r\n",
    "sub/b.py": b"x = 1\n",
    ".gitignore": b"*.log\n",
    "gone.txt": b"bye\n",
}


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "core.autocrlf=false"]
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    for name, data in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    git(folder.parent, "init", "-q", str(folder))
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "base")
    return folder


async def captured(repository: Path, command: str, base: str | None = None) -> str:
    base = git(repository, "rev-parse", "HEAD") if base is None else base
    async with opened(SandboxSpec(workspace_layers=(repository,))) as sandbox:
        await perform(sandbox, command)
        return await capture_patch(sandbox, base)


async def perform(sandbox: Sandbox, command: str) -> None:
    done = await sandbox.execute(command, timeout_s=30)
    assert done.exit_code == 0, done.stderr


def applied(repository: Path, patch: str) -> dict[str, bytes]:
    """Apply the patch to the base and return every file."""
    subprocess.run(
        ["git", "-C", str(repository), "apply"], input=patch.encode(), check=True, timeout=30
    )
    paths = [path for path in repository.rglob("*") if path.is_file()]
    found = {str(path.relative_to(repository)): path.read_bytes() for path in paths}
    return {name: data for name, data in found.items() if not name.startswith(".git/")}


async def test_nothing_changed_is_an_empty_patch(repository: Path) -> None:
    assert await captured(repository, "true") == ""


async def test_every_kind_of_change_comes_back(repository: Path) -> None:
    patch = await captured(
        repository,
        r"""echo three >> a.txt; printf 'a\0b' > binary.bin; rm gone.txt; printf 'caf\351\n' > latin.txt
        printf 'x\r\n' >> crlf.txt; echo y > 'sp ace é.txt'; chmod +x sub/b.py; ln -s a.txt link""",
    )
    files = applied(repository, patch)
    assert files["a.txt"] == b"one\ntwo\nthree\n"
    assert files["binary.bin"] == b"a\0b"
    assert files["latin.txt"] == b"caf\xe9\n"
    assert files["crlf.txt"] == b"one\r\ntwo\r\nx\r\n"
    assert files["sp ace é.txt"] == b"y\n"
    assert "gone.txt" not in files
    assert (repository / "sub/b.py").stat().st_mode & 0o100
    assert (repository / "link").is_symlink()


async def test_text_changes_are_readable(repository: Path) -> None:
    patch = await captured(repository, "echo 'x = 2' > sub/b.py")
    assert "-x = 1\n+x = 2\n" in patch


async def test_by_products_and_ignored_files_stay_out(repository: Path) -> None:
    patch = await captured(
        repository,
        "mkdir sub/__pycache__; echo 1 > sub/__pycache__/b.cpython-311.pyc; echo 1 > x.log",
    )
    assert patch == ""


COMMIT = "git -c user.name=x -c user.email=x@y commit -q --no-verify"


@pytest.mark.parametrize(
    "command",
    [
        f"echo 'x = 2' > sub/b.py; git add -A; {COMMIT} -m mine",
        f"echo 'x = 2' > sub/b.py; git add -A; {COMMIT} --amend -m other",
        f"git checkout -q --orphan new; echo 'x = 2' > sub/b.py; git add -A; {COMMIT} -m root",
        "echo 'x = 2' > sub/b.py; git add -A; rm .git/HEAD",
        "echo 'x = 2' > sub/b.py; echo '[broken' > .git/config",
        "echo 'x = 2' > sub/b.py; echo garbage > .git/index",
        "echo 'x = 2' > sub/b.py; git update-index --assume-unchanged sub/b.py",
        "echo 'x = 2' > sub/b.py; mkdir -p .git/info; echo 'sub/' > .git/info/exclude",
        "echo 'x = 2' > sub/b.py; touch .git/index.lock",
    ],
)
async def test_history_and_repository_tricks_change_nothing(repository: Path, command: str) -> None:
    files = applied(repository, await captured(repository, command))
    assert files == {**FILES, "sub/b.py": b"x = 2\n"}


HOSTILE = """echo 'x = 2' > sub/b.py
for key in core.fsmonitor diff.external diff.d.textconv diff.d.command filter.f.clean; do
    git config $key 'touch /testbed/owned; cat'; done
git config core.hooksPath /testbed/hooks
mkdir -p .git/info hooks; printf '#!/bin/sh\\ntouch /testbed/owned' > hooks/post-index-change
chmod +x hooks/post-index-change; echo '* diff=d filter=f' > .git/info/attributes
git config --global core.fsmonitor 'touch /testbed/owned'
echo '*.py diff=d filter=f' > .gitattributes; rm -f owned"""


async def test_configuration_of_the_agent_is_never_run(repository: Path) -> None:
    async with opened(SandboxSpec(workspace_layers=(repository,))) as sandbox:
        await perform(sandbox, HOSTILE)
        patch = await capture_patch(sandbox, git(repository, "rev-parse", "HEAD"))
        left = await sandbox.execute("ls /tmp; ls owned", timeout_s=10)
    files = applied(repository, patch)
    assert left.stdout == b""
    assert files["sub/b.py"] == b"x = 2\n"
    assert files[".gitattributes"] == b"*.py diff=d filter=f\n"


async def test_files_forced_past_an_ignore_rule_count(repository: Path) -> None:
    patch = await captured(repository, "echo kept > k.log; git add -f k.log; echo not > n.log")
    files = applied(repository, patch)
    assert files["k.log"] == b"kept\n"
    assert "n.log" not in files


async def test_nested_repositories_count_as_files(repository: Path) -> None:
    patch = await captured(
        repository, "git init -q nested; echo y > nested/y.txt; git init -q empty"
    )
    assert applied(repository, patch)["nested/y.txt"] == b"y\n"


async def test_without_a_base_the_root_commit_is_taken(repository: Path) -> None:
    patch = await captured(
        repository,
        f"echo 'x = 2' > sub/b.py; git add -A; {COMMIT} -m mine; echo 2 > a.txt",
        base="",
    )
    assert applied(repository, patch) == {**FILES, "sub/b.py": b"x = 2\n", "a.txt": b"2\n"}


@pytest.mark.parametrize(
    "command", ["rm -rf .git", "rm -rf .git; git init -q", "rm -rf .git/objects/*"]
)
async def test_a_destroyed_repository_is_named(repository: Path, command: str) -> None:
    with pytest.raises(AttributedError) as caught:
        await captured(repository, command)
    assert caught.value.cause == "patch_invalid"
    assert "gone" in caught.value.detail or "no Git objects" in caught.value.detail


async def test_a_huge_patch_is_named(repository: Path) -> None:
    with pytest.raises(AttributedError, match="patch has") as caught:
        await captured(repository, "head -c 12000000 /dev/urandom > big.bin")
    assert caught.value.cause == "patch_invalid"

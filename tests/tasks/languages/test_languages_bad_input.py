"""Repositories and suites that misbehave: each gets a reason, and none stops anything else."""

import os
import subprocess
from pathlib import Path

import pytest

from journeyman.errors import JourneymanError
from journeyman.tasks.environment import build_environment
from journeyman.tasks.environment.files import export_tree
from journeyman.tasks.languages import find_language
from journeyman.tasks.mutate import list_mutations, list_sources
from journeyman.tasks.project import obtain_project

MAKEFILE = "check:\n\tsh tests/run.sh\n"
SOURCE = """\
int add(int a, int b)
{
    if (a > 10) {
        return 0;
    }
    return a + b;
}
"""
TEST = "int test_add(void) { return 1; } /* first second third */\n"


def suite_of(script: str) -> dict[str, str]:
    return {
        "Makefile": MAKEFILE,
        "src/add.c": SOURCE,
        "tests/test_add.c": TEST,
        "tests/run.sh": script,
    }


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@localhost", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.sandbox
async def test_a_suite_that_hangs_is_ended(need, commit_project, tmp_path, monkeypatch):
    need("c")
    monkeypatch.setattr("journeyman.tasks.environment.smoke._SUITE_TIMEOUT_S", 3.0)
    project = obtain_project(str(commit_project(suite_of("echo ok 1 - first\nsleep 1000\n"))))
    with pytest.raises(JourneymanError, match="do not end within"):
        await build_environment(project, tmp_path / "environments")


@pytest.mark.sandbox
async def test_a_suite_that_forks_without_end_harms_nobody(
    need, commit_project, tmp_path, monkeypatch
):
    need("c")
    monkeypatch.setattr("journeyman.tasks.environment.smoke._SUITE_TIMEOUT_S", 5.0)
    bomb = "f() { f | f & }\nf\nsleep 1000\n"
    project = obtain_project(str(commit_project(suite_of(bomb))))
    with pytest.raises(JourneymanError):
        await build_environment(project, tmp_path / "environments")
    assert git(tmp_path, "--version")


@pytest.mark.sandbox
async def test_a_suite_may_write_home_and_finds_no_network(need, commit_project, tmp_path):
    need("c")
    script = """\
echo x > "$HOME/journeyman-was-here" && echo "ok 1 - first"
if timeout 5 bash -c 'exec 3<>/dev/tcp/192.0.2.1/80' 2>/dev/null; then
    echo "ok 2 - second"
else
    echo "not ok 2 - second"
fi
echo "ok 3 - third"
"""
    project = obtain_project(str(commit_project(suite_of(script))))
    environment = await build_environment(project, tmp_path / "environments")
    assert environment.log_parser == "native"
    baseline = (tmp_path / "environments" / environment.digest / "baseline.json").read_text()
    assert '"second": "failed"' in baseline
    assert '"third": "passed"' in baseline
    assert not (Path.home() / "journeyman-was-here").exists()


def test_a_shallow_clone_is_enough_for_bugs(commit_project, tmp_path):
    origin = commit_project(suite_of("true\n"))
    git(origin, "commit", "-q", "--allow-empty", "-m", "more")
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{origin}", "shallow")
    project = obtain_project(str(tmp_path / "shallow"))
    export_tree(project, tmp_path / "tree")
    assert list_mutations(tmp_path / "tree", language="c")


def test_a_submodule_is_left_out(commit_project, tmp_path):
    origin = commit_project(suite_of("true\n"))
    commit = git(origin, "rev-parse", "HEAD")
    git(origin, "update-index", "--add", "--cacheinfo", f"160000,{commit},lib/other")
    git(origin, "commit", "-q", "-m", "a submodule that nobody has")
    project = obtain_project(str(origin))
    export_tree(project, tmp_path / "tree")
    assert list_sources(tmp_path / "tree", language="c") == ["src/add.c"]


def test_missing_objects_are_an_error_that_says_so(commit_project, tmp_path):
    origin = commit_project(suite_of("true\n"))
    blob = git(origin, "rev-parse", "HEAD:src/add.c")
    (origin / ".git/objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(JourneymanError, match=r"git .* failed: .*src/add\.c"):
        export_tree(obtain_project(str(origin)), tmp_path / "tree")


def test_links_out_of_the_tree_binary_files_and_carriage_returns(commit_project, tmp_path):
    origin = commit_project(suite_of("true\n"))
    os.symlink("/etc/passwd", origin / "src/passwd.c")
    os.symlink("/etc", origin / "src/etc")
    os.symlink("../../..", origin / "src/up")
    (origin / "src/blob.c").write_bytes(bytes(range(256)) * 8)
    (origin / "src/dos.c").write_bytes(SOURCE.replace("\n", "\r\n").encode())
    git(origin, "add", "-A")
    git(origin, "commit", "-q", "-m", "odd files")
    project = obtain_project(str(origin))
    export_tree(project, tmp_path / "tree")
    assert find_language(tmp_path / "tree") == "c"
    found = list_mutations(tmp_path / "tree", language="c")
    assert {mutation.path for mutation in found} == {"src/add.c", "src/dos.c"}
    for mutation in found:
        if mutation.path == "src/dos.c" and "\n" not in mutation.original:
            changed = [line for line in mutation.patch.split("\n") if line[:1] in ("+", "-")][2:]
            assert all(line.endswith("\r") for line in changed)

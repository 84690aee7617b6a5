"""The files that patches name, compared with what Git itself says of the same change."""

import os
import subprocess

import pytest

from journeyman.errors import AttributedError
from journeyman.tasks.tree import patched
from journeyman.verify import touched_paths

ODD = ["plain.txt", "a b/c d.txt", "café.txt", 'qu"ote.txt', "tab\there.txt", "back\\slash.txt",
       "new\nline.txt", "b b/x b", "--- a", "deep/er/a/b.txt"]  # fmt: skip
LONG = "".join(f"line {number}\n" for number in range(40))


def git(folder, *words, text=True):
    settings = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    who = ["-c", "user.name=t", "-c", "user.email=t@localhost"]
    return subprocess.run(
        ["git", *who, *words], cwd=folder, env={**os.environ, **settings},
        check=True, capture_output=True,
    ).stdout  # fmt: skip


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q")
    for name in ODD:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name + LONG)
    (folder / os.fsdecode(b"latin\xe9.txt")).write_text("1\n")
    (folder / "image.bin").write_bytes(bytes(range(256)) * 20)
    (folder / "link").symlink_to("plain.txt")
    (folder / "empty").write_text("")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "one")
    return folder


def edit_all(folder):
    for name in ODD:
        (folder / name).write_text(name + LONG.replace("line 7\n", "--- a/not a name\n"))
    (folder / os.fsdecode(b"latin\xe9.txt")).write_text("2\n")


def swap_bytes(folder):
    (folder / "image.bin").write_bytes(bytes(range(255, -1, -1)) * 20)
    (folder / "new image.bin").write_bytes(b"\0\1\2" * 99)


def make_executable(folder):
    for name in ODD:
        (folder / name).chmod(0o755)


def move(folder):
    for name in ODD:
        (folder / name).rename(folder / (name + " (moved)"))


def move_and_edit(folder):
    move(folder)
    for name in ODD:
        path = folder / (name + " (moved)")
        path.write_text(path.read_text().replace("line 7\n", "line seven\n"))


def remove(folder):
    for name in [*ODD, "empty", "link", "image.bin"]:
        (folder / name).unlink()


def add_empty_and_relink(folder):
    for name in ODD:
        (folder / (name + "2")).write_text("")
    (folder / "link").unlink()
    (folder / "link").symlink_to("empty")


CHANGES = [
    edit_all, swap_bytes, make_executable, move, move_and_edit, remove, add_empty_and_relink
]  # fmt: skip


@pytest.mark.parametrize("quotes", ["true", "false"])
@pytest.mark.parametrize("options", [["--no-renames"], ["-M"], ["--no-prefix", "-M"]])
@pytest.mark.parametrize("change", CHANGES)
def test_the_names_are_those_that_git_tells(repository, change, options, quotes):
    change(repository)
    git(repository, "add", "-A")
    if "--no-prefix" in options:
        options = [*options, "--src-prefix=old/", "--dst-prefix=new/"]
    diff = git(
        repository, "-c", f"core.quotePath={quotes}", "diff", "--cached", "--binary", *options
    )
    told = git(repository, "diff", "--cached", "--name-only", "-z", "--no-renames")
    names = sorted(os.fsdecode(name) for name in told.split(b"\0") if name)
    assert names
    assert list(touched_paths([os.fsdecode(diff)])) == names


@pytest.mark.parametrize("change", CHANGES[:-2])
def test_a_change_of_any_kind_is_applied_as_git_does(repository, change, tmp_path):
    tree = tmp_path / "tree"
    git(repository, "worktree", "add", "-q", "--detach", str(tree))
    change(repository)
    git(repository, "add", "-A")
    after = patched(tree, [os.fsdecode(git(repository, "diff", "--cached", "--binary", "-M"))])
    assert after
    for path, data in after.items():
        there = repository / path
        assert data == (there.read_bytes() if there.exists() else None)


def test_both_ends_of_a_copy_are_named(repository):
    (repository / "copy.txt").write_text("plain.txt" + LONG)
    git(repository, "add", "-A")
    diff = git(repository, "diff", "--cached", "-C", "--find-copies-harder").decode()
    assert "copy from plain.txt" in diff
    assert touched_paths([diff]) == ("copy.txt", "plain.txt")


def test_what_a_hunk_holds_names_nothing():
    patch = (
        "Some words first\n--- not a header\n"
        "--- a/one.sql\t2026-01-01\n+++ b/one.sql\t2026-01-02\n@@ -1,4 +1,4 @@\n"
        " diff --git a/x b/x\n--- a/two.sql\n+++ b/three.sql\n\n same\n"
        "\\ No newline at end of file\n"
        "rename from four\n--- /dev/null\n+++ b/five\n@@ -0,0 +1 @@\n+--- a/six\n"
    )
    assert touched_paths([patch]) == ("five", "four", "one.sql")
    assert touched_paths([]) == touched_paths(["", "nothing\n"]) == ()


@pytest.mark.parametrize("name", ["../up", "x/../../up", "a/.git/config"])
def test_a_quoted_name_that_leads_outside_is_refused(tmp_path, name):
    octal = "".join(f"\\{byte:03o}" for byte in name.encode())
    patch = f'diff --git "a/{octal}" "b/{octal}"\nnew file mode 100644\n'
    with pytest.raises(AttributedError) as caught:
        patched(tmp_path, [patch])
    assert caught.value.cause == "task_broken"

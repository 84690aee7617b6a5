"""Histories with every kind of thing that must not reach an agent."""

import os
import shutil
import subprocess
import zlib
from hashlib import sha1
from pathlib import Path

import pytest

from journeyman.errors import JourneymanError
from journeyman.tasks.git import git
from journeyman.tasks.scrub import find_leftovers, scrub_repository

LATER = "the fix, from the future\n"


def run(folder, *words, stdin=b"", **env):
    known = {
        "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@localhost",
        "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@localhost",
    }  # fmt: skip
    done = subprocess.run(
        ["git", *words], cwd=folder, env={**os.environ, **known, **env}, input=stdin,
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.decode().strip()


def commit(folder, name, text):
    (folder / name).write_text(text)
    run(folder, "add", name)
    run(folder, "commit", "-qm", name)
    return run(folder, "rev-parse", "HEAD")


@pytest.fixture
def clone(history, tmp_path):
    return shutil.copytree(history, tmp_path / "clone", symlinks=True)


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    """A history with commits below the base commit, a merge, and all that lies beyond it."""
    folder = tmp_path_factory.mktemp("history")
    run(folder, "init", "-qb", "trunk")
    commit(folder, "a.txt", "a\n" * 50)
    run(folder, "checkout", "-qb", "side")
    commit(folder, "side.txt", "side\n")
    run(folder, "checkout", "-q", "trunk")
    commit(folder, "b.txt", "b\n")
    run(folder, "merge", "-qm", "merge", "side")
    run(folder, "tag", "base")
    commit(folder, "a.txt", "a\n" * 49 + LATER)
    run(folder, "tag", "-am", "released", "v2")
    run(folder, "notes", "add", "-m", "a note about the fix")
    run(folder, "remote", "add", "origin", "https://example.test/acme/widgets")
    run(folder, "update-ref", "refs/remotes/origin/trunk", "HEAD")
    (folder / "c.txt").write_text("stashed\n")
    run(folder, "stash", "-uq")
    run(folder, "gc", "-q")
    return folder


def base_of(clone):
    return run(clone, "rev-parse", "base")


@pytest.fixture
def clean(clone, tmp_path):
    """A work tree of the base commit with a scrubbed history."""
    tree = tmp_path / "clean"
    tree.mkdir()
    scrub_repository(clone, "base", tree / ".git")
    run(tree, "checkout-index", "-a")
    return tree


def kinds(folder, base=""):
    return {left.kind for left in find_leftovers(folder, base)}


def test_a_scrubbed_history_holds_the_base_commit_and_its_ancestors(clone, clean):
    base = base_of(clone)
    assert find_leftovers(clean, base) == []
    assert find_leftovers(clean / ".git", base) == []
    assert run(clean, "log", "--format=%s").splitlines() == ["merge", "b.txt", "side.txt", "a.txt"]
    assert run(clean, "status", "--porcelain") == ""
    assert run(clean, "fsck", "--full", "--strict") == ""
    assert run(clean, "for-each-ref", "--format=%(refname)") == "refs/heads/main"
    every = run(clean, "cat-file", "--batch-all-objects", "--batch-check").splitlines()
    assert len(every) == len(run(clone, "rev-list", "--objects", "base").splitlines())


def test_nothing_of_the_future_is_in_any_byte(clone, clean):
    later = run(clone, "rev-parse", "trunk:a.txt")
    with pytest.raises(AssertionError, match="Not a valid object"):
        run(clean, "cat-file", "-p", later)
    for path in (clean / ".git").rglob("*"):
        data = path.read_bytes() if path.is_file() else b""
        assert b"example.test" not in data
        assert later.encode() not in data


def test_an_ordinary_clone_is_full_of_leftovers(clone):
    run(clone, "reset", "-q", "--hard", "base")
    assert kinds(clone, base_of(clone)) >= {
        "object", "tag", "branch", "remote branch", "remote", "note", "stash", "reflog", "hook", "file",
    }  # fmt: skip
    assert kinds(clone, "1" * 40) >= {"base commit"}


def blob(folder, *, is_packed=False):
    name = run(folder, "hash-object", "-w", "--stdin", stdin=LATER.encode())
    if is_packed:
        run(folder, "pack-objects", "-q", ".git/objects/pack/pack", stdin=f"{name}\n".encode())
        (folder / ".git/objects" / name[:2] / name[2:]).unlink()
    return name


def append(path, data):
    path.chmod(0o644)
    path.write_bytes(path.read_bytes() + data)


def write(folder, path, text):
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(text)


def pack_of(folder):
    return next((folder / ".git/objects/pack").glob("*.pack"))


def add_alternate(folder):
    write(folder, ".git/objects/info/alternates", str(folder.parent / "clone/.git/objects\n"))


def hide_index(folder):
    own = pack_of(folder)
    blob(folder, is_packed=True)
    for path in (folder / ".git/objects/pack").glob("*.idx"):
        if path.stem != own.stem:
            path.unlink()


def stash(folder):
    (folder / "a.txt").write_text(LATER)
    run(folder, "stash", "-q")


def cut(folder):
    write(folder, ".git/shallow", run(folder, "rev-parse", "HEAD^1", "HEAD^2") + "\n")


def disguise(folder):
    """Put the fix into a loose object under the name of an innocent one."""
    name = run(folder, "rev-parse", "HEAD:b.txt")
    place = folder / ".git/objects" / name[:2] / name[2:]
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(zlib.compress(f"blob {len(LATER)}\0{LATER}".encode()))


def append_to_loose(folder):
    name = run(folder, "rev-parse", "HEAD:b.txt")
    place = folder / ".git/objects" / name[:2] / name[2:]
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(zlib.compress(b"blob 2\0b\n") + LATER.encode())


def append_to_pack(folder):
    """Put bytes before the checksum, which is made anew."""
    for path in (pack_of(folder), pack_of(folder).with_suffix(".idx")):
        path.chmod(0o644)
    data = pack_of(folder).read_bytes()[:-20] + LATER.encode()
    pack_of(folder).write_bytes(data + sha1(data).digest())
    index = pack_of(folder).with_suffix(".idx")
    table = index.read_bytes()[:-40] + sha1(data).digest()
    index.write_bytes(table + sha1(table).digest())


def replace(folder):
    run(folder, "replace", run(folder, "rev-parse", "HEAD:b.txt"), blob(folder))


def graft(folder):
    write(folder, ".git/info/grafts", run(folder, "rev-parse", "HEAD") + "\n")


def stage(folder):
    run(folder, "update-index", "--add", "--cacheinfo", f"100644,{blob(folder)},c.txt")


def link_out(folder):
    (folder / ".git/refs/heads/other").symlink_to("/etc/hostname")


def linked(folder):
    shutil.move(folder / ".git", folder.parent / "real")
    (folder / ".git").write_text(f"gitdir: {folder.parent / 'real'}\n")


HOSTILE = {
    "a loose object": (blob, "object"),
    "a packed object": (lambda folder: blob(folder, is_packed=True), "object"),
    "a pack without an index": (hide_index, "object"),
    "a half-written pack": (
        lambda folder: write(folder, ".git/objects/pack/tmp_pack_x", LATER), "object"),
    "bytes after a pack's objects": (append_to_pack, "object"),
    "bytes after a loose object": (append_to_loose, "object"),
    "an object under another's name": (disguise, "object"),
    "a commit graph": (lambda folder: run(folder, "commit-graph", "write", "--reachable"), "object"),
    "an alternate": (add_alternate, "alternate"),
    "an alternate's objects": (add_alternate, "object"),
    "a remote": (lambda folder: run(folder, "remote", "add", "o", "https://example.test"), "remote"),
    "a remote branch": (
        lambda folder: run(folder, "update-ref", "refs/remotes/o/x", "HEAD"), "remote branch"),
    "a branch": (lambda folder: run(folder, "branch", "other"), "branch"),
    "a packed branch": (
        lambda folder: (run(folder, "branch", "b"), run(folder, "pack-refs", "--all")), "branch"),
    "a tag": (lambda folder: run(folder, "tag", "-am", "x", "v1"), "tag"),
    "a stash": (stash, "stash"),
    "a note": (lambda folder: run(folder, "notes", "add", "-m", "x"), "note"),
    "a reflog": (
        lambda folder: run(folder, "-c", "core.logAllRefUpdates=always", "update-ref",
                           "--create-reflog", "-m", "x", "refs/heads/main", "HEAD"), "reflog"),
    "a lone reflog": (lambda folder: write(folder, ".git/logs/refs/heads/main", "x\n"), "reflog"),
    "a replacement": (replace, "replacement"),
    "a graft": (graft, "graft"),
    "a worktree": (lambda folder: run(folder, "worktree", "add", "-q", "--detach", "../w"), "worktree"),
    "a hook": (lambda folder: write(folder, ".git/hooks/post-checkout", "#!/bin/sh\n"), "hook"),
    "a setting": (lambda folder: run(folder, "config", "core.fsmonitor", "touch /tmp/x"), "setting"),
    "an include": (lambda folder: run(folder, "config", "include.path", "/etc/gitconfig"), "setting"),
    "a host's name": (lambda folder: run(folder, "config", "user.name", "Jo Doe"), "setting"),
    "an ignore list": (lambda folder: write(folder, ".git/info/exclude", "secret\n"), "file"),
    "what was fetched": (lambda folder: write(folder, ".git/FETCH_HEAD", "x\n"), "file"),
    "a staged file": (stage, "index"),
    "a link": (link_out, "link"),
    "a Git folder elsewhere": (linked, "worktree"),
    "another repository": (lambda folder: run(folder, "init", "-q", "vendor/x"), "repository"),
    "a cut": (cut, "object"),
    "a lost object": (lambda folder: shutil.rmtree(folder / ".git/objects/pack"), "base commit"),
}  # fmt: skip


@pytest.mark.parametrize(("damage", "kind"), HOSTILE.values(), ids=HOSTILE)
def test_each_kind_of_leftover_is_found(clean, damage, kind):
    before = kinds(clean)
    damage(clean)
    assert before == set()
    assert kind in kinds(clean)


@pytest.mark.parametrize(
    "name", sorted(HOSTILE.keys() - {"a lost object", "bytes after a pack's objects"})
)
def test_scrubbing_a_hostile_repository_leaves_nothing_of_it(clean, tmp_path, name):
    base = run(clean, "rev-parse", "HEAD")
    HOSTILE[name][0](clean)
    scrub_repository(clean, base, tmp_path / "again")
    assert find_leftovers(tmp_path / "again", base) == []
    text = run(tmp_path, "--git-dir", "again", "cat-file", "-p", f"{base}:b.txt")
    assert text == "b"


def test_a_settings_program_is_never_run(clean, tmp_path):
    trap = tmp_path / "sprung"
    for key in ("core.fsmonitor", "core.sshCommand", "diff.external", "filter.x.clean"):
        git(clean, "config", key, f"touch {trap}")
    assert "setting" in kinds(clean)
    scrub_repository(clean, "HEAD", tmp_path / "again")
    assert not trap.exists()


def test_a_shallow_history_stays_whole_up_to_its_end(clone, tmp_path):
    run(tmp_path, "clone", "-q", "--depth=2", "--branch=trunk", f"file://{clone}", "shallow")
    base = run(tmp_path / "shallow", "rev-parse", "HEAD~1")
    scrub_repository(tmp_path / "shallow", base, tmp_path / "again")
    assert find_leftovers(tmp_path / "again", base) == []
    assert run(tmp_path, "--git-dir", "again", "rev-list", "HEAD") == base


def test_a_repository_of_missing_or_unknown_commits_is_refused(clone, tmp_path):
    with pytest.raises(JourneymanError, match="has no commit"):
        scrub_repository(clone, "1" * 40, tmp_path / "one")
    lost = Path(run(clone, "rev-parse", "--git-path", "objects"))
    for pack in (clone / lost / "pack").glob("*.pack"):
        pack.unlink()
    with pytest.raises(JourneymanError):
        scrub_repository(clone, "base", tmp_path / "two")


def test_a_path_with_odd_letters(clone, tmp_path):
    odd = tmp_path / 'odd:"path\\'
    clone.rename(odd)
    scrub_repository(odd, "base", tmp_path / "again")
    assert find_leftovers(tmp_path / "again") == []

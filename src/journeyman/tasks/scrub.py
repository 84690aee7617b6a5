"""History scrub: a repository that holds one commit and its ancestors, and a check that proves it.

The check lists every object, loose and packed, beside what `HEAD` reaches, and every file of the
`.git` folder beside the few that may be there. It never lets Git read the repository's own settings:
they may name programs to run.

    scrub_repository(clone, base_commit, workspace / ".git")
    assert not find_leftovers(workspace, base_commit)
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from journeyman.errors import JourneymanError
from journeyman.tasks.git import git, init_repository
from journeyman.types import Data

__all__ = ["Leftover", "find_leftovers", "scrub_repository"]

_KINDS = {
    "refs/remotes": "remote branch",
    "refs/tags": "tag",
    "refs/heads": "branch",
    "refs/stash": "stash",
    "refs/notes": "note",
    "refs/replace": "replacement",
    "logs": "reflog",
    "hooks": "hook",
    "worktrees": "worktree",
    "modules": "submodule",
    "objects/info/alternates": "alternate",
    "objects/info/http-alternates": "alternate",
    "info/grafts": "graft",
}
_FILES = {"HEAD", "config", "index", "packed-refs", "shallow", "objects/info/packs"}
_LOOSE = re.compile(r"objects/([0-9a-f]{2})/([0-9a-f]{38})")
_PACKED = re.compile(r"objects/pack/pack-[0-9a-f]{40}\.(pack|idx|rev)")
_SETTINGS = {"core.filemode", "core.bare", "core.autocrlf", "core.safecrlf", "core.checkstat"}
_SETTINGS |= {"core.trustctime", "core.logallrefupdates", "core.ignorecase", "core.symlinks"}
_SETTINGS |= {"core.precomposeunicode", "core.repositoryformatversion", "gc.auto"}
_HARMLESS = {"true", "false", "minimal", "default", "0"}
_REAL = {"GIT_NO_REPLACE_OBJECTS": "1", "GIT_GRAFT_FILE": os.devnull}
_SHOWN = 5


class Leftover(Data):
    """Something in a repository that its base commit does not account for."""

    kind: str
    """What it is, e.g. `object`, `reflog`, `setting`."""
    name: str
    """Which one: an object's name, or a path in the `.git` folder."""


def scrub_repository(source: Path, commit: str, git_folder: Path) -> str:
    """Make a `.git` folder of `commit` of the repository `source` and its ancestors; return its name.

    The index is the commit's; no file is checked out. Replacements and grafts of `source` do not
    count; where it is shallow, so is the result. Raises `JourneymanError` where objects are missing.
    """
    try:
        name = git(source, "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}", env=_REAL)
    except JourneymanError:
        raise JourneymanError(f"{source} has no commit {commit}", "fetch it first") from None
    shared = Path(git(source, "rev-parse", "--path-format=absolute", "--git-common-dir"))
    init_repository(git_folder)
    if (shared / "shallow").exists():
        shutil.copyfile(shared / "shallow", git_folder / "shallow")
    borrowed = str(shared / "objects").replace("\\", "\\\\").replace('"', '\\"')
    env = {**_environment(git_folder), "GIT_ALTERNATE_OBJECT_DIRECTORIES": f'"{borrowed}"'}
    pack = str(git_folder / "objects/pack/pack")
    git(git_folder, "pack-objects", "--revs", "--quiet", pack, stdin=f"{name}\n".encode(), env=env)
    _narrow_shallow(git_folder)
    (git_folder / "refs/heads/main").write_text(f"{name}\n", encoding="ascii")
    git(git_folder, "read-tree", name, env=_environment(git_folder))
    left = find_leftovers(git_folder, name)
    if left:
        raise JourneymanError(f"{source} cannot be scrubbed: {_listed(left)}", "git fsck")
    return name


def _narrow_shallow(git_folder: Path) -> None:
    """Keep the ends of history that the commit itself comes to."""
    path = git_folder / "shallow"
    if not path.exists():
        return
    ends = path.read_text(encoding="ascii").split()
    present = {name for name, _ in _objects(git_folder, _environment(git_folder))}
    kept = [f"{end}\n" for end in ends if end in present]
    path.write_text("".join(kept), encoding="ascii")
    if not kept:
        path.unlink()


def find_leftovers(folder: Path, base_commit: str = "") -> list[Leftover]:
    """List what is in a repository besides `HEAD` and what it reaches; empty where all is clean.

    `folder` is a work tree or its `.git` folder. With `base_commit`, `HEAD` must be that commit.
    """
    git_folder = folder / ".git" if os.path.lexists(folder / ".git") else folder
    if git_folder.is_symlink() or not git_folder.is_dir():
        return [Leftover(kind="worktree", name=".git leads elsewhere")]
    with tempfile.TemporaryDirectory(prefix="journeyman-") as scratch:
        judge = Path(scratch, "judge")
        init_repository(judge)
        found = [*_stray_files(git_folder, judge), *_settings(git_folder, judge)]
        found += _history(git_folder, judge, base_commit)
        if git_folder != folder:
            found += _nested(folder)
    return sorted(set(found), key=lambda left: (left.kind, left.name))


def _listed(left: list[Leftover]) -> str:
    names = [f"{item.kind} {item.name}" for item in left[:_SHOWN]]
    return ", ".join(names) + (f" and {len(left) - _SHOWN} more" if len(left) > _SHOWN else "")


def _environment(git_folder: Path, **more: str) -> dict[str, str]:
    return {"GIT_DIR": str(git_folder), **_REAL, **more}


# --- files -------------------------------------------------------------------------------------


def _stray_files(git_folder: Path, judge: Path) -> Iterator[Leftover]:
    for parent, folders, files in os.walk(git_folder):
        links = [name for name in folders if os.path.islink(os.path.join(parent, name))]
        for name in [*files, *links]:
            path = Path(parent, name)
            inner = path.relative_to(git_folder).as_posix()
            if path.is_symlink() or not path.is_file():
                yield Leftover(kind="link", name=inner)
            elif not _may_be(git_folder, inner, judge):
                yield Leftover(kind=_kind(inner), name=inner)


def _may_be(git_folder: Path, inner: str, judge: Path) -> bool:
    data = git_folder / inner
    if loose := _LOOSE.fullmatch(inner):
        return _is_whole(data, loose[1] + loose[2])
    if inner == "info/attributes":
        return data.read_bytes() == (judge / inner).read_bytes()
    if inner == "info/exclude":
        return all(line[:1] in (b"#", b"") for line in data.read_bytes().split(b"\n"))
    if packed := _PACKED.fullmatch(inner):
        return packed[1] == "pack" or data.with_suffix(".pack").exists()
    return inner in _FILES or inner.startswith("refs/heads/")


def _is_whole(path: Path, name: str) -> bool:
    """Tell whether a loose object is what its name says and nothing follows it."""
    check = hashlib.sha1(usedforsecurity=False)
    unpacker = zlib.decompressobj()
    try:
        with path.open("rb") as stream:
            while (data := stream.read(1 << 20)) and not unpacker.unused_data:
                check.update(unpacker.decompress(data))
    except zlib.error:
        return False
    return unpacker.eof and not unpacker.unused_data and check.hexdigest() == name


def _kind(inner: str) -> str:
    found = [kind for place, kind in _KINDS.items() if f"{inner}/".startswith(f"{place}/")]
    if found:
        return found[0]
    return "object" if inner.startswith("objects/") else "file"


def _settings(git_folder: Path, judge: Path) -> Iterator[Leftover]:
    if not (git_folder / "config").is_file():
        return
    own = set(_config(judge / "config"))
    for key, value in _config(git_folder / "config"):
        is_plain = key in _SETTINGS and value.lower() in _HARMLESS
        if (key, value) not in own and not is_plain:
            kind = "remote" if key.startswith(("remote.", "branch.", "url.")) else "setting"
            yield Leftover(kind=kind, name=key)


def _config(path: Path) -> Iterator[tuple[str, str]]:
    said = git(path.parent, "config", "--file", str(path), "--no-includes", "--list", "-z")
    for entry in said.split("\0"):
        if entry:
            key, _, value = entry.partition("\n")
            yield key, value


def _nested(tree: Path) -> Iterator[Leftover]:
    """Find other repositories in the work tree; none can be part of a commit."""
    for parent, folders, files in os.walk(tree):
        if ".git" in (*folders, *files) and Path(parent) != tree:
            yield Leftover(kind="repository", name=str(Path(parent, ".git").relative_to(tree)))
        folders[:] = [name for name in folders if name != ".git"]


# --- history -----------------------------------------------------------------------------------


def _history(git_folder: Path, judge: Path, base_commit: str) -> Iterator[Leftover]:
    """Compare every object with what `HEAD` reaches, by a judge with settings of its own."""
    refs = _refs(git_folder)
    head_text = _text(git_folder / "HEAD")
    branch = head_text.removeprefix("ref:").strip() if head_text.startswith("ref:") else ""
    head = refs.get(branch, "") if branch else head_text
    yield from (Leftover(kind=_kind(ref), name=ref) for ref in refs if ref != branch)
    if not re.fullmatch("[0-9a-f]{40}", head) or (base_commit and head != base_commit):
        yield Leftover(kind="base commit", name=f"HEAD is {head or 'nothing'}")
    yield from _broken_packs(git_folder, judge)
    if (git_folder / "shallow").is_file():
        shutil.copyfile(git_folder / "shallow", judge / "shallow")
    env = _environment(judge, GIT_OBJECT_DIRECTORY=str(git_folder / "objects"))
    reached: set[str] = set()
    if re.fullmatch("[0-9a-f]{40}", head):
        try:
            reached = set(
                git(judge, "rev-list", "--objects", "--no-object-names", head, env=env).split()
            )
            yield from _index(git_folder, judge, head, env)
        except JourneymanError as error:
            yield Leftover(kind="base commit", name=f"{head} is broken: {error.message}")
    for name, kind in _objects(judge, env):
        if name not in reached:
            yield Leftover(kind="object", name=f"{kind} {name}")


def _objects(git_folder: Path, env: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the name and type of every object there is, loose or packed, also in alternates."""
    words = ("--batch-all-objects", "--unordered", "--batch-check=%(objectname) %(objecttype)")
    for line in git(git_folder, "cat-file", *words, env=env).splitlines():
        name, _, kind = line.partition(" ")
        yield name, kind


def _refs(git_folder: Path) -> dict[str, str]:
    """Read every reference, also those with names that Git would pass over."""
    found: dict[str, str] = {}
    for line in _text(git_folder / "packed-refs").splitlines():
        value, _, name = line.partition(" ")
        if name and not line.startswith(("#", "^")):
            found[name] = value
    for path in sorted((git_folder / "refs").rglob("*")):
        if path.is_file():
            found[path.relative_to(git_folder).as_posix()] = _text(path)
    return found


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace").strip() if path.is_file() else ""


def _broken_packs(git_folder: Path, judge: Path) -> Iterator[Leftover]:
    """Find packs that hold more than their index tells, or other than it tells."""
    for pack in sorted((git_folder / "objects/pack").glob("*.pack")):
        try:
            git(judge, "index-pack", "--verify", str(pack), env=_environment(judge))
        except JourneymanError as error:
            yield Leftover(kind="object", name=f"in {pack.name}: {error.message}")


def _index(git_folder: Path, judge: Path, head: str, env: Mapping[str, str]) -> Iterator[Leftover]:
    """Compare the index with the commit, and look for what a merge has left in it."""
    if not (git_folder / "index").is_file():
        return
    shutil.copyfile(git_folder / "index", judge / "index")
    staged = git(judge, "diff-index", "--cached", "--name-only", "-z", head, env=env)
    undone = git(judge, "ls-files", "--resolve-undo", "-z", env=env)
    for path in f"{staged}\0{undone}".split("\0"):
        if path:
            yield Leftover(kind="index", name=path)

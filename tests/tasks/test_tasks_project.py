"""Projects: whatever names one becomes a repository in the cache, the same each time."""

import subprocess

import pytest

from journeyman.errors import JourneymanError
from journeyman.tasks.project import BUNDLED, obtain_project
from journeyman.tasks.sdist import IndexUnreachableError


def git(folder, *words):
    identity = ["-c", "user.name=T", "-c", "user.email=t@localhost", "-c", "init.defaultBranch=m"]
    done = subprocess.run(
        ["git", "-C", str(folder), *identity, *words], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path):
    """A repository of one commit that declares a name."""
    folder = tmp_path / "somewhere"
    folder.mkdir()
    (folder / "pyproject.toml").write_text('[project]\nname = "Shop.Tools"\n')
    (folder / "shop.py").write_text("price = 1\n")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "All", "--date", "2026-01-05T01:00:00+01:00")
    return folder


@pytest.fixture
def store(tmp_path):
    return tmp_path / "cache"


def test_the_bundled_project_is_always_the_same_commit(tmp_path):
    first, second = (obtain_project(BUNDLED, cache=tmp_path / name) for name in "ab")
    assert first.commit == second.commit
    assert (first.name, first.created_at) == ("pocketkit", "2026-01-05T00:00:00Z")
    assert git(first.path, "status", "--porcelain") == ""
    assert list(first.path.rglob("test_*.py"))
    assert obtain_project(BUNDLED, cache=tmp_path / "a") == first, "it is taken from the cache"


def test_a_repository_on_this_machine_is_copied_at_its_commit(repository, store, monkeypatch):
    monkeypatch.chdir(repository.parent)
    (repository / "shop.py").write_text("price = 2\n")
    project = obtain_project("./somewhere", cache=store)
    assert project.name == project.repo == "Shop.Tools"
    assert project.commit == git(repository, "rev-parse", "HEAD")
    assert project.path.is_relative_to(store)
    assert (project.path / "shop.py").read_text() == "price = 1\n"
    assert project.origin_note.endswith("uncommitted changes are left out")
    assert (repository / "shop.py").read_text() == "price = 2\n", "the user's copy stays as it was"


def test_a_repository_tells_its_owner_by_its_remote(repository, store):
    git(repository, "remote", "add", "origin", "git@forge.invalid:team/shop.git")
    assert obtain_project(str(repository), cache=store).repo == "team/shop"


def test_a_new_commit_is_a_new_project_and_the_old_one_stays(repository, store):
    old = obtain_project(str(repository), cache=store)
    git(repository, "commit", "-qm", "More", "--allow-empty")
    new = obtain_project(str(repository), cache=store)
    assert old.commit != new.commit
    assert old.path != new.path
    assert git(old.path, "rev-parse", "HEAD") == old.commit


def test_a_repository_behind_a_url(repository, store):
    project = obtain_project(repository.as_uri(), cache=store)
    assert project.name == project.repo == "Shop.Tools", "a folder's name says no owner"
    assert project.commit == git(repository, "rev-parse", "HEAD")
    assert project.origin_note == f"{repository.as_uri()} at {project.commit[:12]}"


def test_a_url_that_cannot_be_read(tmp_path, store):
    url = (tmp_path / "nothing").as_uri()
    with pytest.raises(JourneymanError, match="cannot read") as caught:
        obtain_project(url, cache=store)
    assert caught.value.hint == f"git ls-remote {url}"


def test_what_is_no_project(repository, store, tmp_path):
    (repository / "inner").mkdir()
    empty = tmp_path / "empty"
    empty.mkdir()
    git(empty, "init", "-q")
    (tmp_path / "plain").mkdir()
    for source, message in (
        (tmp_path / "gone", "does not exist"),
        (tmp_path / "plain", "is not a Git repository"),
        (repository / "shop.py", "is not a Git repository"),
        (repository / "inner", "is only a folder of the repository"),
        (empty, "has no commit yet"),
    ):
        with pytest.raises(JourneymanError, match=message):
            obtain_project(str(source), cache=store)
    with pytest.raises(JourneymanError, match="has no commit yet"):
        obtain_project(empty.as_uri(), cache=store)
    assert list(store.iterdir()) == [], "nothing half-made is left"


def test_without_a_network_an_unknown_name_says_so(store, monkeypatch, tmp_path):
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    with pytest.raises(IndexUnreachableError):
        obtain_project("toolz", cache=store)


@pytest.mark.network
def test_a_name_on_the_index_and_the_cache_when_the_network_is_gone(store, monkeypatch, tmp_path):
    project = obtain_project("toolz", cache=store)
    assert project.name == project.repo == "toolz"
    assert (project.path / "toolz/itertoolz.py").is_file()
    assert git(project.path, "rev-list", "--count", "HEAD") == "1"
    assert project.created_at > "2024"
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    again = obtain_project("Toolz", cache=store)
    assert again.commit == project.commit
    assert again.origin_note.endswith("from the cache: the package index cannot be reached")

"""Source distributions: unpacked whole, checked by hash, and never out of their folder."""

import hashlib
import io
import os
import shutil
import tarfile
import zipfile

import pytest

from journeyman.errors import JourneymanError
from journeyman.tasks.sdist import IndexUnreachableError, Sdist, download, find_sdist, unpack


def write_tar(path, members):
    """Write a tar archive of (name, bytes or a link's goal, mode) with dates that differ."""
    with tarfile.open(path, "w:gz") as tar:
        for number, (name, content, mode) in enumerate(members):
            member = tarfile.TarInfo(name)
            member.mode, member.mtime = mode, 1_700_000_000 + number
            if isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
                tar.addfile(member)
            else:
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    return path


def made(tmp_path, data=b"archive", **changes):
    archive = tmp_path / "shop-1.0.tar.gz"
    archive.write_bytes(data)
    fields = {
        "name": "shop",
        "version": "1.0",
        "url": archive.as_uri(),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    return Sdist(**(fields | changes))


def test_a_tar_is_unpacked_without_its_top_folder(tmp_path):
    archive = write_tar(
        tmp_path / "shop-1.0.tar.gz",
        [
            ("shop-1.0/setup.py", b"run me", 0o755),
            ("shop-1.0/shop/data.bin", b"\0\xff", 0o600),
            ("shop-1.0/link.py", "shop/data.bin", 0o777),
            ("shop-1.0/.git/config", b"[core]", 0o644),
            ("shop-1.0/sub/.GIT/hooks/post-checkout", b"#!/bin/sh", 0o755),
        ],
    )
    assert unpack(archive, tmp_path / "out") == "2023-11-14T22:13:24Z", "the newest date"
    out = tmp_path / "out"
    assert sorted(str(it.relative_to(out)) for it in out.rglob("*") if not it.is_dir()) == [
        "link.py",
        "setup.py",
        "shop/data.bin",
    ]
    assert os.access(out / "setup.py", os.X_OK)
    assert (out / "shop/data.bin").stat().st_mode & 0o777 == 0o644
    assert os.readlink(out / "link.py") == "shop/data.bin"


def test_a_zip_is_unpacked_too(tmp_path):
    archive = tmp_path / "shop-1.0.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr(zipfile.ZipInfo("shop-1.0/a/b.py", (2024, 2, 29, 1, 2, 4)), "x = 1\n")
    assert unpack(archive, tmp_path / "out") == "2024-02-29T01:02:04Z"
    assert (tmp_path / "out/a/b.py").read_text() == "x = 1\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("/etc/passwd", b"x"),
        ("shop-1.0/../../outside", b"x"),
        ("shop-1.0\\..\\..\\outside", b"x"),
        ("shop-1.0/link", "/etc/passwd"),
        ("shop-1.0/sub/link", "../../outside"),
    ],
)
def test_what_would_leave_the_folder_is_refused(tmp_path, name, content):
    archive = write_tar(tmp_path / "shop-1.0.tar.gz", [(name, content, 0o644)])
    with pytest.raises(JourneymanError, match="leaves its folder") as caught:
        unpack(archive, tmp_path / "deep/out")
    assert caught.value.hint == "do not use this distribution"
    assert [it for it in tmp_path.rglob("*") if it.is_file() or it.is_symlink()] == [archive]


@pytest.mark.parametrize("name", ["shop-1.0.tar.gz", "shop-1.0.zip"])
def test_a_broken_archive_is_one_error(tmp_path, name):
    (tmp_path / name).write_bytes(b"no archive at all")
    with pytest.raises(JourneymanError, match=f"cannot unpack {name}"):
        unpack(tmp_path / name, tmp_path / "out")


def test_an_archive_that_breaks_off_is_one_error(tmp_path):
    archive = write_tar(tmp_path / "a.tar.gz", [("a/b", os.urandom(50_000), 0o644)])
    archive.write_bytes(archive.read_bytes()[:20_000])
    with pytest.raises(JourneymanError, match="cannot unpack"):
        unpack(archive, tmp_path / "out")


def test_a_download_is_checked_and_a_bad_one_not_kept(tmp_path):
    (tmp_path / "to").mkdir()
    good = made(tmp_path)
    assert download(good, tmp_path / "to").read_bytes() == b"archive"
    shutil.rmtree(tmp_path / "to")
    (tmp_path / "to").mkdir()
    with pytest.raises(JourneymanError, match="hash differs"):
        download(good.model_copy(update={"sha256": "0" * 64}), tmp_path / "to")
    assert os.listdir(tmp_path / "to") == []


def test_a_download_that_cannot_be_had_is_a_missing_network(tmp_path):
    sdist = made(tmp_path, url=(tmp_path / "gone.tar.gz").as_uri())
    with pytest.raises(IndexUnreachableError, match=r"downloading gone.tar.gz failed"):
        download(sdist, tmp_path)


def test_without_a_network_the_index_is_said_to_be_out_of_reach(monkeypatch, tmp_path):
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path))
    with pytest.raises(IndexUnreachableError) as caught:
        find_sdist("toolz")
    assert "--project bundled" in caught.value.hint


@pytest.mark.network
def test_the_newest_distribution_is_found_and_downloaded(tmp_path):
    sdist = find_sdist("toolz")
    assert sdist.name == "toolz"
    archive = download(sdist, tmp_path)
    assert archive.name == f"toolz-{sdist.version}.tar.gz"
    assert unpack(archive, tmp_path / "out") > "2024-01-01"
    assert (tmp_path / "out/toolz/itertoolz.py").is_file()
    assert not sdist.uploaded_at or sdist.uploaded_at.endswith("Z")


@pytest.mark.network
def test_a_name_that_the_index_does_not_know(tmp_path):
    with pytest.raises(JourneymanError, match="no project 'journeyman-has-no-such-project'"):
        find_sdist("journeyman-has-no-such-project")

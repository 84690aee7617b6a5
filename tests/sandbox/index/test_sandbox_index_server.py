"""The proxy over HTTP, in front of an index on loopback."""

import asyncio
import hashlib
import os
import socket
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from journeyman.sandbox import IndexPolicy, SandboxSpec
from journeyman.sandbox.index import open_index
from journeyman.sandbox.index.store import prune
from journeyman.sandbox.index.upstream import find_npm_registry, find_python_index

JSON = "application/vnd.pypi.simple.v1+json"


@pytest.fixture
async def proxy(policy):
    server = await open_proxy(policy)
    yield server
    await server.close()


async def open_proxy(policy, disk_bytes=1 << 20):
    spec = SandboxSpec(network="index", index=policy, limits={"disk_bytes": disk_bytes})
    return await open_index(spec, socket.create_server(("127.0.0.1", 0)))


async def get(server, path, accept=JSON, **headers):
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{server.base_url}{path}", headers={"Accept": accept, **headers}) as answer,
    ):
        return answer.status, answer.content_type, await answer.read()


async def page(server, path):
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{server.base_url}{path}", headers={"Accept": JSON}) as answer,
    ):
        assert answer.status == 200, await answer.text()
        return await answer.json(content_type=None)


async def test_only_files_that_were_uploaded_before_are_listed(upstream, proxy):
    upstream.add_wheel("alpha", "1.0", "2020-06-01T00:00:00Z")
    upstream.add_wheel("alpha", "1.1", "2020-12-31T23:59:59.999999Z")
    upstream.add_wheel("alpha", "2.0", "2021-01-01T00:00:00Z")
    upstream.add_wheel("alpha", "2.1", "2021-01-01T01:00:00+02:00")
    upstream.add_wheel("alpha", "3.0", None)
    upstream.add_wheel("alpha", "3.1", "yesterday")
    upstream.add_wheel("alpha", "3.2", "2020-01-01T00:00:00Z", hashes={"md5": "0" * 32})
    found = await page(proxy, "/simple/alpha/")
    assert found["versions"] == ["1.0", "1.1", "2.1"]
    assert [row["filename"] for row in found["files"]] == [
        f"alpha-{version}-py3-none-any.whl" for version in ("1.0", "1.1", "2.1")
    ]
    assert found["meta"] == {"api-version": "1.1"}


async def test_a_page_names_only_what_is_the_projects_own(upstream, proxy):
    old = "2020-01-01T00:00:00Z"
    for filename in ("foo-bar-1.0.tar.gz", "Foo.Bar-1.1-beta.zip", "foo_bar-2-py3-none-any.whl"):
        upstream.add_file("foo-bar", filename, filename.encode(), old)
    for filename in ("acme_widgets-9.tar.gz", "foo-1.0.tar.gz", "foo_bar-1.exe", "foo_bar.tar.gz"):
        upstream.add_file("foo-bar", filename, filename.encode(), old)
    found = await page(proxy, "/simple/foo-bar/")
    assert found["versions"] == ["1.0", "1.1-beta", "2"]


async def test_html_says_the_same(upstream, proxy):
    upstream.add_wheel("alpha", "1.0", "2020-06-01T00:00:00Z", yanked='it "broke"')
    upstream.add_wheel("alpha", "1.1", "2020-06-01T00:00:00Z", **{"requires-python": ">=3.8,<4"})
    upstream.add_wheel("alpha", "2.0", "2022-01-01T00:00:00Z")
    status, kind, body = await get(proxy, "/simple/alpha/", "text/html")
    assert (status, kind) == (200, "text/html")
    assert b"2.0" not in body
    checksum = hashlib.sha256(upstream.files["alpha-1.0-py3-none-any.whl"]).hexdigest()
    assert f'href="../../files/alpha/alpha-1.0-py3-none-any.whl#sha256={checksum}"' in body.decode()
    assert b'data-yanked="it &quot;broke&quot;"' in body
    assert b'data-requires-python="&gt;=3.8,&lt;4"' in body


@pytest.mark.parametrize(
    "spelling", ["acme-widgets", "ACME_widgets", "acme..widgets", "Acme-.Widgets"]
)
async def test_the_tasks_own_project_is_refused_in_every_spelling(upstream, proxy, spelling):
    filename = upstream.add_wheel("acme-widgets", "1.0", "2020-01-01T00:00:00Z")
    for path in (f"/simple/{spelling}/", f"/files/{spelling}/{filename}", f"/npm/{spelling}"):
        status, _, body = await get(proxy, path)
        assert status == 403
        assert b"what this task is about" in body
    assert not upstream.asked


async def test_a_scoped_package_is_refused_in_both_encodings(upstream, proxy):
    upstream.add_tarball("@acme/ui", "1.0.0", "2020-01-01T00:00:00Z")
    for path in (
        "/npm/@acme/ui",
        "/npm/@acme%2fui",
        "/npm/@ACME%2Fui",
        "/npm/@acme/ui/-/ui-1.0.0.tgz",
    ):
        assert (await get(proxy, path))[0] == 403
    assert not upstream.asked


async def test_a_file_comes_once_over_the_network(upstream, proxy, policy):
    filename = upstream.add_wheel("alpha", "1.0", "2020-01-01T00:00:00Z")
    for _ in range(2):
        assert await get(proxy, f"/files/alpha/{filename}") == (
            200, "application/octet-stream", upstream.files[filename],
        )  # fmt: skip
    other = await open_proxy(policy)
    try:
        assert (await get(other, f"/files/alpha/{filename}"))[0] == 200
    finally:
        await other.close()
    assert upstream.asked == {"alpha": 1, filename: 1}


async def test_a_later_instant_needs_a_later_page(upstream, proxy):
    upstream.add_wheel("alpha", "1.0", "2020-01-01T00:00:00Z")
    await page(proxy, "/simple/alpha/")
    later = await open_proxy(IndexPolicy(before=datetime.now(UTC) + timedelta(days=1)))
    try:
        upstream.add_wheel("alpha", "2.0", datetime.now(UTC).isoformat())
        assert (await page(later, "/simple/alpha/"))["versions"] == ["1.0", "2.0"]
    finally:
        await later.close()


async def test_nothing_of_a_newer_file_is_had_by_its_name(upstream, proxy):
    upstream.add_wheel("alpha", "1.0", "2020-01-01T00:00:00Z")
    newer = upstream.add_wheel("alpha", "2.0", "2022-01-01T00:00:00Z")
    for path in (newer, f"{newer}.metadata", "..%2f..%2fetc%2fpasswd", "%2e%2e/alpha"):
        assert (await get(proxy, f"/files/alpha/{path}"))[0] == 404
    assert newer not in upstream.asked


@pytest.mark.parametrize("num_bytes", [100, 900_000])
async def test_a_file_that_does_not_match_its_hash_never_arrives_whole(upstream, proxy, num_bytes):
    upstream.add_file("alpha", "alpha-1.tar.gz", b"a" * num_bytes, "2020-01-01T00:00:00Z")
    upstream.files["alpha-1.tar.gz"] = b"b" * num_bytes
    try:
        status, _, body = await get(proxy, "/files/alpha/alpha-1.tar.gz")
    except aiohttp.ClientError:
        return
    assert status == 422
    assert b"does not match" in body


async def test_a_wrong_file_is_not_kept(upstream, proxy):
    upstream.add_file("alpha", "alpha-1.tar.gz", b"right", "2020-01-01T00:00:00Z")
    upstream.files["alpha-1.tar.gz"] = b"wrong"
    assert (await get(proxy, "/files/alpha/alpha-1.tar.gz"))[0] == 422
    upstream.files["alpha-1.tar.gz"] = b"right"
    assert (await get(proxy, "/files/alpha/alpha-1.tar.gz"))[2] == b"right"


async def test_metadata_is_checked_too(upstream, proxy):
    text = b"Metadata-Version: 2.1\n"
    filename = upstream.add_wheel(
        "alpha", "1.0", "2020-01-01T00:00:00Z",
        **{"core-metadata": {"sha256": hashlib.sha256(text).hexdigest()}},
    )  # fmt: skip
    upstream.files[f"{filename}.metadata"] = text + b"Requires-Dist: evil\n"
    path = f"/files/alpha/{filename}.metadata"
    assert (await get(proxy, path))[0] == 422
    upstream.files[f"{filename}.metadata"] = text
    assert (await get(proxy, path))[2] == text


async def test_a_range_of_a_file(upstream, proxy):
    filename = upstream.add_wheel("alpha", "1.0", "2020-01-01T00:00:00Z")
    status, _, body = await get(proxy, f"/files/alpha/{filename}", Range="bytes=0-3")
    assert (status, body) == (206, b"PK\x03\x04")


async def test_a_sandbox_fetches_no_more_than_it_may(upstream, policy):
    for number in range(3):
        data = bytes([number]) * 400
        upstream.add_file("alpha", f"alpha-{number}.tar.gz", data, "2020-01-01T00:00:00Z")
    await warm(policy)
    server = await open_proxy(policy, disk_bytes=1000)
    try:
        found = [(await get(server, f"/files/alpha/alpha-{n}.tar.gz"))[0] for n in (0, 1, 2, 0)]
    finally:
        await server.close()
    assert found == [200, 200, 507, 200]


async def warm(policy):
    server = await open_proxy(policy)
    await page(server, "/simple/alpha/")
    await server.close()


async def test_an_index_without_upload_times_serves_nothing(upstream, proxy):
    upstream.add_wheel("alpha", "1.0", "2020-01-01T00:00:00Z")
    upstream.content_type = "text/html"
    status, _, body = await get(proxy, "/simple/alpha/")
    assert status == 502
    assert b"tells no upload times" in body


async def test_what_is_not_there_or_not_a_package_is_said_so(upstream, proxy):
    paths = ("/", "/simple/", "/simple/none/", "/pypi/alpha/json", "/npm/none", "/npm/-/v1/search",
             "/npm/..%2f..%2fsimple%2falpha", "/simple/%2e%2e%2f/", "/files/x")  # fmt: skip
    for path in paths:
        assert (await get(proxy, path))[0] == 404, path
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{proxy.base_url}/simple/") as done,
    ):
        assert done.status == 405


async def test_an_unreachable_index_gives_away_no_address(proxy, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "http://user:secret@127.0.0.1:1/simple")
    monkeypatch.delenv("UV_DEFAULT_INDEX", raising=False)
    monkeypatch.delenv("UV_INDEX_URL", raising=False)
    status, _, body = await get(proxy, "/simple/alpha/")
    assert status == 502
    assert b"secret" not in body
    assert b"127.0.0.1" not in body


async def test_npm_versions_tags_and_times_are_those_of_then(upstream, proxy):
    for version, year in (("1.0.0", 2018), ("1.10.0", 2019), ("1.9.0", 2020), ("2.0.0-rc.1", 2020),
                          ("2.0.0", 2021), ("1.11.0", 2022)):  # fmt: skip
        upstream.add_tarball("left", version, f"{year}-05-01T00:00:00.000Z")
    upstream.packages["left"]["dist-tags"] = {"latest": "2.0.0", "old": "1.0.0", "next": "1.11.0"}
    upstream.packages["left"]["time"] |= {"created": "2018-05-01T00:00:00.000Z",
                                          "modified": "2024-05-01T00:00:00.000Z"}  # fmt: skip
    found = await page(proxy, "/npm/left")
    assert list(found["versions"]) == ["1.0.0", "1.10.0", "1.9.0", "2.0.0-rc.1"]
    assert found["dist-tags"] == {"latest": "1.10.0", "old": "1.0.0"}
    assert found["time"]["modified"] == "2020-05-01T00:00:00.000Z"
    assert found["time"].keys() - {"created", "modified"} == found["versions"].keys()
    assert "readme" not in found
    place = found["versions"]["1.9.0"]["dist"]["tarball"]
    assert place == f"{proxy.base_url}/npm/left/-/left-1.9.0.tgz"
    assert (await get(proxy, "/npm/left/-/left-1.9.0.tgz"))[0] == 200
    assert (await get(proxy, "/npm/left/-/left-2.0.0.tgz"))[0] == 404


async def test_a_preview_is_the_latest_where_there_is_no_release(upstream, proxy):
    for version in ("1.0.0-alpha.2", "1.0.0-alpha.10", "1.0.0-alpha.beta", "1.0.0-alpha"):
        upstream.add_tarball("left", version, "2020-05-01T00:00:00.000Z")
    upstream.add_tarball("left", "1.0.0", "2022-05-01T00:00:00.000Z")
    assert (await page(proxy, "/npm/left"))["dist-tags"]["latest"] == "1.0.0-alpha.beta"


async def test_a_tarball_is_checked_by_the_strongest_hash_there_is(upstream, proxy):
    old = "2016-05-01T00:00:00.000Z"
    upstream.add_tarball("left", "1.0.0", old)
    sha1 = hashlib.sha1(upstream.files["left/left-1.0.0.tgz"]).hexdigest()
    upstream.add_tarball("only-sha1", "1.0.0", old, integrity=None, shasum=sha1)
    upstream.files["only-sha1/only-sha1-1.0.0.tgz"] = upstream.files["left/left-1.0.0.tgz"]
    upstream.add_tarball("wrong", "1.0.0", old, integrity="sha512-AAAA", shasum=sha1)
    upstream.add_tarball("none", "1.0.0", old, integrity=None)
    assert (await get(proxy, "/npm/left/-/left-1.0.0.tgz"))[0] == 200
    assert (await get(proxy, "/npm/only-sha1/-/only-sha1-1.0.0.tgz"))[0] == 200
    upstream.files["left/left-1.0.0.tgz"] += b"x"
    assert (await get(proxy, "/npm/wrong"))[0] == 404
    assert (await get(proxy, "/npm/none"))[0] == 404


async def test_idle_connections_do_not_keep_the_proxy_from_closing(policy):
    server = await open_proxy(policy)
    place = server.base_url.removeprefix("http://").split(":")
    plugs = [await asyncio.open_connection(*place) for _ in range(70)]
    await server.close()
    await server.close()
    with pytest.raises(OSError, match="Connect"):
        await asyncio.open_connection(*place)
    for _, writer in plugs:
        writer.close()


def test_the_cache_keeps_what_was_used_last(tmp_path):
    for number in range(4):
        (tmp_path / str(number)).write_bytes(b"x" * 10)
        os.utime(tmp_path / str(number), (number, number))
    prune(tmp_path, 25)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2", "3"]


def test_the_index_is_the_users_own(tmp_path, monkeypatch):
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    settings = tmp_path / "uv.toml"
    monkeypatch.setenv("UV_CONFIG_FILE", str(settings))
    (tmp_path / "two.toml").write_text('[pip]\nindex-url = "http://c.test/simple"\n')
    settings.write_text('[[index]]\nname = "a"\nurl = "http://a.test/simple"\n'
                        '[[index]]\nurl = "http://b.test/simple/"\ndefault = true\n')  # fmt: skip
    assert find_python_index() == "http://b.test/simple"
    monkeypatch.setenv("UV_CONFIG_FILE", str(tmp_path / "two.toml"))
    assert find_python_index() == "http://c.test/simple"
    monkeypatch.setenv("UV_CONFIG_FILE", str(tmp_path / "none.toml"))
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = http://d.test/simple\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    assert find_python_index() == "http://d.test/simple"
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://e.test/simple")
    assert find_python_index() == "http://e.test/simple"
    monkeypatch.setenv("npm_config_registry", "http://f.test/npm/")
    assert find_npm_registry() == "http://f.test/npm"

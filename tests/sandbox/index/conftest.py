"""Package indexes on loopback, with packages made here."""

import base64
import hashlib
import io
import json
import tarfile
import zipfile
from collections import Counter
from datetime import UTC, datetime

import pytest
from aiohttp import web

from journeyman.sandbox import IndexPolicy

SIMPLE = "application/vnd.pypi.simple.v1+json"


class Upstream:
    """An index and a registry, as they are today."""

    def __init__(self):
        self.projects, self.packages, self.files = {}, {}, {}
        self.asked = Counter()
        self.content_type = SIMPLE
        self.url = ""

    def add_wheel(self, name, version, uploaded, requires=(), **more):
        filename = f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
        self.add_file(name, filename, wheel(name, version, requires), uploaded, **more)
        return filename

    def add_file(self, name, filename, data, uploaded, **more):
        self.files[filename] = data
        entry = {
            "filename": filename,
            "url": f"../../files/{filename}",
            "hashes": {"sha256": hashlib.sha256(data).hexdigest()},
            "size": len(data),
            "upload-time": uploaded,
            "yanked": False,
            **more,
        }
        entry = {key: value for key, value in entry.items() if value is not None}
        self.projects.setdefault(name, []).append(entry)

    def add_tarball(self, name, version, published, dependencies=None, **dist):
        filename = f"{name.rpartition('/')[2]}-{version}.tgz"
        data = tarball(name, version, dependencies or {})
        self.files[f"{name}/{filename}"] = data
        page = self.packages.setdefault(
            name, {"name": name, "versions": {}, "time": {}, "readme": "of the newest"}
        )
        sha512 = base64.b64encode(hashlib.sha512(data).digest()).decode()
        place = f"{self.url}/npm/{name}/-/{filename}"
        page["versions"][version] = {
            "name": name,
            "version": version,
            "dependencies": dependencies or {},
            "dist": {"tarball": place, "integrity": f"sha512-{sha512}", **dist},
        }
        page["time"][version] = published
        page["dist-tags"] = {"latest": version, "next": version}

    def app(self):
        app = web.Application()
        app.router.add_get("/simple/{name}/", self._project)
        app.router.add_get("/files/{filename}", self._file)
        app.router.add_get("/npm/{name:(@[^/]+/)?[^/]+}", self._package)
        app.router.add_get("/npm/{name:.+}/-/{filename}", self._tarball)
        return app

    async def _project(self, request):
        name = request.match_info["name"]
        self.asked[name] += 1
        if name not in self.projects:
            raise web.HTTPNotFound
        page = {"meta": {"api-version": "1.1"}, "name": name, "files": self.projects[name]}
        return web.Response(text=json.dumps(page), content_type=self.content_type)

    async def _file(self, request):
        filename = request.match_info["filename"]
        self.asked[filename] += 1
        return web.Response(body=self.files[filename])

    async def _package(self, request):
        name = request.match_info["name"]
        self.asked[name] += 1
        if name not in self.packages:
            raise web.HTTPNotFound
        return web.json_response(self.packages[name])

    async def _tarball(self, request):
        key = f"{request.match_info['name']}/{request.match_info['filename']}"
        self.asked[key] += 1
        return web.Response(body=self.files[key])


def wheel(name, version, requires):
    module = name.replace("-", "_")
    folder = f"{module}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {need}\n" for need in requires)
    members = {
        f"{module}.py": f"version = {version!r}\n",
        f"{folder}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{folder}/WHEEL": "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in [*members, f"{folder}/RECORD"])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for path, text in {**members, f"{folder}/RECORD": record}.items():
            packed.writestr(path, text)
    return buffer.getvalue()


def tarball(name, version, dependencies):
    manifest = json.dumps({"name": name, "version": version, "dependencies": dependencies})
    texts = {"package.json": manifest, "index.js": f"module.exports = '{version}'\n"}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as packed:
        for path, text in texts.items():
            entry = tarfile.TarInfo(f"package/{path}")
            entry.size = len(text)
            packed.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()


@pytest.fixture
async def upstream(monkeypatch):
    """Serve an index that the user's tools are set up with."""
    made = Upstream()
    runner = web.AppRunner(made.app())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = "http://{}:{}".format(*runner.addresses[0])
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", f"{made.url}/simple/")
    monkeypatch.setenv("npm_config_registry", f"{made.url}/npm/")
    yield made
    await runner.cleanup()


@pytest.fixture
def policy():
    return IndexPolicy(before=datetime(2021, 1, 1, tzinfo=UTC), denied=("Acme.Widgets", "@acme/ui"))

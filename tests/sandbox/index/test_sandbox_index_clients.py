"""Real clients inside sandboxes whose only way out is the proxy."""

import compileall
import shutil
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from journeyman.errors import JourneymanError
from journeyman.programs import find_uv
from journeyman.sandbox import IndexPolicy, Mount, SandboxSpec, open_sandbox, opened
from journeyman.sandbox.index import INDEX_PORT

pytestmark = pytest.mark.sandbox

OLD = "2020-06-01T00:00:00Z"
NEW = "2021-06-01T00:00:00Z"
PYTHON = f"{sys.base_prefix}/bin/python3"
PIP = f"{PYTHON} -m pip install --no-cache-dir --target /tmp/site"
UV = f"/opt/uv pip install --no-cache --python {PYTHON} --target /tmp/site"
SEE = f"; PYTHONPATH=/tmp/site {PYTHON} -c 'import alpha, beta; print(alpha.version, beta.version)'"


@pytest.fixture(scope="session")
def pip(tmp_path_factory):
    """Return a folder with pip, as Python itself ships it, compiled."""
    bundled = next(Path(sys.base_prefix).glob("lib/python3.*/ensurepip/_bundled/pip-*.whl"), None)
    if bundled is None:
        pytest.skip("this Python ships no pip")
    folder = tmp_path_factory.mktemp("pip")
    with zipfile.ZipFile(bundled) as packed:
        packed.extractall(folder)
    folder.chmod(0o755)
    compileall.compile_dir(folder, quiet=2)
    return folder


@pytest.fixture
def spec(policy, pip):
    prefix = Path(sys.base_prefix)
    mounts = [Mount(source=pip, target="/opt/pip")]
    mounts += [Mount(source=prefix, target=str(prefix))] if prefix != Path("/usr") else []
    if uv := find_uv():
        mounts.append(Mount(source=Path(uv).resolve(), target="/opt/uv"))
    variables = {"PYTHONPATH": "/opt/pip"}
    return SandboxSpec(network="index", index=policy, mounts=tuple(mounts), variables=variables)


@pytest.fixture(params=[PIP, UV], ids=["pip", "uv"])
def install(request):
    return request.param


async def said(sandbox, command):
    done = await sandbox.execute(command, timeout_s=120)
    return (done.stdout + done.stderr).decode()


def fill(upstream):
    upstream.add_wheel("alpha", "1.0", OLD, requires=["beta"])
    upstream.add_wheel("alpha", "2.0", NEW, requires=["beta"])
    upstream.add_wheel("beta", "1.5", OLD)
    upstream.add_wheel("beta", "9.0", NEW)
    upstream.add_wheel("acme-widgets", "1.0", OLD)
    upstream.add_wheel("gamma", "1.0", OLD, requires=["acme_widgets"])


async def test_packages_are_those_of_then(upstream, spec, install):
    fill(upstream)
    async with opened(spec) as sandbox:
        seen = await said(sandbox, f"{install} alpha{SEE}")
        assert seen.splitlines().count("1.0 1.5") == 1, seen
        for wish in ("alpha==2.0", "gamma"):
            done = await sandbox.execute(f"{install} {wish}", timeout_s=120)
            assert done.exit_code != 0, done
        assert "acme" not in await said(sandbox, "ls /tmp/site")
    assert upstream.asked["acme-widgets"] == 0
    assert "alpha-2.0-py3-none-any.whl" not in upstream.asked


async def test_a_wheel_that_does_not_match_its_hash_is_not_installed(upstream, spec, install):
    fill(upstream)
    upstream.files["beta-1.5-py3-none-any.whl"] = upstream.files["beta-9.0-py3-none-any.whl"]
    async with opened(spec) as sandbox:
        seen = await said(sandbox, f"{install} alpha{SEE}")
    assert "No module named" in seen
    assert "422" in seen


async def test_npm_installs_what_was_there(upstream, policy):
    if not Path("/usr/bin/npm").exists():
        pytest.skip("no npm in /usr")
    upstream.add_tarball("left", "1.0.0", OLD, {"@some/right": "^1.0.0"})
    upstream.add_tarball("left", "1.1.0", NEW)
    upstream.add_tarball("@some/right", "1.2.0", OLD)
    upstream.add_tarball("@some/right", "1.3.0", NEW)
    upstream.add_tarball("@acme/ui", "1.0.0", OLD)
    upstream.add_tarball("bad", "1.0.0", OLD)
    upstream.files["bad/bad-1.0.0.tgz"] = upstream.files["left/left-1.0.0.tgz"]
    async with opened(SandboxSpec(network="index", index=policy)) as sandbox:
        seen = await said(sandbox, "npm install left; npm ls --all")
        assert "left@1.0.0" in seen
        assert "@some/right@1.2.0" in seen
        assert "ETARGET" in await said(sandbox, "npm install left@1.1.0")
        assert "403" in await said(sandbox, "npm install @acme/ui")
        done = await sandbox.execute("npm install --fetch-retries=0 bad", timeout_s=120)
        assert done.exit_code != 0
        assert "bad" not in await said(sandbox, "ls node_modules")
    assert upstream.asked["@acme/ui"] == 0


async def test_nothing_else_is_reachable(upstream, spec):
    port = urlsplit(upstream.url).port
    async with opened(spec) as sandbox:
        assert "refused" in await said(sandbox, f"echo > /dev/tcp/127.0.0.1/{port}")
        assert "unreachable" in await said(sandbox, "echo > /dev/tcp/192.0.2.1/443")
        assert "unreachable" in await said(sandbox, "echo > /dev/tcp/2001:db8::1/443")
        interfaces = "import socket; print([name for _, name in socket.if_nameindex()])"
        assert "['lo']" in await said(sandbox, f'{PYTHON} -c "{interfaces}"')
        listening = "awk '$4 == \"0A\" {n++} END {print n + 0}' /proc/net/tcp /proc/net/tcp6"
        assert (await said(sandbox, listening)).strip() == "1"


async def test_sandboxes_do_not_see_one_anothers_proxy(upstream, spec):
    fill(upstream)
    loose = IndexPolicy(before=datetime(2022, 1, 1, tzinfo=UTC))
    ask = (
        f"exec 3<>/dev/tcp/127.0.0.1/{INDEX_PORT}; "
        "printf 'GET /simple/alpha/ HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3"
    )
    async with (
        opened(spec) as strict,
        opened(spec.model_copy(update={"index": loose})) as other,
        opened(spec.model_copy(update={"network": "none"})) as closed,
    ):
        assert "alpha-2.0" in await said(other, ask)
        assert "alpha-2.0" not in await said(strict, ask)
        assert "refused" in await said(closed, ask)


async def test_garbage_and_floods_do_no_harm(upstream, spec):
    fill(upstream)
    script = f"""
import os, socket
plugs = [socket.create_connection(("127.0.0.1", {INDEX_PORT})) for _ in range(90)]
for plug in plugs:
    try:
        plug.send(os.urandom(100) + b"\\r\\n\\r\\n")
    except OSError:
        pass
request = b"GET http://192.0.2.1/simple/beta/ HTTP/1.1\\r\\nContent-Length: 9999999\\r\\n\\r\\n"
plugs[0].close()
with socket.create_connection(("127.0.0.1", {INDEX_PORT})) as plug:
    plug.sendall(request)
"""
    async with opened(spec) as sandbox:
        await sandbox.execute(f"{PYTHON} -", timeout_s=60, stdin=script.encode())
        seen = await said(sandbox, f"{PIP} alpha{SEE}")
    assert "1.0 1.5" in seen.splitlines()


async def test_a_proxy_needs_an_instant(spec):
    with pytest.raises(JourneymanError, match="needs an instant"):
        await open_sandbox(spec.model_copy(update={"index": None}))


async def test_a_closed_sandbox_leaves_no_proxy(upstream, spec):
    sandbox = await open_sandbox(spec)
    served = sandbox._index
    await sandbox.close()
    assert served._listener.fileno() == -1


@pytest.mark.network
async def test_the_users_own_index_of_a_day_gone_by(spec, install):
    policy = IndexPolicy(before=datetime(2021, 7, 1, tzinfo=UTC), denied=("idna",))
    if install == UV and not shutil.which("uv") and not find_uv():
        pytest.skip("no uv")
    async with opened(spec.model_copy(update={"index": policy})) as sandbox:
        await said(sandbox, f"{install} six iniconfig==1.1.1")
        assert "six-1.16.0.dist-info" in await said(sandbox, "ls /tmp/site")
        done = await sandbox.execute(f"{install} IDNA", timeout_s=120)
        assert done.exit_code != 0

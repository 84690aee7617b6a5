"""The proxy on the loopback of a container that has no other network."""

import os

import pytest

from journeyman.errors import JourneymanError
from journeyman.sandbox import SandboxSpec, open_sandbox, opened

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(os.getuid() != 0, reason="entering a container's network takes root"),
]

READ = """
import os, urllib.request
print(urllib.request.urlopen(os.environ["PIP_INDEX_URL"].rstrip("/") + "/alpha/").read().decode())
try:
    urllib.request.urlopen("http://192.0.2.1/", timeout=3)
    print("REACHED")
except OSError as error:
    print("refused", error)
"""


async def test_a_container_reaches_the_proxy_and_nothing_else(upstream, policy, docker_base, layer):
    upstream.add_wheel("alpha", "1.0", "2020-06-01T00:00:00Z")
    upstream.add_wheel("alpha", "2.0", "2021-06-01T00:00:00Z")
    spec = SandboxSpec(workspace_layers=(layer,), network="index", index=policy)
    async with opened(spec, backend=f"docker:{docker_base}") as sandbox:
        done = await sandbox.execute(f"python3 -c '{READ}'", timeout_s=30)
    seen = done.stdout.decode()
    assert "alpha-1.0" in seen, done
    assert "alpha-2.0" not in seen
    assert "REACHED" not in seen


async def test_no_instant_no_sandbox(docker_base, layer):
    spec = SandboxSpec(workspace_layers=(layer,), network="index")
    with pytest.raises(JourneymanError, match="needs an instant"):
        await open_sandbox(spec, backend=f"docker:{docker_base}")

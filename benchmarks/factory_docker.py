"""An environment as a Docker image in which SWE-smith's own harness works, and what Docker costs.

The image is the environment's own (`journeyman.sandbox`'s, on a local base), with what the harness
expects: a Git repository at /testbed, root, and a `conda` that does nothing, in SWE-smith's favour.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from journeyman.sandbox import environment_spec, opened

BASE = "journeyman-test-base"
USAGE = Path("/sys/fs/cgroup/cpuacct/docker/cpuacct.usage")
USAGE_V2 = Path("/sys/fs/cgroup/system.slice/docker.service/cpu.stat")
DOCKERFILE = """\
FROM {base}
USER root
ENV PATH=/opt/environment/bin:/usr/local/bin:/usr/bin:/bin
RUN mkdir -p /opt/miniconda3/bin && echo 'conda() {{ :; }}' > /opt/miniconda3/bin/activate
RUN git config --global --add safe.directory /testbed && cd /testbed && git init -q && git add -A \\
    && git -c user.name=b -c user.email=b@b commit -qm start
"""


async def make_image(environment, folder):
    """Build the image, if it is not there, and return its name."""
    spec = environment_spec(environment, folder)
    async with opened(spec, backend=f"docker:{BASE}") as sandbox:
        name = f"journeyman-{sandbox.name}"
        base = docker("inspect", "--format", "{{.Config.Image}}", name)
    image = f"swesmith-bench:{environment.digest[:12]}"
    docker("build", "-q", "-t", image, "-", stdin=DOCKERFILE.format(base=base))
    return image


def docker(*words, stdin=""):
    done = subprocess.run(
        ["docker", *words], input=stdin, text=True, check=True, capture_output=True
    )
    return done.stdout.strip()


def docker_cpu_seconds():
    """Processor seconds of all containers, and of the engine's own processes and their ended children.

    The shims between engine and containers end unseen: they are left out, in Docker's favour.
    """
    if USAGE.exists():
        seconds = int(USAGE.read_text()) / 1e9
    else:
        seconds = int(USAGE_V2.read_text().split()[1]) / 1e6
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, fields = stat.read_text().partition("(")[2].rpartition(")")
        except OSError:
            continue
        if name in ("dockerd", "containerd"):
            seconds += sum(map(int, fields.split()[11:15])) / os.sysconf("SC_CLK_TCK")
    return seconds

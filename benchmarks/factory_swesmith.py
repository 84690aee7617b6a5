"""The public SWE-smith package at work on one local project; run by `benchmarks/factory.py`.

Only what needs the network is replaced: cloning from its mirror, pulling its image, and asking GitHub
whether a repository is private. Generation and validation are the package's own functions.
"""

from __future__ import annotations

import contextlib
import json
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from swesmith.bug_gen import collect_patches
from swesmith.bug_gen.procedural import generate
from swesmith.constants import LOG_DIR_BUG_GEN, LOG_DIR_RUN_VALIDATION
from swesmith.harness import valid
from swesmith.profiles import registry
from swesmith.profiles.python import PythonProfile

USAGE = "cat /sys/fs/cgroup/cpu.stat"
COMMAND = (
    "export PATH=/opt/environment/bin:$PATH; "
    "python -m pytest --disable-warnings --color=no --tb=no --verbose -p no:cacheprovider -o addopts=; "
)


def profile_of(order, image):
    @dataclass
    class Local(PythonProfile):
        owner: str = "local"
        repo: str = order["name"]
        commit: str = order["commit"]
        timeout: int = 900
        test_cmd: str = COMMAND + USAGE
        image_name = image

        def pull_image(self):
            pass

        def _is_repo_private(self):
            return False

        def clone(self, dest=None):
            folder = dest or self.repo_name
            if Path(folder).exists():
                return folder, False
            shutil.copytree(order["repository"], folder)
            subprocess.run(INIT, shell=True, cwd=folder, check=True)
            return folder, True

    return Local


INIT = "git init -q && git add -A && git -c user.name=b -c user.email=b@b commit -qm start"
TRUST = "git config --global --add safe.directory '*'"


def build(order):
    """Put a repository on top of the environment's image, as SWE-smith's images have one."""
    name = f"journeyman-swesmith-{order['name']}"
    lines = [f"FROM {order['image']}", "USER root", "WORKDIR /testbed", f"RUN {TRUST} && {INIT}"]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "Dockerfile").write_text("\n".join(lines))
        subprocess.run(["docker", "build", "-q", "-t", name, folder], check=True,
                       stdout=subprocess.DEVNULL)  # fmt: skip
    return name


def main(order):
    profile = profile_of(order, build(order))
    registry.register_profile(profile)
    repo = profile().repo_name
    generate.main(repo, max_bugs=-1, seed=order["seed"], interleave=True,
                  max_candidates=order["candidates"])  # fmt: skip
    collect_patches.main(str(LOG_DIR_BUG_GEN / repo))
    patches = LOG_DIR_BUG_GEN / f"{repo}_all_patches.json"
    valid.main(str(patches), workers=order["workers"])
    reports = [
        json.loads(path.read_text())
        for path in (LOG_DIR_RUN_VALIDATION / repo).glob("*/report.json")
    ]
    logs = [path.read_text() for path in (LOG_DIR_RUN_VALIDATION / repo).glob("*/test_output.txt")]
    spent = [re.findall(r"^usage_usec (\d+)", log, re.MULTILINE) for log in logs]
    if not all(spent):
        print("some runs left no processor time and count as nothing", file=sys.stderr)
    inside = sum(int(found[-1]) / 1e6 for found in spent if found)
    own = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "candidates": len(json.loads(patches.read_text())),
        "validated": sum(len(report.get("FAIL_TO_PASS", [])) > 0 for report in reports),
        "cpu_s": inside + own.ru_utime + own.ru_stime,
    }


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):
        answer = main(json.loads(sys.argv[1]))
    print(json.dumps(answer))

"""The public SWE-smith package at work on one local project; run by `benchmarks/factory.py`.

`generate` runs the package's own `bug_gen.procedural.generate` and `collect_patches`; `grade` reads logs
with its own `harness.grading.get_valid_report`; `validate` runs its own `harness.valid`, in Docker. Only
cloning from its mirror, and the name of its image, are replaced. For `grade`, what needs an image is
done by the caller: the same script of commands, in a sandbox.
"""

from __future__ import annotations

import contextlib
import json
import resource
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from swesmith.bug_gen import collect_patches
from swesmith.bug_gen.procedural import generate
from swesmith.constants import LOG_DIR_BUG_GEN, LOG_DIR_RUN_VALIDATION
from swesmith.harness import valid
from swesmith.harness.grading import get_valid_report
from swesmith.profiles import registry
from swesmith.profiles.python import PythonProfile

INIT = "git init -q && git add -A && git -c user.name=b -c user.email=b@b commit -qm start"


def profile_of(order):
    @dataclass
    class Local(PythonProfile):
        owner: str = "local"
        repo: str = order["name"]
        commit: str = order["commit"]
        timeout: int = (
            900  # its own 90 seconds are of the clock: on a busy machine they end a good run
        )

        def _is_repo_private(self):
            return False

        @property
        def image_name(self):
            return order["image"]

        def pull_image(self):
            pass

        def clone(self, dest=None):
            folder = dest or self.repo_name
            if Path(folder).exists():
                return folder, False
            shutil.copytree(order["repository"], folder)
            subprocess.run(INIT, shell=True, cwd=folder, check=True)
            return folder, True

    return Local


def make_patches(order, repo):
    generate.main(repo, max_bugs=-1, seed=order["seed"], interleave=True,
                  max_candidates=order["candidates"])  # fmt: skip
    collect_patches.main(str(LOG_DIR_BUG_GEN / repo))
    return {"patches": json.loads((LOG_DIR_BUG_GEN / f"{repo}_all_patches.json").read_text())}


def grade(order, repo):
    reports = [
        get_valid_report(log, order["reference"], {"repo": repo, "instance_id": f"{repo}.x"})
        for log in order["logs"]
    ]
    return {"validated": [len(report["FAIL_TO_PASS"]) for report in reports]}


def validate(order, repo):
    Path("patches.json").write_text(json.dumps(order["patches"]))
    valid.main("patches.json", order["workers"])
    reports = (LOG_DIR_RUN_VALIDATION / repo).glob("*/report.json")
    found = [json.loads(report.read_text()) for report in reports]
    return {"validated": [len(report.get("FAIL_TO_PASS", ())) for report in found]}


def cpu_seconds():
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


if __name__ == "__main__":
    imported_s = cpu_seconds()
    with contextlib.redirect_stdout(sys.stderr):
        given = json.loads(Path(sys.argv[1]).read_text())
        kind = profile_of(given)
        registry.register_profile(kind)
        works = {"generate": make_patches, "grade": grade, "validate": validate}
        work = works[given["work"]]
        answer = work(given, kind().repo_name)
    print(json.dumps({**answer, "imported_s": imported_s}))

"""Validated tasks for each minute of processor time, on one project, five ways, in one run.

    .venv/bin/python benchmarks/factory.py more-itertools --tasks 12 --candidates 12 --swesmith

- `ours`: `tasks mutate` as it stands. A candidate runs the tests that reach it; what survives goes
  through the whole gate, twice each state, with a patch that does nothing, hollowed tests and a look for
  leaks.
- `ours, screened`: the same candidates, screened once and counted as soon as a test fails, which is all
  that the next two do.
- `whole suite`: the same candidates in the same sandboxes, each against the whole suite, once.
- `swesmith`: the public package's own procedural generation (`bug_gen.procedural.generate`) and its own
  way of validating: its script of commands for one candidate (its default pytest command, the whole
  suite, once), its grading (`harness.grading`). The script runs in our sandbox and our environment: no
  container, image or conda counts against it, nor importing the package.
- `swesmith, docker`: the same candidates, validated by `swesmith.harness.valid` as it stands, in Docker.
  Its image is our environment on a local base (`factory_docker.py`), for its own come from a registry.

Making the environment counts for none of them; the baseline run counts for all, and for ours also the
plain run of the suite with which the environment's build ends.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from contextlib import aclosing
from itertools import islice
from pathlib import Path

from factory_docker import docker_cpu_seconds, make_image

from journeyman.config import cache_folder
from journeyman.programs import find_uv
from journeyman.sandbox import environment_spec, opened
from journeyman.tasks import obtain_project
from journeyman.tasks.baseline import measure_baseline
from journeyman.tasks.candidate import Candidate, Screened, ScreenLimits, propose, screen
from journeyman.tasks.environment import build_environment
from journeyman.tasks.make import make_tasks
from journeyman.tasks.make_config import MakeConfig
from journeyman.tasks.mutate import iterate_mutations
from journeyman.tasks.order import in_order, num_processors
from journeyman.tasks.processor import cpu_seconds
from journeyman.tasks.reach import Reach
from journeyman.tasks.tree import patched
from journeyman.types import TestStatus, VerifierSpec
from journeyman.verify import run_verifier

LANGUAGES = ("c", "cpp", "c-sharp", "go", "java", "javascript", "php", "ruby", "rust", "typescript")
SWESMITH = [
    *("swesmith==0.0.9", "docker", "ghapi", "swebench", "tqdm", "rich", "libcst", "astor"),
    *("python-dotenv", "unidiff", "jinja2", "tree-sitter"),
    *(f"tree-sitter-{language}" for language in LANGUAGES),
]


class Bench:
    def __init__(self, project, environment, environments, options):
        self.project, self.environment = project, environment
        self.environments, self.options = environments, options
        self.folder = environments / environment.digest

    def mutations(self):
        drawn = iterate_mutations(self.folder / "repository", seed=self.options.seed)
        return list(islice(drawn, self.options.candidates))

    async def ours(self):
        options = self.options
        with tempfile.TemporaryDirectory(dir=self.environments.parent) as scratch:
            place = Path(scratch, "taskset")
            (place / "environments").mkdir(parents=True)
            (place / "environments" / self.environment.digest).symlink_to(self.folder)
            config = MakeConfig(num_tasks=options.tasks, seed=options.seed)
            before = cpu_seconds()
            await self.suite({})
            say(f"the build's run of the suite: {cpu_seconds() - before:.1f} CPU s")
            made = await make_tasks(
                self.project, self.environment, place, config=config, on_progress=say
            )
            spent = cpu_seconds() - before
        report = made.funnel
        say(f"dropped: {report.dropped}")
        return row(report.num_candidates, report.num_validated, spent)

    async def screened(self):
        before = cpu_seconds()
        baseline = await measure_baseline(
            self.environment, self.folder, concurrency=num_processors()
        )
        reach = Reach(baseline, max_files=8, max_calls=MakeConfig().max_verifier_calls)

        async def attempt(mutation):
            found = propose(self.folder / "repository", baseline, reach, mutation)
            if not isinstance(found, Candidate):
                return False
            limits = ScreenLimits(max_failing_share=0.5)
            outcome = await screen(self.environment, self.folder, baseline, found, limits)
            return isinstance(outcome, Screened)

        return await self.counted(attempt, before)

    async def whole_suite(self):
        before = cpu_seconds()
        passing = await self.suite({})

        async def attempt(mutation):
            changed = patched(self.folder / "repository", [mutation.patch])
            after = await self.suite(changed)
            return any(after.get(test) in (TestStatus.FAILED, TestStatus.ERROR) for test in passing)

        return await self.counted(attempt, before)

    async def suite(self, changes):
        spec = environment_spec(self.environment, self.folder)
        verifier = VerifierSpec(
            command=self.environment.test_command,
            log_parser=self.environment.log_parser,
            timeout_s=900,
        )
        async with opened(spec) as sandbox:
            for path, data in changes.items():
                await sandbox.write(f"/testbed/{path}", data)
            run = await run_verifier(sandbox, verifier)
        wanted = {TestStatus.PASSED} if not changes else set(TestStatus)
        return {test: status for test, status in run.statuses.items() if status in wanted}

    async def counted(self, attempt, before):
        mutations = self.mutations()
        num_validated = 0
        async with aclosing(in_order(attempt, mutations, concurrency=num_processors())) as results:
            async for number, is_valid in numbered(results):
                num_validated += is_valid
                say(f"{number} of {len(mutations)} candidates, {num_validated} noticed")
        return row(len(mutations), num_validated, cpu_seconds() - before)

    async def swesmith(self):
        python = swesmith_python()
        order = {
            "name": self.project.name,
            "repository": str(self.folder / "repository"),
            "commit": self.project.commit,
            "candidates": self.options.candidates,
            "seed": self.options.seed,
        }
        before = cpu_seconds()
        with tempfile.TemporaryDirectory() as scratch:
            made = await run_swesmith(python, {**order, "work": "generate"}, scratch)
            patches = [found["patch"] for found in made["patches"]]
            reference = Path(scratch, "reference.log")
            reference.write_bytes(await self.swesmith_log(""))
            paths = [Path(scratch, f"{number}.log") for number in range(len(patches))]

            async def attempt(number):
                paths[number].write_bytes(await self.swesmith_log(patches[number]))

            numbers = range(len(patches))
            async with aclosing(
                in_order(attempt, numbers, concurrency=num_processors())
            ) as results:
                async for number, _ in numbered(results):
                    say(f"{number} of {len(patches)} candidates")
            logs = {"reference": str(reference), "logs": [str(path) for path in paths]}
            graded = await run_swesmith(python, {**order, **logs, "work": "grade"}, scratch)
        spent = cpu_seconds() - before - made["imported_s"] - graded["imported_s"]
        return row(len(patches), sum(number > 0 for number in graded["validated"]), spent)

    async def swesmith_docker(self):
        python = swesmith_python()
        order = {
            "name": self.project.name,
            "repository": str(self.folder / "repository"),
            "commit": self.project.commit,
            "candidates": self.options.candidates,
            "seed": self.options.seed,
            "image": await make_image(self.environment, self.folder),
            "workers": num_processors(),
        }
        before, before_docker = cpu_seconds(), docker_cpu_seconds()
        with tempfile.TemporaryDirectory() as scratch:
            made = await run_swesmith(python, {**order, "work": "generate"}, scratch)
            given = {**order, "patches": made["patches"], "work": "validate"}
            graded = await run_swesmith(python, given, scratch)
        spent = cpu_seconds() - before - made["imported_s"] - graded["imported_s"]
        of_docker = docker_cpu_seconds() - before_docker
        say(f"of {spent + of_docker:.1f} CPU s, {of_docker:.1f} are Docker's")
        num_validated = sum(number > 0 for number in graded["validated"])
        return row(len(made["patches"]), num_validated, spent + of_docker)

    async def swesmith_log(self, patch):
        spec = environment_spec(self.environment, self.folder)
        async with opened(spec) as sandbox:
            if patch:
                await sandbox.write("/tmp/patch.diff", patch.encode())
                await sandbox.execute(APPLY, timeout_s=60)
            await sandbox.write("/tmp/eval.sh", SMITH_SCRIPT.encode())
            await sandbox.execute("bash /tmp/eval.sh > /tmp/log 2>&1", timeout_s=900)
            return await sandbox.read("/tmp/log")


APPLY = "GIT_CEILING_DIRECTORIES=/ git apply --verbose /tmp/patch.diff"
SMITH_SCRIPT = """\
#!/bin/bash
set -uxo pipefail
cd /testbed
: '>>>>> Start Test Output'
python -m pytest --disable-warnings --color=no --tb=no --verbose -p no:cacheprovider
: '>>>>> End Test Output'
"""
"""What its harness writes as `eval.sh`, with its Python profile's command, without conda."""


async def run_swesmith(python, order, folder):
    Path(folder, "order.json").write_text(json.dumps(order))
    done = await asyncio.to_thread(
        subprocess.run,
        [python, str(Path(__file__).with_name("factory_swesmith.py").resolve()), "order.json"],
        cwd=folder, check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


def swesmith_python():
    """Return the Python of a virtual environment that holds the public package."""
    folder = cache_folder("benchmarks") / "swesmith"
    python = folder / "bin" / "python"
    if not python.exists():
        uv = str(find_uv())
        subprocess.run([uv, "venv", "-q", "--python", sys.executable, str(folder)], check=True)
        subprocess.run([uv, "pip", "install", "-q", "--python", str(python), *SWESMITH], check=True)
    return str(python)


async def numbered(results):
    number = 0
    async for result in results:
        number += 1
        yield number, result


def row(num_candidates, num_validated, cpu_s):
    return {
        "candidates": num_candidates,
        "validated": num_validated,
        "cpu_s": round(cpu_s, 1),
        "tasks_per_cpu_minute": round(60 * num_validated / cpu_s, 2),
    }


def say(text):
    print(f"    {text}", file=sys.stderr, flush=True)


async def measure(options):
    project = obtain_project(options.project)
    environments = cache_folder("benchmarks", "factory", project.name) / "environments"
    environment = await build_environment(project, environments, on_progress=say)
    bench = Bench(project, environment, environments, options)
    ways = {"ours": bench.ours, "ours, screened": bench.screened, "whole suite": bench.whole_suite}
    if options.swesmith:
        ways["swesmith"] = bench.swesmith
        ways["swesmith, docker"] = bench.swesmith_docker
    rows = {}
    for name, way in ways.items():
        if options.only and name not in options.only:
            continue
        print(name, file=sys.stderr, flush=True)
        rows[name] = await way()
        print(json.dumps({"project": project.name, "way": name, **rows[name]}), flush=True)
    mine = rows.get("ours", {}).get("tasks_per_cpu_minute", 0.0)
    for name, found in rows.items():
        theirs = found["tasks_per_cpu_minute"]
        ratio = f"{mine / theirs:.1f}x" if theirs else "-"
        counts = f"{found['candidates']:4} candidates {found['validated']:4} validated"
        spent = f"{found['cpu_s']:8.1f} CPU s {theirs:7.2f} tasks a CPU minute"
        print(f"{name:16} {counts} {spent}   ours is {ratio}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("project", nargs="?", default="more-itertools")
    parser.add_argument("--tasks", type=int, default=12)
    parser.add_argument("--candidates", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--swesmith", action="store_true")
    parser.add_argument("--only", action="append")
    asyncio.run(measure(parser.parse_args()))

"""Record test logs in the form of SWE-bench's harness: real suites, run on many broken states.

For every task of the tasksets the tests are run by their own command on the gold state, the state
before the fix, and on seeded mutations of the files that the fix touches (or of `--files`), inside one
sandbox, and each log is kept between the harness's markers with the test command's exit status.

    python benchmarks/record_swebench_logs.py corpus.jsonl.xz TASKSET --per-task 20

`--runner` overrides the command and the parser, to record other runners on the same project:
`"python -m unittest -v tests.test_text" swebench-django`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import lzma
import shutil
import tempfile
from itertools import islice
from pathlib import Path

from journeyman.evals.swebench.log import END, START
from journeyman.sandbox import environment_spec, load_environment, opened
from journeyman.tasks import load_taskset
from journeyman.tasks.mutate import iterate_mutations
from journeyman.tasks.tree import patched
from journeyman.types import Task
from journeyman.verify import parse_log, touched_paths

INSIDE = r"""
import json, os, subprocess, sys, time
order = json.load(open("/tmp/order.json"))
logs = []
for variant in order["variants"]:
    before = {}
    for path, text in variant["files"].items():
        before[path] = open(path).read() if os.path.exists(path) else None
        if text is None:
            if os.path.exists(path): os.remove(path)
        else:
            os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
            open(path, "w").write(text)
    try:
        done = subprocess.run(["bash", "-c", order["command"]], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=order["timeout_s"])
        log, code = done.stdout.decode(errors="replace"), done.returncode
    except subprocess.TimeoutExpired as error:
        log, code = (error.stdout or b"").decode(errors="replace"), None
    logs.append({"name": variant["name"], "log": log[-200000:], "code": code})
    json.dump(logs, open("/tmp/logs.json", "w"))
    for path, text in before.items():
        if text is None:
            os.path.exists(path) and os.remove(path)
        else:
            open(path, "w").write(text)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("taskset", type=Path)
    parser.add_argument("--task", action="append", default=[])
    parser.add_argument("--per-task", type=int, default=20)
    parser.add_argument("--files", default="", help="prefix of the files that are mutated")
    parser.add_argument("--runner", nargs=2, metavar=("COMMAND", "PARSER"))
    parser.add_argument("--timeout-s", type=float, default=120)
    given = parser.parse_args()
    taskset = load_taskset(given.taskset)
    tasks = [it for it in taskset.tasks if not given.task or it.instance_id in given.task]
    with lzma.open(given.out, "at", preset=9) as stream:
        for task in tasks:
            for row in asyncio.run(record(task, taskset.environments, given)):
                stream.write(json.dumps(row) + "\n")


async def record(task: Task, environments: Path, given: argparse.Namespace) -> list[dict]:
    folder = environments / task.environment
    tree = folder / "repository"
    command, parser = given.runner or (task.verifier.command, task.verifier.log_parser)
    order = {
        "command": command,
        "timeout_s": given.timeout_s,
        "variants": list(variants(task, tree, given)),
    }
    async with opened(environment_spec(load_environment(folder), folder)) as sandbox:
        await sandbox.write("/tmp/order.json", json.dumps(order).encode())
        await sandbox.write("/tmp/inside.py", INSIDE.encode())
        done = await sandbox.execute("python /tmp/inside.py", timeout_s=3000)
        if done.exit_code:
            print(done.stderr.decode(errors="replace")[-2000:])
        logs = json.loads(await sandbox.read("/tmp/logs.json"))
    return list(rows(task, command, parser, logs))


def variants(task: Task, tree: Path, given: argparse.Namespace):
    tests = [task.test_patch] if task.test_patch else []
    before = text_of(patched(tree, [task.bug_patch, *tests]))
    gold = text_of(patched(tree, [task.bug_patch, task.patch, *tests]))
    yield {"name": "gold", "files": gold}
    yield {"name": "empty", "files": before}
    touched = [path for path in touched_paths([task.patch]) if path.endswith(".py")]
    if given.files:
        touched = [
            str(path.relative_to(tree))
            for path in tree.rglob("*.py")
            if str(path.relative_to(tree)).startswith(given.files)
        ]
    with tempfile.TemporaryDirectory() as scratch:
        for path in touched:
            (Path(scratch) / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(tree / path, Path(scratch) / path)
        mutations = list(
            islice(
                iterate_mutations(Path(scratch), seed=len(task.instance_id)), 40 * given.per_task
            )
        )
    num = 0
    for mutation in mutations:
        if num + 2 >= given.per_task:
            return
        try:
            changed = text_of(patched(tree, [task.bug_patch, task.patch, *tests, mutation.patch]))
        except Exception:
            continue
        num += 1
        yield {"name": f"{mutation.kind} {mutation.path}:{mutation.line}", "files": changed}


def text_of(files: dict[str, bytes | None]) -> dict[str, str | None]:
    return {
        path: None if data is None else data.decode(errors="replace")
        for path, data in files.items()
    }


def rows(task: Task, command: str, parser: str, logs: list[dict]):
    """Name each log's expected tests: the task's own, else what changed between gold and empty."""
    statuses = {it["name"]: parse_log(parser, it["log"]) for it in logs[:2]}
    good = {name for name, status in statuses["gold"].items() if status == "passed"}
    was_good = {name for name, status in statuses["empty"].items() if status == "passed"}
    is_own = command == task.verifier.command and parser.startswith("swebench")
    mended = list(task.FAIL_TO_PASS) if is_own else sorted(good - was_good)
    kept = list(task.PASS_TO_PASS) if is_own else sorted(good & was_good)
    for number, it in enumerate(logs):
        timed_out = it["code"] is None
        tail = ">>>>> Tests Timed Out\n" if timed_out else f">>>>> Test Exit Code: {it['code']}\n"
        yield {
            "id": f"{task.instance_id}/{parser}/{number}",
            "state": it["name"],
            "command": command,
            "parser": parser,
            "FAIL_TO_PASS": mended,
            "PASS_TO_PASS": kept,
            "log": f"+ : '{START}'\n{START}\n{it['log']}\n{END}\n{tail}",
        }


if __name__ == "__main__":
    main()

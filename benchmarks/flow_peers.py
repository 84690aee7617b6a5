"""The same taskset and scripted model through the peers' own batch runners and through ours, in one run.

    python benchmarks/flow_peers.py --rollouts 48 --turns 6 --workers 16 --docker IMAGE

Six small real tasks (Git repositories with unit tests), a scripted model behind an OpenAI-compatible
server, the same commands in every turn. Each runner is started as its users start it, in a virtual
environment of its own (`uv`), and its whole time counts, from the start of the command to its end:

- `mini`: mini-swe-agent's `mini-extra swebench`, environment `local`, then `bubblewrap` where `bwrap`
  is on the path, then `docker`;
- `verifiers`: `vf-eval` with its `bash` harness, runtime `subprocess` and then `docker`;
- `journeyman`: `journeyman rollout`; it has no execution outside of sandboxes, so its namespace
  sandboxes stand beside the peers' plain local execution, and its Docker ones beside their Docker.

None of the peers' runners grades: so ours runs twice, without grading (`--grading later`, which still
takes each patch, keeps the ledger, the events and the guard) and with it (a second fresh sandbox and the
task's tests for each patch). Images exist before a clock starts, the peers' and ours, and each program
has been started once, so that its bytecode lies beside it as at a user's second start. Processor time
is told beside the wall time; a container engine's own is not in it. `floor docker` is what the engine
itself allows: as many containers started, used for nothing and removed, as many at once, by its own
program.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from chaos import Server, make_taskset  # noqa: E402

LIMIT_S = 900.0


class Peer:
    """A virtual environment with a package and what is run in it."""

    def __init__(self, root: Path, name: str, packages: list[str]) -> None:
        self.folder = root / name
        uv = shutil.which("uv") or str(Path.home() / ".local/share/journeyman/tools/bin/uv")
        python = ["--python", sys.executable]
        if not self.folder.exists():
            subprocess.run([uv, "venv", "-q", *python, str(self.folder)], check=True)
            place = ["--python", str(self.folder / "bin/python")]
            subprocess.run([uv, "pip", "install", "-q", *place, *packages], check=True)

    def version(self, package: str) -> str:
        code = f"import importlib.metadata as m; print(m.version({package!r}))"
        done = subprocess.run([str(self.folder / "bin/python"), "-c", code], capture_output=True)
        return done.stdout.decode().strip()


def scripts(taskset, num_turns: int) -> dict[str, list[str | None]]:
    steps = (
        "ls -l",
        "cat calc.py",
        "grep -n def *.py",
        "git log --oneline | head -3",
        "wc -l *.py",
    )
    commands = [steps[index % len(steps)] for index in range(num_turns - 1)]
    return {task.problem_statement: [*commands, None] for task in taskset.tasks}


def timed(command: list[str], log: Path, **environment: str) -> float:
    """Run a command to its end and return the seconds it took; raise if it fails."""
    environment = {**os.environ, **environment}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    started = time.perf_counter()
    with log.open("wb") as file:
        done = subprocess.run(
            command,
            stdout=file,
            stderr=file,
            stdin=subprocess.DEVNULL,
            env=environment,
            timeout=LIMIT_S,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {log.read_text()[-800:]}")
    return time.perf_counter() - started


def run_floor(root: Path, options) -> float:
    """Start and remove as many containers as there are rollouts, as many at once, for nothing."""
    words = ["run", "--rm", "--network", "none", "--entrypoint", "/bin/true", options.docker]
    line = ("xargs", "-P", str(options.workers), "-I{}", "docker", *words)
    numbers = "\n".join(map(str, range(options.rollouts)))
    started = time.perf_counter()
    subprocess.run(line, input=numbers.encode(), check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def run_mini(peer: Peer, root: Path, taskset, options, port: int, kind: str) -> float:
    """Run mini-swe-agent's batch runner; its rows are the tasks, repeated under other names."""
    name = f"mini-{kind}"
    rows = [
        {
            "instance_id": f"{task.instance_id}.{index}",
            "problem_statement": task.problem_statement,
            "image_name": options.docker or "",
        }
        for index in range(options.rollouts // len(taskset.tasks))
        for task in taskset.tasks
    ]
    data = root / name / "data"
    data.mkdir(parents=True)
    (data / "dev.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = [
        str(peer.folder / "bin/mini-extra"),
        *("swebench", "--subset", str(data), "--split", "validation", "-w", str(options.workers)),
        *("-o", str(root / name / "out"), "--environment-class", kind, "-c", "swebench.yaml"),
        *("-c", "model.model_name=openai/scripted"),
        *("-c", f"model.model_kwargs.api_base=http://127.0.0.1:{port}/v1"),
        *("-c", "model.cost_tracking=ignore_errors"),
    ]
    if kind != "docker":
        command += ["-c", f"environment.cwd={root / 'repository'}"]
    settings = {
        "OPENAI_API_KEY": "none",
        "MSWEA_CONFIGURED": "true",
        "MSWEA_SILENT_STARTUP": "1",
        # Nothing here needs the network, and waiting for it is not the runner's doing.
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "HF_HUB_OFFLINE": "1",
    }
    wall_s = timed(command, root / f"{name}.log", **settings)
    done = json.loads((root / name / "out/preds.json").read_text())
    saved = list((root / name / "out").glob("*/*.traj.json"))
    ends = [json.loads(path.read_text())["info"]["exit_status"] for path in saved]
    assert len(done) == len(rows) == ends.count("Submitted"), (len(done), ends)
    return wall_s


TASKSET = """\
import verifiers.v1 as vf

PROMPTS = {prompts!r}


class TinyData(vf.TaskData):
    pass


class TinyTask(vf.Task[TinyData]):
    @vf.reward(weight=1.0)
    async def reward(self, trace: vf.Trace) -> float:
        return 1.0


class TinyTaskset(vf.Taskset[TinyTask, vf.TasksetConfig]):
    def load(self):
        return [TinyTask(TinyData(prompt=it, image={image!r}, workdir={folder!r}), self.config.task)
                for it in PROMPTS]


__all__ = ["TinyTaskset"]
"""


def run_verifiers(peer: Peer, root: Path, taskset, options, port: int, kind: str) -> float:
    """Run `vf-eval` on a taskset package that is made for it."""
    name = f"verifiers-{kind}"
    site = next((peer.folder / "lib").glob("python*/site-packages"))
    folder = None if kind == "subprocess" else "/testbed"
    text = TASKSET.format(
        prompts=[task.problem_statement for task in taskset.tasks],
        image=options.docker if kind == "docker" else None,
        folder=folder,
    )
    (site / "tiny_v1.py").write_text(text)
    command = [
        str(peer.folder / "bin/vf-eval"),
        *("tiny-v1", "-m", "scripted", "-r", str(options.rollouts // len(taskset.tasks))),
        *("-c", str(options.workers), "--no-push", "--no-rich"),
        *("--client.base-url", f"http://127.0.0.1:{port}/v1", "--client.api-key-var", "NO_KEY"),
        *("--env.agent.harness.id", "bash", "--env.agent.runtime.type", kind),
        *("-o", str(root / name)),
    ]
    wall_s = timed(command, root / f"{name}.log", NO_KEY="none")
    (traces,) = (root / name).glob("*/traces.jsonl")
    done = [json.loads(line) for line in traces.open()]
    bad = [it for it in done if it.get("errors") or it.get("error")]
    assert len(done) == options.rollouts, f"{len(done)} traces"
    assert not bad, str(bad[0])[:500]
    return wall_s


def journeyman_command(root: Path, taskset, port: int, name: str, backend: str) -> list[str]:
    return [
        *(sys.executable, "-c", "from journeyman.cli import main; main()"),
        *("rollout", str(taskset.folder), "--model", f"http://127.0.0.1:{port}/v1#scripted"),
        *("--sandbox", backend, "--runs", str(root), "--name", name),
    ]


def run_journeyman(root: Path, taskset, options, port: int, backend: str, graded: bool) -> float:
    """Run `journeyman rollout`, and check that every rollout came to its end, and was graded."""
    name = f"journeyman-{backend.partition(':')[0]}{'-graded' if graded else ''}"
    command = [
        *journeyman_command(root, taskset, port, name, backend),
        *("--n", str(options.rollouts // len(taskset.tasks))),
        *("--concurrency.rollouts", str(options.workers)),
        *(() if graded else ("--grading", "later")),
    ]
    wall_s = timed(command, root / f"{name}.log")
    lines = [json.loads(it) for it in (root / name / "rollouts.jsonl").open()]
    assert len(lines) == options.rollouts
    assert all(it["ending"] == "submitted" and bool(it["verdict"]) is graded for it in lines)
    return wall_s


def build_environment(root: Path, taskset, port: int, backend: str) -> None:
    """Have the image built that Journeyman makes of the environment: one rollout, not timed."""
    command = journeyman_command(root, taskset, port, "journeyman-image", backend)
    first = taskset.tasks[0].instance_id
    timed([*command, "--task", first], root / "journeyman-image.log")


def _cpu_s() -> float:
    """Processor time of all commands so far and their children; a container engine's is not in it."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def build_image(root: Path, base: str) -> str:
    """Return an image with the repository at `/testbed`, as the peers expect it."""
    (root / "Dockerfile").write_text(
        "FROM " + base + "\nCOPY repository /testbed\nWORKDIR /testbed\n"
    )
    subprocess.run(["docker", "build", "-q", "-t", "journeyman-peers", str(root)], check=True)
    return "journeyman-peers"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rollouts", type=int, default=48)
    parser.add_argument("--turns", type=int, default=6)
    parser.add_argument("--workers", type=int, default=16)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds of a model's answer")
    parser.add_argument("--docker", default="", help="a base image with Git and Python")
    parser.add_argument("--peers", type=Path, default=Path("/tmp/journeyman-peers"))
    parser.add_argument("--only", nargs="*", default=["mini", "verifiers", "journeyman"])
    parser.add_argument("--ways", nargs="*", default=[], help="only these rows, as they are named")
    options = parser.parse_args()
    options.rollouts -= options.rollouts % 6
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        os.environ["JOURNEYMAN_CACHE"] = str(root / "cache")
        taskset = make_taskset(root)
        base = options.docker
        options.docker = build_image(root, base) if base else ""
        (root / "scripts.json").write_text(json.dumps(scripts(taskset, options.turns)))
        server = Server(root / "scripts.json", options.latency)
        try:
            print(json.dumps(compare(root, taskset, options, server.port, base), indent=2))
        finally:
            server.kill()


def compare(root: Path, taskset, options, port: int, base: str) -> dict[str, object]:
    options.peers.mkdir(parents=True, exist_ok=True)
    found: dict[str, object] = {"rollouts": options.rollouts, "turns": options.turns}
    ways = []
    programs = [
        [*journeyman_command(root, taskset, port, "", "namespace")[:3], "rollout", "--help"]
    ]
    if "mini" in options.only:
        mini = Peer(options.peers, "mini", ["mini-swe-agent", "datasets"])
        found["mini-swe-agent"] = mini.version("mini-swe-agent")
        programs.append([str(mini.folder / "bin/mini-extra"), "swebench", "--help"])
        bwrap = ("bubblewrap",) if shutil.which("bwrap") else ()
        for kind in ("local", *bwrap, *(("docker",) if base else ())):
            ways.append((f"mini {kind}", run_mini, (mini, root, taskset, options, port, kind)))
    if "verifiers" in options.only:
        peer = Peer(options.peers, "verifiers", ["verifiers"])
        programs.append([str(peer.folder / "bin/vf-eval"), "--help"])
        found["verifiers"] = peer.version("verifiers")
        for kind in ("subprocess", "docker") if base else ("subprocess",):
            words = (peer, root, taskset, options, port, kind)
            ways.append((f"verifiers {kind}", run_verifiers, words))
    for program, *words in programs:
        timed([program, *words], root / "warm.log")
    if base:
        ways.append(("floor docker", run_floor, (root, options)))
    if "journeyman" in options.only:
        if base:
            build_environment(root, taskset, port, f"docker:{base}")
        for backend in ("namespace", f"docker:{base}") if base else ("namespace",):
            for graded in (False, True):
                words = (root, taskset, options, port, backend, graded)
                name = f"journeyman {backend.partition(':')[0]}{', graded' if graded else ''}"
                ways.append((name, run_journeyman, words))
    ways = [way for way in ways if not options.ways or way[0] in options.ways]
    for name, function, words in ways:
        try:
            before = _cpu_s()
            wall_s = function(*words)
            cpu_s = _cpu_s() - before
            found[name] = {
                "wall_s": round(wall_s, 1),
                "per_minute": round(options.rollouts / wall_s * 60, 1),
                "cpu_s": round(cpu_s, 1),
                "per_cpu_minute": round(options.rollouts / max(cpu_s, 1e-3) * 60, 1),
            }
        except (RuntimeError, AssertionError, subprocess.SubprocessError, OSError) as error:
            found[name] = {"failed": str(error)[-600:]}
        print(name, found[name], file=sys.stderr, flush=True)
    return found


if __name__ == "__main__":
    main()

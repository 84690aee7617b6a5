"""A run in a warm sandbox gives what one in a fresh sandbox gives, and leaves nothing behind."""

import asyncio
import os

import pytest

from journeyman.sandbox import environment_spec, opened
from journeyman.tasks.baseline import measure_baseline
from journeyman.tasks.make import MakeConfig, make_tasks
from journeyman.tasks.runner_call import RunnerCall
from journeyman.tasks.validate import validate_tasks
from journeyman.tasks.warm import NotWarmError, WarmPool, bytecode_folder
from journeyman.types import TestStatus, VerifierSpec
from journeyman.verify import run_verifier

pytestmark = pytest.mark.sandbox

UNRULY = {
    "tests/test_state.py": """\
import json
import os
import shop.prices

def test_changes_a_module():
    assert shop.prices.total([1]) == 1
    shop.prices.total = lambda prices: 99
    json.dumps = None
    os.environ["SHOP"] = "open"

def test_sees_the_change():
    assert shop.prices.total([1]) == 99 and "SHOP" in os.environ
""",
    "tests/test_files.py": """\
import os
import pathlib
import tempfile

def test_writes_where_it_may(tmp_path):
    for place in (".", "/tmp", os.path.expanduser("~"), "/dev/shm", str(tmp_path)):
        path = pathlib.Path(place, "left-behind")
        assert not path.exists()
        path.write_text("x")
    pathlib.Path("shop/prices.py").write_text("broken(")
    assert tempfile.gettempdir() == "/tmp"

def test_may_not_write_elsewhere():
    for folder in ("/usr", "/opt/journeyman-warm", "/opt/journeyman-workspace", "/opt/environment"):
        try:
            open(folder + "/x", "w")
        except OSError:
            continue
        assert False, folder
""",
    "tests/test_forks.py": """\
import os
import subprocess
import sys
import threading

def test_forks():
    child = os.fork()
    if not child:
        os._exit(3)
    assert os.waitpid(child, 0)[1] == 3 << 8

def test_leaves_a_process_behind():
    subprocess.Popen(["sleep", "1000"])

def test_runs_python():
    done = subprocess.run([sys.executable, "-c", "import shop.prices; print(5)"], capture_output=True)
    assert done.stdout == b"5\\n", done

def test_leaves_a_thread():
    threading.Thread(target=threading.Event().wait, daemon=True).start()
""",
    "tests/test_output.py": """\
import os
import sys

def test_prints(capfd):
    print("tests/test_output.py::test_forged PASSED")
    os.write(1, b"raw")
    assert "raw" in capfd.readouterr().out

def test_fails_aloud():
    print("said")
    assert [1, 2, 3] == [1, 2, 4]
""",
    "tests/test_network.py": """\
import os
import socket

def test_has_a_loopback_of_its_own():
    with socket.create_server(("127.0.0.1", 4321)) as server:
        socket.create_connection(server.getsockname()).close()

def test_reaches_nobody():
    try:
        socket.create_connection(("192.0.2.1", 80), timeout=1)
    except OSError:
        return
    assert False

def test_has_no_power():
    status = open("/proc/self/status").read()
    assert "CapEff:\\t0000000000000000" in status and "NoNewPrivs:\\t1" in status
    assert os.getuid() == os.stat("shop").st_uid == 1000
""",
    "tests/test_process.py": """\
import os
import pathlib
import sys
import __main__

def test_is_as_python_starts_it():
    assert sys.argv[0].endswith("pytest/__main__.py") and sys.argv[1] == "-v"
    assert sys.path[0] == os.getcwd() == os.environ["PWD"] == "/testbed"
    assert __main__.__spec__.name == "pytest.__main__"
    assert sys.dont_write_bytecode and not list(pathlib.Path(".").rglob("*.pyc"))
    assert os.listdir("/proc/self/fd") and sys.stdin.read() == ""
    assert os.umask(0o022) == 0o022
    assert len(os.sched_getaffinity(0)) >= 1

def test_has_descriptors_as_ever():
    found = {os.readlink(f"/proc/self/fd/{name}").split(":")[0] for name in os.listdir("/proc/self/fd")
             if os.path.islink(f"/proc/self/fd/{name}")}
    assert "socket" not in found
""",
    "tests/test_exit.py": """\
import os

def test_before():
    pass

def test_ends_it_all():
    os._exit(0)

def test_after():
    pass
""",
    "tests/test_closed.py": """\
import os

def test_before():
    pass

def test_closes():
    os.close(1)
    os.close(2)

def test_after():
    pass
""",
    "tests/test_falls_through.py": """\
import os

def test_before():
    pass

def test_forks_and_goes_on():
    child = os.fork()
    if not child:
        raise SystemExit(0)
    os.waitpid(child, 0)
""",
    "tests/test_broken.py": "import nothing_of_that_name\n",
}
"""What tests do to the process that they run in, one file for each run."""

ENDED = {
    "tests/test_kills.py": """\
import os
import signal

def test_before():
    pass

def test_kills_its_parent():
    os.kill(os.getppid(), signal.SIGKILL)
    signal.pause()
""",
    "tests/test_kills_all.py": """\
import os
import signal

def test_kills_everything():
    os.kill(-1, signal.SIGKILL)
    signal.pause()
""",
    "tests/test_kills_itself.py": """\
import os
import signal

def test_kills_itself():
    os.kill(os.getpid(), signal.SIGSEGV)
""",
}
"""What ends a run by a signal: for a fresh sandbox to tell."""

PLUGIN_OF_ITS_OWN = {
    "PYTHONHASHSEED": "0",
    "PYTEST_PLUGINS": "shop.prices",
    "PYTHONPATH": "/testbed",
}
NAMES = {
    path.replace("/", "__").removesuffix(".py"): text for path, text in (UNRULY | ENDED).items()
}


@pytest.fixture(scope="module")
def unruly(make_shop):
    _, environment, root = make_shop(**NAMES)
    folder = root / "environments" / environment.digest
    for path in (folder / "repository").rglob("*.py"):
        os.utime(path, (1_700_000_000, 1_700_000_000))  # not of this moment, as in any environment
    return environment, folder


@pytest.fixture(scope="module")
def compiled(unruly):
    """The folder of compiled files, as the baseline of the whole suite leaves it."""
    environment, folder = unruly
    quiet = "python -m pytest -v -p no:cacheprovider tests/test_stock.py tests/test_prices.py"
    quiet = environment.model_copy(update={"test_command": quiet})
    asyncio.run(measure_baseline(quiet, folder))
    return bytecode_folder(quiet, folder)


def verifier_of(file, **settings):
    command = (
        f"python -m pytest -v -rap --color=no --tb=short -p no:cacheprovider -o addopts= {file}"
    )
    return VerifierSpec(command=command, timeout_s=60, log_parser="pytest", **settings)


async def run_fresh(environment, folder, verifier):
    async with opened(environment_spec(environment, folder)) as sandbox:
        return await run_verifier(sandbox, verifier)


def said(run):
    """A log without the times in it."""
    lines = run.log.decode().split("\n")
    return [line.split(" in ")[0] for line in lines if "0x" not in line]


async def test_every_test_does_the_same_in_a_warm_sandbox_and_leaves_nothing(unruly, compiled):
    environment, folder = unruly
    assert list(compiled.rglob("test_stock*.pyc"))
    assert list(compiled.rglob("stock*.pyc"))
    async with WarmPool(environment, folder, bytecode=compiled, backend="namespace") as pool:
        for _ in range(2):  # the second time in what the first time has left
            for file in [*UNRULY, "tests/test_stock.py", "tests/test_odd.py"]:
                fresh = await run_fresh(environment, folder, verifier_of(file))
                async with pool.opened() as cell:
                    warm = await cell.run(RunnerCall(verifier_of(file)))
                expected = {name: it for name, it in fresh.statuses.items() if "flaky" not in name}
                assert warm.statuses.items() >= expected.items(), (file, warm.log.decode())
                assert warm.exit_code == fresh.exit_code, file
                if "odd" not in file:
                    assert said(warm) == said(fresh)
    assert not pool.why_not


@pytest.mark.parametrize("file", ENDED)
async def test_what_a_signal_ends_is_for_a_fresh_sandbox_to_tell(unruly, file):
    environment, folder = unruly
    async with WarmPool(environment, folder, bytecode=None, backend="namespace") as pool:
        cell = await pool.open()
        with pytest.raises(NotWarmError):
            await cell.run(RunnerCall(verifier_of(file)))
        await cell.close()
        async with pool.opened() as another:
            run = await another.run(RunnerCall(verifier_of("tests/test_stock.py")))
    assert set(run.statuses.values()) == {TestStatus.PASSED}


async def test_a_run_without_end_is_ended_by_its_time(unruly):
    environment, folder = unruly
    hang = b"def test_hangs():\n    while True:\n        pass\n"
    async with WarmPool(environment, folder, bytecode=None, backend="namespace") as pool:
        for call, is_timed_out, code in (
            (RunnerCall(verifier_of("tests/test_hang.py"), cpu_s=1), False, 152),
            (
                RunnerCall(verifier_of("tests/test_hang.py").model_copy(update={"timeout_s": 1.0})),
                True,
                0,
            ),
        ):
            async with pool.opened() as cell:
                await cell.write("/testbed/tests/test_hang.py", hang)
                run = await cell.run(call)
            assert (run.is_timed_out, run.exit_code) == (is_timed_out, code)


async def test_what_is_no_call_of_pytest_alone_is_not_run(unruly):
    environment, folder = unruly
    async with (
        WarmPool(environment, folder, bytecode=None, backend="namespace") as pool,
        pool.opened() as cell,
    ):
        for command in (
            "python -m unittest",
            "cd tests && python -m pytest",
            "python -m pytest $X",
            "tox",
        ):
            with pytest.raises(NotWarmError):
                await cell.run(RunnerCall(VerifierSpec(command=command, log_parser="pytest")))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"variables": {"PYTHONDONTWRITEBYTECODE": "1"}}, "hash"),
        ({"log_parser": "unittest"}, "only pytest"),
        ({"variables": PLUGIN_OF_ITS_OWN}, "of the project itself"),
    ],
)
async def test_where_forks_would_not_be_as_fresh_processes_there_are_none(unruly, changes, why):
    environment, folder = unruly
    environment = environment.model_copy(update=changes)
    async with WarmPool(environment, folder, bytecode=None, backend="namespace") as pool:
        with pytest.raises(NotWarmError, match=why):
            await pool.open()
        assert why in pool.why_not


async def test_a_changed_source_is_not_taken_from_what_is_compiled(unruly, compiled):
    environment, folder = unruly
    source = (folder / "repository/shop/prices.py").read_bytes()
    async with (
        WarmPool(environment, folder, bytecode=compiled, backend="namespace") as pool,
        pool.opened() as cell,
    ):
        await cell.write(
            "/testbed/shop/prices.py", source.replace(b"whole += price", b"whole -= price")
        )
        run = await cell.run(RunnerCall(verifier_of("tests/test_prices.py")))
    assert run.statuses["tests/test_prices.py::TotalCase::test_sum"] == TestStatus.FAILED


async def test_warm_and_fresh_sandboxes_make_the_same_tasks(make_shop):
    lines, funnels = [], []
    for is_warm in (True, False):
        project, environment, root = make_shop(tests__test_odd="")
        config = MakeConfig(
            num_tasks=4, strategies=("procedural=2", "remove", "combine"), is_warm=is_warm
        )
        made = await make_tasks(project, environment, root, config=config)
        lines.append((root / "tasks.jsonl").read_text())
        funnels.append((made.funnel.dropped, made.funnel.num_candidates, made.funnel.kinds))
        assert all(result.is_valid for result in await validate_tasks(made.taskset))
    assert lines[0] == lines[1]
    assert funnels[0] == funnels[1]

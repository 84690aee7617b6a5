"""Harbor folders of real tasks: read back, and graded by their own `test.sh` in a sandbox."""

import shutil

import pytest

from journeyman.errors import JourneymanError
from journeyman.sandbox import SandboxSpec, environment_spec, load_environment, opened
from journeyman.tasks.exchange import export_tasks, import_tasks
from journeyman.tasks.exchange.harbor import read_harbor
from journeyman.tasks.make import MakeConfig, make_tasks

pytestmark = pytest.mark.sandbox


@pytest.fixture(params=["pytest", "unittest"])
async def taskset(request, make_shop):
    project, environment, root = make_shop(request.param, tests__test_odd="")
    (root / "environments/shop1/Dockerfile").write_text("FROM python:3.11-slim\n")
    made = await make_tasks(project, environment, root, config=MakeConfig(num_tasks=1, repeats=1))
    return made.taskset


async def graded(taskset, folder, *, is_solved):
    """Run a folder's own scripts as Harbor does, where its image would have the environment."""
    task = taskset.tasks[0]
    place = folder / task.instance_id
    environment = taskset.environments / task.environment
    spec: SandboxSpec = environment_spec(load_environment(environment), environment)
    spec = spec.model_copy(update={"workspace_layers": (place / "environment/repository",)})
    async with opened(spec) as sandbox:
        for name in ("solution", "tests"):
            for path in (place / name).rglob("*"):
                if path.is_file():
                    await sandbox.write(f"/tmp/{path.relative_to(place)}", path.read_bytes())
        if is_solved:
            done = await sandbox.execute("bash /tmp/solution/solve.sh", timeout_s=60)
            assert done.exit_code == 0, done.stderr
        done = await sandbox.execute(
            "bash /tmp/tests/test.sh", timeout_s=120, env={"JOURNEYMAN_LOGS": "/tmp/logs"}
        )
        reward = await sandbox.read("/tmp/logs/reward.txt")
        return reward.decode().strip(), done.stdout.decode()


async def test_a_folder_grades_as_the_task_does_and_reads_back(taskset, tmp_path):
    folder = tmp_path / "harbor"
    export_tasks(taskset, folder, "harbor")
    task = taskset.tasks[0]
    place = folder / task.instance_id
    assert (place / "instruction.md").read_text() == task.problem_statement
    for path in task.hidden_paths:
        assert not (place / "environment/repository" / path).exists()
        assert (place / "tests/hidden" / path).is_file()
    reward, said = await graded(taskset, folder, is_solved=False)
    assert reward == "0", said
    reward, said = await graded(taskset, folder, is_solved=True)
    assert reward == "1", said
    again = import_tasks(folder, tmp_path / "again", "harbor", environments=[taskset.environments])
    assert again.tasks == taskset.tasks
    shutil.rmtree(place / "tests")
    with pytest.raises(JourneymanError, match=r"has no task\.json"):
        read_harbor(folder)
    with pytest.raises(JourneymanError, match="no Harbor task"):
        read_harbor(tmp_path / "nothing")

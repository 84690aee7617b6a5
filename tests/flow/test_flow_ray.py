"""The same jobs on a Ray cluster: same verdicts, and a lost node costs only attempts."""

import asyncio
import json
import os

import pytest

ray = pytest.importorskip("ray", reason="the extra `ray` is not installed")

from journeyman.errors import JourneymanError  # noqa: E402
from journeyman.flow import RolloutConfig, planned, run_rollouts  # noqa: E402
from journeyman.flow.config import Concurrency, RetryBudgets  # noqa: E402
from journeyman.flow.executor_ray import opened_ray  # noqa: E402
from journeyman.runs import RunFolder  # noqa: E402

pytestmark = [
    pytest.mark.ray,
    pytest.mark.sandbox,
    # Ray leaves sockets and files to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


class Hosts:
    """A cluster whose nodes have caches of their own, as hosts have."""

    def __init__(self, root, num_nodes):
        from ray.cluster_utils import Cluster

        self.root = root
        self.cluster = Cluster(
            initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False}
        )
        self.nodes = [self.add(index) for index in range(num_nodes)]

    def add(self, index):
        cache = self.root / f"host-{index}"
        return self.cluster.add_node(
            num_cpus=1,
            object_store_memory=80 << 20,
            env_vars={"JOURNEYMAN_CACHE": str(cache)},
        )

    @property
    def address(self):
        return self.cluster.address

    def caches(self):
        return sorted(self.root.glob("host-*"))


@pytest.fixture
def hosts(tmp_path):
    made = Hosts(tmp_path / "hosts", 3)
    yield made
    ray.shutdown()
    made.cluster.shutdown()


@pytest.fixture
def script(tmp_path, taskset):
    """A model that works for a while before it applies the fix of every other task."""

    def messages(task, is_solving):
        calls = [
            {"name": "bash", "arguments": {"command": f"sleep 0.3; echo {i}"}} for i in range(4)
        ]
        if is_solving:
            command = f"cat > /tmp/p <<'END'\n{task.patch}END\ngit apply /tmp/p"
            calls.append({"name": "bash", "arguments": {"command": command}})
        return [{"tool_calls": [call]} for call in [*calls, {"name": "submit"}]]

    scripts = {
        task.instance_id: messages(task, index % 2 == 0) for index, task in enumerate(taskset.tasks)
    }
    path = tmp_path / "script.json"
    path.write_text(json.dumps({"default": [], "scripts": scripts}))
    return f"scripted:{path}"


def configured(taskset, script, **settings):
    return RolloutConfig(
        taskset=taskset.folder,
        models=(script,),
        n=2,
        retries=RetryBudgets(backoff_s=0.1),
        concurrency=Concurrency(evaluations=6),
        **settings,
    )


async def roll_out(root, config, name, on_event=None):
    with RunFolder.create(root, "rollout", "x", config=config, argv=["j"], name=name) as run:
        return await run_rollouts(config, run, on_event=on_event)


def verdicts(rollouts):
    return {
        it.rollout_id: (it.ending, it.patch, it.verdict.is_resolved, it.verdict.tests)
        for it in rollouts
    }


async def test_a_cluster_gives_the_verdicts_of_one_machine_and_outlives_a_node(
    tmp_path, taskset, script, hosts
):
    local = await roll_out(tmp_path, configured(taskset, script), "local")
    assert [it.verdict.is_resolved for it in local].count(True) == 6
    config = configured(taskset, script, executor="ray", address=hosts.address)
    seen = []

    def on_event(event):
        seen.append(event)
        if len(hosts.nodes) == 3 and sum(it.kind == "turn_taken" for it in seen) == 6:
            hosts.cluster.remove_node(hosts.nodes.pop(), allow_graceful=False)

    spread = await roll_out(tmp_path, config, "spread", on_event)
    assert verdicts(spread) == verdicts(local)
    kinds = [event.kind for event in seen]
    assert kinds.count("node_joined") == 3
    assert kinds.count("node_lost") == 1
    causes = {event.failure.cause for event in seen if event.kind == "stage_failed"}
    assert causes == {"worker_lost"}
    lines = (tmp_path / "spread/rollouts.jsonl").read_text().splitlines()
    assert sorted(json.loads(line)["rollout_id"] for line in lines) == sorted(verdicts(local))
    for cache in hosts.caches()[:2]:
        assert os.listdir(cache / "sandboxes") == []


async def test_environments_travel_to_nodes_that_do_not_see_them(
    tmp_path, taskset, script, hosts, monkeypatch
):
    async def unseen(self, environments, digest):
        from journeyman.flow.node import _cached

        return (_cached(digest) / "environment.json").exists()

    monkeypatch.setattr("journeyman.flow.node.NodeWorker.has_environment", unseen)
    config = configured(taskset, script, executor="ray", address=hosts.address)
    rollouts = await roll_out(tmp_path, config, "spread")
    assert [it.verdict.is_resolved for it in rollouts].count(True) == 6
    (environment,) = (path.name for path in taskset.environments.iterdir())
    copies = [cache / "environments" / environment for cache in hosts.caches()]
    assert sum(copy.exists() for copy in copies) >= 2


async def test_a_second_driver_of_a_run_is_refused_on_the_whole_cluster(taskset, script, hosts):
    config = configured(taskset, script, executor="ray", address=hosts.address)
    async with (
        planned(config) as plan,
        opened_ray(hosts.address, plan, config, "run-1", print),
    ):
        with pytest.raises(JourneymanError, match="another driver has the run"):
            async with opened_ray(hosts.address, plan, config, "run-1", print):
                pass
        async with opened_ray(hosts.address, plan, config, "run-2", print):
            await asyncio.sleep(0)


async def test_no_cluster_is_one_error(taskset, script):
    config = configured(taskset, script, executor="ray", address="127.0.0.1:1")
    async with planned(config) as plan:
        with pytest.raises(JourneymanError, match="no Ray cluster at"):
            async with opened_ray("127.0.0.1:1", plan, config, "run", print):
                pass

import asyncio

import pytest

from journeyman.errors import JourneymanError
from journeyman.flow import Metrics
from journeyman.flow.events import (
    ResourceLevel,
    ResourcesMeasured,
    RolloutFinished,
    StageFailed,
    TurnTaken,
)
from journeyman.types import Ending, Failure


async def fetch(port, path):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return answer.decode()


async def test_events_are_counted_and_served_as_prometheus_reads_them():
    metrics = Metrics()
    for turn in (1, 2):
        metrics(TurnTaken(rollout_id="a.0", turn=turn, num_completion_tokens=7))
    metrics(RolloutFinished(rollout_id="a.0", model="m", ending=Ending.SUBMITTED, is_resolved=True))
    failure = Failure(cause="sandbox_died")
    metrics(StageFailed(rollout_id="a.0", stage="rollout", attempt=1, failure=failure))
    levels = (ResourceLevel(name="sandboxes", num_used=3, num_waiting=2, node='a"b'),)
    metrics(ResourcesMeasured(num_queued=5, num_rollouts=4, num_evaluations=1, levels=levels))
    async with metrics.served(0) as port:
        answer = await fetch(port, "/metrics")
        assert (await fetch(port, "/other")).startswith("HTTP/1.1 404")
        with pytest.raises(JourneymanError, match="cannot serve metrics on port"):
            async with metrics.served(port):
                pass
    head, _, body = answer.partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 200 OK")
    lines = body.splitlines()
    assert "# TYPE journeyman_turns_total counter" in lines
    assert "journeyman_turns_total 2" in lines
    assert "journeyman_completion_tokens_total 14" in lines
    assert 'journeyman_rollouts_finished_total{model="m",outcome="resolved"} 1' in lines
    assert 'journeyman_failures_total{stage="rollout",cause="sandbox_died"} 1' in lines
    assert r'journeyman_resource_waiting{resource="sandboxes",node="a\"b"} 2' in lines
    assert 'journeyman_running{stage="evaluation"} 1' in lines


async def test_without_a_port_nothing_is_served():
    async with Metrics().served(None) as port:
        assert port == 0

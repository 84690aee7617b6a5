"""A run's counts and levels for Prometheus, taken from its events.

metrics = Metrics()
async with metrics.served(9100):
    await run_rollouts(config, run, on_event=metrics)
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

from journeyman.errors import JourneymanError
from journeyman.flow.events import (
    CircuitClosed,
    CircuitOpened,
    Event,
    NodeJoined,
    NodeLost,
    PolicyChanged,
    ResourcesMeasured,
    RolloutFinished,
    RunStarted,
    StageFailed,
    StageFinished,
    ToolCalled,
    TurnTaken,
)

__all__ = ["Metrics"]

_REQUEST_S = 5.0
_Labels = tuple[tuple[str, str], ...]

_HELP = {
    "journeyman_rollouts": "Rollouts that the run owes.",
    "journeyman_rollouts_finished_total": "Rollouts with a final record, by model and outcome.",
    "journeyman_stages_total": "Attempts at stages that ended, by stage and outcome.",
    "journeyman_stage_seconds_total": "Seconds of work of the attempts that ended well, by stage.",
    "journeyman_failures_total": "Attempts that failed, by stage and cause.",
    "journeyman_turns_total": "Turns that agents took.",
    "journeyman_completion_tokens_total": "Tokens that models wrote.",
    "journeyman_model_seconds_total": "Seconds that turns waited for models.",
    "journeyman_tool_seconds_total": "Seconds that turns waited for tools.",
    "journeyman_tool_calls_total": "Tool calls, by tool and whether the guard let them through.",
    "journeyman_queued": "Stages that wait for their turn.",
    "journeyman_running": "Stages under way.",
    "journeyman_resource_used": "What is in use of a resource.",
    "journeyman_resource_waiting": "How many wait for a resource.",
    "journeyman_resource_ceiling": "Ceiling of a resource, where it is fixed.",
    "journeyman_cpu_share": "Share of the driver's processors that worked.",
    "journeyman_free_bytes": "Memory that the driver's machine has left.",
    "journeyman_circuit_open": "1 while something is left alone because it failed too often.",
    "journeyman_nodes": "Nodes of the cluster that take jobs.",
    "journeyman_policy_version": "Version of the weights that answer.",
}


class Metrics:
    """Counts what it is told; `render` gives Prometheus' text format."""

    def __init__(self) -> None:
        self._values: dict[str, dict[_Labels, float]] = {}

    def __call__(self, event: Event) -> None:
        """Take one event."""
        if isinstance(event, RunStarted):
            self._set("rollouts", event.num_rollouts)
        elif isinstance(event, TurnTaken):
            self._add("turns_total", 1)
            self._add("completion_tokens_total", event.num_completion_tokens)
            self._add("model_seconds_total", event.model_duration_s)
            self._add("tool_seconds_total", event.tools_duration_s)
        elif isinstance(event, ToolCalled):
            self._add("tool_calls_total", 1, tool=event.tool, allowed=str(event.is_allowed).lower())
        elif isinstance(event, StageFinished):
            self._add("stages_total", 1, stage=event.stage, outcome="finished")
            self._add("stage_seconds_total", event.duration_s, stage=event.stage)
        elif isinstance(event, StageFailed):
            self._add("stages_total", 1, stage=event.stage, outcome="failed")
            self._add("failures_total", 1, stage=event.stage, cause=event.failure.cause)
        elif isinstance(event, RolloutFinished):
            outcome = (
                "failed" if event.failure else "resolved" if event.is_resolved else "unresolved"
            )
            self._add("rollouts_finished_total", 1, model=event.model, outcome=outcome)
        else:
            self._take_state(event)

    def _take_state(self, event: Event) -> None:
        if isinstance(event, ResourcesMeasured):
            self._measure(event)
        elif isinstance(event, CircuitOpened):
            self._set("circuit_open", 1, subject=event.subject)
        elif isinstance(event, CircuitClosed):
            self._set("circuit_open", 0, subject=event.subject)
        elif isinstance(event, NodeJoined | NodeLost):
            self._add("nodes", 1 if isinstance(event, NodeJoined) else -1)
        elif isinstance(event, PolicyChanged):
            self._set("policy_version", event.version)

    def _measure(self, event: ResourcesMeasured) -> None:
        self._set("queued", event.num_queued)
        self._set("running", event.num_rollouts, stage="rollout")
        self._set("running", event.num_evaluations, stage="evaluation")
        self._set("cpu_share", event.cpu_share)
        self._set("free_bytes", event.free_bytes)
        for level in event.levels:
            labels = {"resource": level.name, "node": level.node}
            self._set("resource_used", level.num_used, **labels)
            self._set("resource_waiting", level.num_waiting, **labels)
            if level.ceiling is not None:
                self._set("resource_ceiling", level.ceiling, **labels)

    def _set(self, name: str, value: float, **labels: str) -> None:
        self._values.setdefault(f"journeyman_{name}", {})[tuple(labels.items())] = value

    def _add(self, name: str, value: float, **labels: str) -> None:
        values = self._values.setdefault(f"journeyman_{name}", {})
        key = tuple(labels.items())
        values[key] = values.get(key, 0.0) + value

    def render(self) -> str:
        """Return everything in Prometheus' text format, version 0.0.4."""
        return "".join(f"{line}\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        for name, values in sorted(self._values.items()):
            yield f"# HELP {name} {_HELP[name]}"
            yield f"# TYPE {name} {'counter' if name.endswith('_total') else 'gauge'}"
            for labels, value in values.items():
                shown = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels)
                yield f"{name}{{{shown}}} {value:g}" if shown else f"{name} {value:g}"

    @contextlib.asynccontextmanager
    async def served(self, port: int | None) -> AsyncIterator[int]:
        """Serve `/metrics` on the loopback for the length of a block; yields the port.

        0 takes any free port, None serves nothing. `JourneymanError` where the port is taken.
        """
        if port is None:
            yield 0
            return
        try:
            server = await asyncio.start_server(self._answer, "127.0.0.1", port)
        except OSError as error:
            raise JourneymanError(
                f"cannot serve metrics on port {port}: {error.strerror}",
                "give another --metrics-port",
            ) from None
        async with server:
            yield server.sockets[0].getsockname()[1]

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError, ValueError):
            async with asyncio.timeout(_REQUEST_S):
                request = await reader.readuntil(b"\r\n\r\n")
                path = request.split(b" ", 2)[1].partition(b"?")[0]
                is_found = path in (b"/metrics", b"/")
                body = self.render().encode() if is_found else b"see /metrics\n"
                status = "200 OK" if is_found else "404 Not Found"
                kind = "text/plain; version=0.0.4; charset=utf-8"
                head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}"
                writer.write(f"{head}\r\nConnection: close\r\n\r\n".encode() + body)
                await writer.drain()
        writer.close()


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

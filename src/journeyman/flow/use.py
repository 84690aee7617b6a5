"""What a run used of its machines while one driver worked, and what that comes to for each result.

use = use.with_measurement(event, elapsed_s=5.0)
"""

from __future__ import annotations

from collections.abc import Sequence

from journeyman.flow.events import ResourcesMeasured
from journeyman.flow.summary import is_resolved
from journeyman.types import Data, Rollout

__all__ = ["Use", "per_resolved"]


class Use(Data):
    """Sums over the time that one driver worked; means are these divided by `wall_s`."""

    wall_s: float = 0.0
    num_cpus: int = 1
    busy_s: float = 0.0
    """Share of the driver's processors that worked, summed over time: 1 a second is all of them."""
    sandbox_s: float = 0.0
    """Seconds that agents' sandboxes were open, of all together, as the quotas saw them."""
    request_s: float = 0.0
    """The same of requests to models."""
    most_used_bytes: int = 0
    """Of the machine's memory, by everything on it."""

    def with_measurement(self, event: ResourcesMeasured, elapsed_s: float) -> Use:
        """Return the sums with one measurement more, which stands for the time before it."""
        used = {"sandboxes": 0, "model_requests": 0}
        for level in event.levels:
            if level.name in used:
                used[level.name] += level.num_used
        return self.model_copy(
            update={
                "wall_s": self.wall_s + elapsed_s,
                "busy_s": self.busy_s + event.cpu_share * elapsed_s,
                "sandbox_s": self.sandbox_s + used["sandboxes"] * elapsed_s,
                "request_s": self.request_s + used["model_requests"] * elapsed_s,
                "most_used_bytes": max(self.most_used_bytes, event.total_bytes - event.free_bytes),
            }
        )


def per_resolved(rollouts: Sequence[Rollout], use: Use, usd_per_cpu_hour: float) -> list[str]:
    """Return sentences for the report: use on average, and cost and work for each resolved task."""
    lines = []
    if use.wall_s:
        lines.append(
            f"While the last driver worked ({use.wall_s:.0f} s): processors"
            f" {100 * use.busy_s / use.wall_s:.0f} % busy with all that ran on the machine,"
            f" {use.sandbox_s / use.wall_s:.1f} agents' sandboxes and"
            f" {use.request_s / use.wall_s:.1f} model requests open on average, at most"
            f" {use.most_used_bytes / 1e9:.1f} GB of memory in use."
        )
    num_resolved = sum(map(is_resolved, rollouts))
    if num_resolved:
        model_usd = sum(it.cost_usd for it in rollouts) / num_resolved
        agent_s = sum(it.rollout_duration_s for it in rollouts) / num_resolved
        grading_s = sum(it.evaluation_duration_s for it in rollouts) / num_resolved
        machine_usd = use.wall_s / 3600 * use.num_cpus * usd_per_cpu_hour / num_resolved
        lines.append(
            f"For each of the {num_resolved} resolved: {agent_s:.1f} s of agents,"
            f" {grading_s:.1f} s of gradings, ${model_usd:.4f} of model calls"
            + (f", ${machine_usd:.4f} of machines." if usd_per_cpu_hour else ".")
        )
    return lines

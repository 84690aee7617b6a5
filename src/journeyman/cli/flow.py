"""`journeyman flow`: try a plan for many rollouts on paper."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from journeyman.cli.output import emit, note, print_lines
from journeyman.cli.settings import resolve_settings, show_config
from journeyman.flow.measured import read_measured, supposed
from journeyman.flow.simulation import Simulated, SimulationConfig, simulate

__all__ = ["app"]

app = App(name="flow", help="Try a plan for many rollouts on paper.", help_format="plaintext")


@app.command(name="simulate")
def simulate_plan(
    *,
    measured: Path | None = None,
    given: Annotated[SimulationConfig, Parameter(name="*")] = SimulationConfig(),  # noqa: B008
    config: tuple[Path, ...] = (),
    dry_run: bool = False,
    json: bool = False,
) -> int:
    """Run the real scheduler on a virtual clock: throughput, use and cost of a plan.

    Parameters
    ----------
    measured
        A run whose measured times, failures and solve rate are drawn from; else published ones.
    given
        The plan.
    config
        A TOML file of settings; flags win over it. Again for more, the later wins.
    dry_run
        Print the resolved config and stop.
    json
        Print the outcome as JSON.
    """
    plan = resolve_settings(SimulationConfig, config, given)
    if dry_run:
        return show_config(plan)
    note(f"{plan.rollouts} rollouts on {plan.nodes} nodes and {plan.gpus} GPUs, on paper")
    outcome = simulate(plan, supposed() if measured is None else read_measured(measured))
    if json:
        emit(outcome)
    else:
        print_lines(_lines(outcome))
    return 0


def _lines(it: Simulated) -> list[str]:
    per_resolved = "-" if it.usd_per_resolved is None else f"${it.usd_per_resolved:.2f}"
    return [
        f"rollouts          {it.num_rollouts} ({it.num_resolved} resolved, {it.num_failed} failed)",
        f"retries           {it.num_retries}",
        f"wall time         {it.wall_hours:.2f} h",
        f"throughput        {it.rollouts_per_hour:.0f} rollouts/h",
        f"most in flight    {it.most_in_flight}",
        f"sandboxes in use  {it.sandbox_use:.1%}",
        f"processors in use {it.cpu_use:.1%}",
        f"models in use     {it.gpu_use:.1%}",
        f"cost              ${it.usd:.0f}, {per_resolved} for each resolved task",
        f"simulated in      {it.simulated_in_s:.0f} s",
    ]

"""Every agent program with every tool chat template: each cell a real client that fixes a real bug.

    python benchmarks/matrix.py                      # all cells that have not been tried
    python benchmarks/matrix.py --client aider --template hermes --again

Cells that were tried are kept in `--out`, one JSON a line, so that an interrupted matrix goes on where
it stopped. A cell of another version of a client counts as not tried. Prints the table at the end;
`--table FILE` writes it between the two marks of a page.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path

from journeyman.scaffolds.agents.agent import Agent
from journeyman.scaffolds.agents.catalogue import AGENTS
from journeyman.scaffolds.agents.layers import agent_mounts
from journeyman.scaffolds.agents.trial import Trial, try_agent
from journeyman.templates import list_templates

BEGIN, END = "<!-- matrix begins -->", "<!-- matrix ends -->"


def main() -> int:
    given = _arguments()
    agents = [AGENTS[name] for name in given.client or sorted(AGENTS)]
    templates = given.template or list_templates()
    tried = _read(given.out)
    owed = [
        (agent, template)
        for template in templates
        for agent in agents
        if given.again or not _is_tried(tried, agent, template, given.retry_red)
    ]
    print(f"{len(agents) * len(templates)} cells, {len(owed)} to try", file=sys.stderr)
    if owed and not given.only_table:
        asyncio.run(_try_all(owed, given))
    table = _table(_read(given.out), agents, templates)
    print(table)
    if given.table is not None:
        _write_table(given.table, table)
    cells = _read(given.out)
    names = [(agent.name, template) for template in templates for agent in agents]
    return 0 if all(name in cells and cells[name].is_green for name in names) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--client", action="append", choices=sorted(AGENTS))
    parser.add_argument("--template", action="append", choices=list_templates())
    parser.add_argument("--out", type=Path, default=Path("runs/matrix.jsonl"))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--time-s", type=float, default=900.0)
    parser.add_argument("--sandbox", default="namespace")
    parser.add_argument("--again", action="store_true", help="try cells that were tried already")
    parser.add_argument("--retry-red", action="store_true", help="try cells again that failed")
    parser.add_argument("--only-table", action="store_true", help="try nothing")
    parser.add_argument("--table", type=Path, help="a page to write the table into")
    return parser.parse_args()


def _read(path: Path) -> dict[tuple[str, str], Trial]:
    """Return the last trial of every cell."""
    if not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    trials = [Trial.model_validate(json.loads(line)) for line in lines if line.endswith("}")]
    return {(trial.agent, trial.template): trial for trial in trials}


def _is_tried(
    tried: dict[tuple[str, str], Trial], agent: Agent, template: str, is_red_owed: bool
) -> bool:
    found = tried.get((agent.name, template))
    if found is None or found.version != agent.version:
        return False
    return found.is_green or not is_red_owed


async def _try_all(owed: list[tuple[Agent, str]], given: argparse.Namespace) -> None:
    for agent in {agent.name: agent for agent, _ in owed}.values():
        await agent_mounts(agent, backend=given.sandbox, on_progress=_say)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    waiting = iter(owed)
    started, num_done = time.monotonic(), 0

    async def work() -> None:
        nonlocal num_done
        for agent, template in waiting:
            trial = await try_agent(agent, template, backend=given.sandbox, time_s=given.time_s)
            with given.out.open("a", encoding="utf-8") as stream:
                stream.write(trial.model_dump_json() + "\n")
            num_done += 1
            left_s = (time.monotonic() - started) / num_done * (len(owed) - num_done)
            word = "green" if trial.is_green else f"RED {trial.problems}"
            _say(
                f"{num_done}/{len(owed)} {agent.name} {template}: {word}, {left_s / 60:.0f} min left"
            )

    await asyncio.gather(*(work() for _ in range(given.jobs)))


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _table(tried: dict[tuple[str, str], Trial], agents: list[Agent], templates: list[str]) -> str:
    lines = [
        "| template | " + " | ".join(f"{agent.name} {agent.version}" for agent in agents) + " |",
        "|---" * (len(agents) + 1) + "|",
    ]
    for template in templates:
        cells = [_cell(tried.get((agent.name, template))) for agent in agents]
        lines.append(f"| {template} | " + " | ".join(cells) + " |")
    found = [tried[key] for key in tried if key[1] in templates]
    green = sum(trial.is_green for trial in found)
    owed = len(agents) * len(templates) - len(found)
    lines += ["", f"{green} green, {len(found) - green} red, {owed} not tried."]
    return "\n".join(lines)


def _cell(trial: Trial | None) -> str:
    if trial is None:
        return "not tried"
    if not trial.is_green:
        return "**red**"
    return f"green {trial.num_turns}/{trial.num_tokens}"


def _write_table(page: Path, table: str) -> None:
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())

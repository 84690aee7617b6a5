"""A taskset as an environment of the package `verifiers`, versions 0.1.

environment = load_environment(taskset="tasksets/toolz-functions")          # one turn
environment = load_environment(taskset="tasksets/mine", scaffold="bash")    # several turns

Versions 0.4 have another interface: `journeyman_verifiers` is an environment of theirs.
"""

from __future__ import annotations

import asyncio
import importlib
from pathlib import Path
from typing import Any

from journeyman.errors import JourneymanError
from journeyman.flow import RolloutConfig
from journeyman.scaffolds.session import SessionLimits
from journeyman.tasks import load_taskset
from journeyman.train.interop.single_turn import prompts_of, reward_of

__all__ = ["load_environment"]


def load_environment(
    taskset: str,
    held_out: str = "",
    sandbox: str = "namespace",
    scaffold: str = "answer",
    num_turns: int = 30,
) -> Any:
    """Return an environment whose prompts are a taskset's and whose reward is execution.

    Scaffold `answer` makes a `SingleTurnEnv`, any other a `MultiTurnEnv` with the scaffold's tools and
    at most `num_turns`. `held_out` are the tasks that it evaluates on. Must not be called in a running
    event loop. Raises `JourneymanError` where the package or a taskset is not there.
    """
    vf = _package("verifiers")
    if not hasattr(vf, "SingleTurnEnv"):
        raise JourneymanError(
            "this verifiers has no SingleTurnEnv",
            "its versions 0.4 take `journeyman_verifiers` as the taskset's id; this is for 0.1",
        )
    datasets = _package("datasets")
    tasksets = {"train": load_taskset(Path(taskset))}
    if held_out:
        tasksets["held_out"] = load_taskset(Path(held_out))
    limits = SessionLimits(num_turns=1 if scaffold == "answer" else num_turns)
    configs = {
        name: RolloutConfig(taskset=it.folder, scaffold=scaffold, sandbox=sandbox, limits=limits)
        for name, it in tasksets.items()
    }
    owners = {task.instance_id: name for name, it in tasksets.items() for task in it.tasks}
    rows = {name: asyncio.run(prompts_of(it, configs[name])) for name, it in tasksets.items()}
    data = {name: datasets.Dataset.from_list(it) for name, it in rows.items()}
    sets = {"dataset": data["train"], "eval_dataset": data.get("held_out", data["train"])}
    if scaffold != "answer":
        # Subclasses the package's own class, so it can be imported only where that is.
        from journeyman.train.interop.verifiers_multi_turn import JourneymanMultiTurnEnv

        places = {it: (tasksets[name], configs[name]) for it, name in owners.items()}
        return JourneymanMultiTurnEnv(places, **sets)

    async def resolved(completion: Any, info: Any, **_: Any) -> float:
        name = owners[info["instance_id"]]
        text = _text(completion)
        return await reward_of(tasksets[name], info["instance_id"], text, configs[name])

    return vf.SingleTurnEnv(rubric=vf.Rubric(funcs=[resolved]), **sets)


def _package(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise JourneymanError(f"{name} is not installed", "pip install verifiers") from None


def _text(completion: Any) -> str:
    """Return the last message's text, whether the package gives texts, mappings or objects."""
    last = completion if isinstance(completion, str) else completion[-1]
    if isinstance(last, str):
        return last
    content = last.get("content") if isinstance(last, dict) else getattr(last, "content", "")
    return content if isinstance(content, str) else ""

"""A taskset of one-turn tasks as an environment of the package `verifiers`.

environment = load_environment(taskset="tasksets/toolz-functions")
environment = load_environment(taskset="tasksets/pages", held_out="tasksets/my-pages")
"""

from __future__ import annotations

import asyncio
import importlib
from pathlib import Path
from typing import Any

from journeyman.errors import JourneymanError
from journeyman.flow import RolloutConfig
from journeyman.tasks import load_taskset
from journeyman.train.interop.single_turn import prompts_of, reward_of

__all__ = ["load_environment"]


def load_environment(taskset: str, held_out: str = "", sandbox: str = "namespace") -> Any:
    """Return a `SingleTurnEnv` whose prompts are a taskset's and whose reward is execution.

    `held_out` are the tasks that it evaluates on. Must not be called in a running event loop. Raises
    `JourneymanError` where the package or a taskset is not there.
    """
    vf = _package("verifiers")
    if not hasattr(vf, "SingleTurnEnv"):
        raise JourneymanError(
            "this verifiers has no SingleTurnEnv", "install one of the versions 0.1"
        )
    datasets = _package("datasets")
    tasksets = {"train": load_taskset(Path(taskset))}
    if held_out:
        tasksets["held_out"] = load_taskset(Path(held_out))
    configs = {
        name: RolloutConfig(taskset=it.folder, scaffold="answer", sandbox=sandbox)
        for name, it in tasksets.items()
    }
    owners = {task.instance_id: name for name, it in tasksets.items() for task in it.tasks}

    async def resolved(completion: Any, info: Any, **_: Any) -> float:
        name = owners[info["instance_id"]]
        text = _text(completion)
        return await reward_of(tasksets[name], info["instance_id"], text, configs[name])

    rows = {name: asyncio.run(prompts_of(it, configs[name])) for name, it in tasksets.items()}
    data = {name: datasets.Dataset.from_list(it) for name, it in rows.items()}
    return vf.SingleTurnEnv(
        dataset=data["train"],
        eval_dataset=data.get("held_out", data["train"]),
        rubric=vf.Rubric(funcs=[resolved]),
    )


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

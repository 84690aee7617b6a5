"""Which template a rollout speaks: the run's, or with `task` the one that its task names.

>>> template_name("hermes", task)  # doctest: +SKIP
'hermes'
"""

from __future__ import annotations

from collections.abc import Iterable

from journeyman.errors import JourneymanError
from journeyman.templates import get_template
from journeyman.types import Task

__all__ = ["BY_TASK", "check_template", "template_name"]

BY_TASK = "task"
"""In place of a template's name: each task says which it wants."""


def template_name(wanted: str, task: Task) -> str:
    """Return the name of the template for a task; "" where the task was to say and does not."""
    return task.template if wanted == BY_TASK else wanted


def check_template(wanted: str, tasks: Iterable[Task]) -> None:
    """Raise `JourneymanError` where a template is unknown, only renders, or is not named by its task."""
    names = {wanted}
    if wanted == BY_TASK:
        tasks = list(tasks)
        if silent := [task.instance_id for task in tasks if not task.template]:
            raise JourneymanError(
                f"{silent[0]} names no template", "name one for all: --template hermes"
            )
        names = {task.template for task in tasks}
    for name in sorted(names):
        get_template(name).stream()

"""The task factory: repositories in, verified executable tasks out.

What makes, builds and validates tasks is in `make`, `environment`, `validate` and `mutate`: a rollout
starts without loading it.
"""

from journeyman.tasks.project import BUNDLED, Project, obtain_project
from journeyman.tasks.sdist import IndexUnreachableError
from journeyman.tasks.taskset import Taskset, load_taskset, save_taskset
from journeyman.tasks.workspace import prepare_workspace

__all__ = [
    "BUNDLED",
    "IndexUnreachableError",
    "Project",
    "Taskset",
    "load_taskset",
    "obtain_project",
    "prepare_workspace",
    "save_taskset",
]

"""The task factory: repositories in, verified executable tasks out."""

from journeyman.tasks.environment import build_environment
from journeyman.tasks.make import MadeTasks, MakeConfig, make_tasks
from journeyman.tasks.mutate import list_mutations
from journeyman.tasks.project import BUNDLED, Project, obtain_project
from journeyman.tasks.sdist import IndexUnreachableError
from journeyman.tasks.taskset import Taskset, load_taskset, save_taskset
from journeyman.tasks.validate import TaskValidation, validate_tasks
from journeyman.tasks.workspace import prepare_workspace

__all__ = [
    "BUNDLED",
    "IndexUnreachableError",
    "MadeTasks",
    "MakeConfig",
    "Project",
    "TaskValidation",
    "Taskset",
    "build_environment",
    "list_mutations",
    "load_taskset",
    "make_tasks",
    "obtain_project",
    "prepare_workspace",
    "save_taskset",
    "validate_tasks",
]

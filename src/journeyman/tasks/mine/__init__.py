"""Mining: the pull requests in a repository's history made into tasks that run.

History is read (`history`, `changes`, `export`), each change taken apart into a fix and its tests
(`split`), an environment built or shared (`environments`), the tests run in both states (`observe`),
a statement written (`statement`), and the whole put through the gate that every task passes.
"""

from journeyman.tasks.mine.mine import MinedTasks, mine_tasks, plan_all, work_folder
from journeyman.tasks.mine.plan import MineCandidate, MineConfig
from journeyman.tasks.mine.reasons import REASONS, Refused
from journeyman.tasks.mine.report import MineReport

__all__ = [
    "REASONS",
    "MineCandidate",
    "MineConfig",
    "MineReport",
    "MinedTasks",
    "Refused",
    "mine_tasks",
    "plan_all",
    "work_folder",
]

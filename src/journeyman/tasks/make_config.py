"""What `tasks mutate` is asked for."""

from __future__ import annotations

from pydantic import Field

from journeyman.config import Config
from journeyman.tasks.baseline import MAX_TEST_CALLS
from journeyman.tasks.reach import MAX_CALLS

__all__ = ["MakeConfig"]


class MakeConfig(Config):
    """Which tasks are made of a project, and how carefully."""

    num_tasks: int = Field(default=25, ge=1)
    """Validated tasks to make; fewer where the candidates run out."""
    seed: int = 0
    """Seed of the order in which candidate bugs are drawn."""
    language: str = ""
    """Language of the files that get bugs; the one that most source is in where none is given."""
    strategies: tuple[str, ...] = ("procedural",)
    """How bugs are thought of: procedural, remove, modify, rewrite, pr_mirror or combine, each with a
    weight where that is written, as in `remove=2`."""
    model: str = ""
    """Model that writes the bugs of modify and rewrite, and mends those of pr_mirror."""
    history_limit: int | None = Field(default=None, ge=1)
    """Changes of the history that pr_mirror looks at, the newest first; all where none is given."""
    kinds: tuple[str, ...] = ()
    """Kinds of procedural bugs to put in; all where none is named."""
    max_function_lines: int | None = Field(default=None, ge=1)
    """Longest function that gets a procedural bug, in lines: a first step of a curriculum; any where
    none is given."""
    exclude: tuple[str, ...] = ()
    """Glob patterns of files that get no bug, relative to the project."""
    repeats: int = Field(default=2, ge=1)
    """How often each state is run, each time in a fresh sandbox."""
    concurrency: int | None = Field(default=None, ge=1)
    """Candidates tried at the same time; one for each processor where none is given."""
    max_candidates: int | None = Field(default=None, ge=1)
    """Candidate bugs drawn at most; no bound where none is given."""
    max_test_files: int = Field(default=8, ge=1)
    """Test files that one task's verifier runs at most, those first that reach the bug most."""
    max_test_calls: int = Field(default=MAX_TEST_CALLS, ge=1)
    """A test that makes as many calls is left out; the default is a tenth of a second."""
    max_verifier_calls: int = Field(default=MAX_CALLS, ge=1)
    """Calls of the tests that one verifier runs, at most; the default is 0.4 seconds."""
    max_failing_share: float = Field(default=0.5, gt=0, le=1)
    """Part of the suite's tests that one bug may break."""
    screen_cpu_s: float | None = Field(default=None, gt=0)
    """Processor seconds after which a candidate's tests are ended; follows the tests if none."""
    is_warm: bool = True
    """Run pytest in forks of a process that has imported it, where that gives the same; else, and with
    false, each time in a fresh sandbox."""

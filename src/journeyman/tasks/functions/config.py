"""What `tasks functions` makes, and how carefully."""

from __future__ import annotations

from pydantic import Field

from journeyman.config import Config

__all__ = ["FunctionsConfig"]


class FunctionsConfig(Config):
    """Which functions become problems, and how their tests are agreed on."""

    num_tasks: int = Field(default=25, ge=1)
    """Validated tasks to make; fewer where the functions run out."""
    seed: int = 0
    """Seed of the order of the functions and of the variations of their calls."""
    exclude: tuple[str, ...] = ()
    """Glob patterns of files whose functions are left alone, relative to the project."""
    model: str = ""
    """Model that proposes calls and writes solutions from the documentation alone."""
    num_solutions: int = Field(default=3, ge=1)
    """Solutions that the model writes for each function; with the original they vote on every test."""
    min_tests: int = Field(default=3, ge=2)
    """Tests that a task has at least."""
    max_tests: int = Field(default=12, ge=2)
    """Tests that a task has at most, those with many different outcomes first."""
    repeats: int = Field(default=2, ge=1)
    """How often the gate runs each state, each time in a fresh sandbox."""
    concurrency: int | None = Field(default=None, ge=1)
    """Functions tried at the same time; one for each processor where none is given."""

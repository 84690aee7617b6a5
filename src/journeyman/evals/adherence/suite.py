"""Which exercises are put, in which template, and what one answer is.

The same exercises go to every model and, as far as a template can write their answers, to every
template, so that models are compared on pairs.

    for question in list_questions(AdherenceConfig(num=5)):
        question.template, question.exercise.expected
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import ClassVar, NamedTuple

from pydantic import Field

from journeyman.config import Config
from journeyman.errors import JourneymanError
from journeyman.scaffolds import get_scaffold, list_scaffolds
from journeyman.scaffolds.loop import ToolLoop
from journeyman.templates import get_template, list_templates
from journeyman.templates.exercises.exercise import Exercise, Split, ToolSet, answer, split_of
from journeyman.templates.exercises.library import library_toolsets
from journeyman.templates.exercises.make import make_exercises
from journeyman.templates.exercises.toolsets import TOOLSETS
from journeyman.types import Data

__all__ = [
    "AdherenceConfig",
    "Answer",
    "Question",
    "QuestionsConfig",
    "list_questions",
    "toolset_names",
]

_MOST_DRAWN = 50
"""Exercises drawn for each that is kept, before a template counts as unable to write them."""


class QuestionsConfig(Config):
    """What models are asked."""

    resume_may_change: ClassVar[frozenset[str]] = frozenset({"num_parallel"})

    templates: tuple[str, ...] = ()
    """Only these templates; all where none is given."""
    toolsets: tuple[str, ...] = ()
    """Only the tools of these scaffolds; all where none is given. `library`, alone: real functions of
    the standard library, at most two to a prompt."""
    num: int = Field(default=20, ge=1)
    """Exercises in each template."""
    split: Split = "heldout"
    """Exercises of tools that training never shows, or of those it does."""
    seed: int = 0
    """Seed of the exercises and of the sampling."""
    temperature: float = Field(default=0.0, ge=0)
    """Of the sampling; 0 takes the likeliest token."""
    max_tokens: int = Field(default=400, ge=1)
    """Most tokens of an answer."""
    num_parallel: int = Field(default=4, ge=1)
    """Requests to a model at the same time."""


class AdherenceConfig(QuestionsConfig):
    """Which models are asked what."""

    models: tuple[str, ...] = Field(default=("smollm2",), min_length=1)
    """Specs of the models."""


class Question(NamedTuple):
    """One exercise in one template."""

    template: str
    exercise: Exercise

    @property
    def key(self) -> str:
        """What identifies it in a run."""
        return f"{self.template}/{self.exercise.exercise_id}"


class Answer(Data):
    """What a model answered to one question, and how that was judged."""

    model: str
    template: str
    exercise_id: str
    toolset: str
    form: str
    argument_kinds: dict[str, str]
    is_well_formed: bool
    is_right_tool: bool
    is_exact: bool
    errors: tuple[str, ...] = ()
    wrong_arguments: tuple[str, ...] = ()
    text: str = ""
    num_prompt_tokens: int = 0
    num_completion_tokens: int = 0
    cost_usd: float = 0.0
    failure: str = ""
    """Why there is no answer; such a question counts in no rate."""

    @property
    def key(self) -> str:
        """The question's key."""
        return f"{self.template}/{self.exercise_id}"


def toolset_names() -> list[str]:
    """Name every toolset: our own scaffolds', other agents', made-up functions, real ones."""
    return [*sorted(_own_toolsets()), *sorted(TOOLSETS), "functions", "library"]


def list_questions(config: QuestionsConfig) -> list[Question]:
    """Return every question in order; raises `JourneymanError` for an unknown name."""
    names = config.templates or tuple(list_templates())
    for name in names:
        get_template(name)
    return [question for name in names for question in _of_template(name, config)]


def _of_template(name: str, config: QuestionsConfig) -> Iterator[Question]:
    template = get_template(name)
    drawn = islice(_exercises(config), config.num * _MOST_DRAWN)
    fitting = (it for it in drawn if template.can_write(answer(it), it.tools))
    yield from (Question(name, exercise) for exercise in islice(fitting, config.num))


def _exercises(config: QuestionsConfig) -> Iterator[Exercise]:
    known = {**_own_toolsets(), **TOOLSETS}
    wanted = config.toolsets or tuple(known)
    if wanted == ("library",):
        toolsets = library_toolsets(_MOST_DRAWN, split=config.split, seed=config.seed)
        return make_exercises(
            split=config.split, seed=config.seed, toolsets=toolsets, with_functions=False
        )
    for name in wanted:
        if name not in known and name != "functions":
            raise JourneymanError(f"no toolset {name!r}", f"toolsets: {', '.join(toolset_names())}")
    chosen = [known[name] for name in wanted if name in known]
    with_functions = not config.toolsets or "functions" in config.toolsets
    usable = [it for it in chosen if any(split_of(tool) == config.split for tool in it.tools)]
    if not usable and not with_functions:
        raise JourneymanError(
            f"{', '.join(wanted)} has no tool of the split {config.split}",
            "name other toolsets, or the other split",
        )
    if not usable:
        return make_exercises(split=config.split, seed=config.seed, toolsets=chosen)
    return make_exercises(
        split=config.split, seed=config.seed, toolsets=usable, with_functions=with_functions
    )


def _own_toolsets() -> dict[str, ToolSet]:
    """The tools that our own scaffolds declare, as an agent sees them."""
    found: dict[str, ToolSet] = {}
    for name in list_scaffolds():
        scaffold = get_scaffold(name)
        if isinstance(scaffold, ToolLoop):
            found[name] = ToolSet(name=name, tools=scaffold.specs)
    return found

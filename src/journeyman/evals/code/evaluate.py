"""Ask models for programs and try them; answers are kept as they come, so that a run goes on.

summary = await evaluate_code(problems, config, run, say=print)
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import ClassVar

from pydantic import Field

from journeyman.config import Config
from journeyman.errors import AttributedError
from journeyman.evals.agents import REFERENCES
from journeyman.evals.code.problem import Problem
from journeyman.evals.code.trial import Outcome, try_answer
from journeyman.evals.comparison import PairedComparison, compare_rates
from journeyman.evals.statistics import bootstrap_mean, pass_at_k, wilson
from journeyman.flow.plan import label_models
from journeyman.models import Model, open_model
from journeyman.models.scripted import OracleModel, ScriptedModel
from journeyman.runs import RunFolder
from journeyman.templates import get_template
from journeyman.types import Data, Message, Prompt, Sampling

__all__ = ["CodeAnswer", "CodeConfig", "CodeResult", "CodeSummary", "evaluate_code"]

STREAM = "answers"


class CodeConfig(Config):
    """Who is asked, and how often."""

    resume_may_change: ClassVar[frozenset[str]] = frozenset({"num_parallel"})

    models: tuple[str, ...] = Field(default=("smollm2",), min_length=1)
    """Specs of the models."""
    template: str = "hermes"
    """The chat template, for models that read text."""
    n: int = Field(default=1, ge=1)
    """Answers to each problem."""
    limit: int | None = Field(default=None, ge=1)
    """Problems, the first of the file; all where none is given."""
    temperature: float = Field(default=0.0, ge=0)
    """Of the sampling; 0 takes the likeliest token, and then n should be 1."""
    max_tokens: int = Field(default=1024, ge=1)
    """Most tokens of an answer."""
    seed: int = 0
    """Seed of the sampling."""
    sandbox: str = "namespace"
    """Sandbox backend."""
    num_parallel: int = Field(default=4, ge=1)
    """Answers at the same time."""


class CodeAnswer(Data):
    """One answer to one problem."""

    model: str
    problem_id: str
    index: int
    is_passed: bool = False
    reason: str = ""
    text: str = ""
    num_completion_tokens: int = 0
    cost_usd: float = 0.0
    failure: str = ""
    """Why there is no outcome; such an answer counts in no rate."""


class CodeResult(Data):
    """One model's rates."""

    model: str
    num_problems: int
    num_failed: int
    pass_at: dict[int, float]
    interval: tuple[float, float]
    """95 % interval of pass@1."""
    reasons: dict[str, int]
    num_completion_tokens: int
    cost_usd: float
    rates: dict[str, float]


class CodeSummary(Data):
    """What a run found."""

    form: str
    models: tuple[CodeResult, ...]
    comparisons: dict[str, PairedComparison]
    """The first model beside each other one, by its name."""


async def evaluate_code(
    problems: Sequence[Problem], config: CodeConfig, run: RunFolder, *, say: Callable[[str], None]
) -> CodeSummary:
    """Get every answer that is owed, try it, and sum up."""
    chosen = list(problems[: config.limit])
    known = {
        (it.model, it.problem_id, it.index): it
        for it in map(CodeAnswer.model_validate, run.read(STREAM))
        if not it.failure
    }
    results = []
    for spec, label in label_models(config.models).items():
        owed = [
            (problem, index)
            for index in range(config.n)
            for problem in chosen
            if (label, problem.problem_id, index) not in known
        ]
        say(f"{label}: {len(owed)} answers owed")
        for answer in await _ask(spec, label, owed, config, run, say):
            known[label, answer.problem_id, answer.index] = answer
        results.append(
            _sum_up(label, [it for (model, _, _), it in known.items() if model == label])
        )
    comparisons = {it.model: compare_rates(results[0].rates, it.rates) for it in results[1:]}
    form = chosen[0].form if chosen else "HumanEval"
    return CodeSummary(form=form, models=tuple(results), comparisons=comparisons)


async def _ask(
    spec: str,
    label: str,
    owed: Sequence[tuple[Problem, int]],
    config: CodeConfig,
    run: RunFolder,
    say: Callable[[str], None],
) -> list[CodeAnswer]:
    if not owed:
        return []
    model = await open_model(spec, seed=config.seed, on_progress=say)
    room = asyncio.Semaphore(config.num_parallel)
    done: list[CodeAnswer] = []

    async def ask(problem: Problem, index: int) -> None:
        async with room:
            answer = await _answer(model, label, problem, index, config)
        run.append(STREAM, answer)
        done.append(answer)
        if len(done) % 20 == 0 or len(done) == len(owed):
            say(f"{label}: {len(done)} of {len(owed)}, {sum(it.is_passed for it in done)} passed")

    try:
        async with asyncio.TaskGroup() as group:
            for problem, index in owed:
                group.create_task(ask(problem, index))
    finally:
        await model.close()
    return done


async def _answer(
    model: Model, label: str, problem: Problem, index: int, config: CodeConfig
) -> CodeAnswer:
    answer = CodeAnswer(model=label, problem_id=problem.problem_id, index=index)
    try:
        text, num_tokens, cost = await _complete(model, problem, index, config)
        outcome: Outcome = await try_answer(problem, text, backend=config.sandbox)
    except AttributedError as error:
        return answer.model_copy(update={"failure": str(error)})
    return answer.model_copy(
        update={
            "is_passed": outcome.is_passed,
            "reason": outcome.reason,
            "text": text,
            "num_completion_tokens": num_tokens,
            "cost_usd": cost,
        }
    )


async def _complete(
    model: Model, problem: Problem, index: int, config: CodeConfig
) -> tuple[str, int, float]:
    if isinstance(model, OracleModel):
        return f"```python\n{problem.solution}\n```", 0, 0.0
    if isinstance(model, ScriptedModel) and model.name in REFERENCES:
        return "", 0, 0.0
    messages = (Message(role="user", content=problem.request),)
    template = get_template(config.template)
    prompt = Prompt(messages=messages, text=template.render(messages) if model.reads_text else None)
    sampling = Sampling(
        temperature=config.temperature,
        max_tokens=config.max_tokens,
        seed=config.seed + index,
        stop=template.stop if model.reads_text else (),
    )
    done = await model.complete(prompt, sampling)
    text = done.message.content if done.message is not None and not model.reads_text else done.text
    return text, done.num_completion_tokens, done.cost_usd


def _sum_up(label: str, answers: Sequence[CodeAnswer]) -> CodeResult:
    counted = [it for it in answers if not it.failure]
    outcomes: defaultdict[str, list[bool]] = defaultdict(list)
    for it in counted:
        outcomes[it.problem_id].append(it.is_passed)
    most = max(map(len, outcomes.values()), default=0)
    rates = {name: sum(found) / len(found) for name, found in outcomes.items()}
    pass_at = {}
    for k in (1, 2, 5, 10, 20, 50, 100):
        usable = [it for it in outcomes.values() if len(it) >= k]
        if k <= most and usable:
            pass_at[k] = sum(pass_at_k(len(it), sum(it), k) for it in usable) / len(usable)
    is_single = all(rate in (0.0, 1.0) for rate in rates.values())
    num_good = sum(rate == 1.0 for rate in rates.values())
    interval = wilson(num_good, len(rates)) if is_single else bootstrap_mean(list(rates.values()))
    return CodeResult(
        model=label,
        num_problems=len(outcomes),
        num_failed=len(answers) - len(counted),
        pass_at=pass_at,
        interval=interval,
        reasons=dict(
            Counter(it.reason.split(":")[0] for it in counted if it.reason).most_common(12)
        ),
        num_completion_tokens=sum(it.num_completion_tokens for it in counted),
        cost_usd=sum(it.cost_usd for it in counted),
        rates=rates,
    )

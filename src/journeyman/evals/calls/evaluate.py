"""Ask models for the calls of a BFCL file and judge them; answers are kept as they come.

rates = await evaluate_calls(problems, config, run, say=print)
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from journeyman.errors import AttributedError
from journeyman.evals.adherence.suite import AdherenceConfig
from journeyman.evals.calls.problem import CallProblem, is_right
from journeyman.evals.statistics import wilson
from journeyman.flow.plan import label_models
from journeyman.models import Model, open_model
from journeyman.models.scripted import OracleModel
from journeyman.runs import RunFolder
from journeyman.templates import get_template, validate
from journeyman.types import Data, ParsedTurn, Prompt, Sampling, ToolCall

__all__ = ["CallAnswer", "CallResult", "CallsConfig", "evaluate_calls", "first_right"]

STREAM = "answers"


class CallsConfig(AdherenceConfig):
    """Who is asked, in which template; `num`, `split` and `toolsets` do not matter here."""

    template: str = "hermes"
    """The tool chat template, for models that read text."""


class CallAnswer(Data):
    """One answer."""

    model: str
    problem_id: str
    is_well_formed: bool = False
    is_right: bool = False
    text: str = ""
    failure: str = ""


class CallResult(Data):
    """One model's rates."""

    model: str
    num: int
    num_failed: int
    num_well_formed: int
    num_right: int
    accuracy: float
    interval: tuple[float, float]


async def evaluate_calls(
    problems: Sequence[CallProblem],
    config: CallsConfig,
    run: RunFolder,
    *,
    say: Callable[[str], None],
) -> list[CallResult]:
    """Get every answer that is owed and sum up, one result a model."""
    known = {
        (it.model, it.problem_id): it
        for it in map(CallAnswer.model_validate, run.read(STREAM))
        if not it.failure
    }
    results = []
    for spec, label in label_models(config.models).items():
        owed = [it for it in problems if (label, it.problem_id) not in known]
        say(f"{label}: {len(owed)} questions")
        model = await open_model(spec, seed=config.seed, on_progress=say)
        room = asyncio.Semaphore(config.num_parallel)

        async def ask(
            problem: CallProblem, model: Model = model, label: str = label,
            room: asyncio.Semaphore = room,
        ) -> CallAnswer:  # fmt: skip
            async with room:
                answer = await _answer(model, label, problem, config)
            run.append(STREAM, answer)
            return answer

        try:
            for answer in await asyncio.gather(*map(ask, owed)):
                known[label, answer.problem_id] = answer
        finally:
            await model.close()
        results.append(_sum_up(label, [known[label, it.problem_id] for it in problems]))
    return results


async def _answer(
    model: Model, label: str, problem: CallProblem, config: CallsConfig
) -> CallAnswer:
    draft = CallAnswer(model=label, problem_id=problem.problem_id)
    try:
        parsed, text = await _parsed(model, problem, config)
    except AttributedError as error:
        return draft.model_copy(update={"failure": str(error)})
    is_well_formed = not validate(parsed, problem.tools)
    return draft.model_copy(
        update={
            "is_well_formed": is_well_formed,
            "is_right": is_well_formed and is_right(problem, parsed.calls),
            "text": text,
        }
    )


async def _parsed(
    model: Model, problem: CallProblem, config: CallsConfig
) -> tuple[ParsedTurn, str]:
    if isinstance(model, OracleModel):
        calls = tuple(first_right(it) for it in problem.answers)
        return ParsedTurn(calls=calls, call_spans=((0, 0),) * len(calls)), ""
    template = get_template(config.template)
    prompt = Prompt(
        messages=problem.messages,
        tools=problem.tools,
        text=template.render(problem.messages, problem.tools) if model.reads_text else None,
    )
    sampling = Sampling(
        temperature=config.temperature,
        max_tokens=config.max_tokens,
        seed=config.seed,
        stop=template.stop if model.reads_text else (),
    )
    done = await model.complete(prompt, sampling)
    if done.message is not None and not model.reads_text:
        calls = done.message.tool_calls
        return (
            ParsedTurn(calls=calls, errors=done.format_errors, call_spans=((0, 0),) * len(calls)),
            done.message.content,
        )
    return template.parse(done.text, problem.tools), done.text


def first_right(answer: dict[str, dict[str, list[object]]]) -> ToolCall:
    """Return one call that is right: of every argument the first value that is."""
    ((name, allowed),) = answer.items()
    given = {key: values[0] for key, values in allowed.items() if values and values[0] != ""}
    return ToolCall(name=name, arguments=given)


def _sum_up(label: str, answers: Sequence[CallAnswer]) -> CallResult:
    counted = [it for it in answers if not it.failure]
    right = sum(it.is_right for it in counted)
    return CallResult(
        model=label,
        num=len(counted),
        num_failed=len(answers) - len(counted),
        num_well_formed=sum(it.is_well_formed for it in counted),
        num_right=right,
        accuracy=right / len(counted) if counted else 0.0,
        interval=wilson(right, len(counted)),
    )

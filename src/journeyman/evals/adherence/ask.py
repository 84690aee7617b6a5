"""Ask models the questions of the suite; every answer is kept as it comes, so that a run goes on.

answers = await ask_models(config, run, say=print)
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from journeyman.errors import AttributedError
from journeyman.evals.adherence.suite import AdherenceConfig, Answer, Question, list_questions
from journeyman.flow.plan import label_models
from journeyman.models import Model, open_model
from journeyman.models.scripted import OracleModel
from journeyman.runs import RunFolder
from journeyman.templates import get_template
from journeyman.templates.exercises.exercise import answer as right_answer
from journeyman.templates.exercises.judge import judge
from journeyman.types import Completion, ParsedTurn, Prompt, Sampling

__all__ = ["ask_models"]

STREAM = "answers"
_SAY_EVERY = 20


async def ask_models(
    config: AdherenceConfig, run: RunFolder, *, say: Callable[[str], None]
) -> list[Answer]:
    """Ask every model what it was not asked yet, and return all answers, model by model."""
    questions = list_questions(config)
    known = {(it.model, it.key): it for it in map(Answer.model_validate, run.read(STREAM))}
    known = {pair: it for pair, it in known.items() if not it.failure}
    found: list[Answer] = []
    for spec, label in label_models(config.models).items():
        before = {key: it for (model, key), it in known.items() if model == label}
        owed = [it for it in questions if it.key not in before]
        say(f"{label}: {len(owed)} questions in {len({it.template for it in owed})} templates")
        new = await _ask(spec, label, owed, config, run, say) if owed else []
        answers = before | {it.key: it for it in new}
        found += [answers[it.key] for it in questions]
    return found


async def _ask(
    spec: str,
    label: str,
    questions: Sequence[Question],
    config: AdherenceConfig,
    run: RunFolder,
    say: Callable[[str], None],
) -> list[Answer]:
    model = await open_model(spec, seed=config.seed, on_progress=say)
    room = asyncio.Semaphore(config.num_parallel)
    done: list[Answer] = []

    async def ask(question: Question) -> None:
        async with room:
            answer = await _answer(model, label, question, config)
        run.append(STREAM, answer)
        done.append(answer)
        if len(done) % _SAY_EVERY == 0 or len(done) == len(questions):
            good = sum(it.is_well_formed for it in done)
            say(f"{label}: {len(done)} of {len(questions)} answered, {good} well-formed")

    try:
        async with asyncio.TaskGroup() as group:
            for question in questions:
                group.create_task(ask(question))
    finally:
        await model.close()
    return done


async def _answer(model: Model, label: str, question: Question, config: AdherenceConfig) -> Answer:
    exercise = question.exercise
    try:
        completion = await _complete(model, question, config)
    except AttributedError as error:
        return _judged(label, question, ParsedTurn(), Completion(), failure=str(error))
    parsed = _read(model, question, completion)
    assert exercise.tools, "an exercise has tools"
    return _judged(label, question, parsed, completion)


async def _complete(model: Model, question: Question, config: AdherenceConfig) -> Completion:
    template, exercise = get_template(question.template), question.exercise
    if isinstance(model, OracleModel):
        return Completion(text=template.render_turn(right_answer(exercise)))
    prompt = Prompt(
        messages=exercise.messages,
        tools=exercise.tools,
        text=template.render(exercise.messages, exercise.tools) if model.reads_text else None,
    )
    sampling = Sampling(
        temperature=config.temperature,
        max_tokens=config.max_tokens,
        stop=template.stop if model.reads_text else (),
        seed=config.seed,
    )
    return await model.complete(prompt, sampling)


def _read(model: Model, question: Question, completion: Completion) -> ParsedTurn:
    """Read an answer by its template; a server that parses for itself is judged by what it sends."""
    if completion.message is not None and not model.reads_text:
        message = completion.message
        return ParsedTurn(
            content=message.content,
            calls=message.tool_calls,
            call_spans=((0, 0),) * len(message.tool_calls),
            errors=completion.format_errors,
        )
    return get_template(question.template).parse(completion.text, question.exercise.tools)


def _judged(
    label: str,
    question: Question,
    parsed: ParsedTurn,
    completion: Completion,
    *,
    failure: str = "",
) -> Answer:
    exercise = question.exercise
    judged = judge(exercise, parsed, is_cut_off=completion.finish_reason == "length")
    return Answer(
        model=label,
        template=question.template,
        exercise_id=exercise.exercise_id,
        toolset=exercise.toolset,
        form=exercise.form,
        argument_kinds=exercise.argument_kinds,
        is_well_formed=judged.is_well_formed and not failure,
        is_right_tool=judged.is_right_tool and not failure,
        is_exact=judged.is_exact and not failure,
        errors=() if failure else judged.errors,
        wrong_arguments=judged.wrong_arguments,
        text=completion.text,
        num_prompt_tokens=completion.num_prompt_tokens,
        num_completion_tokens=completion.num_completion_tokens,
        cost_usd=completion.cost_usd,
        failure=failure,
    )

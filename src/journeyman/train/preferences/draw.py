"""Preferences from scratch: a model writes several answers, a judge compares all pairs of them.

    found = await draw_preferences(model, judge, conversations, settings)
    found.preferences        # best against worst, for `train dpo`
    found.best               # the request with its best answer, for `train sft --conversations`

What a template cannot read as a turn without errors is no candidate, and neither is a second answer of
the same words. Who wins every pair in one order of the two and loses it in the other wins nothing.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from journeyman.config import Config
from journeyman.models import Model
from journeyman.templates import get_template
from journeyman.train.documents.conversation import Conversation
from journeyman.train.documents.preference import Preference
from journeyman.train.preferences.judge import compare_all
from journeyman.train.preferences.ranking import rank, select
from journeyman.types import Completion, Message, Prompt, Sampling

__all__ = ["DrawSettings", "Drawn", "draw_preferences"]


class DrawSettings(Config):
    """How candidates are drawn and judged."""

    checklist: tuple[str, ...]
    """What makes an answer good, a point each."""
    template: str = "hermes"
    """Of the model that answers, and of the judge, where they read text."""
    num_candidates: int = 4
    """Answers to each request."""
    temperature: float = 0.8
    """Of the answers; the judge takes the likeliest words."""
    max_tokens: int = 512
    """Most tokens of a candidate, and of a judgement."""
    margin: float = 1.5
    """The best is taken if it is so many times as strong as the worst, by Bradley and Terry."""
    num_parallel: int = 4
    """Requests whose answers are drawn and judged at the same time."""
    seed: int = 0
    """Of the answers."""


@dataclass(slots=True)
class Drawn:
    """What came of it, in the order of the requests."""

    preferences: list[Preference] = field(default_factory=list)
    best: list[Conversation] = field(default_factory=list)
    """Ranked selection: each request of a preference with its best answer."""
    dropped: Counter[str] = field(default_factory=Counter)
    """Requests that gave nothing, by reason."""
    num_comparisons: int = 0
    num_ties: int = 0
    """Pairs that the judge called even, or judged by their order."""


async def draw_preferences(
    model: Model, judge: Model, conversations: Sequence[Conversation], settings: DrawSettings
) -> Drawn:
    """Answer the last request of every conversation; raises as `Model.complete` does."""
    room = asyncio.Semaphore(settings.num_parallel)
    drawn = Drawn()

    async def one(place: int, asked: Conversation) -> Preference | str:
        async with room:
            return await _one(model, judge, place, asked, settings, drawn)

    found = await asyncio.gather(*(one(*it) for it in enumerate(conversations)))
    for preference in found:
        if isinstance(preference, str):
            drawn.dropped[preference] += 1
            continue
        drawn.preferences.append(preference)
        drawn.best.append(
            Conversation(
                messages=(*preference.messages, preference.chosen),
                tools=preference.tools,
                source="best_of_ranked",
                id=preference.id,
            )
        )
    return drawn


async def _one(
    model: Model,
    judge: Model,
    place: int,
    asked: Conversation,
    settings: DrawSettings,
    drawn: Drawn,
) -> Preference | str:
    """Return a preference, or why there is none."""
    messages = asked.messages
    while messages and messages[-1].role == "assistant":
        messages = messages[:-1]
    if not messages or messages[-1].role != "user":
        return "that end without a request"
    request = asked.model_copy(update={"messages": messages})
    answers = await _candidates(model, request, settings, settings.seed + 1000 * place)
    if len(answers) < 2:
        return "with fewer than two answers"
    texts = list(answers)
    comparisons = await compare_all(
        judge,
        settings.template,
        _spoken(messages),
        texts,
        settings.checklist,
        max_tokens=settings.max_tokens,
    )
    drawn.num_comparisons += len(comparisons)
    drawn.num_ties += sum(it.share == 0.5 for it in comparisons)
    chosen = select(rank(len(texts), comparisons), margin=settings.margin)
    if chosen is None:
        return "without a winner"
    best, worst = (answers[texts[it]] for it in chosen)
    return Preference(
        messages=messages,
        tools=asked.tools,
        chosen=best,
        rejected=worst,
        id=asked.id or f"request:{place}",
    )


def _spoken(messages: Sequence[Message]) -> str:
    """Return what a judge is told was asked: the request, after what was said before it."""
    if len(messages) == 1:
        return messages[0].content
    return "\n\n".join(f"{it.role}: {it.content}" for it in messages)


async def _candidates(
    model: Model, request: Conversation, settings: DrawSettings, seed: int
) -> dict[str, Message]:
    """Return different whole answers by their text."""
    template = get_template(settings.template)
    text = template.render(request.messages, request.tools) if model.reads_text else None
    prompt = Prompt(messages=request.messages, tools=request.tools, text=text)
    found: dict[str, Message] = {}
    for number in range(settings.num_candidates):
        sampling = Sampling(
            temperature=settings.temperature,
            max_tokens=settings.max_tokens,
            stop=template.stop if model.reads_text else (),
            seed=seed + number,
        )
        done = await model.complete(prompt, sampling)
        message = _message(done, request, settings.template)
        if message is not None:
            found.setdefault(template.render_turn(message), message)
    return found


def _message(done: Completion, request: Conversation, template: str) -> Message | None:
    """Read an answer as a turn; None for one that is empty, cut off or malformed."""
    if done.finish_reason == "length" or done.format_errors:
        return None
    message = done.message
    if message is None:
        turn = get_template(template).parse(done.text, request.tools)
        if turn.errors:
            return None
        message = Message(
            role="assistant",
            content=turn.content,
            reasoning=turn.reasoning,
            tool_calls=turn.calls,
        )
    can_write = get_template(template).can_write(message, request.tools)
    is_empty = not (message.content or message.tool_calls)
    return message if can_write and not is_empty else None

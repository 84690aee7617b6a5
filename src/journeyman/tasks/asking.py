"""Asking a model one thing at a time, and counting what that took.

asker = Asker(model)
answer = await asker.ask("You write bugs.", "…", about="toolz/itertoolz.py:41 take")
asker.use.num_calls, asker.use.cost_usd
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from journeyman.errors import FAILURES, AttributedError
from journeyman.tasks.model_use import ModelUse
from journeyman.types import Completion, Data, Message, Prompt, Sampling

if TYPE_CHECKING:
    from journeyman.models import Model

__all__ = ["Answer", "Asker", "code_block", "json_object"]

_TEMPLATE = "hermes"
_FENCE = re.compile(r"^(`{3,})[^\n`]*\n(.*?)^\1[ \t]*$", re.MULTILINE | re.DOTALL)


class Answer(Data):
    """What a model said, or why it said nothing."""

    text: str = ""
    failure: str = ""


class Asker:
    """Puts questions to one model; each is a conversation of its own."""

    def __init__(self, model: Model, *, sampling: Sampling | None = None) -> None:
        self._model = model
        self._sampling = sampling or Sampling(temperature=0.7, max_tokens=2048)
        self.use = ModelUse(model=model.name)

    async def ask(self, system: str, user: str, *, about: str, seed: int | None = None) -> Answer:
        """Ask; a model that refuses or overflows is an answer, one that cannot be reached an error.

        `about` names the question: a scripted model has an answer for each name. Raises
        `AttributedError` where asking again later may help.
        """
        messages = (Message(role="system", content=system), Message(role="user", content=user))
        try:
            done = await self.converse(messages, about=about, seed=seed)
        except AttributedError as error:
            if FAILURES[error.cause].retry_budget != "none":
                raise
            return Answer(failure=str(error))
        if done.finish_reason == "length":
            return Answer(failure="the answer was cut off at its longest")
        text = done.message.content if done.message is not None else done.text
        return Answer(text=text)

    async def converse(
        self, messages: tuple[Message, ...], *, about: str, seed: int | None = None, **more: Any
    ) -> Completion:
        """Complete a conversation and count it. Raises as `Model.complete` does."""
        model: Model = self._model
        scripted = getattr(model, "for_task", None)
        if scripted is not None:
            model = scripted(about)
        sampling = self._sampling.model_copy(update={"seed": seed} if seed is not None else {})
        text = None
        if model.reads_text:
            from journeyman.templates import get_template

            template = get_template(_TEMPLATE)
            text = template.render(messages, more.get("tools", ()))
            sampling = sampling.model_copy(update={"stop": template.stop})
        done = await model.complete(Prompt(messages=messages, text=text, **more), sampling)
        self.use = self.use.plus(done)
        return done


def code_block(text: str) -> str | None:
    """Return the one fenced block of an answer; None where there is none, or more than one."""
    found = _FENCE.findall(text if text.endswith("\n") else f"{text}\n")
    return found[0][1] if len(found) == 1 else None


def json_object(text: str) -> dict[str, Any] | None:
    """Return the JSON object that an answer is, bare or as its one fenced block; None else."""
    block = code_block(text)
    try:
        value = json.loads(block if block is not None else text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None

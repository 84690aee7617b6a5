"""Questions on source files and their answers, written by a model and grounded in the files.

A model is shown a part of a file and writes one question and its answer. Kept is what names something
that the file defines and is no copy of it; the conversation that is trained on shows the file, so the
answer can be read off it.

    found, dropped = await write_questions(model, "hermes", files, number=100, seed=0)
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from random import Random

from journeyman.models import Model
from journeyman.templates import get_template
from journeyman.train.documents.conversation import Conversation
from journeyman.train.documents.fill_in_middle import window
from journeyman.train.documents.repository import SourceFile
from journeyman.types import Message, Prompt, Sampling

__all__ = ["read_answer", "write_questions"]

_CHARACTERS = 1500
_TOGETHER = 4
"""Files that are asked about at the same time: as many as a model on this machine has slots."""
_ASK = (
    "Here is a part of {path}:\n\n```\n{text}\n```\n\nWrite one question that a programmer would ask "
    "about this code, and its answer. Name the functions or classes you speak of. Write exactly two "
    "paragraphs:\nQuestion: ...\nAnswer: ..."
)
_SHOW = "Here is a part of {path}:\n\n```\n{text}\n```\n\n{question}"
_PAIR = re.compile(r"Question:\s*(.+?)\s*\n+\s*Answer:\s*(.+)", re.DOTALL)
_DEFINED = re.compile(
    r"^\s*(?:async\s+)?(?:def|class|function|func|fn|struct|interface|type|const|let|var)\s+(\w+)",
    re.MULTILINE,
)
_LEAST, _MOST = 20, 2000


async def write_questions(
    model: Model, template: str, files: Sequence[SourceFile], *, number: int, seed: int
) -> tuple[list[Conversation], Counter[str]]:
    """Ask about files drawn by the seed; return conversations, and how many answers went, by reason."""
    draw = Random(seed)  # noqa: S311
    drawn = [draw.choice(files) for _ in range(number if files else 0)]
    shown = [(it.path, window(it.text, _CHARACTERS, draw)) for it in drawn]
    room = asyncio.Semaphore(_TOGETHER)

    async def ask(place: int, path: str, text: str) -> str:
        async with room:
            return await _ask(model, template, path, text, seed + place)

    answers = await asyncio.gather(*(ask(place, *it) for place, it in enumerate(shown)))
    found: list[Conversation] = []
    dropped: Counter[str] = Counter()
    for place, ((path, text), answer) in enumerate(zip(shown, answers, strict=True)):
        question, reply, reason = read_answer(answer, text)
        if reason:
            dropped[reason] += 1
            continue
        asked = _SHOW.format(path=path, text=text, question=question)
        messages = (
            Message(role="user", content=asked),
            Message(role="assistant", content=reply),
        )
        found.append(Conversation(messages=messages, source="question", id=f"question:{place}"))
    return found, dropped


def read_answer(answer: str, text: str) -> tuple[str, str, str]:
    """Return question, answer and why they are not kept; nothing there if they are.

    >>> read_answer("Question: What is f for?\\nAnswer: The function f adds one to x.", "def f(x):")[2]
    ''
    """
    pair = _PAIR.search(answer)
    if pair is None:
        return "", "", "no pair"
    question, reply = (part.strip() for part in pair.groups())
    if not _LEAST <= len(reply) <= _MOST:
        return question, reply, "length"
    names = {name for name in _DEFINED.findall(text) if re.search(rf"\b{name}\b", reply)}
    if not names:
        return question, reply, "not grounded"
    return question, reply, "copied" if reply in text else ""


async def _ask(model: Model, template: str, path: str, text: str, seed: int) -> str:
    messages = (Message(role="user", content=_ASK.format(path=path, text=text)),)
    chosen = get_template(template)
    prompt = Prompt(messages=messages, text=chosen.render(messages) if model.reads_text else None)
    sampling = Sampling(max_tokens=256, temperature=0.7, seed=seed, stop=chosen.stop)
    done = await model.complete(prompt, sampling)
    return done.text or (done.message.content if done.message else "")

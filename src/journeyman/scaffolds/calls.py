"""Scaffold `calls`: one turn whose tool calls are the answer; nothing is carried out.

The conversation and its tools lie in the workspace, in `questions/<instance id>.json`. What the model
calls, and what was malformed about it, is written where the task's answer goes, for the verifier.

    ending = await CallsScaffold().run(view, sandbox, session)
"""

from __future__ import annotations

import json

from pydantic import ValidationError

from journeyman.errors import AttributedError
from journeyman.sandbox.base import Sandbox
from journeyman.scaffolds.base import Scaffold
from journeyman.scaffolds.session import LimitReached, ModelSession
from journeyman.templates.core.validation import validate
from journeyman.types import Data, Ending, Message, ParsedTurn, TaskView, ToolSpec, Turn

__all__ = ["CallsScaffold", "ToolQuestion", "question_path"]


class ToolQuestion(Data):
    """A conversation whose right continuation is known to the verifier."""

    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...]


def question_path(instance_id: str) -> str:
    """Return where a task's question lies, relative to the workspace."""
    return f"questions/{instance_id}.json"


class CallsScaffold(Scaffold):
    """An agent of one turn that calls and does not act."""

    name = "calls"

    async def run(self, task: TaskView, sandbox: Sandbox, session: ModelSession) -> Ending:
        """Ask once and write down what was called.

        Raises `AttributedError("task_broken")` where the workspace holds no question for the task.
        """
        question = await _read(task, sandbox)
        try:
            turn = await session.turn(question.messages, question.tools)
        except LimitReached as limit:
            return limit.ending
        errors = _errors(turn, question)
        calls = [call.model_dump(include={"name", "arguments"}) for call in turn.message.tool_calls]
        record = json.dumps({"calls": calls, "errors": errors})
        await sandbox.write(f"{task.workspace}/{task.answer}", f"{record}\n".encode())
        session.observe([Message(role="user", content=_told(errors))])
        is_cut = turn.completion.finish_reason == "length"
        return Ending.TOKEN_LIMIT if is_cut else Ending.SUBMITTED


async def _read(task: TaskView, sandbox: Sandbox) -> ToolQuestion:
    try:
        data = await sandbox.read(f"{task.workspace}/{question_path(task.instance_id)}")
        question = ToolQuestion.model_validate_json(data)
    except (OSError, ValidationError) as error:
        detail = str(error).split("\n")[0]
        raise AttributedError("task_broken", f"it asks for no call: {detail}") from None
    if not task.answer:
        raise AttributedError("task_broken", "it does not say where the turn is kept")
    return question


def _errors(turn: Turn, question: ToolQuestion) -> list[str]:
    """Return the kinds of what is malformed, as Table 2 counts them."""
    calls = turn.message.tool_calls
    parsed = ParsedTurn(calls=calls, errors=turn.format_errors, call_spans=((0, 0),) * len(calls))
    return list(dict.fromkeys(error.kind for error in validate(parsed, question.tools)))


def _told(errors: list[str]) -> str:
    return f"Malformed: {', '.join(errors)}." if errors else "Kept."

"""The assistant's loop: ask the model, show what it says as it comes, carry out what it calls.

agent = Agent(engine, folder, approvals, view, messages)
result = await agent.turn("Fix the failing test.")
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from journeyman.assistant.approval import Approvals, View
from journeyman.assistant.folder import GuardedFolder
from journeyman.assistant.tools import make_tools
from journeyman.gateway.engine import Engine
from journeyman.gateway.errors import GatewayError
from journeyman.gateway.request import Batch, ModelRequest, Outcome
from journeyman.gateway.session import Session
from journeyman.scaffolds.tools import ToolContext, explain_arguments
from journeyman.types import Message, ToolCall

__all__ = ["Agent", "TurnResult"]

_TOOL_S = 600.0
_NUM_WHOLE_ANSWERS = 2
_SHORT_CHARACTERS = 200
_NUM_REMEMBERED = 1024


@dataclass(frozen=True, slots=True)
class TurnResult:
    """What came of one thing that was asked."""

    answer: str
    num_calls: int
    num_tokens: int
    """Drawn in all."""
    is_whole: bool
    """False where the limit of model calls or of tokens ended it."""


class Agent:
    """One conversation about one folder."""

    def __init__(
        self,
        engine: Engine,
        folder: GuardedFolder,
        approvals: Approvals,
        view: View,
        messages: list[Message],
        *,
        keep: Callable[[Message], None],
        temperature: float = 0.7,
        most_calls: int = 100,
    ) -> None:
        """`messages` are the conversation so far, with its system message; `keep` hears of new ones."""
        self.messages = messages
        self._engine = engine
        self._folder = folder
        self._view = view
        self._keep = keep
        self._temperature = temperature
        self._most_calls = most_calls
        self._tools = {tool.spec.name: tool for tool in make_tools(folder, approvals)}
        self._specs = tuple(tool.spec for tool in self._tools.values())
        self._session = Session("code", num_remembered=_NUM_REMEMBERED)

    @property
    def folder(self) -> Path:
        """The project's folder."""
        return self._folder.folder

    def begin_anew(self, keep: Callable[[Message], None]) -> None:
        """Forget all that was said; `keep` hears of what comes, from the system message on."""
        del self.messages[1:]
        self._keep = keep
        keep(self.messages[0])

    async def turn(self, text: str) -> TurnResult:
        """Work on what the user says until the model gives the word back.

        Raises `GatewayError` where the model fails. Cancelled, it leaves a history that can go on.
        """
        self._add(Message(role="user", content=text))
        num_calls = num_tokens = 0
        for _ in range(self._most_calls):
            outcome = await self._ask()
            num_tokens += outcome.num_completion_tokens
            self._add(outcome.message)
            calls = outcome.message.tool_calls
            num_calls += len(calls)
            if not calls:
                is_whole = outcome.finish_reason != "length"
                return TurnResult(outcome.message.content, num_calls, num_tokens, is_whole)
            await self._act(calls)
        self._view.show("note", f"stopped after {self._most_calls} calls of the model")
        return TurnResult("", num_calls, num_tokens, False)

    def _add(self, message: Message) -> None:
        self.messages.append(message)
        self._keep(message)

    async def _ask(self) -> Outcome:
        try:
            return await self._engine.run(self._session, self._request(), self._tell)
        except GatewayError as error:
            if error.code != "context_length_exceeded" or not self._shorten():
                raise
        self._view.show("note", "the context is full: earlier answers of tools are left out")
        return await self._engine.run(self._session, self._request(), self._tell)

    def _request(self) -> ModelRequest:
        return ModelRequest(
            model="",
            protocol="code",
            messages=tuple(self.messages),
            tools=self._specs,
            temperature=self._temperature,
            is_streamed=True,
        )

    async def _tell(self, batch: Batch) -> None:
        for event in batch.events:
            if event.kind in ("content", "reasoning") and event.text:
                self._view.show(event.kind, event.text)

    def _shorten(self) -> bool:
        """Leave out what tools answered long ago; False if there is nothing to leave out."""
        places = [i for i, it in enumerate(self.messages) if it.role == "tool"]
        long = [
            place
            for place in places[:-_NUM_WHOLE_ANSWERS]
            if len(self.messages[place].content) > 2 * _SHORT_CHARACTERS
        ]
        for place in long:
            message = self.messages[place]
            text = f"{message.content[:_SHORT_CHARACTERS]}\n[… left out …]"
            self.messages[place] = message.model_copy(update={"content": text})
        return bool(long)

    async def _act(self, calls: tuple[ToolCall, ...]) -> None:
        """Carry out the calls in order; whatever happens, each of them is answered."""
        answers = dict.fromkeys(range(len(calls)), "Error: the user interrupted before it was run")
        try:
            for index, call in enumerate(calls):
                answers[index] = "Error: the user interrupted this call"
                answers[index] = await self._call(call)
        finally:
            for index, call in enumerate(calls):
                self._add(
                    Message(
                        role="tool", content=answers[index], tool_call_id=call.id, name=call.name
                    )
                )

    async def _call(self, call: ToolCall) -> str:
        self._view.show("call", _shown(call))
        problem = explain_arguments(call, self._specs)
        if problem is None:
            context = ToolContext(self._folder, _TOOL_S)
            problem = await self._tools[call.name].run(context, call.arguments)
        self._view.show("answer", problem)
        return problem


def _shown(call: ToolCall) -> str:
    """Return a call in one line."""
    given = call.arguments
    if call.name == "bash":
        return f"$ {given.get('command', '')}"
    if call.name == "str_replace_editor":
        return f"{given.get('command', '')} {given.get('path', '')}"
    return f"{call.name} {json.dumps(given, ensure_ascii=False)}"

"""The loop of scaffold `terminal`: the model answers with keystrokes, and is shown the terminal.

scaffold = TerminalLoop("terminal", "json")
ending = await scaffold.run(view, sandbox, session)
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from journeyman.sandbox.base import Sandbox
from journeyman.scaffolds.base import Scaffold
from journeyman.scaffolds.session import LimitReached, ModelSession
from journeyman.scaffolds.terminal.answers import Answer, read_json, read_xml
from journeyman.scaffolds.terminal.prompts import (
    ASK_AGAIN,
    GONE,
    Variant,
    explain_answer,
    opening,
)
from journeyman.scaffolds.terminal.screen import Terminal, TerminalGoneError
from journeyman.scaffolds.tools import shorten
from journeyman.types import Ending, Message, TaskView, ToolCall

__all__ = ["TerminalLoop"]

_KEPT_CHARACTERS = 10_000
_READERS: dict[Variant, Callable[[str], Answer]] = {"json": read_json, "xml": read_xml}
_SETTLE_S = 0.2


class TerminalLoop(Scaffold):
    """An agent whose only tool is a terminal."""

    def __init__(self, name: str, variant: Variant) -> None:
        self.name = name
        self._variant: Variant = variant

    async def run(self, task: TaskView, sandbox: Sandbox, session: ModelSession) -> Ending:
        """Work until the model has twice said that it is done, or a limit is reached."""
        terminal = await Terminal.start(sandbox)
        conversation = _Conversation(self._variant, sandbox, terminal, session)
        try:
            return await conversation.run(task)
        except LimitReached as limit:
            return limit.ending


class _Conversation:
    """One run of the loop."""

    def __init__(
        self, variant: Variant, sandbox: Sandbox, terminal: Terminal, session: ModelSession
    ) -> None:
        self._variant: Variant = variant
        self._sandbox = sandbox
        self._terminal = terminal
        self._session = session

    async def run(self, task: TaskView) -> Ending:
        messages = opening(self._variant, task, await self._shown())
        was_complete = False
        while True:
            turn = await self._session.turn(messages)
            messages = []
            clock = time.monotonic()
            answer = _READERS[self._variant](turn.message.content)
            seen = await self._act(answer)
            if answer.is_complete and not answer.error:
                if was_complete:
                    self._session.observe((), duration_s=time.monotonic() - clock)
                    return Ending.SUBMITTED
                seen = f"{seen}\n\n{ASK_AGAIN}"
            was_complete = answer.is_complete and not answer.error
            told = Message(role="user", content=seen)
            self._session.observe([told], duration_s=time.monotonic() - clock)
            self._session.count_format(is_good=not answer.error)

    async def _act(self, answer: Answer) -> str:
        """Type what is asked for, up to what the guard refuses; return what the model is told."""
        notes = explain_answer(answer)
        if answer.error:
            return notes
        refusal = ""
        for number, command in enumerate(answer.commands):
            call = ToolCall(
                name="terminal", arguments={"keystrokes": command.keys}, id=f"keys_{number}"
            )
            decision = self._session.judge(call)
            if decision is not None and not decision.is_allowed:
                refusal = f"{decision.feedback}\n\n"
                break
            try:
                await self._terminal.type(command.keys)
            except TerminalGoneError:
                return f"{notes}{await self._restart()}"
            await asyncio.sleep(min(command.duration_s, self._session.remaining_s()))
        if answer.commands:
            await asyncio.sleep(_SETTLE_S)
        return f"{notes}{refusal}{await self._shown()}"

    async def _shown(self) -> str:
        try:
            return shorten(await self._terminal.new_output(), _KEPT_CHARACTERS)
        except TerminalGoneError:
            return await self._restart()

    async def _restart(self) -> str:
        self._terminal = await Terminal.start(self._sandbox)
        return f"{GONE}\n{await self._terminal.look()}"

"""The loop of our own scaffolds: ask the model, carry out its calls in order, show it the answers.

scaffold = ToolLoop("bash", lambda: (BASH, SUBMIT))
ending = await scaffold.run(view, sandbox, session)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from journeyman.sandbox.base import WORKSPACE, Sandbox
from journeyman.scaffolds.base import Scaffold
from journeyman.scaffolds.prompts import ASK_FOR_CALL, explain_format, first_messages
from journeyman.scaffolds.session import LimitReached, ModelSession
from journeyman.scaffolds.tools import SUBMIT, Tool, ToolContext, explain_arguments
from journeyman.types import Ending, Message, TaskView, ToolCall, ToolSpec, Turn

__all__ = ["ToolLoop"]


class ToolLoop(Scaffold):
    """An agent that is a prompt, a loop and a set of tools."""

    def __init__(self, name: str, make_tools: Callable[[], Sequence[Tool]]) -> None:
        self.name = name
        self._make_tools = make_tools

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """The tools as they are declared to a model."""
        return tuple(tool.spec for tool in self._make_tools())

    def at(self, workspace: str) -> ToolLoop:
        """Return the same agent for another folder than the usual one: its tools' words name it."""

        def named(tool: Tool) -> Tool:
            text = tool.spec.model_dump_json().replace(WORKSPACE, workspace)
            return replace(tool, spec=ToolSpec.model_validate_json(text))

        return ToolLoop(self.name, lambda: tuple(map(named, self._make_tools())))

    async def run(self, task: TaskView, sandbox: Sandbox, session: ModelSession) -> Ending:
        """Work until the agent submits or a limit is reached, and say which."""
        try:
            return await _Conversation(sandbox, session, self._make_tools()).run(task)
        except LimitReached as limit:
            return limit.ending


class _Conversation:
    """One run of the loop."""

    def __init__(self, sandbox: Sandbox, session: ModelSession, tools: Sequence[Tool]) -> None:
        self.sandbox = sandbox
        self.session = session
        self.tools = {tool.spec.name: tool for tool in tools}
        self.specs = tuple(tool.spec for tool in tools)
        self.was_reminded = False

    async def run(self, task: TaskView) -> Ending:
        messages = first_messages(task)
        while True:
            turn = await self.session.turn(messages, self.specs)
            messages = []
            clock = time.monotonic()
            observations, is_submitted = await self._act(turn)
            self.session.observe(observations, duration_s=time.monotonic() - clock)
            if is_submitted:
                return Ending.SUBMITTED
            self._judge(turn)

    async def _act(self, turn: Turn) -> tuple[list[Message], bool]:
        """Carry out the calls in order, up to and including the first `submit`."""
        observations: list[Message] = []
        for call in turn.message.tool_calls:
            answer, is_submitted = await self._call(call)
            observations.append(
                Message(role="tool", content=answer, tool_call_id=call.id, name=call.name)
            )
            if is_submitted:
                return observations, True
        if turn.format_errors:
            observations.append(Message(role="user", content=explain_format(turn.format_errors)))
        elif not observations:
            observations.append(Message(role="user", content=ASK_FOR_CALL))
        return observations, False

    async def _call(self, call: ToolCall) -> tuple[str, bool]:
        problem = explain_arguments(call, self.specs)
        if problem is not None:
            return problem, False
        decision = self.session.judge(call)
        if decision is not None and not decision.is_allowed:
            return decision.feedback, False
        context = ToolContext(self.sandbox, self.session.remaining_s())
        answer = await self.tools[call.name].run(context, call.arguments)
        return answer, call.name == SUBMIT.spec.name

    def _judge(self, turn: Turn) -> None:
        """Count turns that could not be acted on; the first one without any call only reminds."""
        if turn.message.tool_calls and not turn.format_errors:
            self.session.count_format(is_good=True)
        elif not turn.format_errors and not self.was_reminded:
            self.was_reminded = True
        else:
            self.session.count_format(is_good=False)

"""A model that builds: it installs what a project needs and writes the script that tells states apart.

The loop ends when a verifier that was handed in runs the code, fails on the buggy state with at least
one test by name, and passes on the fixed one (SWE-Universe, arXiv 2602.02361, section 3). A script that
only searches text is refused before it is run. What it found is tried again in fresh sandboxes
without a network by whoever uses it.

    outcome = await build_with_agent(project, case, asker, environments)
    outcome.environment, outcome.verifier, outcome.num_turns
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from journeyman.config import digest
from journeyman.errors import FAILURES, AttributedError, JourneymanError
from journeyman.tasks.asking import Asker
from journeyman.tasks.building.case import Case
from journeyman.tasks.building.tools import TOOLS, shortened
from journeyman.tasks.building.workplace import Workplace, opened_workplace
from journeyman.tasks.project import Project
from journeyman.tasks.quality.running import find_idle_verifier
from journeyman.templates import get_template
from journeyman.types import (
    Completion,
    Environment,
    Message,
    TestStatus,
    ToolCall,
    VerifierSpec,
)
from journeyman.verify import VerifierRun, list_parsers, parse_log, run_verifier

__all__ = ["BuildLimits", "BuildOutcome", "build_with_agent"]

_TEMPLATE = "hermes"
_KNOWN = ("pytest", "unittest")
"""Parsers of formats so plain that others read them as well."""

_FAILING = (TestStatus.FAILED, TestStatus.ERROR)

SYSTEM = """\
You make the environment in which a project's tests run, and the verifier that grades work on it. The
project lies in /testbed. A {language} environment is at /opt/environment, first on the path; install
into it what the tests need: `/opt/uv pip install --python /opt/environment/bin/python NAME …`. The tree
can be switched between a buggy and a fixed state. Your verifier must run the tests that tell the two
apart: it fails on the buggy state and passes on the fixed one, and it must run the code, not search its
text. When it does both, submit."""


@dataclass(frozen=True, slots=True)
class BuildLimits:
    """How far a building agent may go."""

    num_turns: int = 40
    time_s: float = 1800.0
    command_s: float = 600.0
    verifier_s: float = 300.0


@dataclass(frozen=True, slots=True)
class BuildOutcome:
    """What an agent built."""

    environment: Environment
    verifier: VerifierSpec
    fail_to_pass: tuple[str, ...]
    num_turns: int
    num_refused: int
    """Verifiers that were handed in and did not do."""
    duration_s: float
    verdicts: tuple[str, ...] = ()
    """Why each was refused, in order."""


class _Stuck(Exception):  # noqa: N818 - an ending, not an error
    """The agent gave up or ran out of turns."""


async def build_with_agent(
    project: Project,
    case: Case,
    asker: Asker,
    environments: Path,
    *,
    limits: BuildLimits | None = None,
    on_progress: Callable[[str], None] | None = None,
    backend: str = "namespace",
) -> BuildOutcome:
    """Let a model build an environment for one case; it lies in `environments` afterwards.

    Raises `JourneymanError` where it does not get there within its limits; `AttributedError` where the
    machine fails.
    """
    started = time.monotonic()
    limits = limits or BuildLimits()
    say = on_progress or (lambda _: None)
    async with opened_workplace(project, case, environments, backend=backend) as place:
        agent = _Agent(place, case, asker, limits, say)
        try:
            found = await agent.work(started)
        except _Stuck as stuck:
            place.log(f"given up: {stuck}")
            raise JourneymanError(
                f"the building agent did not tell the states of {case.name} apart: {stuck}",
                f"what it did is in {place.kept_log}",
            ) from None
        environment = await place.finish(
            found.verifier, key=digest([case.name, found.verifier.command, asker.use.model])
        )
    return BuildOutcome(
        environment=environment,
        verifier=found.verifier,
        fail_to_pass=found.fail_to_pass,
        num_turns=agent.num_turns,
        num_refused=len(agent.verdicts),
        duration_s=time.monotonic() - started,
        verdicts=tuple(agent.verdicts),
    )


@dataclass(frozen=True, slots=True)
class _Found:
    verifier: VerifierSpec
    fail_to_pass: tuple[str, ...]


@dataclass
class _Agent:
    """One conversation with a model, and what it has made so far."""

    place: Workplace
    case: Case
    asker: Asker
    limits: BuildLimits
    say: Callable[[str], None]
    script: str = ""
    num_turns: int = 0
    verdicts: list[str] = field(default_factory=list)
    found: _Found | None = None

    async def work(self, started: float) -> _Found:
        messages: tuple[Message, ...] = self._first_messages()
        while True:
            if self.num_turns >= self.limits.num_turns:
                raise _Stuck(f"{self.num_turns} turns" + self._last_verdict())
            if time.monotonic() - started > self.limits.time_s:
                raise _Stuck(f"over {self.limits.time_s:.0f} s" + self._last_verdict())
            message = await self._next(messages)
            self.num_turns += 1
            answers = await self._answers(message)
            if self.found is not None:
                return self.found
            messages = (*messages, message, *answers)

    async def _next(self, messages: tuple[Message, ...]) -> Message:
        try:
            done = await self.asker.converse(messages, about=self.case.name, tools=TOOLS)
        except AttributedError as error:
            if FAILURES[error.cause].retry_budget != "none":
                raise
            raise _Stuck(str(error) + self._last_verdict()) from None
        return _message_of(done)

    async def _answers(self, message: Message) -> list[Message]:
        if not message.tool_calls:
            return [Message(role="user", content="Call a tool, or submit the verifier.")]
        answers: list[Message] = []
        for call in message.tool_calls:
            answer = await self._answer(call)
            self.place.log(f"{call.name} {call.arguments}\n{answer}")
            answers.append(
                Message(role="tool", content=answer, tool_call_id=call.id, name=call.name)
            )
            if self.found is not None:
                break
        return answers

    async def _answer(self, call: ToolCall) -> str:
        if call.name == "run":
            return await self._run(str(call.arguments.get("command", "")))
        if call.name == "write_verifier":
            return self._write(str(call.arguments.get("script", "")))
        if call.name in ("switch_to_buggy", "switch_to_fixed"):
            await self.place.switch("buggy" if call.name == "switch_to_buggy" else "fixed")
            return f"The tree is {call.name.removeprefix('switch_to_')} now."
        if call.name == "submit":
            return await self._submit()
        return f"There is no tool {call.name}."

    async def _run(self, command: str) -> str:
        self.say(f"$ {command[:100]}")
        done = await self.place.sandbox.execute(command, timeout_s=self.limits.command_s)
        said = (done.stdout + done.stderr).decode(errors="replace").strip()
        ending = "timed out" if done.is_timed_out else f"exit code {done.exit_code}"
        return shortened(said) + f"\n[{ending}]"

    def _write(self, script: str) -> str:
        if reason := find_idle_verifier(script):
            self.verdicts.append(f"refused: {reason}")
            return f"Refused: {reason}. A verifier must run the code under test."
        self.script = script
        return "Written. Submit it when it fails on the buggy state and passes on the fixed one."

    async def _submit(self) -> str:
        if not self.script:
            return "There is no verifier yet: call write_verifier."
        verdict = await self._tell_apart()
        if isinstance(verdict, _Found):
            self.found = verdict
            return "Done."
        self.verdicts.append(verdict)
        self.say(f"verifier refused: {verdict}")
        return f"It does not do: {verdict}"

    async def _tell_apart(self) -> _Found | str:
        """Run the verifier on both states; say what is wrong with it if it does not tell them apart."""
        fixed = await self._verified("fixed")
        if fixed.is_timed_out:
            return f"on the fixed state it does not end within {self.limits.verifier_s:.0f} s"
        if fixed.exit_code != 0:
            return f"on the fixed state it exits with {fixed.exit_code}:\n{_tail(fixed)}"
        parser, passing = _best_parser(fixed)
        if not passing:
            return f"on the fixed state it names no test that passes:\n{_tail(fixed)}"
        buggy = await self._verified("buggy")
        if buggy.exit_code == 0:
            return "it exits with 0 on the buggy state as well"
        statuses = parse_log(parser, buggy.log.decode(errors="replace"))
        failing = tuple(sorted(t for t in passing if statuses.get(t) in (*_FAILING, None)))
        if not any(statuses.get(test) in _FAILING for test in failing) and len(failing) == len(
            passing
        ):
            return f"on the buggy state no test is named at all:\n{_tail(buggy)}"
        verifier = VerifierSpec(
            command=self.script, log_parser=parser, timeout_s=self.limits.verifier_s
        )
        return _Found(verifier, failing) if failing else "the same tests pass on both states"

    async def _verified(self, state: str) -> VerifierRun:
        await self.place.switch(state)
        spec = VerifierSpec(
            command=self.script, log_parser="pytest", timeout_s=self.limits.verifier_s
        )
        run = await run_verifier(self.place.sandbox, spec)
        self.place.log(f"verifier on the {state} state: exit {run.exit_code}\n{_tail(run)}")
        return run

    def _first_messages(self) -> tuple[Message, ...]:
        tests = ", ".join(self.case.tests) or "the project's own"
        told = f"The case: {self.case.name}. Tests that tell the states apart: {tests}."
        return (
            Message(role="system", content=SYSTEM.format(language=self.case.language)),
            Message(role="user", content=f"{told}\n\nFiles:\n{self.place.listing}"),
        )

    def _last_verdict(self) -> str:
        return f"; the last verifier: {self.verdicts[-1][:200]}" if self.verdicts else ""


def _message_of(done: Completion) -> Message:
    """Return the turn as a message with its calls, whichever way the model writes them."""
    if done.message is not None:
        return done.message.model_copy(update={"role": "assistant"})
    parsed = get_template(_TEMPLATE).parse(done.text, TOOLS)
    return Message(role="assistant", content=parsed.content, tool_calls=parsed.calls)


def _best_parser(run: VerifierRun) -> tuple[str, list[str]]:
    """Return the parser that reads the most passing tests from a log, and those."""
    log = run.log.decode(errors="replace")
    read = {name: parse_log(name, log) for name in list_parsers()}
    passing = {
        name: sorted(test for test, status in found.items() if status == TestStatus.PASSED)
        for name, found in read.items()
    }
    known = [name for name in _KNOWN if passing.get(name)]
    name = known[0] if known else max(passing, key=lambda it: len(passing[it]))
    return name, passing[name]


def _tail(run: VerifierRun) -> str:
    return run.log.decode(errors="replace").strip()[-1500:]

"""`journeyman code`: a coding assistant in this folder, on a model of one's own."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from journeyman.cli.output import note, print_json, print_lines, print_table
from journeyman.errors import JourneymanError

if TYPE_CHECKING:
    from journeyman.assistant import Agent, Approvals, SessionFile
    from journeyman.assistant.terminal import TerminalView

__all__ = ["code"]

_HELP = """\
/new       forget what was said, and begin a session anew
/files     the files that were changed
/sessions  earlier sessions in this folder
/exit      leave (so does Ctrl-D)
Ctrl-C ends what the assistant is doing; a line that ends in \\ goes on in the next."""


@dataclass(frozen=True, slots=True)
class _Settings:
    """What was asked for on the command line."""

    model: str
    template: str
    sandbox: str
    network: Literal["none", "open"]
    approve: Literal["ask", "edits", "all", "none"]
    temperature: float
    max_calls: int


def code(
    folder: Path = Path(),
    /,
    *,
    model: str = "smollm2",
    prompt: Annotated[str, Parameter(name=["--prompt", "-p"])] = "",
    approve: Literal["ask", "edits", "all", "none"] = "ask",
    sandbox: Literal["namespace", "off"] = "namespace",
    network: Literal["none", "open"] = "none",
    template: str = "",
    resume: str = "",
    resume_last: Annotated[bool, Parameter(name=["--continue", "-c"])] = False,
    list_all: Annotated[bool, Parameter(name="--list")] = False,
    temperature: float = 0.7,
    max_calls: int = 100,
    json: bool = False,
) -> int:
    """Help with the code in a folder: read, search, edit and run, each change and command approved.

    Commands run in a sandbox that sees the folder and no network; sessions are kept.

    Parameters
    ----------
    folder
        The project's folder; this one if none is given.
    model
        The model, as everywhere: smollm2, gguf:PATH, hf:FOLDER, http://…/v1#name, scripted:FILE.
    prompt
        Do this one thing and end, without asking anybody anything. The answer goes to stdout.
    approve
        What is asked before: ask (changes and commands), edits (changes are allowed), all (both are
        allowed), none (nothing is).
    sandbox
        Where commands run; off runs them as yourself, with all that you may do.
    network
        Whether commands in the sandbox reach the network.
    template
        The tool chat template that the model is spoken to in; told from its name where that is known.
    resume
        Go on with this session; the beginning of its identifier is enough.
    resume_last
        Go on with the latest session in this folder.
    list_all
        List the sessions, and end.
    temperature
        How freely the model draws; 0 takes the likeliest token.
    max_calls
        Most calls of the model for one thing that is asked.
    json
        With --list or --prompt: print the result as JSON.
    """
    if list_all:
        return _list(is_json=json)
    place = folder.resolve()
    if not place.is_dir():
        raise JourneymanError(f"{folder} is no folder", "journeyman code FOLDER")
    if json and not prompt:
        raise JourneymanError("only an answer to --prompt is JSON", "add -p PROMPT, or omit --json")
    if not prompt and not sys.stdin.isatty():
        raise JourneymanError("there is no terminal to talk in", 'add -p "what to do"')
    settings = _Settings(model, template, sandbox, network, approve, temperature, max_calls)
    kept = _session(place, resume, resume_last, settings)
    with asyncio.Runner() as runner:
        return _run(runner, place, settings, kept, prompt, is_json=json)


def _list(*, is_json: bool) -> int:
    from journeyman.assistant import list_sessions

    found = list_sessions()
    if is_json:
        print_json([asdict(it) for it in found])
        return 0
    rows = [(it.id, it.folder, it.num_messages, it.title) for it in found]
    print_table(("session", "folder", "messages", "asked first"), rows)
    return 0


def _session(place: Path, resume: str, is_last: bool, settings: _Settings) -> SessionFile:
    from journeyman.assistant import SessionFile, find_session

    if resume or is_last:
        return find_session(resume, place)
    return SessionFile.begin(place, settings.model)


def _run(
    runner: asyncio.Runner,
    place: Path,
    settings: _Settings,
    kept: SessionFile,
    prompt: str,
    *,
    is_json: bool,
) -> int:
    from rich.console import Console

    from journeyman.assistant import Approvals
    from journeyman.assistant.terminal import TerminalView

    is_talk = not prompt
    console = Console(stderr=not is_talk, highlight=False)
    view = TerminalView(console, can_ask=is_talk, shows_content=is_talk)
    approvals = Approvals(settings.approve, view)
    stack = AsyncExitStack()
    try:
        agent = runner.run(_open(stack, place, settings, kept, approvals, view))
        if prompt:
            return _once(runner, agent, prompt, kept, approvals, is_json=is_json)
        note(f"{settings.model} in {place}; /help says more")
        return _talk(runner, agent, kept, approvals, view)
    finally:
        runner.run(stack.aclose())


async def _open(
    stack: AsyncExitStack,
    place: Path,
    settings: _Settings,
    kept: SessionFile,
    approvals: Approvals,
    view: TerminalView,
) -> Agent:
    """Open model and folder, and put the conversation so far between them."""
    from journeyman.assistant import Agent, open_folder
    from journeyman.assistant.prompt import system_prompt
    from journeyman.cli.spoken import gateway_settings, spoken
    from journeyman.gateway.engine import Engine
    from journeyman.models import open_model
    from journeyman.types import Message

    opened = await open_model(settings.model, on_progress=note)
    stack.push_async_callback(opened.close)
    behind, chosen = spoken(opened, settings.template)
    guarded = open_folder(place, approvals, sandbox=settings.sandbox, network=settings.network)
    folder = await stack.enter_async_context(guarded)
    messages = kept.messages()
    if not messages:
        has_network = settings.network == "open" or settings.sandbox == "off"
        system = Message(role="system", content=system_prompt(place, has_network=has_network))
        messages = [system]
        kept.append(system)
    return Agent(
        Engine(behind, chosen, gateway_settings(opened)),
        folder,
        approvals,
        view,
        messages,
        keep=kept.append,
        temperature=settings.temperature,
        most_calls=settings.max_calls,
    )


def _once(
    runner: asyncio.Runner,
    agent: Agent,
    prompt: str,
    kept: SessionFile,
    approvals: Approvals,
    *,
    is_json: bool,
) -> int:
    """Do one thing; the exit code says whether it came to an end."""
    started = time.monotonic()
    result = runner.run(_turn(agent, prompt))
    record: dict[str, Any] = {
        "session": kept.about.id,
        **asdict(result),
        "changed": approvals.changed,
        "duration_s": round(time.monotonic() - started, 3),
    }
    if is_json:
        print_json(record)
    else:
        print_lines([result.answer])
    return 0 if result.is_whole else 1


async def _turn(agent: Agent, text: str) -> Any:
    from journeyman.gateway.errors import GatewayError

    try:
        return await agent.turn(text)
    except GatewayError as error:
        hint = "journeyman doctor"
        if error.code == "context_length_exceeded":
            hint = "begin anew (/new), or take a model with a longer context"
        raise JourneymanError(error.text, hint) from None


def _talk(
    runner: asyncio.Runner,
    agent: Agent,
    kept: SessionFile,
    approvals: Approvals,
    view: TerminalView,
) -> int:
    """Talk until the person leaves."""
    from journeyman.assistant import SessionFile

    # Gives the prompt its arrows and its history.
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401
    while True:
        try:
            said = _read_line().strip()
        except EOFError:
            break
        except KeyboardInterrupt:
            view.show("note", "\n/exit or Ctrl-D leaves")
            continue
        if said in ("/exit", "/quit"):
            break
        if said == "/new":
            kept = SessionFile.begin(agent.folder, kept.about.model)
            agent.begin_anew(kept.append)
            view.show("note", "what was said is forgotten")
        elif said.startswith("/"):
            _command(said, agent, approvals, view)
        elif said:
            _say(runner, agent, said, view)
    note(f"kept as {kept.about.id}; journeyman code --resume {kept.about.id} goes on")
    return 0


def _read_line() -> str:
    line = input("\n> ")
    while line.endswith("\\"):
        line = f"{line[:-1]}\n{input('… ')}"
    return line


def _say(runner: asyncio.Runner, agent: Agent, said: str, view: TerminalView) -> None:
    try:
        runner.run(_turn(agent, said))
    except KeyboardInterrupt:
        view.close_line()
        view.show("note", "interrupted")
    except JourneymanError as error:
        view.close_line()
        view.show("note", f"error: {error.message}\nhint: {error.hint}")
    view.close_line()


def _command(said: str, agent: Agent, approvals: Approvals, view: TerminalView) -> None:
    from journeyman.assistant import list_sessions

    if said == "/files":
        view.show("note", "\n".join(approvals.changed) or "nothing was changed")
    elif said == "/sessions":
        found = list_sessions(agent.folder)
        view.show("note", "\n".join(f"{it.id}  {it.title}" for it in found) or "none")
    else:
        view.show("note", _HELP)

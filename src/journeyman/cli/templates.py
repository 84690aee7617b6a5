"""`journeyman templates`: list, render, parse and check the tool chat templates."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from journeyman.cli.output import note, print_json, print_lines, print_table
from journeyman.errors import JourneymanError

if TYPE_CHECKING:
    from journeyman.templates.core.template import ToolTemplate
    from journeyman.types import Message, ToolSpec

__all__ = ["app"]

app = App(
    name="templates",
    help="The tool chat templates: how tools are declared, called and answered as text.",
)


_PathOrDash = Annotated[str, Parameter(allow_leading_hyphen=True)]


@app.command(name="list")
def list_all(*, json: bool = False) -> int:
    """Show every template with how it declares tools and how it writes calls.

    Parameters
    ----------
    json
        Print the table as JSON.
    """
    rows = [_row(template) for template in _templates(())]
    if json:
        print_json(rows)
        return 0
    print_table(
        ("template", "definition", "call", "from"),
        [(row["name"], row["definition"], row["call"], _origin(row)) for row in rows],
    )
    return 0


@app.command
def render(
    template: str,
    conversation: _PathOrDash = "",
    /,
    *,
    generation_prompt: Annotated[bool, Parameter(negative="--no-generation-prompt")] = True,
    json: bool = False,
) -> int:
    """Write a conversation as the text that a model reads.

    Parameters
    ----------
    template
        Name of a template, or jinja:PATH for a chat_template.jinja.
    conversation
        A JSON file of messages and tools, `-` for standard input; without one, a sample.
    generation_prompt
        End with what opens the assistant's next turn.
    json
        Print the text as a JSON string, with the stop texts.
    """
    from journeyman.templates import get_template

    chosen = get_template(template)
    messages, tools = _conversation(conversation)
    text = chosen.render(messages, tools, add_generation_prompt=generation_prompt)
    if json:
        print_json({"template": chosen.name, "text": text, "stop": chosen.stop})
    else:
        sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
    return 0


@app.command
def parse(
    template: str,
    text: _PathOrDash = "-",
    /,
    *,
    tools: Path | None = None,
    validate: Annotated[bool, Parameter(negative="--no-validate")] = True,
    json: bool = False,
) -> int:
    """Read one assistant turn. Exits 1 if it has format errors.

    Parameters
    ----------
    template
        Name of a template.
    text
        A file with what the model wrote, `-` for standard input.
    tools
        A JSON file with a list of tools, or a conversation that has one.
    validate
        Also check calls against the tools' declarations.
    json
        Print the turn as JSON.
    """
    from journeyman.templates import get_template
    from journeyman.templates import validate as find_breaches

    declared = _tools(tools)
    turn = get_template(template).parse(_read(text), declared)
    if validate and tools is not None:
        turn = turn.model_copy(update={"errors": find_breaches(turn, declared)})
    if json:
        print_json(turn)
    else:
        print_lines(_turn_lines(turn))
    return 1 if turn.errors else 0


@app.command
def check(*names: str, write_docs: Path | None = None, json: bool = False) -> int:
    """Check that templates keep their promises. Exits 1 if one does not.

    Parameters
    ----------
    names
        Templates to check; all of them if none is named.
    write_docs
        Also write a page per template into this folder.
    json
        Print the checks as JSON.
    """
    from journeyman.templates.core.documentation import pages
    from journeyman.templates.core.selfcheck import check_template

    chosen = _templates(names)
    found = {template.name: check_template(template) for template in chosen}
    if write_docs is not None:
        _write(write_docs, dict(pages(chosen)))
    if json:
        print_json(found)
    else:
        rows = [
            (name, "ok" if c.is_ok else "FAILED", c.name, c.detail)
            for name, cs in found.items()
            for c in cs
        ]
        print_table(("template", "", "check", "first breach"), rows)
    return 0 if all(each.is_ok for checks in found.values() for each in checks) else 1


def _write(folder: Path, pages: dict[str, str]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, page in pages.items():
            (folder / name).write_text(page, encoding="utf-8")
    except OSError as error:
        message = f"cannot write to {folder}: {error.strerror}"
        raise JourneymanError(message, "choose another folder") from None
    note(f"wrote {len(pages)} pages to {folder}")


def _templates(names: tuple[str, ...]) -> list[ToolTemplate]:
    from journeyman.templates import get_template, list_templates

    return [get_template(name) for name in names or list_templates()]


def _row(template: ToolTemplate) -> dict[str, Any]:
    return {
        "name": template.name,
        "definition": template.definition_format,
        "call": template.call_format,
        "source": template.source,
        "is_stand_in": template.is_stand_in,
        "stop": template.stop,
    }


def _origin(row: dict[str, Any]) -> str:
    return f"{row['source']} (stand-in)" if row["is_stand_in"] else str(row["source"])


def _read(path: str) -> str:
    if path == "-":
        return sys.stdin.read()
    if path.startswith("--"):
        raise JourneymanError(f"unknown option: {path}", "journeyman templates --help")
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise JourneymanError(f"cannot read {path}: {error.strerror}", "check the path") from None
    except UnicodeDecodeError:
        raise JourneymanError(f"{path} is not UTF-8 text", "check the file") from None


def _load(path: str) -> Any:
    from json import loads

    try:
        return loads(_read(path))
    except ValueError as error:
        raise JourneymanError(f"{path} is not valid JSON: {error}", "fix that line") from None


def _conversation(path: str) -> tuple[list[Message], list[ToolSpec]]:
    from journeyman.templates.core.samples import CONVERSATION, TOOLS
    from journeyman.templates.core.wire import read_conversation

    return read_conversation(_load(path)) if path else (list(CONVERSATION), list(TOOLS))


def _tools(path: Path | None) -> list[ToolSpec]:
    from journeyman.templates.core.wire import read_tool

    data = [] if path is None else _load(str(path))
    listed = data.get("tools") if isinstance(data, dict) else data
    if not isinstance(listed, list):
        raise JourneymanError(f"{path} holds no list of tools", '[{"name": ..., "parameters": {}}]')
    return [read_tool(tool) for tool in listed]


def _turn_lines(turn: Any) -> list[str]:
    from json import dumps

    lines = [f"reasoning: {turn.reasoning}"] if turn.reasoning else []
    lines += [f"content: {turn.content}"] if turn.content else []
    for call in turn.calls:
        lines.append(f"call: {call.name} {dumps(call.arguments, ensure_ascii=False)}")
    for error in turn.errors:
        lines.append(f"error: {error.kind} at {error.start}-{error.end}: {error.message}")
    return lines

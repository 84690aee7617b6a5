"""Render-only templates from a Hugging Face `chat_template.jinja`, in Jinja's sandbox.

Not a parser: a Jinja file does not say how calls are read, so `parse` and `stream` of such a template
raise a `JourneymanError`, as does whatever the file itself gets wrong.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

from jinja2 import TemplateError, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from journeyman.errors import JourneymanError
from journeyman.templates.core.cursor import Cursor, Reader
from journeyman.templates.core.declaration import message_dictionary, tool_dictionary
from journeyman.templates.core.template import ToolTemplate
from journeyman.templates.core.turn import TurnBuilder
from journeyman.types import Message, ToolSpec

__all__ = ["load_jinja", "render_jinja"]

_HINT = "journeyman templates list names those that also read"


def _to_json(value: Any, indent: int | None = None, **options: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent, **options)


def _raise(message: str) -> NoReturn:
    raise TemplateError(message)


def render_jinja(source: str, **variables: Any) -> str:
    """Render a chat template's source the way the transformers library does."""
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _raise
    environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    return environment.from_string(source).render(**variables)


def load_jinja(path: str) -> ToolTemplate:
    """Load a `chat_template.jinja`; special tokens are taken from its folder where it has them."""
    file = Path(path)
    if file.is_dir():
        file = file / "chat_template.jinja"
    if not file.is_file():
        raise JourneymanError(
            f"no chat template at {path}", "name a chat_template.jinja, as in jinja:PATH"
        )
    source = _read(file)
    tokens = _special_tokens(file.parent / "tokenizer_config.json")

    def write(messages: Sequence[Message], tools: Sequence[ToolSpec], add_prompt: bool) -> str:
        try:
            return render_jinja(
                source,
                messages=[message_dictionary(message) for message in messages],
                tools=[tool_dictionary(tool) for tool in tools] or None,
                add_generation_prompt=add_prompt,
                **tokens,
            )
        except TemplateSyntaxError as error:
            raise JourneymanError(
                f"{path}, line {error.lineno}: {error.message}", "mend the Jinja file"
            ) from error
        except Exception as error:  # whatever the file's own expressions raise
            reason = " ".join(str(error).split())
            raise JourneymanError(
                f"{path} refuses the conversation: {reason}", "change the conversation or the file"
            ) from error

    def write_turn(message: Message) -> str:
        raise JourneymanError(f"{path} only renders whole conversations", _HINT)

    def read(cursor: Cursor, turn: TurnBuilder) -> Reader:
        raise JourneymanError(f"{path} only renders; it does not say how calls are read", _HINT)

    return ToolTemplate(
        name=f"jinja:{path}",
        definition_format="as in the file",
        call_format="as in the file",
        source=str(path),
        stop=tuple(token for token in (tokens.get("eos_token"),) if token),
        read=read,
        write=write,
        write_turn=write_turn,
        notes=("Renders only: a Jinja file does not say how calls are read.",),
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise JourneymanError(f"{path} is not UTF-8 text", "check the file") from None


def _special_tokens(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {"bos_token": "", "eos_token": ""}
    try:
        config = json.loads(_read(path))
    except ValueError as error:
        raise JourneymanError(f"{path} is not valid JSON: {error}", "mend that file") from None
    if not isinstance(config, dict):
        raise JourneymanError(f"{path} holds no JSON object", "mend that file")
    found = {}
    for key in ("bos_token", "eos_token"):
        value = config.get(key) or ""
        found[key] = value.get("content", "") if isinstance(value, dict) else str(value)
    return found

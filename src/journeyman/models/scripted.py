"""Models that follow a script: for tests, demonstrations and the two ends of every scale.

A script is a list of assistant messages. The model holds no state: it counts the assistant messages
of the prompt and answers with the next one of the script, so that any number of rollouts share it.
`noop` submits at once, whatever was said before. Not a language model.

    $ cat script.json
    [{"tool_calls": [{"name": "bash", "arguments": {"command": "ls"}}]},
     {"tool_calls": [{"name": "submit"}]}]
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from journeyman.errors import AttributedError, JourneymanError
from journeyman.types import Completion, Message, Prompt, Sampling, ToolCall

__all__ = ["OracleModel", "ScriptedModel", "load_script", "noop_script"]

Script = tuple[Message, ...]


class ScriptedModel:
    """Answers with the messages of a script, chosen by how many turns the prompt already holds."""

    reads_text = False

    def __init__(
        self,
        name: str,
        default: Sequence[Message] = (),
        scripts: Mapping[str, Sequence[Message]] | None = None,
        *,
        repeats_last: bool = False,
    ) -> None:
        """With `repeats_last` the last message is said again and again past the script's end."""
        self.name = name
        self.repeats_last = repeats_last
        self.default: Script = tuple(default)
        self.scripts: dict[str, Script] = {key: tuple(it) for key, it in (scripts or {}).items()}

    def for_task(self, instance_id: str) -> ScriptedModel:
        """Return the same model with this task's script, or the default one, as its only script."""
        script = self.scripts.get(instance_id, self.default)
        return ScriptedModel(self.name, script, repeats_last=self.repeats_last)

    async def complete(self, prompt: Prompt, sampling: Sampling) -> Completion:
        """Answer with the next message of the script; past its end the model refuses."""
        index = sum(message.role == "assistant" for message in prompt.messages)
        if self.repeats_last and self.default:
            index = min(index, len(self.default) - 1)
        if index >= len(self.default):
            raise AttributedError(
                "model_refused",
                f"the script of {self.name} ends after {len(self.default)} messages",
            )
        return Completion(message=self.default[index], model_version=self.name)

    async def close(self) -> None:
        """Nothing to release."""


class OracleModel:
    """The model that knows the fix. It must be bound to a task before it can answer."""

    name = "oracle"
    reads_text = False

    async def complete(self, prompt: Prompt, sampling: Sampling) -> Completion:
        """Refuse: without a task there is no fix to know."""
        raise AttributedError("model_refused", "the oracle answers only when bound to a task")

    async def close(self) -> None:
        """Nothing to release."""


def noop_script() -> Script:
    """Return the one message that submits at once."""
    call = ToolCall(name="submit", id="call_submit")
    return (Message(role="assistant", content="I submit.", tool_calls=(call,)),)


def load_script(path: Path) -> ScriptedModel:
    """Read a script file: JSON or JSONL.

    JSON is a list of assistant messages, or an object `{"default": [...], "scripts": {instance_id:
    [...]}}`. JSONL is a message a line, or `{"instance_id": …, "messages": [...]}` a line, mixed.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise JourneymanError(
            f"cannot read the script {path}: {reason}",
            "write --model scripted:FILE with a JSON file",
        ) from None
    name = f"scripted:{path.name}"
    if path.suffix == ".jsonl":
        return _from_lines(name, path, text)
    return _from_document(name, path, _decoded(text, str(path)))


def _decoded(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise _broken(where, f"not valid JSON: {error}") from None


def _from_document(name: str, path: Path, document: Any) -> ScriptedModel:
    if isinstance(document, list):
        return ScriptedModel(name, _messages(document, str(path)))
    if not isinstance(document, dict) or not document.keys() <= {"default", "scripts"}:
        raise _broken(str(path), "neither a list nor an object of `default` and `scripts`")
    scripts = document.get("scripts", {})
    if not isinstance(scripts, dict):
        raise _broken(str(path), "`scripts` is not an object of instance_id: messages")
    named = {key: _messages(it, f"{path}: scripts.{key}") for key, it in scripts.items()}
    return ScriptedModel(name, _messages(document.get("default", []), f"{path}: default"), named)


def _from_lines(name: str, path: Path, text: str) -> ScriptedModel:
    default: list[Message] = []
    scripts: dict[str, Script] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        where = f"{path}:{number}"
        record = _decoded(line, where) if line.strip() else None
        if isinstance(record, dict) and "instance_id" in record:
            scripts[str(record["instance_id"])] = _messages(record.get("messages"), where)
        elif record is not None:
            default += _messages([record], where)
    return ScriptedModel(name, default, scripts)


def _messages(records: Any, where: str) -> Script:
    if not isinstance(records, list):
        raise _broken(where, "not a list of assistant messages")
    return tuple(
        _message(record, f"{where}: message {index}") for index, record in enumerate(records)
    )


def _message(record: Any, where: str) -> Message:
    if not isinstance(record, dict):
        raise _broken(where, "not an object")
    fields = {"role": "assistant", **record}
    calls = fields.pop("tool_calls", None) or []
    try:
        fields["tool_calls"] = tuple(_call(call, index) for index, call in enumerate(calls))
        message = Message.model_validate(fields)
    except (ValidationError, TypeError, AttributeError, KeyError, ValueError) as error:
        raise _broken(where, " ".join(str(error).split())) from None
    if message.role != "assistant":
        raise _broken(where, f"its role is {message.role}, a script holds assistant messages only")
    return message


def _call(record: Mapping[str, Any], index: int) -> ToolCall:
    """Read a call as Journeyman writes it, or as OpenAI does, with arguments as JSON text."""
    function = record.get("function", record)
    arguments = function.get("arguments", {})
    values = json.loads(arguments) if isinstance(arguments, str) else arguments
    return ToolCall(
        name=function["name"], arguments=values, id=record.get("id", "") or f"call_{index}"
    )


def _broken(where: str, reason: str) -> JourneymanError:
    return JourneymanError(
        f"{where}: {reason}", 'a message is {"content": "…", "tool_calls": [{"name", "arguments"}]}'
    )

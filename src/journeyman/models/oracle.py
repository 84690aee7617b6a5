"""The model that knows the fix and applies it with whatever tools the agent around it declares.

It holds no state: what it has done it reads from the conversation. It finds a shell among the
declared tools by their schemas (or, where asked, a reader and an editor of files, to go through a
client's own edit tool), writes search-and-replace blocks for an agent that edits by text, keystrokes
for a terminal, and ends as the agent wants it. Not a language model.

    model = KnowingModel("oracle", task.patch)
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from journeyman.errors import AttributedError
from journeyman.models.hands import Editor, Hand, find_editor, find_ender, find_shell
from journeyman.models.remedy import edit_blocks, hunks_of, recorded_calls, shell_commands
from journeyman.types import Completion, Message, Prompt, Sampling, ToolCall, ToolSpec

__all__ = ["KnowingModel"]

_MINI_ENDS_BY = "COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"
_DONE = "The bug is fixed."


class KnowingModel:
    """The oracle of one task."""

    reads_text = False

    def __init__(
        self, name: str, patch: str, *, prefers_editor: bool = False, check: str = ""
    ) -> None:
        """`check` is a shell command to run between the fix and the end."""
        self.name = name
        self.patch = patch
        self.prefers_editor = prefers_editor
        self.check = check

    async def complete(self, prompt: Prompt, sampling: Sampling) -> Completion:
        """Answer with the next step. Refuses where the agent gives it no way to apply a patch."""
        if sampling.json_schema is not None:
            text = json.dumps(instance_of(sampling.json_schema))
            return self._say(Message(role="assistant", content=text))
        if (calls := recorded_calls(self.patch)) is not None:
            return self._say(Message(role="assistant", tool_calls=calls))
        if not prompt.tools:
            return self._say(Message(role="assistant", content=self._text(prompt.messages)))
        steps = self._steps(prompt)
        num_done = _num_acted(prompt.messages)
        if num_done < len(steps):
            return self._say(steps[num_done])
        return self._say(Message(role="assistant", content=_DONE))

    async def close(self) -> None:
        """Nothing to release."""

    def _say(self, message: Message) -> Completion:
        return Completion(message=message, model_version=self.name)

    def _steps(self, prompt: Prompt) -> list[Message]:
        """Return the turns with calls that this conversation takes, in order."""
        shell, editor = find_shell(prompt.tools), find_editor(prompt.tools)
        turns: list[list[ToolCall]] = []
        edits = self._edits(editor) if self.prefers_editor and editor else None
        if edits is not None:
            turns += edits
        elif shell is not None:
            # One a turn: some agents carry the calls of one turn out side by side.
            turns += [[shell.call(command=it)] for it in shell_commands(self.patch)]
        else:
            names = ", ".join(tool.name for tool in prompt.tools)
            raise AttributedError("model_refused", f"the oracle finds no shell among: {names}")
        if self.check and shell is not None:
            turns.append([shell.call(command=self.check)])
        turns += _ending(prompt.messages, prompt.tools, shell)
        return [
            _turn("I apply the fix." if index == 0 else "Next.", calls)
            for index, calls in enumerate(turns)
        ]

    def _edits(self, editor: Editor) -> list[list[ToolCall]] | None:
        hunks = hunks_of(self.patch)
        if hunks is None or not all(hunk.old for hunk in hunks):
            return None
        turns = []
        for path in dict.fromkeys(hunk.path for hunk in hunks):
            if editor.reader is not None:
                turns.append([editor.reader.call(path=f"/testbed/{path}")])
        for hunk in hunks:
            path = f"/testbed/{hunk.path}"
            turns.append([editor.hand.call(path=path, old=hunk.old, new=hunk.new)])
        return turns

    def _text(self, messages: Sequence[Message]) -> str:
        """Answer where no tool is declared: an edit by text, keystrokes, or a side question."""
        asked = "\n".join(it.content for it in messages if it.role in ("system", "user"))
        if "SEARCH/REPLACE" in asked and ">>>>>>> REPLACE" in asked:
            return edit_blocks(self.patch)
        if "fenced blocks of code" in asked:
            fence = "`" * 12  # longer than any in the patch
            return f"{fence}diff\n{self.patch}{fence}"
        if '"keystrokes"' in asked:
            return _keystrokes_json(self.patch, messages)
        if "<keystrokes" in asked:
            return _keystrokes_xml(self.patch, messages)
        return "Fix a bug"


def _turn(content: str, calls: Sequence[ToolCall]) -> Message:
    named = tuple(
        call.model_copy(update={"id": f"call_{index}"}) for index, call in enumerate(calls)
    )
    return Message(role="assistant", content=content, tool_calls=named)


def _ending(
    messages: Sequence[Message], tools: Sequence[ToolSpec], shell: Hand | None
) -> list[list[ToolCall]]:
    """Return the turn that ends the agent's loop, where a plain answer does not."""
    ender = find_ender(tools)
    if ender is not None:
        return [[ender.call()]]
    asked = any(_MINI_ENDS_BY in it.content for it in messages if it.role in ("system", "user"))
    if asked and shell is not None:
        return [[shell.call(command=f"echo {_MINI_ENDS_BY}")]]
    return []


def _num_acted(messages: Sequence[Message]) -> int:
    return sum(it.role == "assistant" and bool(it.tool_calls) for it in messages)


# --- answers without tools ---------------------------------------------------------------------


def _keystrokes_json(patch: str, messages: Sequence[Message]) -> str:
    commands, is_done = _terminal_step(patch, messages)
    return json.dumps(
        {
            "analysis": "The cause is known.",
            "plan": "Apply the fix.",
            "commands": [{"keystrokes": it + "\n", "duration": 1.0} for it in commands],
            "task_complete": is_done,
        },
        indent=2,
    )


def _keystrokes_xml(patch: str, messages: Sequence[Message]) -> str:
    commands, is_done = _terminal_step(patch, messages)
    keys = "\n".join(f'<keystrokes duration="1.0">{it}\n</keystrokes>' for it in commands)
    return (
        "<response>\n<analysis>The cause is known.</analysis>\n<plan>Apply the fix.</plan>\n"
        f"<commands>\n{keys}\n</commands>\n<task_complete>{str(is_done).lower()}</task_complete>\n"
        "</response>"
    )


def _terminal_step(patch: str, messages: Sequence[Message]) -> tuple[list[str], bool]:
    has_begun = any(it.role == "assistant" for it in messages)
    return ([], True) if has_begun else (shell_commands(patch, longest=3000), False)


def instance_of(schema: dict[str, Any]) -> Any:
    """Return a small value that a JSON schema allows, for what a client asks on the side.

    >>> instance_of({"type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"]})
    {'a': False}
    """
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    for key in ("anyOf", "oneOf", "allOf"):
        if schema.get(key):
            return instance_of(schema[key][0])
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        properties = schema.get("properties", {})
        wanted = schema.get("required", list(properties))
        return {name: instance_of(properties.get(name, {})) for name in wanted}
    simple: dict[str, Any] = {"boolean": False, "array": [], "null": None}
    if kind in ("integer", "number"):
        return max(schema.get("minimum", 0), 0)
    return simple.get(kind, "Fix a bug")

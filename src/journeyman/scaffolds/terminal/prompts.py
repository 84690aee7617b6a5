"""The prompts of scaffold `terminal`, in its two variants."""

from __future__ import annotations

from typing import Literal

from journeyman.scaffolds.prompts import first_messages
from journeyman.scaffolds.terminal.answers import Answer
from journeyman.types import Message, TaskView

__all__ = ["ASK_AGAIN", "GONE", "Variant", "explain_answer", "opening"]

Variant = Literal["json", "xml"]

_SYSTEM = """\
You are a software engineer who works in a terminal, {size}, in a Linux machine without a network. You \
are shown the terminal and answer with the keys to type; then you are shown what came of it.

{form}

Keys are typed as they stand. A command runs only if its keys end with a newline. Keys that are nothing \
but names of tmux's, such as C-c or C-d, press those. `duration` is how many seconds to wait before the \
next keys are typed or the terminal is looked at: 0.1 for what is done at once, more for tests or \
builds, at most 60. To wait longer, type nothing and wait again.

Work in small steps, and look at what they did. When the task is done, set `task_complete`; you will be \
asked once more."""

_FORMS: dict[Variant, str] = {
    "json": """\
Answer with one JSON object and nothing around it:

{
  "analysis": "what the terminal shows, and what is left to do",
  "plan": "what you do next, and why",
  "commands": [{"keystrokes": "git status\\n", "duration": 0.1}],
  "task_complete": false
}

`commands` may be empty. `duration` is 1.0 and `task_complete` false where they are left out.""",
    "xml": """\
Answer with one <response> and nothing around it:

<response>
<analysis>what the terminal shows, and what is left to do</analysis>
<plan>what you do next, and why</plan>
<commands>
<keystrokes duration="0.1">git status
</keystrokes>
</commands>
<task_complete>false</task_complete>
</response>

<commands> may be empty. Keys are everything between the tags, newlines included. `duration` is 1.0 and \
<task_complete> false where they are left out.""",
}

ASK_AGAIN = (
    "You said that the task is done. What is in the workspace now will be graded, and nothing can be "
    "changed any more. If you are sure, say `task_complete` once more; else go on."
)
GONE = "The terminal had ended; this is a new one:"


def opening(variant: Variant, task: TaskView, screen: str) -> list[Message]:
    """Return the messages that open the conversation."""
    system = _SYSTEM.format(size="160 columns by 40 rows", form="{form}")
    user = first_messages(task)[1].content
    return [
        Message(role="system", content=system.replace("{form}", _FORMS[variant])),
        Message(role="user", content=f"{user}\n\n{screen}"),
    ]


def explain_answer(answer: Answer) -> str:
    """Tell the model what was wrong with its answer; empty if nothing was."""
    told = []
    if answer.error:
        told.append(f"Your answer could not be read, and nothing was typed: {answer.error}.")
    told += [f"Note: {warning}." for warning in answer.warnings]
    return "\n".join(told) + "\n\n" if told else ""

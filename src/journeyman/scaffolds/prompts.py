"""The prompts of our own scaffolds: what the agent is, what it works on, what it did wrong."""

from __future__ import annotations

from collections.abc import Sequence

from journeyman.types import FormatError, Message, TaskView

__all__ = ["ASK_FOR_CALL", "explain_format", "first_messages", "task_for_agent"]

_SYSTEM = """\
You are a software engineer who fixes bugs in a Git repository by calling tools.

The repository is in {workspace}. There is no network. Each command runs in a fresh shell that starts \
in {workspace}: `cd` and variables do not carry over to the next command, files do.

Work in small steps: find the code, reproduce the problem, change the code, check the change. Change \
the code itself, not its tests. Every turn must call at least one tool. When the problem is solved, \
call `submit`."""

_TASK = """\
Fix this problem in the repository at {workspace} ({language}, {repo}):

<problem>
{problem}
</problem>{hints}"""

_MACHINE = """\
You are an engineer who does a task on a Linux machine by calling tools.

Each command runs in a fresh shell that starts in {workspace}: `cd` and variables do not carry over to \
the next command, files do. You work alone: nobody can answer questions.

Work in small steps and check what you did. Every turn must call at least one tool. When the task is \
done, call `submit`."""

ASK_FOR_CALL = (
    "Your turn called no tool, so nothing happened. Call one, or `submit` if you are done."
)


def first_messages(task: TaskView) -> list[Message]:
    """Return the system and user messages that open the conversation about `task`.

    A task without a repository is a machine with something to do on it, told in its own words.
    """
    if not task.repo:
        system = _MACHINE.format(workspace=task.workspace)
        problem = task.problem_statement.strip()
        return [Message(role="system", content=system), Message(role="user", content=problem)]
    hints = f"\n\n<hints>\n{task.hints_text.strip()}\n</hints>" if task.hints_text.strip() else ""
    system = _SYSTEM.format(workspace=task.workspace)
    user = _TASK.format(
        workspace=task.workspace,
        language=task.language,
        repo=task.repo,
        problem=task.problem_statement.strip(),
        hints=hints,
    )
    return [Message(role="system", content=system), Message(role="user", content=user)]


def task_for_agent(task: TaskView) -> str:
    """Return what an external agent, which has a system prompt of its own, is asked to do."""
    user = first_messages(task)[1].content
    return (
        f"{user}\n\nYou work alone: nobody can answer questions, and there is no network. Change the "
        "code itself, not its tests, and check the change. You are done when the problem is solved.\n"
    )


def explain_format(errors: Sequence[FormatError]) -> str:
    """Tell the agent which parts of its turn could not be read."""
    listed = "\n".join(f"- {error.message} ({error.kind})" for error in errors)
    return f"Part of your turn could not be read and was not carried out:\n{listed}"

"""Scaffold `answer`: one turn without tools; the code in the answer goes where the task says.

A fence that names a file (```` ```html index.html ````) writes that file, any other block of code the
place that `TaskView.answer` names, and a block that is a Git diff is applied. What cannot be placed is
told in the turn's observation and leaves the workspace as it is: the verifier then says what that means.

    ending = await AnswerScaffold().run(view, sandbox, session)
"""

from __future__ import annotations

import time

from journeyman.sandbox.base import Sandbox
from journeyman.scaffolds.answer_blocks import Block, blocks_of, is_inside
from journeyman.scaffolds.answer_place import UnplaceableError, with_definition
from journeyman.scaffolds.base import Scaffold
from journeyman.scaffolds.session import LimitReached, ModelSession
from journeyman.types import Ending, Message, TaskView

__all__ = ["AnswerScaffold", "opening_of"]

_TIMEOUT_S = 60.0
_SYSTEM = """\
You are a programmer who answers with code. You have one turn and no tools: think as long as you need, \
then write the answer as fenced blocks of code, whole and ready to run, and nothing after them."""

_DEFINITION = """\
Answer with one block of code that holds the whole definition of `{name}`, its name and parameters \
unchanged, and before it whatever it needs that the file does not have yet, such as imports."""
_FILE = "Answer with one block of code that holds the whole of the file `{path}`."
_FILES = """\
Answer with one block of code for each file that you write, its path behind the language, as in \
```html index.html."""


class AnswerScaffold(Scaffold):
    """An agent of one turn."""

    name = "answer"

    async def run(self, task: TaskView, sandbox: Sandbox, session: ModelSession) -> Ending:
        """Ask once and put the answer in its place; an answer that was cut off is put nowhere."""
        try:
            standing = await _standing(task, sandbox)
            turn = await session.turn(opening_of(task.problem_statement, task.answer, standing))
        except LimitReached as limit:
            return limit.ending
        clock = time.monotonic()
        is_cut = turn.completion.finish_reason == "length"
        said = "The answer was cut off." if is_cut else await _place(turn.message, task, sandbox)
        session.observe([Message(role="user", content=said)], duration_s=time.monotonic() - clock)
        return Ending.TOKEN_LIMIT if is_cut else Ending.SUBMITTED


async def _standing(task: TaskView, sandbox: Sandbox) -> str:
    """Return what the file that the answer replaces holds now; "" where it replaces none."""
    path, _, name = task.answer.partition("::")
    if not path or name:
        return ""
    try:
        return (await sandbox.read(f"{task.workspace}/{path}")).decode(errors="replace").strip()
    except OSError:
        return ""


def opening_of(statement: str, answer: str, standing: str = "") -> list[Message]:
    """Return what the model is shown: a task's statement, where its answer goes, what stands
    there now."""
    path, _, name = answer.partition("::")
    form = _DEFINITION if name else _FILE if path else _FILES
    now = f"`{path}` now:\n\n````\n{standing}\n````\n\n" if standing else ""
    user = f"{statement.strip()}\n\n{now}{form.format(path=path, name=name)}"
    return [Message(role="system", content=_SYSTEM), Message(role="user", content=user)]


async def _place(message: Message, task: TaskView, sandbox: Sandbox) -> str:
    """Write what the answer holds, and say what was done with it."""
    blocks = blocks_of(message.content)
    if not blocks:
        return "The answer holds no block of code."
    named = [block for block in blocks if block.path and is_inside(block.path)]
    diffs = [block for block in blocks if block.is_diff]
    try:
        if diffs:
            return await _apply(diffs, task, sandbox)
        if named:
            for block in named:
                await sandbox.write(f"{task.workspace}/{block.path}", block.code.encode())
            return f"Written: {', '.join(block.path for block in named)}."
        return await _write_plain(blocks, task, sandbox)
    except UnplaceableError as error:
        return f"The answer could not be placed: {error}."
    except OSError as error:  # a path that is a folder, or a link to nowhere
        return f"The answer could not be written: {error.strerror or error}."


async def _write_plain(blocks: list[Block], task: TaskView, sandbox: Sandbox) -> str:
    path, _, name = task.answer.partition("::")
    if not path:
        raise UnplaceableError("no block of code names its file")
    if not name:
        await sandbox.write(f"{task.workspace}/{path}", blocks[-1].code.encode())
        return f"Written: {path}."
    before = (await sandbox.read(f"{task.workspace}/{path}")).decode()
    defining = [block for block in blocks if f"def {name.rpartition('.')[2]}" in block.code]
    after = with_definition(before, (defining or blocks)[-1].code, name)
    await sandbox.write(f"{task.workspace}/{path}", after.encode())
    return f"Placed: {name} in {path}."


async def _apply(diffs: list[Block], task: TaskView, sandbox: Sandbox) -> str:
    patch = "".join(block.code for block in diffs).encode()
    done = await sandbox.execute(
        f"cd {task.workspace} && git apply --whitespace=nowarn -", timeout_s=_TIMEOUT_S, stdin=patch
    )
    if done.exit_code:
        raise UnplaceableError(done.stderr.decode(errors="replace").strip()[:500])
    return "The diff was applied."

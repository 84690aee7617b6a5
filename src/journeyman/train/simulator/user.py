"""A model plays the user who asked: it tries the answer's code in a sandbox, and says whether it works.

For open requests, which have no tests. The answer's blocks of code lie in files; the user writes one
command a turn, sees what it prints, and ends with a verdict, which counts only if a command that names
one of the files succeeded. The sandbox is fresh for every answer and has no network.

    trials = await try_answers(model, conversations, UserSettings())
    kept = [it for it, trial in zip(conversations, trials) if trial.is_accepted]
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

from journeyman.config import Config
from journeyman.models import Model
from journeyman.sandbox import Executed, Limits, Sandbox, SandboxSpec, opened
from journeyman.sandbox.python import python_mounts
from journeyman.scaffolds.answer_blocks import Block, blocks_of, is_inside
from journeyman.templates import get_template
from journeyman.train.documents.conversation import Conversation
from journeyman.train.simulator.trial import Opinion, Step, Trial, judged
from journeyman.types import Message, Prompt, Sampling

__all__ = ["UserSettings", "try_answer", "try_answers"]

_FOLDER = "/tmp/answer"  # noqa: S108 - inside the sandbox
_LIMITS = Limits(num_cpus=1, memory_bytes=1 << 30, num_processes=64, disk_bytes=64 << 20)
_SHOWN = 2000
_ENDINGS = {
    "python": ".py", "py": ".py", "bash": ".sh", "sh": ".sh", "shell": ".sh", "console": ".sh",
    "javascript": ".js", "js": ".js", "typescript": ".ts", "c": ".c", "go": ".go", "json": ".json",
}  # fmt: skip
_ASK = """You asked a coding assistant this:

{request}

It answered:

{answer}

The code of the answer is in the folder {folder}, in these files: {files}. Python is `python3`. Try the \
answer as a careful user would: run it, with inputs of your own, and compare what it does with what you \
asked for. Write one command for the shell at a time, in a block:

```sh
python3 {first}
```

You will be shown what it prints. When you know enough, write no block, but a last line: \
`Verdict: works` or `Verdict: fails`."""
_SHOW = "It ended with exit code {exit_code}{late} and printed:\n\n{output}"
_VERDICT = re.compile(r"verdict\W+(works|fails)\b", re.IGNORECASE)


class UserSettings(Config):
    """Who tries, and for how long."""

    template: str = "hermes"
    """Of the model, where it reads text."""
    num_turns: int = 5
    """Most things that the user says about an answer."""
    max_tokens: int = 400
    """Most tokens of one."""
    temperature: float = 0.0
    """Of what the user says."""
    timeout_s: float = 20.0
    """Seconds that a command may take."""
    num_parallel: int = 2
    """Answers tried at the same time."""
    backend: str = "namespace"
    """Where commands run: namespace, docker or podman; never with a network."""
    seed: int = 0
    """Of what the user says."""


async def try_answers(
    model: Model, conversations: Sequence[Conversation], settings: UserSettings
) -> list[Trial]:
    """Try the last answer of every conversation; raises as the model and the sandbox do."""
    room = asyncio.Semaphore(settings.num_parallel)

    async def one(place: int, conversation: Conversation) -> Trial:
        async with room:
            key = conversation.id or f"answer:{place}"
            return await try_answer(model, conversation, settings, key=key)

    return list(await asyncio.gather(*(one(*it) for it in enumerate(conversations))))


async def try_answer(
    model: Model, conversation: Conversation, settings: UserSettings, *, key: str
) -> Trial:
    """Try one answer; one without code, or without a request, is not tried."""
    messages = conversation.messages
    requests = [it for it in messages if it.role == "user"]
    if not requests or messages[-1].role != "assistant":
        return Trial(id=key, is_accepted=False, reason="no answer to a request")
    files = _files(blocks_of(messages[-1].content))
    if not files:
        return Trial(id=key, is_accepted=False, reason="no code")
    prefix, mounts = python_mounts()
    path = f"{prefix}/bin:/usr/local/bin:/usr/bin:/bin"
    spec = SandboxSpec(mounts=mounts, variables={"PATH": path}, limits=_LIMITS, owner="user")
    asked = _ASK.format(
        request=requests[-1].content,
        answer=messages[-1].content,
        folder=_FOLDER,
        files=", ".join(files),
        first=next(iter(files)),
    )
    async with opened(spec, backend=settings.backend) as sandbox:
        for name, code in files.items():
            await sandbox.write(f"{_FOLDER}/{name}", code.encode("utf-8", "replace"))
        steps, opinion = await _try(model, sandbox, asked, settings)
    return judged(key, list(files), steps, opinion)


async def _try(
    model: Model, sandbox: Sandbox, asked: str, settings: UserSettings
) -> tuple[list[Step], Opinion]:
    """Let the user say and see, until there is a verdict or no turn is left."""
    messages = [Message(role="user", content=asked)]
    steps: list[Step] = []
    for _ in range(settings.num_turns):
        text = await _say(model, messages, settings)
        commands = [it.code for it in blocks_of(text)]
        verdicts = _VERDICT.findall(text)
        if not commands:
            opinion: Opinion = "none"
            if verdicts:
                opinion = "works" if verdicts[-1].lower() == "works" else "fails"
            return steps, opinion
        # A verdict beside a command was given before its outcome was seen.
        step = await _run(sandbox, commands[0], settings.timeout_s)
        steps.append(step)
        late = ", out of time," if step.is_timed_out else ""
        shown = _SHOW.format(exit_code=step.exit_code, late=late, output=step.output or "(nothing)")
        messages += [
            Message(role="assistant", content=text),
            Message(role="user", content=shown),
        ]
    return steps, "none"


async def _run(sandbox: Sandbox, command: str, timeout_s: float) -> Step:
    done = await sandbox.execute(f"cd {_FOLDER} && {{\n{command}\n}}", timeout_s=timeout_s)
    return Step(
        command=command,
        exit_code=done.exit_code,
        output=_printed(done),
        is_timed_out=done.is_timed_out,
    )


def _printed(done: Executed) -> str:
    text = (done.stdout + done.stderr).decode("utf-8", "replace").strip()
    half = _SHOWN // 2
    return text if len(text) <= _SHOWN else f"{text[:half]}\n[…]\n{text[-half:]}"


async def _say(model: Model, messages: Sequence[Message], settings: UserSettings) -> str:
    template = get_template(settings.template)
    text = template.render(messages) if model.reads_text else None
    prompt = Prompt(messages=tuple(messages), text=text)
    sampling = Sampling(
        temperature=settings.temperature,
        max_tokens=settings.max_tokens,
        stop=template.stop if model.reads_text else (),
        seed=settings.seed,
    )
    done = await model.complete(prompt, sampling)
    return done.text or (done.message.content if done.message else "")


def _files(blocks: Sequence[Block]) -> dict[str, str]:
    """Name every block of code: as its fence says, or by its number and language."""
    found: dict[str, str] = {}
    for number, block in enumerate(blocks, start=1):
        is_named = block.path and is_inside(block.path)
        name = block.path if is_named else f"part{number}{_ENDINGS.get(block.language, '.txt')}"
        found[name] = block.code
    return found

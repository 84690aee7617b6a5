"""Tries one agent program with one template: does it fix a small real bug through the gateway?

The model is the oracle of that bug, which speaks the template token by token; the program, the sandbox,
the gateway and the tests are real.

    trial = await try_agent(QWEN_CODE, "hermes")
    assert trial.is_green, trial.problems
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path

from journeyman.errors import AttributedError
from journeyman.gateway import SessionRecord, SpokenModel, check_fidelity
from journeyman.guard import Subject, make_guard
from journeyman.models import KnowingModel
from journeyman.sandbox import Limits, Sandbox, SandboxSpec, opened
from journeyman.scaffolds.agents.agent import Agent
from journeyman.scaffolds.agents.external import ExternalAgent
from journeyman.scaffolds.session import ModelSession, SessionLimits
from journeyman.templates import get_template
from journeyman.types import Data, Ending, Sampling, TaskView

__all__ = ["Trial", "try_agent"]

_BUGGY = '''"""Labels for a table of contents."""


def label(title, level=1, *, marks=("\\\\n", "<br>", "\\u2713", "{'a': 1}")):
\tpadding = "  " * level
\tmark = marks[level % len(marks)]
\treturn f"{padding}{mark} \\"{title}\\" </end> &amp;"
'''
_RIGHT = '"  " * (level - 1)'
_WRONG = '"  " * level'
_TEST = """import unittest

from labels import label


class Labels(unittest.TestCase):
    def test_the_first_level_is_not_indented(self):
        self.assertEqual(label("One"), '<br> "One" </end> &amp;')

    def test_the_second_is(self):
        self.assertEqual(label("Two", 2), '  \\u2713 "Two" </end> &amp;')


if __name__ == "__main__":
    unittest.main()
"""
_CHECK = "python3 -m unittest -q"
_PROBLEM = (
    "Headings of the first level are indented by two spaces; they should not be indented at all."
)
_NUM_BYTES = 8 << 30


class Trial(Data):
    """What came of one program with one template."""

    agent: str
    version: str
    template: str
    is_green: bool
    problems: tuple[str, ...] = ()
    num_turns: int = 0
    num_branches: int = 0
    num_tokens: int = 0
    """Drawn by the model."""
    num_prompts_rewritten: int = 0
    """Turns whose prompt does not extend the last one, because the template rewrote history."""
    calls: tuple[str, ...] = ()
    """Tools that were called, in order."""
    duration_s: float = 0.0


async def try_agent(
    agent: Agent, template: str, *, backend: str = "namespace", time_s: float = 600.0
) -> Trial:
    """Let the program fix the bug and look at everything that it left."""
    started = time.monotonic()
    scaffold = ExternalAgent(agent)
    mounts = await scaffold.mounts(backend=backend)
    with tempfile.TemporaryDirectory(prefix="journeyman-trial-") as scratch:
        patch = _make_repository(Path(scratch))
        spec = SandboxSpec(
            workspace_layers=(Path(scratch),),
            mounts=mounts,
            limits=Limits(memory_bytes=_NUM_BYTES, num_processes=1024),
            owner="trial",
        )
        async with opened(spec, backend=backend) as sandbox:
            session = _session(agent, template, patch, time_s)
            problems = await _run(scaffold, sandbox, session)
            problems += await _test(sandbox)
    record = SessionRecord.model_validate_json(
        session.files.get("session.json", b'{"session": "", "model": ""}')
    )
    problems += _look_at(agent, record)
    turns = [it.turn for it in record.turns]
    return Trial(
        agent=agent.name,
        version=agent.version,
        template=template,
        is_green=not problems,
        problems=tuple(problems),
        num_turns=len(turns),
        num_branches=len(session.trajectories()),
        num_tokens=sum(len(it.completion.token_ids) for it in turns),
        num_prompts_rewritten=sum(it.prompt_tokens_are_rewritten for it in turns),
        calls=tuple(call.name for it in turns for call in it.message.tool_calls),
        duration_s=round(time.monotonic() - started, 1),
    )


def _make_repository(folder: Path) -> str:
    """Make a repository of one commit that has the bug, and return the patch that mends it."""
    (folder / "labels.py").write_text(_BUGGY, encoding="utf-8")
    (folder / "test_labels.py").write_text(_TEST, encoding="utf-8")
    (folder / ".gitignore").write_text("__pycache__/\n", encoding="utf-8")
    _git(folder, "init", "-q", "-b", "main")
    _git(folder, "add", ".")
    _git(folder, "commit", "-qm", "Labels")
    (folder / "labels.py").write_text(_BUGGY.replace(_WRONG, _RIGHT), encoding="utf-8")
    patch = _git(folder, "diff")
    _git(folder, "checkout", "-q", ".")
    return patch


def _git(folder: Path, *arguments: str) -> str:
    own = ["-c", "user.name=Trial", "-c", "user.email=trial@localhost", "-c", "core.hooksPath="]
    command = ["git", "-C", str(folder), *own, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _session(agent: Agent, template: str, patch: str, time_s: float) -> ModelSession:
    oracle = KnowingModel("oracle", patch, prefers_editor=True, check=_CHECK)
    limits = SessionLimits(time_s=time_s, idle_s=time_s / 2)
    return ModelSession(
        SpokenModel(oracle, get_template(template)),
        template=get_template(template),
        sampling=Sampling(max_tokens=limits.num_tokens, seed=0),
        limits=limits,
        scaffold=agent.name,
        guard=make_guard("rules", Subject("acme/labels")),
    )


async def _run(scaffold: ExternalAgent, sandbox: Sandbox, session: ModelSession) -> list[str]:
    task = TaskView(
        instance_id="labels",
        repo="acme/labels",
        base_commit="",
        problem_statement=_PROBLEM,
    )
    try:
        ending = await scaffold.run(task, sandbox, session)
    except AttributedError as error:
        return [str(error)]
    return [] if ending is Ending.SUBMITTED else [f"it ended by {ending.value}"]


async def _test(sandbox: Sandbox) -> list[str]:
    done = await sandbox.execute(f"cd /testbed && {_CHECK}", timeout_s=60)
    if done.exit_code == 0:
        return []
    return [f"the bug is still there: {done.stderr.decode(errors='replace')[-200:]}"]


def _look_at(agent: Agent, record: SessionRecord) -> list[str]:
    """Return what is wrong with the tokens that were captured."""
    fidelity = check_fidelity(record)
    problems = list(fidelity.breaches)
    if not record.turns or fidelity.num_checked < fidelity.num_turns:
        problems.append(f"{fidelity.num_checked} of {fidelity.num_turns} prompts could be checked")
    for it in record.turns:
        if it.protocol != agent.protocol:
            problems.append(f"turn {it.index} came over {it.protocol}, not {agent.protocol}")
        done = it.turn.completion
        if len(done.logprobs) != len(done.token_ids) or not done.token_ids:
            problems.append(f"turn {it.index} has no token or no log-probability")
        problems += [f"turn {it.index}: {error.message}" for error in it.turn.format_errors]
        for decision in it.turn.guard_decisions:
            if not decision.is_allowed:
                problems.append(f"turn {it.index}: refused {decision.labels}")
    return problems

"""Tasks whose answer is a tool call, from the exercises of the adherence suite or a file of questions.

Every task is an ordinary one: its environment holds all questions, the agent's turn is a file, and the
hidden tests say whether it is well-formed and right, with the very functions that judge the suite.

    taskset = await make_call_tasks(CallTasksConfig(num=5), Path("tasksets/calls"))
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import Field

from journeyman.config import Config
from journeyman.errors import JourneymanError
from journeyman.evals.adherence.suite import QuestionsConfig, list_questions
from journeyman.evals.calls import problem
from journeyman.evals.calls.evaluate import first_right
from journeyman.evals.calls.problem import CallProblem, read_calls
from journeyman.models.remedy import TURN_FILE
from journeyman.scaffolds.calls import ToolQuestion, question_path
from journeyman.tasks import Taskset, save_taskset
from journeyman.tasks.environment import build_environment
from journeyman.tasks.functions.hidden_tests import new_file_diff
from journeyman.tasks.gate import judge
from journeyman.tasks.gate_history import passed, record_gate
from journeyman.tasks.laid_out import project_of_files
from journeyman.tasks.trials import trials_of
from journeyman.tasks.workspace import find_base_commit
from journeyman.templates import get_template, list_templates
from journeyman.templates.exercises import judge as exercise_judge
from journeyman.templates.exercises.exercise import Split
from journeyman.types import Environment, Message, Origin, Task, ToolCall, VerifierSpec

__all__ = ["CallTasksConfig", "make_call_tasks"]

_DATE = "2026-06-01T00:00:00Z"
_TESTS = "test_turn.py"
_CASE = "test_turn.TurnCase"
_NAMES = (f"{_CASE}.test_it_is_well_formed", f"{_CASE}.test_it_is_right")


class CallTasksConfig(Config):
    """Which calls are asked for, in which templates."""

    num: int = Field(default=10, ge=1)
    """Tasks in each template."""
    templates: tuple[str, ...] = ()
    """Only these templates; all that calls can be read back from where none is given."""
    toolsets: tuple[str, ...] = ()
    """Only the tools of these scaffolds; all where none is given. `library`, alone: real functions of
    the standard library, at most two to a prompt."""
    split: Split = "train"
    """Tools that training sees, or those that are held out; the same in no two tasksets."""
    seed: int = 0
    """Seed of the exercises."""
    questions: Path | None = None
    """Instead of exercises: questions in the format of the Berkeley leaderboard."""
    answers: Path | None = None
    """Their answers, a file of the same format's `possible_answer`."""


class _Item(NamedTuple):
    """One question in one template."""

    instance_id: str
    template: str
    question: ToolQuestion
    gold: tuple[ToolCall, ...]
    judges: tuple[Callable[..., Any], ...]
    check: str
    """Statements of the hidden test that fail where `calls` are not the right ones."""


async def make_call_tasks(
    config: CallTasksConfig,
    folder: Path,
    *,
    on_progress: Callable[[str], None] | None = None,
    backend: str = "namespace",
) -> Taskset:
    """Make the tasks in `folder`; the first one of each kind is put through the gate.

    Raises `JourneymanError` for unknown names and where nothing is left to ask.
    """
    say = on_progress or (lambda _: None)
    items = list(_items(config))
    if not items:
        raise JourneymanError("no question is left", "name other templates or toolsets")
    say(f"{len(items)} questions in {len({it.template for it in items})} templates")
    name = f"calls-{config.split}"
    project = project_of_files(name, _files(items), repo=f"journeyman/{name}", date=_DATE)
    environment = await build_environment(
        project, folder / "environments", language="python", on_progress=say, backend=backend
    )
    tasks = [_task(it, environment, project.repo, config) for it in items]
    commit = await find_base_commit(tasks[0], folder / "environments", backend=backend)
    tasks = [task.model_copy(update={"base_commit": commit}) for task in tasks]
    await _prove(tasks, folder / "environments", backend)
    taskset = Taskset(
        name=name, folder=folder, tasks=tuple(tasks), created_at=_DATE, project=project.repo
    )
    save_taskset(taskset)
    record_gate(folder, passed(tasks[:1], by="calls", num_runs=1))
    return taskset


def _items(config: CallTasksConfig) -> Iterator[_Item]:
    names = config.templates or tuple(name for name in list_templates() if _can_be_read(name))
    if config.questions is not None:
        asked = read_calls(config.questions, config.answers)
        yield from (it for name in names for it in _of_problems(name, asked, config.num))
        return
    wanted = QuestionsConfig(
        templates=names,
        toolsets=config.toolsets,
        # One more than asked for each that is left out below.
        num=2 * config.num,
        split=config.split,
        seed=config.seed,
    )
    kept = dict.fromkeys(names, 0)
    for template, exercise in list_questions(wanted):
        # What submits at once must solve nothing.
        if exercise.expected.name == "submit" or kept[template] == config.num:
            continue
        kept[template] += 1
        yield _Item(
            f"calls__{template}-{exercise.exercise_id}",
            template,
            ToolQuestion(messages=exercise.messages, tools=exercise.tools),
            (exercise.expected,),
            exercise_judge.JUDGES,
            _EXERCISE.format(name=exercise.expected.name, arguments=exercise.expected.arguments),
        )


def _can_be_read(name: str) -> bool:
    try:
        get_template(name).stream()
    except JourneymanError:
        return False
    return True


def _of_problems(name: str, asked: list[CallProblem], num: int) -> Iterator[_Item]:
    template, found = get_template(name), 0
    for it in asked:
        gold = tuple(first_right(wanted) for wanted in it.answers)
        turn = Message(role="assistant", tool_calls=gold)
        if found == num or not gold or not template.can_write(turn, it.tools):
            continue
        found += 1
        question = ToolQuestion(messages=it.messages, tools=it.tools)
        yield _Item(
            f"calls__{name}-{it.problem_id}",
            name,
            question,
            gold,
            problem.JUDGES,
            _PROBLEM.format(answers=it.answers),
        )


def _files(items: list[_Item]) -> Mapping[str, str]:
    questions = {
        question_path(it.instance_id): it.question.model_dump_json(indent=1) + "\n" for it in items
    }
    return {"README.md": _README, "tests/test_questions.py": _READABLE, **questions}


def _task(item: _Item, environment: Environment, repo: str, config: CallTasksConfig) -> Task:
    calls = [call.model_dump(include={"name", "arguments"}) for call in item.gold]
    return Task(
        instance_id=item.instance_id,
        repo=repo,
        base_commit="",
        problem_statement=_statement(item.question),
        patch=new_file_diff(TURN_FILE, json.dumps({"calls": calls, "errors": []}) + "\n"),
        test_patch=new_file_diff(_TESTS, _hidden(item)),
        FAIL_TO_PASS=_NAMES,
        created_at=_DATE,
        environment_setup_commit=environment.commit,
        environment=environment.digest,
        verifier=VerifierSpec(
            command="python -m unittest -v test_turn", log_parser="unittest", timeout_s=60
        ),
        origin=Origin(
            road="import", strategy="tool_call", seed=config.seed, location=item.template
        ),
        answer=TURN_FILE,
        template=item.template,
    )


def _statement(question: ToolQuestion) -> str:
    last = next(it.content for it in reversed(question.messages) if it.role == "user")
    names = ", ".join(f"`{tool.name}`" for tool in question.tools)
    return f"Answer with the right calls of the tools {names}:\n\n{last.strip()}\n"


def _hidden(item: _Item) -> str:
    """Return the hidden tests: the text of the functions that judge the suites, and what is wanted."""
    judges = "\n\n".join(inspect.getsource(function) for function in item.judges)
    return _TEST.format(file=TURN_FILE, judges=judges, check=item.check)


async def _prove(tasks: list[Task], environments: Path, backend: str) -> None:
    """Put one task through the gate: all of them differ in their data alone."""
    async with trials_of(environments, repeats=1, backend=backend) as trials:
        checks = judge(tasks[0], await trials.gather(tasks[0]))
    if failed := [check for check in checks if not check.is_ok]:
        raise JourneymanError(
            f"{tasks[0].instance_id} does not pass the gate: {failed[0].name}: {failed[0].detail}",
            "journeyman doctor says what this machine lacks",
        )


_README = "Conversations that a tool call should answer, one a file, in `questions/`.\n"
_READABLE = """\
import json
import pathlib
import unittest


class QuestionsCase(unittest.TestCase):
    def test_they_can_be_read(self):
        for path in pathlib.Path("questions").iterdir():
            question = json.loads(path.read_text(encoding="utf-8"))
            self.assertTrue(question["messages"] and question["tools"], path)
"""
_EXERCISE = """\
    self.assertEqual(len(calls), 1)
        self.assertEqual(calls[0].name, {name!r})
        wanted = {arguments!r}
        self.assertEqual(set(calls[0].arguments) - set(wanted), set())
        self.assertEqual(_differing(wanted, calls[0].arguments), ())"""
_PROBLEM = """\
    self.assertTrue(is_right(SimpleNamespace(answers={answers!r}), calls))"""
_TEST = '''\
"""Whether a turn is one well-formed and right answer of calls."""

from __future__ import annotations

import json
import unittest
from types import SimpleNamespace


{judges}

class TurnCase(unittest.TestCase):
    def turn(self):
        with open("{file}", encoding="utf-8") as stream:
            return json.load(stream)

    def test_it_is_well_formed(self):
        turn = self.turn()
        self.assertEqual(turn["errors"], [])
        self.assertTrue(turn["calls"])

    def test_it_is_right(self):
        calls = [SimpleNamespace(**call) for call in self.turn()["calls"]]
    {check}
'''

"""The frozen data that crosses borders: between layers, processes and files on disk.

Everything here is plain data with no behaviour beyond validation: tasks, messages, completions,
trajectories, verdicts, rewards and rollouts. What acts on them lives in the rooms above.

    >>> Message(role="user", content="hello").model_dump(exclude_defaults=True)
    {'role': 'user', 'content': 'hello'}
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "Check",
    "Completion",
    "Data",
    "Ending",
    "Environment",
    "Failure",
    "FormatError",
    "GuardDecision",
    "Message",
    "Origin",
    "ParsedTurn",
    "Prompt",
    "Reward",
    "Rollout",
    "Sampling",
    "Task",
    "TaskView",
    "TestStatus",
    "ToolCall",
    "ToolSpec",
    "Trajectory",
    "Turn",
    "Verdict",
    "VerifierSpec",
]


class Data(BaseModel):
    """A frozen record: unknown fields are refused, attributes never change."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Check(Data):
    """One thing that was looked at, e.g. by `journeyman doctor` or by the gate of tasks."""

    name: str
    is_ok: bool
    detail: str = ""
    fix: str = ""
    """The command that mends it; empty where nothing is wrong."""
    is_required: bool = True


# --- messages ----------------------------------------------------------------------------------


class ToolSpec(Data):
    """A tool as it is declared to a model: a name, a sentence and a JSON Schema of its arguments."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = Field(default_factory=lambda: {"type": "object", "properties": {}})


class ToolCall(Data):
    """One call of a tool; `arguments` are already values, never JSON text."""

    name: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    id: str = ""
    """The protocol's own identifier of the call; empty where the template has none."""


class Message(Data):
    """One message of a conversation."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str = ""
    reasoning: str = ""
    """What an assistant thought aloud before `content`, without its delimiters."""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    """On a `tool` message: the call it answers."""
    name: str = ""
    """On a `tool` message: the tool that answered."""


class FormatError(Data):
    """A part of a model's text that breaks its template's rules."""

    kind: str
    """A short stable word, e.g. `unclosed_call`, `unknown_tool`, `wrong_type`."""
    message: str
    start: int
    """First character of the offending part, counted from the start of the parsed text."""
    end: int
    """One past its last character."""


class ParsedTurn(Data):
    """What a template read out of one assistant turn."""

    content: str = ""
    reasoning: str = ""
    calls: tuple[ToolCall, ...] = ()
    errors: tuple[FormatError, ...] = ()
    call_spans: tuple[tuple[int, int], ...] = ()
    """First and one past the last character of each call in the parsed text, in order."""


# --- models ------------------------------------------------------------------------------------


class Prompt(Data):
    """What a model is asked to complete.

    `messages` and `tools` are always set, for models that speak a chat protocol of their own.
    `text` is the same conversation rendered by a template, and `token_ids`, where set, its exact
    tokens: a model that takes text or tokens uses the most exact form it understands.
    """

    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    text: str | None = None
    token_ids: tuple[int, ...] | None = None
    forced_tool: str | None = None
    """The tool that must be called, "" for some tool; where a text says it, None."""


class Sampling(Data):
    """How a completion is drawn."""

    temperature: float = Field(default=1.0, ge=0.0)
    top_p: float = Field(default=1.0, gt=0.0, le=1.0)
    max_tokens: int = Field(default=1024, ge=1)
    stop: tuple[str, ...] = ()
    seed: int | None = None
    json_schema: dict[str, Any] | None = None
    """What the whole answer must be JSON of, where the model can be held to it."""


class Completion(Data):
    """What a model answered. `token_ids` and `logprobs` run in parallel where both are known."""

    text: str = ""
    """The raw text the model wrote, tool-call delimiters included; empty if only `message` is known."""
    token_ids: tuple[int, ...] = ()
    logprobs: tuple[float, ...] = ()
    """Natural-log probability of each sampled token under the sampling model."""
    finish_reason: Literal["stop", "length", "error"] = "stop"
    stop_text: str = ""
    """What ended the turn: text that the last of `token_ids` hold beyond `text`, where known."""
    message: Message | None = None
    """The turn as the model's own server parsed it, where it speaks a chat protocol."""
    format_errors: tuple[FormatError, ...] = ()
    """What in `message` was malformed as the server sent it, e.g. arguments that are no JSON."""
    num_prompt_tokens: int = 0
    num_completion_tokens: int = 0
    prompt_token_ids: tuple[int, ...] = ()
    cost_usd: float = 0.0
    model_version: str = ""


# --- tasks -------------------------------------------------------------------------------------


class Environment(Data):
    """What a set of tasks shares: a repository state and everything needed to run its tests.

    On disk it is `environments/<digest>/` with `environment.json`, `repository/` (the tree, without
    `.git`), `toolchain/` (what was installed, e.g. a virtual environment) and `build.log`.
    """

    digest: str
    project: str
    """`owner/name` where known, else the bare project name."""
    language: str = "python"
    commit: str
    """The commit whose tree lies in `repository/`."""
    created_at: str = ""
    """ISO 8601 date of that commit; packages newer than it are never installed."""
    language_version: str = ""
    test_command: str = ""
    """Shell command that runs the whole suite in the workspace."""
    log_parser: str = "pytest"
    variables: dict[str, str] = Field(default_factory=dict)
    """Process environment variables that the toolchain needs."""
    prefixes: tuple[str, ...] = ()
    """Folders of the host, beside the system's own, in which its compilers lie; only ever read."""
    packages: tuple[str, ...] = ()
    """Installed packages, `name==version`, sorted."""
    packages_before: str = ""
    """ISO 8601 bound on the dates of those packages; empty where none could be kept."""
    build_duration_s: float = 0.0
    size_bytes: int = 0


class VerifierSpec(Data):
    """How a task is graded: a command run in a fresh sandbox, and how its log is read."""

    command: str
    log_parser: str = "pytest"
    timeout_s: float = 300.0


class Origin(Data):
    """Where a task came from."""

    road: Literal["mine", "mutate", "import"]
    strategy: str = ""
    """E.g. `comparison_change` for a mutation, `merge_commit` for a mined pull request."""
    seed: int | None = None
    location: str = ""
    """`path:line` of the change, or the pull request's number."""
    parts: tuple[str, ...] = ()
    """What it was made from: the tasks whose bugs it combines, or the change that it undoes."""


class Task(Data):
    """A problem statement, an environment and a hidden verifier; a superset of SWE-bench's instance.

    The buggy state is the environment's tree after `bug_patch` and without `hidden_paths`. The
    agent sees that as one root commit (or, for mined tasks, with its ancestors). Grading takes a
    fresh copy, applies the model's patch, restores `hidden_paths`, applies `test_patch` and runs
    the verifier.
    """

    instance_id: str
    repo: str
    base_commit: str
    problem_statement: str
    patch: str
    """The gold patch: from the buggy state to the fixed one, a unified Git diff."""
    test_patch: str = ""
    FAIL_TO_PASS: tuple[str, ...]
    PASS_TO_PASS: tuple[str, ...] = ()
    hints_text: str = ""
    created_at: str = ""
    version: str = ""
    environment_setup_commit: str = ""
    language: str = "python"
    environment: str = ""
    """Digest of the environment, a folder under the taskset's `environments/`."""
    bug_patch: str = ""
    """From the environment's tree to the buggy state; empty where the tree is buggy already."""
    hidden_paths: tuple[str, ...] = ()
    """Files of the environment's tree that the agent must not see: the tests that reveal the bug."""
    verifier: VerifierSpec
    origin: Origin
    answer: str = ""
    """Where the one answer of a single-turn agent goes: `path` for a file, `path::name` for a definition
    in one; empty where the answer names its files itself."""
    template: str = ""
    """The tool chat template of a rollout by `--template task`; empty where the task names none."""
    extra: str = ""
    """JSON object of what an imported record held beyond these fields; empty where that is nothing."""


class TaskView(Data):
    """What an agent may see of a task: never the patches, the verifier or the hidden tests."""

    instance_id: str
    repo: str
    base_commit: str
    problem_statement: str
    hints_text: str = ""
    language: str = "python"
    answer: str = ""
    """Where a single-turn answer goes, as in `Task`."""
    workspace: str = "/testbed"


# --- trajectories ------------------------------------------------------------------------------


class GuardDecision(Data):
    """What a guard said of one tool call, before it was carried out."""

    guard: str
    """Name of the guard."""
    tool: str
    is_allowed: bool
    labels: tuple[str, ...] = ()
    """What the call tried, in the words of the audit; empty where it is allowed."""
    evidence: tuple[str, ...] = ()
    """The part of the call that shows each label, in the same order."""
    feedback: str = ""
    """What the agent is told instead of the call's answer."""
    call_id: str = ""


class Turn(Data):
    """One model call with the observations it caused."""

    prompt_messages: tuple[Message, ...] = ()
    """Messages that are new since the previous turn; the first turn holds system and user."""
    prompt_text: str = ""
    """What the rendered prompt adds to the previous prompt and completion, where text is rendered."""
    prompt_is_rewritten: bool = False
    """True if `prompt_text` is the whole prompt again, because the template rewrote what came before."""
    prompt_token_ids: tuple[int, ...] = ()
    """The tokens that this turn's prompt adds to all that came before, where the model counts tokens."""
    prompt_tokens_are_rewritten: bool = False
    """True if `prompt_token_ids` are the whole prompt's again: they do not extend the last turn's."""
    completion: Completion
    message: Message
    """The assistant message that the scaffold acted on."""
    format_errors: tuple[FormatError, ...] = ()
    observations: tuple[Message, ...] = ()
    guard_decisions: tuple[GuardDecision, ...] = ()
    """One for each call that a guard looked at, in order."""
    started_at: float = 0.0
    """Unix time, seconds."""
    model_duration_s: float = 0.0
    tools_duration_s: float = 0.0


class Trajectory(Data):
    """The ordered turns of one conversation, and what rendered them."""

    scaffold: str
    model: str
    template: str = ""
    tools: tuple[ToolSpec, ...] = ()
    turns: tuple[Turn, ...] = ()


class Ending(StrEnum):
    """How the agent's part of a rollout ended. What each means for reward is in `errors.ENDINGS`."""

    SUBMITTED = "submitted"
    TURN_LIMIT = "turn_limit"
    TOKEN_LIMIT = "token_limit"  # noqa: S105
    CONTEXT_OVERFLOW = "context_overflow"
    TIME_LIMIT = "time_limit"
    COST_LIMIT = "cost_limit"
    FORMAT_LIMIT = "format_limit"
    CHEATING_BLOCKED = "cheating_blocked"
    FAILED = "failed"
    """Not the agent's doing: see the rollout's `failure`."""


class TestStatus(StrEnum):
    """The outcome of one test."""

    __test__ = False

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"
    MISSING = "missing"
    """Named by the task but absent from the log."""


class Failure(Data):
    """Why something that should have happened did not; `cause` is a row of `errors.FAILURES`."""

    cause: str
    detail: str = ""


class Verdict(Data):
    """What grading by execution found."""

    is_resolved: bool
    patch_is_applied: bool = True
    tests: dict[str, TestStatus] = Field(default_factory=dict)
    """Status of every FAIL_TO_PASS and PASS_TO_PASS test."""
    duration_s: float = 0.0
    failure: Failure | None = None
    """Set where the verifier could not do its work or the patch could not be tried."""
    notes: tuple[str, ...] = ()


class Reward(Data):
    """A scalar and its named parts. An invalid reward must enter neither baseline nor loss."""

    value: float
    parts: dict[str, float] = Field(default_factory=dict)
    is_valid: bool = True


class Rollout(Data):
    """One attempt at a task: task × scaffold × model → patch, verdict, reward.

    The trajectory is stored beside it, in `artifacts/<rollout_id>/trajectory.json`.
    """

    rollout_id: str
    instance_id: str
    group_id: str
    scaffold: str
    model: str
    ending: Ending
    patch: str = ""
    verdict: Verdict | None = None
    reward: Reward | None = None
    failure: Failure | None = None
    num_attempts: int = 1
    num_turns: int = 0
    num_prompt_tokens: int = 0
    num_completion_tokens: int = 0
    num_format_errors: int = 0
    cost_usd: float = 0.0
    started_at: float = 0.0
    rollout_duration_s: float = 0.0
    evaluation_duration_s: float = 0.0

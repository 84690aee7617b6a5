"""What a session captured, as data: every turn once, its prompt as what it added, its exact tokens.

Turns form a tree. `trajectories` unrolls it into one trajectory a branch, in which every completion
stands once; `sequences` gives what training is fed; `check_fidelity` proves that the tokens in there
are those that the model was given and drew, and that nothing was tokenised a second time.

    record = gateway.record(gateway.sessions.close("rollout-1"))
    assert not check_fidelity(record).breaches
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from journeyman.gateway.conversation import Node, TokenHash
from journeyman.turns import token_runs
from journeyman.types import Data, Ending, Message, ToolSpec, Trajectory, Turn

__all__ = [
    "CapturedTurn",
    "Fidelity",
    "SessionRecord",
    "TokenSequence",
    "capture",
    "check_fidelity",
    "sequences",
    "trajectories",
]


class CapturedTurn(Data):
    """One turn and where it belongs."""

    session: str
    """The key under which it was asked for."""
    index: int
    parent: int | None = None
    """Index of the turn that it continues; None opens a conversation."""
    protocol: str
    """What the client spoke."""
    tools: tuple[ToolSpec, ...] = ()
    """What was declared, on a turn that opens a conversation; it holds for all that continue it."""
    turn: Turn
    prompt_digest: str = ""
    """Of all the prompt's tokens as the model was given them; empty where it takes no tokens."""


class SessionRecord(Data):
    """All turns of one session."""

    session: str
    model: str
    template: str = ""
    ending: Ending | None = None
    """The limit that ended it, if one did."""
    num_broken_off: int = 0
    """Calls whose client went away; nothing of them is kept."""
    num_failed: int = 0
    turns: tuple[CapturedTurn, ...] = ()


class TokenSequence(Data):
    """Tokens that the model saw and drew in this order; all fields but the last run in parallel."""

    token_ids: tuple[int, ...]
    is_sampled: tuple[bool, ...]
    """True on tokens that the model drew; the rest was put before it."""
    logprobs: tuple[float, ...]
    """Of the drawn tokens, as they were drawn; 0 elsewhere, and where the model told none."""
    model_versions: tuple[str, ...]
    """The policy that drew each token; empty elsewhere."""
    cut_ends: tuple[int, ...] = ()
    """Positions behind completions that the token limit cut off."""


class Fidelity(Data):
    """What `check_fidelity` found."""

    num_turns: int
    num_checked: int
    """Turns whose prompt was rebuilt and compared; the others' models take no tokens."""
    num_rewritten: int
    """Turns whose prompt does not extend the last one, because the template rewrote history."""
    num_sampled: int
    breaches: tuple[str, ...]
    """Empty if every token is as it was."""


def capture(session: str, node: Node) -> CapturedTurn:
    """Return a turn with its tokens, as data."""
    done = node.turn.completion.model_copy(
        update={"token_ids": tuple(node.token_ids), "logprobs": tuple(node.logprobs)}
    )
    turn = node.turn.model_copy(
        update={"completion": done, "prompt_token_ids": tuple(node.prompt_ids)}
    )
    return CapturedTurn(
        session=session,
        index=node.index,
        parent=node.parent.index if node.parent is not None else None,
        protocol=node.protocol,
        tools=node.tools if node.parent is None else (),
        turn=turn,
        prompt_digest=node.prompt_digest,
    )


# --- branches ----------------------------------------------------------------------------------


def branches(turns: Sequence[CapturedTurn]) -> list[list[CapturedTurn]]:
    """Part the tree into branches: the first that continues a turn goes on, the others begin anew."""
    found: dict[int, list[CapturedTurn]] = {}
    ends: dict[int, int] = {}
    for it in turns:
        branch = ends.pop(it.parent, None) if it.parent is not None else None
        if branch is None:
            branch = it.index
            found[branch] = []
        found[branch].append(it)
        ends[it.index] = branch
    return list(found.values())


def trajectories(record: SessionRecord) -> list[Trajectory]:
    """Return one trajectory a branch; a branch begins with its whole prompt."""
    by_index = {it.index: it for it in record.turns}
    return [
        Trajectory(
            scaffold=branch[0].protocol,
            model=record.model,
            template=record.template,
            tools=_path(branch[0], by_index)[0].tools,
            turns=_with_observations(_opened(branch, by_index)),
        )
        for branch in branches(record.turns)
    ]


def _path(it: CapturedTurn, by_index: dict[int, CapturedTurn]) -> list[CapturedTurn]:
    path = [it]
    while path[-1].parent is not None:
        path.append(by_index[path[-1].parent])
    return path[::-1]


def _opened(branch: Sequence[CapturedTurn], by_index: dict[int, CapturedTurn]) -> list[Turn]:
    """Give a branch that leaves another one what came before it, as its first prompt."""
    *before, first = (it.turn for it in _path(branch[0], by_index))
    rest = [it.turn for it in branch[1:]]
    if not before:
        return [first, *rest]
    shared: list[Message] = []
    text = ""
    for turn in before:
        shared += (*turn.prompt_messages, turn.message)
        text = ("" if turn.prompt_is_rewritten else text) + turn.prompt_text + turn.completion.text
    whole = {
        "prompt_messages": (*shared, *first.prompt_messages),
        "prompt_text": first.prompt_text if first.prompt_is_rewritten else text + first.prompt_text,
        "prompt_is_rewritten": False,
        "prompt_token_ids": tuple(_extended(_tokens(before), first)),
        "prompt_tokens_are_rewritten": False,
    }
    return [first.model_copy(update=whole), *rest]


def _with_observations(turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """Put the tools' answers with the turn that called them."""
    found: list[Turn] = []
    for turn in turns:
        messages = turn.prompt_messages
        answers = 0
        while found and answers < len(messages) and messages[answers].role == "tool":
            answers += 1
        if answers:
            update = {"observations": messages[:answers]}
            found[-1] = found[-1].model_copy(update=update)
            turn = turn.model_copy(update={"prompt_messages": messages[answers:]})
        found.append(turn)
    return tuple(found)


# --- tokens ------------------------------------------------------------------------------------


def _extended(tokens: array[int], turn: Turn) -> array[int]:
    """The prompt of `turn`, where `tokens` are all that came before it."""
    added = array("I", turn.prompt_token_ids)
    return added if turn.prompt_tokens_are_rewritten else tokens + added


def _tokens(turns: Sequence[Turn]) -> array[int]:
    """All tokens up to the end of the last turn."""
    found: array[int] = array("I")
    for turn in next(reversed(token_runs(turns)), ()):
        found.extend((*turn.prompt_token_ids, *turn.completion.token_ids))
    return found


def sequences(trajectory: Trajectory) -> list[TokenSequence]:
    """Return the tokens to train on: one sequence, or more where the template rewrote history."""
    runs = token_runs(trajectory.turns)
    return [_sequence(run) for run in runs if any(turn.completion.token_ids for turn in run)]


def _sequence(turns: Sequence[Turn]) -> TokenSequence:
    token_ids: list[int] = []
    is_sampled: list[bool] = []
    logprobs: list[float] = []
    versions: list[str] = []
    cuts: list[int] = []
    for turn in turns:
        done = turn.completion
        num_put, num_drawn = len(turn.prompt_token_ids), len(done.token_ids)
        token_ids += (*turn.prompt_token_ids, *done.token_ids)
        is_sampled += [False] * num_put + [True] * num_drawn
        logprobs += [0.0] * num_put
        logprobs += done.logprobs or [0.0] * num_drawn
        versions += [""] * num_put + [done.model_version] * num_drawn
        if done.finish_reason == "length":
            cuts.append(len(token_ids))
    return TokenSequence(
        token_ids=tuple(token_ids),
        is_sampled=tuple(is_sampled),
        logprobs=tuple(logprobs),
        model_versions=tuple(versions),
        cut_ends=tuple(cuts),
    )


def check_fidelity(record: SessionRecord) -> Fidelity:
    """Rebuild every prompt from what is kept, and compare it with what the model was given.

    A prompt is what the turns before it added and drew. If a completion had been turned into text
    and tokenised again on its way, the model would have been given other tokens than these.
    """
    breaches: list[str] = []
    known: dict[int | None, TokenHash] = {None: TokenHash()}
    for it in record.turns:
        done = it.turn.completion
        if done.logprobs and len(done.logprobs) != len(done.token_ids):
            breaches.append(f"turn {it.index}: log-probabilities do not fit the tokens")
        parent = None if it.turn.prompt_tokens_are_rewritten else it.parent
        tokens = known[parent].copy()
        tokens.update(array("I", it.turn.prompt_token_ids))
        if it.prompt_digest and tokens.digest() != it.prompt_digest:
            breaches.append(f"turn {it.index}: its prompt is not what came before and was added")
        tokens.update(array("I", done.token_ids))
        known[it.index] = tokens
    turns = [it.turn for it in record.turns]
    return Fidelity(
        num_turns=len(turns),
        num_checked=sum(bool(it.prompt_digest) for it in record.turns),
        num_rewritten=sum(turn.prompt_tokens_are_rewritten for turn in turns),
        num_sampled=sum(len(turn.completion.token_ids) for turn in turns),
        breaches=tuple(breaches),
    )

"""From a trajectory to training sequences: the very tokens that were shown and drawn.

Nothing is rendered or tokenised again: prompts are the recorded prompt tokens, completions the sampled
ones, and only the latter are trained on. Where a template rewrote what came before (it drops old
reasoning, say), the conversation goes on in a new sequence that begins with the rewritten prompt, so
every completion is trained on exactly once, behind exactly the prompt it was drawn from.

    sequences = sequences_of(trajectory)
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence

from journeyman.errors import JourneymanError
from journeyman.train.documents.encode import Encoded
from journeyman.turns import token_runs
from journeyman.types import Trajectory, Turn

__all__ = ["check_tokenizer", "sequences_of"]


def sequences_of(
    trajectory: Trajectory, *, drops_malformed: bool = True, source: str = "trajectory"
) -> list[Encoded]:
    """Return the sequences of a trajectory, in order; one where no prompt was ever rewritten.

    `drops_malformed` keeps turns with format errors as context but not in the loss. Sequences in
    which nothing is trained on are left out. Raises `JourneymanError` for a turn without token ids.
    """
    for number, turn in enumerate(trajectory.turns, start=1):
        _check(turn, number, trajectory)
    found = [
        _sequence(run, source, drops_malformed=drops_malformed)
        for run in token_runs(trajectory.turns)
    ]
    return [sequence for sequence in found if any(sequence.is_trained)]


def _sequence(run: Sequence[Turn], source: str, *, drops_malformed: bool) -> Encoded:
    found = Encoded(array("i"), bytearray(), source)
    for turn in run:
        is_trained = not (drops_malformed and turn.format_errors)
        for token_ids, flag in (
            (turn.prompt_token_ids, False),
            (turn.completion.token_ids, is_trained),
        ):
            found.token_ids.extend(token_ids)
            found.is_trained.extend(bytes([flag]) * len(token_ids))
    return found


def check_tokenizer(trajectory: Trajectory, decode: Callable[[Sequence[int]], str]) -> None:
    """Raise `JourneymanError` if the tokens that were drawn do not spell what the model wrote.

    Ids of another vocabulary are numbers like any other, and a model would be trained on noise. One turn
    that is spelled right is enough: servers may change white space, or cut a character in two.
    """
    known = [turn.completion for turn in trajectory.turns if turn.completion.text.strip()]
    known = [it for it in known if it.token_ids and "\ufffd" not in it.text]
    if known and not any(it.text.strip() in decode(it.token_ids) for it in known):
        raise JourneymanError(
            f"a trajectory of {trajectory.model} was drawn with another tokenizer than this model's: "
            f"its tokens read {decode(known[0].token_ids[:12])!r}, its text {known[0].text[:40]!r}",
            "train the model that was rolled out, or write the text anew: --templates all, or hermes",
        )


def _check(turn: Turn, number: int, trajectory: Trajectory) -> None:
    begins = number == 1 or turn.prompt_tokens_are_rewritten
    if turn.completion.token_ids and (turn.prompt_token_ids or not begins):
        return
    raise JourneymanError(
        f"turn {number} of a trajectory of {trajectory.model} has no token ids",
        "roll out with a model that returns tokens: gguf:PATH, smollm2, or a server that counts them",
    )

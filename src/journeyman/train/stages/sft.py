"""Supervised fine-tuning: on rollouts verified by execution, on conversations, on exercises in calling.

Without templates, rollouts are trained on as they were drawn, token by token. With templates, every
conversation is written anew in some of them, so that one trajectory teaches many formats; what the
assistant writes is trained on, with the text that ends it, and nothing else.

    settings = SftSettings(model=Path("models/smollm2"), exercises=200, templates=("all",))
    with RunFolder.create(...) as run:
        sft(settings, run)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from pydantic import Field

from journeyman.config import Config
from journeyman.errors import JourneymanError
from journeyman.runs import RunFolder
from journeyman.train.documents import Encoded, sequences_of
from journeyman.train.documents.conversation import Conversation, read_conversations
from journeyman.train.documents.conversations import (
    TextEncoder,
    can_render,
    messages_of,
    render_conversation,
)
from journeyman.train.documents.exercises import exercise_conversations
from journeyman.train.documents.masks import weigh_prompt
from journeyman.train.documents.mixture import draw_templates, read_mixture
from journeyman.train.documents.split import share_of
from journeyman.train.documents.trajectories import check_tokenizer
from journeyman.train.model.lora_settings import LoraSettings
from journeyman.train.packing import LongDocuments
from journeyman.train.prompts import prompt_digest, write_prompts
from journeyman.train.stages.rollouts import choose
from journeyman.train.trainer.settings import TrainerSettings

__all__ = ["Gathered", "SftSettings", "gather", "sft"]


class SftSettings(Config):
    """What is trained on which conversations."""

    model: Path
    """Folder of the model to begin with; without templates, one with the rollouts' tokenizer."""
    rollouts: tuple[Path, ...] = ()
    """Folders of runs."""
    most_rollouts: int = Field(default=0, ge=0)
    """How many of the rollouts that pass are taken, drawn by the seed; 0 takes all."""
    conversations: tuple[Path, ...] = ()
    """JSONL files of conversations."""
    exercises: int = Field(default=0, ge=0)
    """Conversations of exercises in calling tools: the standard library's, agents' and made-up ones."""
    exercise_turns: int = Field(default=5, ge=1)
    """Calls in each of them."""
    templates: tuple[str, ...] = ()
    """Templates to write conversations in: `NAME`, `NAME=WEIGHT`, or `all`."""
    renderings: int = Field(default=1, ge=1)
    """In how many templates each conversation is written."""
    row_length: int = Field(default=4096, ge=2)
    """Tokens of a row: the context."""
    long_documents: LongDocuments = "drop"
    """What becomes of trajectories longer than a row."""
    prompt_weight: float = Field(default=0.0, ge=0)
    """What a token of a prompt counts in the loss, beside 1 of what the assistant writes. Above 0, short
    answers to long prompts teach a small or new model more (arXiv 2405.14394); nothing of it is in the
    held-out loss."""
    held_out_share: float = Field(default=0.0, ge=0, lt=1)
    """Share of conversations that are never trained on and give the held-out loss."""
    lora: LoraSettings = LoraSettings()
    trainer: TrainerSettings = TrainerSettings(learning_rate=1e-5)


@dataclass(slots=True)
class Gathered:
    """What is trained on, and what was left out."""

    train: list[Encoded] = field(default_factory=list)
    held_out: list[Encoded] = field(default_factory=list)
    kept: Counter[str] = field(default_factory=Counter)
    """Sequences by source."""
    dropped: Counter[str] = field(default_factory=Counter)
    """Rollouts and renderings that were left out, by reason."""
    prompts: set[str] = field(default_factory=set)
    """Digests of the prompts of all conversations."""

    def add(self, key: str, sequences: Iterable[Encoded], settings: SftSettings) -> None:
        """Add the sequences of one conversation, all to one side."""
        is_held_out = share_of(key) < settings.held_out_share
        for sequence in sequences:
            if is_held_out:
                self.held_out.append(sequence)
            else:
                self.train.append(weigh_prompt(sequence, settings.prompt_weight))
            self.kept[sequence.source] += 1

    def describe(self) -> str:
        """Say in one line what there is."""
        kept = ", ".join(f"{count} {name}" for name, count in sorted(self.kept.items()))
        dropped = ", ".join(f"{count} {name}" for name, count in sorted(self.dropped.items()))
        return f"sequences: {kept or 'none'}; left out: {dropped or 'none'}"


def gather(settings: SftSettings, tokenizer: TextEncoder) -> Gathered:
    """Read and write everything that is trained on; `JourneymanError` for bad sources."""
    found = Gathered()
    mixture = read_mixture(settings.templates)
    chosen = choose(settings.rollouts)
    found.dropped.update(chosen.dropped)
    if settings.most_rollouts:
        Random(settings.trainer.seed).shuffle(chosen.trajectories)  # noqa: S311
        del chosen.trajectories[settings.most_rollouts :]
    if not mixture:
        for key, trajectory in chosen.trajectories:
            check_tokenizer(trajectory, tokenizer.decode)
            found.prompts.add(prompt_digest(messages_of(trajectory)))
            found.add(key, sequences_of(trajectory), settings)
    rollouts = (
        Conversation(messages=messages_of(it), tools=it.tools, source="rollout", id=key)
        for key, it in (chosen.trajectories if mixture else ())
    )
    for conversation in (*rollouts, *_others(settings)):
        if not mixture:
            raise JourneymanError(
                "conversations without tokens need a template", "add --templates all, or hermes"
            )
        found.prompts.add(prompt_digest(conversation.messages))
        _write(conversation, mixture, settings, tokenizer, found)
    return found


def _others(settings: SftSettings) -> Iterator[Conversation]:
    for path in settings.conversations:
        for number, conversation in enumerate(read_conversations(path)):
            key = conversation.id or f"{path.name}:{number}"
            yield conversation.model_copy(update={"id": key})
    yield from exercise_conversations(
        settings.exercises, num_turns=settings.exercise_turns, seed=settings.trainer.seed
    )


def _write(
    conversation: Conversation,
    mixture: dict[str, float],
    settings: SftSettings,
    tokenizer: TextEncoder,
    found: Gathered,
) -> None:
    messages, tools = conversation.messages, conversation.tools
    key = f"{settings.trainer.seed} {conversation.id}"
    for template in draw_templates(mixture, settings.renderings, key):
        if not can_render(messages, tools, template):
            found.dropped[f"that {template.name} cannot write"] += 1
            continue
        written = render_conversation(
            messages, tools, template, tokenizer, source=conversation.source
        )
        found.add(conversation.id, written, settings)


def sft(
    settings: SftSettings,
    run: RunFolder | None,
    *,
    on_step: Callable[[Any], None] | None = None,
    on_progress: Callable[[str], None] | None = None,
) -> Path | None:
    """Train, and return the folder of the trained model, `model/` in the run."""
    from journeyman.train.stages.result import Training, train_model
    from journeyman.train.tokenizer import load_tokenizer

    tokenizer = load_tokenizer(settings.model)
    gathered = gather(settings, tokenizer)
    if not gathered.train:
        raise JourneymanError(
            f"nothing to train on: {gathered.describe()}",
            "add --rollouts RUN of a run with solved tasks, --conversations FILE or --exercises N",
        )
    if on_progress is not None:
        on_progress(gathered.describe())
    if run is not None:
        write_prompts(run.path, gathered.prompts)
    training = Training(
        model=settings.model,
        documents=gathered.train,
        held_out=gathered.held_out,
        trainer=settings.trainer,
        lora=settings.lora,
        capacity=settings.row_length,
        long=settings.long_documents,
    )
    return train_model(training, tokenizer, run, on_step=on_step, on_progress=on_progress)

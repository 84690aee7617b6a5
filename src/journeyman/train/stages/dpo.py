"""Direct preference optimisation: what was preferred gets likelier than what was not.

settings = DpoSettings(model=Path("models/tuned"), preferences=(Path("p.jsonl"),), templates=("hermes",))
with RunFolder.create(...) as run:
    dpo(settings, run)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import Field

from journeyman.config import Config
from journeyman.errors import JourneymanError
from journeyman.runs import RunFolder
from journeyman.train.documents import Encoded
from journeyman.train.documents.conversations import TextEncoder
from journeyman.train.documents.mixture import draw_templates, read_mixture
from journeyman.train.documents.preference import read_preferences
from journeyman.train.documents.split import share_of
from journeyman.train.model.lora_settings import LoraSettings
from journeyman.train.trainer.settings import TrainerSettings

__all__ = ["DpoSettings", "GatheredPairs", "dpo", "gather_pairs"]


class DpoSettings(Config):
    """What is learned from which preferences."""

    model: Path
    """Folder of the model to begin with, which is the reference too."""
    preferences: tuple[Path, ...] = ()
    """JSONL files of preferences."""
    templates: tuple[str, ...] = ()
    """Templates to write them in: `NAME`, `NAME=WEIGHT`, or `all`; each pair in one."""
    beta: float = Field(default=0.1, gt=0)
    """How strongly the model is held to its reference: DPO's beta, a nat of gain counts so much."""
    chosen_weight: float = Field(default=0.0, ge=0)
    """Weight of the chosen answer's cross-entropy a token, beside the loss."""
    row_length: int = Field(default=4096, ge=2)
    """Tokens of a row; a pair that does not fit into one is left out."""
    held_out_share: float = Field(default=0.0, ge=0, lt=1)
    """Share of the pairs that are never trained on, and measured at every checkpoint."""
    lora: LoraSettings = LoraSettings()
    trainer: TrainerSettings = TrainerSettings(learning_rate=1e-6)


@dataclass(slots=True)
class GatheredPairs:
    """What is learned from: chosen and rejected sequences in turns."""

    train: list[Encoded] = field(default_factory=list)
    held_out: list[Encoded] = field(default_factory=list)
    num_pairs: int = 0
    """On both sides; pairs are numbered from 0."""
    dropped: Counter[str] = field(default_factory=Counter)
    """Pairs that were left out, by reason."""

    def describe(self) -> str:
        """Say in one line what there is."""
        dropped = ", ".join(f"{count} {name}" for name, count in sorted(self.dropped.items()))
        num_train, num_held_out = len(self.train) // 2, len(self.held_out) // 2
        return f"pairs: {num_train}, held out {num_held_out}; left out: {dropped or 'none'}"


def gather_pairs(settings: DpoSettings, tokenizer: TextEncoder) -> GatheredPairs:
    """Read and write all pairs; `JourneymanError` for bad files or templates."""
    from journeyman.train.preferences.encode import MOST_PAIRS, encode_preference

    mixture = read_mixture(settings.templates)
    if not mixture:
        raise JourneymanError("preferences need a template", "add --templates all, or hermes")
    found = GatheredPairs()
    for path in settings.preferences:
        for place, preference in enumerate(read_preferences(path)):
            key = preference.id or f"{path.name}:{place}"
            template = draw_templates(mixture, 1, f"{settings.trainer.seed} {key}")[0]
            sides = encode_preference(preference, template, tokenizer, number=found.num_pairs)
            if sides is None:
                found.dropped[f"that {template.name} cannot write"] += 1
            elif sum(map(len, sides)) > settings.row_length:
                found.dropped["longer than a row"] += 1
            else:
                is_held_out = share_of(key) < settings.held_out_share
                (found.held_out if is_held_out else found.train).extend(sides)
                found.num_pairs += 1
    assert found.num_pairs < MOST_PAIRS, "pairs are numbered in float32"
    return found


def dpo(
    settings: DpoSettings,
    run: RunFolder | None,
    *,
    on_step: Callable[[Any], None] | None = None,
    on_progress: Callable[[str], None] | None = None,
) -> Path | None:
    """Train, and return the folder of the trained model, `model/` in the run."""
    from journeyman.train.preferences.learning import PreferenceLearning
    from journeyman.train.stages.result import Training, train_model
    from journeyman.train.tokenizer import load_tokenizer
    from journeyman.train.trainer.rows import RowSource

    tokenizer = load_tokenizer(settings.model)
    gathered = gather_pairs(settings, tokenizer)
    if not gathered.train:
        raise JourneymanError(
            f"nothing to learn from: {gathered.describe()}",
            "add --preferences FILE; journeyman data preferences writes one",
        )
    if on_progress is not None:
        on_progress(gathered.describe())
    held_out = gathered.held_out and RowSource(
        gathered.held_out,
        capacity=settings.row_length,
        pad_id=tokenizer.pad_id,
        seed=0,
        group_size=2,
    )
    learning = PreferenceLearning(
        settings.trainer,
        num_pairs=gathered.num_pairs,
        beta=settings.beta,
        chosen_weight=settings.chosen_weight,
        held_out=held_out or None,
    )
    training = Training(
        model=settings.model,
        documents=gathered.train,
        trainer=settings.trainer,
        lora=settings.lora,
        capacity=settings.row_length,
        objective=learning.objective,
        measure=learning.measure,
        before=learning.begin,
        group_size=2,
    )
    return train_model(training, tokenizer, run, on_step=on_step, on_progress=on_progress)

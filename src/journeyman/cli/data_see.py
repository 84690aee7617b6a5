"""`journeyman data stats` and `data show`: what a stage would train on, counted or shown."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from journeyman.cli.output import note, print_json, print_lines, print_table
from journeyman.cli.settings import resolve_settings
from journeyman.cli.train import GivenDpo, GivenMidtrain, GivenSft
from journeyman.train.documents import Encoded
from journeyman.train.extra import require_extra
from journeyman.train.stages.dpo import DpoSettings
from journeyman.train.stages.midtrain import MidtrainSettings
from journeyman.train.stages.sft import SftSettings

__all__ = ["show", "stats"]


@Parameter(name="*")
@dataclass(frozen=True)
class StatsOptions:
    """The flags of every `data stats`."""

    config: tuple[Path, ...] = ()
    """A TOML file of settings; flags win over it. Again for more, the later wins."""
    is_json: Annotated[bool, Parameter(name="--json")] = False
    """Print the counts as JSON."""


@Parameter(name="*")
@dataclass(frozen=True)
class ShowOptions:
    """The flags of every `data show`."""

    config: tuple[Path, ...] = ()
    """A TOML file of settings; flags win over it. Again for more, the later wins."""
    num: int = 3
    """How many sequences; a pair is two."""
    source: str = ""
    """Only those of this source, as `data stats` names it."""
    has_borders: Annotated[bool, Parameter(name="--tokens")] = False
    """Part the tokens from one another."""


stats = App(name="stats", help="Count what a stage would train on, by source.")
show = App(name="show", help="Show documents as the model sees them: trained on, or context.")


@stats.command(name="midtrain")
def stats_midtrain(
    model: Path,
    /,
    *,
    given: Annotated[GivenMidtrain, Parameter(name="*")] = GivenMidtrain(),  # noqa: B008 - frozen
    options: StatsOptions = StatsOptions(),
) -> int:
    """Count the documents of `train midtrain` with the same flags.

    Parameters
    ----------
    model
        Folder of the model, for its tokenizer.
    given
        What would be trained on.
    options
        How it is told.
    """
    settings = resolve_settings(MidtrainSettings, options.config, given, model=model.absolute())
    return _count(_midtrain_documents(settings), settings.row_length, is_json=options.is_json)


@stats.command(name="sft")
def stats_sft(
    model: Path,
    /,
    *,
    given: Annotated[GivenSft, Parameter(name="*")] = GivenSft(),  # noqa: B008 - frozen
    options: StatsOptions = StatsOptions(),
) -> int:
    """Count the sequences of `train sft` with the same flags.

    Parameters
    ----------
    model
        Folder of the model, for its tokenizer.
    given
        What would be trained on.
    options
        How it is told.
    """
    settings = resolve_settings(SftSettings, options.config, given, model=model.absolute())
    return _count(_sft_documents(settings), settings.row_length, is_json=options.is_json)


@stats.command(name="dpo")
def stats_dpo(
    model: Path,
    /,
    *,
    given: Annotated[GivenDpo, Parameter(name="*")] = GivenDpo(),  # noqa: B008 - frozen
    options: StatsOptions = StatsOptions(),
) -> int:
    """Count the answers of `train dpo` with the same flags, chosen and rejected.

    Parameters
    ----------
    model
        Folder of the model, for its tokenizer.
    given
        What would be learned from.
    options
        How it is told.
    """
    settings = resolve_settings(DpoSettings, options.config, given, model=model.absolute())
    return _count(_dpo_documents(settings), settings.row_length, is_json=options.is_json)


@show.command(name="midtrain")
def show_midtrain(
    model: Path,
    /,
    *,
    given: Annotated[GivenMidtrain, Parameter(name="*")] = GivenMidtrain(),  # noqa: B008 - frozen
    options: ShowOptions = ShowOptions(),
) -> int:
    """Show documents of `train midtrain` with the same flags; trained tokens stand out.

    Parameters
    ----------
    model
        Folder of the model, for its tokenizer.
    given
        What would be trained on.
    options
        How it is told.
    """
    settings = resolve_settings(MidtrainSettings, options.config, given, model=model.absolute())
    return _show(_midtrain_documents(settings), model, options)


@show.command(name="sft")
def show_sft(
    model: Path,
    /,
    *,
    given: Annotated[GivenSft, Parameter(name="*")] = GivenSft(),  # noqa: B008 - frozen
    options: ShowOptions = ShowOptions(),
) -> int:
    """Show sequences of `train sft` with the same flags; trained tokens stand out.

    Parameters
    ----------
    model
        Folder of the model, for its tokenizer.
    given
        What would be trained on.
    options
        How it is told.
    """
    settings = resolve_settings(SftSettings, options.config, given, model=model.absolute())
    return _show(_sft_documents(settings), model, options)


@show.command(name="dpo")
def show_dpo(
    model: Path,
    /,
    *,
    given: Annotated[GivenDpo, Parameter(name="*")] = GivenDpo(),  # noqa: B008 - frozen
    options: ShowOptions = ShowOptions(num=4),
) -> int:
    """Show pairs of `train dpo` with the same flags, chosen before rejected; answers stand out.

    Parameters
    ----------
    model
        Folder of the model, for its tokenizer.
    given
        What would be learned from.
    options
        How it is told.
    """
    settings = resolve_settings(DpoSettings, options.config, given, model=model.absolute())
    return _show(_dpo_documents(settings), model, options)


def _midtrain_documents(settings: MidtrainSettings) -> Sequence[Encoded]:
    require_extra()
    from journeyman.train.stages.encoded_corpus import find_documents
    from journeyman.train.tokenizer import load_tokenizer

    found = find_documents(settings, load_tokenizer(settings.model))
    note(found.describe())
    return found.train


def _sft_documents(settings: SftSettings) -> Sequence[Encoded]:
    require_extra()
    from journeyman.train.stages.sft import gather
    from journeyman.train.tokenizer import load_tokenizer

    found = gather(settings, load_tokenizer(settings.model))
    note(found.describe())
    return found.train


def _dpo_documents(settings: DpoSettings) -> Sequence[Encoded]:
    require_extra()
    from journeyman.train.stages.dpo import gather_pairs
    from journeyman.train.tokenizer import load_tokenizer

    found = gather_pairs(settings, load_tokenizer(settings.model))
    note(found.describe())
    sides = ("chosen", "rejected")
    return [
        replace(it, source=f"{it.source}, {sides[place % 2]}")
        for place, it in enumerate(found.train)
    ]


def _count(documents: Sequence[Encoded], row_length: int, *, is_json: bool) -> int:
    from journeyman.train.documents.counts import count_documents

    counts = count_documents(documents, row_length)
    if is_json:
        print_json([asdict(it) for it in counts])
        return 0
    rows = [
        (
            it.source,
            f"{it.num_documents:,}",
            f"{it.num_tokens:,}",
            f"{it.num_trained / max(1, it.num_tokens):.1%}",
            f"{it.median_tokens:,}",
            f"{it.longest:,}",
            f"{it.num_long:,}",
        )
        for it in counts
    ]
    columns = ("source", "documents", "tokens", "trained", "median", "longest", "longer than a row")
    print_table(columns, rows)
    return 0


def _show(documents: Sequence[Encoded], model: Path, options: ShowOptions) -> int:
    from journeyman.train.documents.colours import paint
    from journeyman.train.tokenizer import load_tokenizer

    tokenizer = load_tokenizer(model)
    chosen = [it for it in documents if options.source in ("", it.source)]
    is_coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    for number, document in enumerate(chosen[: options.num], start=1):
        trained = sum(document.is_trained)
        print_lines([f"--- {number}: {document.source}, {len(document)} tokens, {trained} trained"])
        text = paint(
            document, tokenizer.decode, is_coloured=is_coloured, has_borders=options.has_borders
        )
        print_lines([text])
    return 0
